// Keeps a link up: dials, and dials again.
import { failure as failureOf } from '@fatty/codec';
import type { Failure, LinkHandler } from '@fatty/interface';
import { Backoff, type BackoffLimits, DEFAULT_BACKOFF } from './backoff.ts';
import { CLOSE, isFinal, passes, retryAfterMs } from './closing.ts';
import {
  Connection,
  type ConnectionContext,
  type ConnectionOwner,
  type Ending,
} from './connection.ts';
import { dialler, type LinkIdentity } from './handshake.ts';
import { DEFAULT_LIMITS, type LinkEnvironment, type LinkLimits, webEnvironment } from './limits.ts';
import type { NetworkLink, WireLink } from './link.ts';
import { isPlainBeyond } from './plain.ts';
import { wasHungUp } from './socket-failure.ts';
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
      /** The other end closed with a final code (`FINAL_CLOSE_CODES`). */
      readonly refused: boolean;
    }
  | { readonly kind: 'stopped'; readonly code: number; readonly reason: string };

/** Why there is no link, in the words of whoever knows most; for people. */
export function whyNotLinked(
  state: Extract<DialState, { readonly kind: 'waiting' | 'stopped' }>,
  failure: Failure | undefined,
): string {
  if (failure !== undefined) return `${failure.code}: ${failure.actual}`;
  const { code, reason } = state;
  const said = reason === '' ? `closed with ${code}` : reason;
  return state.kind === 'waiting' && state.refused ? `refuses us (${code}): ${said}` : said;
}

/** What every dialler needs. */
export interface DialOptions {
  /** `ws://host:port` or `wss://…`. */
  readonly url: string;
  /** Asked before each try, for an address that may have changed; instead of {@link url}. */
  readonly urlOfTry?: () => string;
  /** Dial plain `ws` beyond loopback, where whoever is on the path reads and writes. Default: false. */
  readonly insecure?: boolean;
  /** `identity.admit` decides which acceptor keys will do (see `admitOnly`). */
  readonly identity: LinkIdentity;
  readonly handler: LinkHandler;
  readonly limits?: Partial<LinkLimits>;
  readonly backoff?: Partial<BackoffLimits>;
  readonly environment?: LinkEnvironment;
  /**
   * Told of every change, for logs and metrics. `failure` says why this end refused the other, or
   * what became of the socket (`socketFailure`), as far as the platform tells.
   */
  readonly onState?: (state: DialState, failure: Failure | undefined) => void;
}

/** Keeps one link to one address up. */
export interface Dialer {
  /** Of the last try. */
  readonly url: string;
  readonly state: DialState;
  /** Ends the link (1000 by default) and the dialling. */
  close(code?: number, reason?: string): void;
}

class Redialer implements Dialer, ConnectionOwner {
  #url: string;
  readonly #connect: Connect;
  readonly #options: DialOptions;
  readonly #context: ConnectionContext;
  readonly #backoff: Backoff;
  readonly #backoffLimits: BackoffLimits;
  #state: DialState = { kind: 'connecting' };
  #connection: Connection | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #upAtMs = 0;
  /**
   * Somebody is there and does not speak plain HTTP: the address may be older than the port's
   * certificate.
   */
  #trySecure = false;
  #closed = false;

  constructor(connect: Connect, options: DialOptions) {
    this.#url = urlOf(options);
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
          this.#again({ code, reason, by: 'peer', failure: undefined });
        },
      },
    };
  }

  get state(): DialState {
    return this.#state;
  }

  get url(): string {
    return this.#url;
  }

  dial(): void {
    if (this.#closed) return;
    this.#url = this.#trySecure ? secureUrl(urlOf(this.#options)) : urlOf(this.#options);
    if (isPlainBeyond(this.#url) && this.#options.insecure !== true) {
      this.#again({
        code: CLOSE.normal,
        reason: 'plain_refused',
        by: 'own',
        failure: plainRefused(this.#url),
      });
      return;
    }
    this.#become({ kind: 'connecting' }, undefined);
    const { environment } = this.#context;
    const handshake = dialler(this.#options.identity, environment.random);
    const connection = new Connection(handshake, this.#context, this);
    this.#connection = connection;
    try {
      connection.attach(this.#connect(this.#url, connection));
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

  failed(ending: Ending): void {
    this.#again(ending);
  }

  close(code: number = CLOSE.normal, reason: string = 'closed'): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#state.kind === 'up') this.#state.link.close(code, reason);
    else this.#connection?.abandon(code, reason);
    this.#become({ kind: 'stopped', code, reason }, undefined);
  }

  /** Whatever ended it, it is dialled again; what will not pass by itself, after the longest wait. */
  #again({ code, reason, by, failure }: Ending): void {
    if (this.#closed) return;
    this.#trySecure =
      by === 'socket' && failure !== undefined && wasHungUp(failure) && !this.#trySecure;
    const floorMs = passes(code) ? retryAfterMs(reason) : this.#backoffLimits.capMs;
    const delayMs = this.#backoff.nextMs(floorMs);
    const refused = by === 'peer' && isFinal(code);
    this.#timer = setTimeout(() => this.dial(), delayMs);
    this.#become({ kind: 'waiting', delayMs, code, reason, refused }, failure);
  }

  #become(state: DialState, failure: Failure | undefined): void {
    this.#state = state;
    this.#options.onState?.(state, failure);
  }
}

const urlOf = ({ url, urlOfTry }: DialOptions): string => urlOfTry?.() ?? url;

const secureUrl = (url: string): string => url.replace(/^ws:/, 'wss:');

function plainRefused(url: string): Failure {
  const expected = 'wss, or leave to go without (insecure)';
  const advice = 'not encrypted; give the replica a certificate, or allow it with insecure';
  return failureOf('plain_refused', expected, `${url} is ${advice}`);
}

/** Dials through any kind of socket, and again whenever the link is lost. */
export function dialThrough(connect: Connect, options: DialOptions): Dialer {
  const dialer = new Redialer(connect, options);
  dialer.dial();
  return dialer;
}
