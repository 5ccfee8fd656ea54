import type { Failure, LinkHandler } from '@fatty/interface';
import { Backoff, type BackoffLimits, DEFAULT_BACKOFF } from './backoff.ts';
import { CLOSE, retryAfterMs, retryable } from './closing.ts';
import { Connection, type ConnectionContext, type ConnectionOwner } from './connection.ts';
import { dialler, type LinkIdentity } from './handshake.ts';
import { DEFAULT_LIMITS, type LinkEnvironment, type LinkLimits, webEnvironment } from './limits.ts';
import type { NetworkLink, WireLink } from './link.ts';
import type { Connect } from './wire.ts';

/** Where a dialled link stands. */
export type DialState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'up'; readonly link: NetworkLink }
  | {
      readonly kind: 'waiting';
      readonly delayMs: number;
      readonly code: number;
      readonly reason: string;
    }
  | { readonly kind: 'stopped'; readonly code: number; readonly reason: string };

export interface DialOptions {
  /** `ws://host:port` or `wss://…`. */
  readonly url: string;
  /** `identity.admit` decides which acceptor keys will do (see `admitOnly`). */
  readonly identity: LinkIdentity;
  readonly handler: LinkHandler;
  readonly limits?: Partial<LinkLimits>;
  readonly backoff?: Partial<BackoffLimits>;
  readonly environment?: LinkEnvironment;
  /**
   * Whether a close code that is not `retryable` ends the dialling. Default: true for clients;
   * false for replicas, who wait out `capMs` and try again: before the handshake is over anybody on
   * the port could have said it.
   */
  readonly stopWhenFatal?: boolean;
  /** Told of every change, for logs and metrics. `failure` says why this end refused the other. */
  readonly onState?: (state: DialState, failure: Failure | undefined) => void;
}

/** Keeps one link to one address up. */
export interface Dialer {
  readonly url: string;
  readonly state: DialState;
  /** Ends the link (1000 by default) and the dialling. */
  close(code?: number, reason?: string): void;
}

class Redialer implements Dialer, ConnectionOwner {
  readonly url: string;
  readonly #connect: Connect;
  readonly #options: DialOptions;
  readonly #context: ConnectionContext;
  readonly #backoff: Backoff;
  readonly #backoffLimits: BackoffLimits;
  #state: DialState = { kind: 'connecting' };
  #connection: Connection | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #upAtMs = 0;
  #closed = false;

  constructor(connect: Connect, options: DialOptions) {
    this.url = options.url;
    this.#connect = connect;
    this.#options = options;
    const environment = options.environment ?? webEnvironment;
    this.#backoffLimits = { ...DEFAULT_BACKOFF, ...options.backoff };
    this.#backoff = new Backoff(this.#backoffLimits, environment.random);
    const { handler } = options;
    this.#context = {
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      environment,
      retryAfterMs: 0,
      handler: {
        up: (link) => handler.up(link),
        message: (link, message) => handler.message(link, message),
        down: (link, code, reason) => {
          handler.down(link, code, reason);
          this.#backoff.ended(environment.monotonicMs() - this.#upAtMs);
          this.#again(code, reason, undefined);
        },
      },
    };
  }

  get state(): DialState {
    return this.#state;
  }

  dial(): void {
    if (this.#closed) return;
    this.#become({ kind: 'connecting' }, undefined);
    const { environment } = this.#context;
    const handshake = dialler(this.#options.identity, environment.random);
    const connection = new Connection(handshake, this.#context, this);
    this.#connection = connection;
    try {
      connection.attach(this.#connect(this.url, connection));
    } catch {
      // A constructor refuses an address it cannot parse: no later try will help.
      this.#closed = true;
      connection.abandon(CLOSE.abnormal, 'bad_url');
      this.#become({ kind: 'stopped', code: CLOSE.abnormal, reason: 'bad_url' }, undefined);
    }
  }

  established(link: WireLink): void {
    this.#upAtMs = this.#context.environment.monotonicMs();
    this.#become({ kind: 'up', link }, undefined);
    this.#options.handler.up(link);
  }

  failed(code: number, reason: string, failure: Failure | undefined): void {
    this.#again(code, reason, failure);
  }

  close(code: number = CLOSE.normal, reason: string = 'closed'): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#state.kind === 'up') this.#state.link.close(code, reason);
    else this.#connection?.abandon(code, reason);
    this.#become({ kind: 'stopped', code, reason }, undefined);
  }

  #again(code: number, reason: string, failure: Failure | undefined): void {
    if (this.#closed) return;
    const { identity, stopWhenFatal = identity.role === 'client' } = this.#options;
    const again = retryable(code);
    if (!again && stopWhenFatal) {
      this.#closed = true;
      this.#become({ kind: 'stopped', code, reason }, failure);
      return;
    }
    const floorMs = again ? retryAfterMs(reason) : this.#backoffLimits.capMs;
    const delayMs = this.#backoff.nextMs(floorMs);
    this.#timer = setTimeout(() => this.dial(), delayMs);
    this.#become({ kind: 'waiting', delayMs, code, reason }, failure);
  }

  #become(state: DialState, failure: Failure | undefined): void {
    this.#state = state;
    this.#options.onState?.(state, failure);
  }
}

/** Dials through any kind of socket, and again whenever the link is lost. */
export function dialThrough(connect: Connect, options: DialOptions): Dialer {
  const dialer = new Redialer(connect, options);
  dialer.dial();
  return dialer;
}
