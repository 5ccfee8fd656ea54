import type { Link, LinkHandler, Priority, PublicKey, Role } from '@fatty/interface';
import { CLOSE, fitReason } from './closing.ts';
import type { Peer } from './handshake.ts';
import type { LinkEnvironment, LinkLimits } from './limits.ts';
import { SendQueue } from './queue.ts';
import type { Wire } from './wire.ts';

/** Figures of one link; counts since it came up. */
export interface LinkStats {
  /** Round trip of the last answered ping, ms; undefined before the first. */
  readonly latencyMs: number | undefined;
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  /** Bytes given to the socket that it has not passed on. */
  readonly bufferedBytes: number;
  readonly sentMessages: number;
  readonly sentBytes: number;
  readonly receivedMessages: number;
  readonly receivedBytes: number;
  /** Messages that `send` refused. */
  readonly refusedMessages: number;
}

/** A {@link Link} with figures. */
export interface NetworkLink extends Link {
  /** Link protocol version in force. */
  readonly version: number;
  stats(): LinkStats;
}

/** A peer that does not answer our close gets this long, ms. */
export const CLOSE_GRACE_MS = 1000;
/** A control message is `ping <n>` or `pong <n>`. */
const CONTROL = /^(ping|pong) (\d{1,15})$/;

/**
 * One established link over a wire. `down` is told exactly once, and at once: it may run inside
 * `close`. After it nothing is delivered, whatever the socket still says.
 */
export class WireLink implements NetworkLink {
  readonly peer: PublicKey;
  readonly role: Role;
  readonly version: number;
  readonly #wire: Wire;
  readonly #limits: LinkLimits;
  readonly #handler: LinkHandler;
  readonly #environment: LinkEnvironment;
  readonly #messageBytesMax: number;
  readonly #queue: SendQueue;
  readonly #flushed = (): void => this.#drain();
  readonly #ticker: ReturnType<typeof setInterval>;
  #grace: ReturnType<typeof setTimeout> | undefined;
  #open = true;
  #heardAtMs: number;
  #pings = 0;
  #pingAtMs = 0;
  #latencyMs: number | undefined;
  #sent = { messages: 0, bytes: 0 };
  #received = { messages: 0, bytes: 0 };
  #refused = 0;

  constructor(
    wire: Wire,
    peer: Peer,
    limits: LinkLimits,
    handler: LinkHandler,
    environment: LinkEnvironment,
  ) {
    this.peer = peer.key;
    this.role = peer.role;
    this.version = peer.version;
    this.#wire = wire;
    this.#limits = limits;
    this.#handler = handler;
    this.#environment = environment;
    this.#messageBytesMax = Math.min(limits.messageBytesMax, peer.messageBytesMax);
    this.#queue = new SendQueue(limits);
    this.#heardAtMs = environment.monotonicMs();
    this.#ticker = setInterval(() => this.#tick(), limits.pingMs);
  }

  send(message: Uint8Array, priority: Priority): boolean {
    const fits = message.length <= this.#messageBytesMax;
    if (!this.#open || !fits || !this.#queue.put(message, priority)) {
      this.#refused++;
      return false;
    }
    this.#drain();
    return true;
  }

  close(code: number, reason: string): void {
    if (!this.#open) return;
    this.#wire.close(code, fitReason(reason));
    this.#grace = setTimeout(() => this.#wire.terminate(), CLOSE_GRACE_MS);
    this.#end(code, reason);
  }

  stats(): LinkStats {
    return {
      latencyMs: this.#latencyMs,
      queuedMessages: this.#queue.messages,
      queuedBytes: this.#queue.bytes,
      bufferedBytes: this.#wire.buffered(),
      sentMessages: this.#sent.messages,
      sentBytes: this.#sent.bytes,
      receivedMessages: this.#received.messages,
      receivedBytes: this.#received.bytes,
      refusedMessages: this.#refused,
    };
  }

  /** The wire brought something. */
  receive(data: Uint8Array | string): void {
    if (!this.#open) return;
    this.#heardAtMs = this.#environment.monotonicMs();
    if (typeof data === 'string') {
      this.#control(data);
      return;
    }
    if (data.length > this.#limits.messageBytesMax) {
      this.close(CLOSE.tooBig, 'too_large');
      return;
    }
    this.#received.messages++;
    this.#received.bytes += data.length;
    this.#handler.message(this, data);
  }

  /** The wire is gone. */
  closed(code: number, reason: string): void {
    clearTimeout(this.#grace);
    this.#end(code, reason);
  }

  /**
   * Only as much as the window enters the socket, where order is final; the rest waits here, where a
   * keep-alive still overtakes it.
   */
  #drain(): void {
    while (this.#open && this.#wire.buffered() < this.#limits.windowBytes) {
      const message = this.#queue.take();
      if (message === undefined) return;
      this.#sent.messages++;
      this.#sent.bytes += message.length;
      this.#wire.send(message, this.#flushed);
    }
  }

  #control(text: string): void {
    const [, verb, number] = CONTROL.exec(text) ?? [];
    if (verb === 'ping') {
      // A peer that pings faster than it reads gets no answer rather than our memory.
      if (this.#wire.buffered() < this.#limits.windowBytes * 2) {
        this.#wire.send(`pong ${number}`, this.#flushed);
      }
    } else if (verb === 'pong') {
      if (Number(number) !== this.#pings) return;
      this.#latencyMs = this.#environment.monotonicMs() - this.#pingAtMs;
    } else {
      this.close(CLOSE.malformed, 'malformed');
    }
  }

  #tick(): void {
    const nowMs = this.#environment.monotonicMs();
    if (nowMs - this.#heardAtMs > this.#limits.silenceMsMax) {
      this.#wire.terminate();
      this.#end(CLOSE.abnormal, 'peer_silent');
      return;
    }
    if (this.#wire.buffered() >= this.#limits.windowBytes) return;
    this.#pings++;
    this.#pingAtMs = nowMs;
    this.#wire.send(`ping ${this.#pings}`, this.#flushed);
  }

  #end(code: number, reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#ticker);
    this.#handler.down(this, code, reason);
  }
}
