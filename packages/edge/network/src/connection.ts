// A wire on its way to be a link.
import { failure } from '@fatty/codec';
import type { Failure, LinkHandler, PublicKey } from '@fatty/interface';
import { CLOSE, closeCodeOf, fitReason, slowDownReason } from './closing.ts';
import type { Handshake } from './handshake.ts';
import type { LinkEnvironment, LinkLimits } from './limits.ts';
import { CLOSE_GRACE_MS, WireLink } from './link.ts';
import type { Wire, WireEvents } from './wire.ts';

/** What a connection tells the end that opened it; exactly one of the last two, once. */
export interface ConnectionOwner {
  /** The peer has named an admitted key, and not proved it. */
  claimed?(key: PublicKey): void;
  /** The peer is proved. The owner may close other links first, then tells its handler. */
  established(link: WireLink): void;
  /** The wire ended before that. */
  failed(ending: Ending): void;
}

/** How a connection ended before it was a link. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
  /** Who ended it: this end refused, the other one said `code`, or the socket failed. */
  readonly by: 'own' | 'peer' | 'socket';
  /** Why this end refused, or what became of the socket, as far as that is known. */
  readonly failure: Failure | undefined;
}

/** What both ends of a connection need. */
export interface ConnectionContext {
  readonly limits: LinkLimits;
  readonly environment: LinkEnvironment;
  readonly handler: LinkHandler;
  /** Asked of peers that `admit` answers `ignore`, ms. */
  readonly retryAfterMs: number;
}

/** A wire from its opening through the handshake into a link; the same for both ends. */
export class Connection implements WireEvents {
  readonly #handshake: Handshake;
  readonly #context: ConnectionContext;
  readonly #owner: ConnectionOwner;
  readonly #deadline: ReturnType<typeof setTimeout>;
  #wire: Wire | undefined;
  #link: WireLink | undefined;
  #grace: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  constructor(handshake: Handshake, context: ConnectionContext, owner: ConnectionOwner) {
    this.#handshake = handshake;
    this.#context = context;
    this.#owner = owner;
    const { handshakeMsMax } = context.limits;
    this.#deadline = setTimeout(
      () => this.#refuse(failure('handshake_timeout', `${handshakeMsMax} ms`, 'no end of it')),
      handshakeMsMax,
    );
  }

  /**
   * Hands over the wire. A socket may report events before it can be handed over, so this is a step
   * of its own.
   */
  attach(wire: Wire): void {
    this.#wire = wire;
  }

  open(): void {
    const first = this.#handshake.start();
    if (first !== undefined && !this.#over) this.#wire?.send(first, () => undefined);
  }

  message(data: Uint8Array | string): void {
    if (this.#link !== undefined) this.#link.receive(data);
    else if (!this.#over) this.#step(data);
  }

  closed(code: number, reason: string, error?: Failure): void {
    clearTimeout(this.#grace);
    if (this.#link !== undefined) {
      this.#link.closed(code, reason === '' ? (error?.actual ?? '') : reason);
      return;
    }
    const by = error === undefined && code !== CLOSE.abnormal ? 'peer' : 'socket';
    this.#fail({ code, reason, by, failure: error });
  }

  /** Ends a handshake that is still under way; a link has its own `close`. */
  abandon(code: number, reason: string): void {
    if (this.#link !== undefined || this.#over) return;
    this.#wire?.close(code, reason);
    this.#wire?.terminate();
    this.#fail({ code, reason, by: 'own', failure: undefined });
  }

  #step(data: Uint8Array | string): void {
    if (typeof data === 'string') {
      this.#refuse(failure('malformed', 'a handshake message', 'text'));
      return;
    }
    const step = this.#handshake.step(data);
    if (!step.ok) {
      this.#refuse(step.failure);
      return;
    }
    const { reply, peer, claimed } = step.value;
    const wire = this.#wire;
    if (wire === undefined) return;
    if (claimed !== undefined) this.#owner.claimed?.(claimed);
    if (this.#over) return;
    if (reply !== undefined) wire.send(reply, () => undefined);
    if (peer === undefined) return;
    clearTimeout(this.#deadline);
    const { limits, handler, environment } = this.#context;
    this.#link = new WireLink(wire, peer, limits, handler, environment);
    this.#owner.established(this.#link);
  }

  #refuse(why: Failure): void {
    if (this.#over) return;
    const code = closeCodeOf(why);
    const reason =
      code === CLOSE.slowDown ? slowDownReason(this.#context.retryAfterMs) : fitReason(why.code);
    const wire = this.#wire;
    wire?.close(code, reason);
    this.#grace = setTimeout(() => wire?.terminate(), CLOSE_GRACE_MS);
    this.#fail({ code, reason, by: 'own', failure: why });
  }

  #fail(ending: Ending): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#deadline);
    this.#owner.failed(ending);
  }
}
