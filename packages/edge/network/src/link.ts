// An established link: frames, priorities, silence, closing.
import {
  BULK,
  type Link,
  type LinkHandler,
  PROTOCOL,
  type Priority,
  type PublicKey,
  type Role,
} from '@fatty/interface';
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
  readonly messageBytesMax: number;
  readonly #wire: Wire;
  readonly #limits: LinkLimits;
  readonly #handler: LinkHandler;
  readonly #environment: LinkEnvironment;
  readonly #queue: SendQueue;
  readonly #flushed = (): void => this.#drain();
  readonly #ticker: ReturnType<typeof setInterval>;
  #grace: ReturnType<typeof setTimeout> | undefined;
  #open = true;
  #heardAtMs: number;
  #pings = 0;
  /** The ping without an answer yet, and how much bulk had been sent before it. */
  #asked: { readonly atMs: number; readonly bulkBytes: number } | undefined;
  /** The last ping of the peer that has no answer yet. */
  #owed: string | undefined;
  #bulkSentBytes = 0;
  #bulkArrivedBytes = 0;
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
    this.messageBytesMax = Math.min(limits.messageBytesMax, peer.messageBytesMax);
    this.#queue = new SendQueue(limits);
    this.#heardAtMs = environment.monotonicMs();
    this.#ticker = setInterval(() => this.#tick(), limits.pingMs);
  }

  send(message: Uint8Array, priority: Priority): boolean {
    const fits = message.length <= this.messageBytesMax;
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
   * Order is final once a message is in the socket, and a kernel may buffer megabytes. So only the
   * window enters the socket, and of bulk only what a ping shows to have arrived plus the bulk
   * window; the rest waits here, where a keep-alive still overtakes it.
   */
  #drain(): void {
    while (this.#open && this.#wire.buffered() < this.#limits.windowBytes) {
      if (this.#owed !== undefined) {
        this.#wire.send(`pong ${this.#owed}`, this.#flushed);
        this.#owed = undefined;
      }
      const message = this.#queue.take(PROTOCOL) ?? this.#takeBulk();
      if (message === undefined) return;
      this.#sent.messages++;
      this.#sent.bytes += message.length;
      this.#wire.send(message, this.#flushed);
      if (this.#bulkSentBytes > this.#bulkArrivedBytes) this.#ping();
    }
  }

  #takeBulk(): Uint8Array | undefined {
    const underway = this.#bulkSentBytes - this.#bulkArrivedBytes;
    if (underway >= this.#limits.bulkWindowBytes) return undefined;
    const message = this.#queue.take(BULK);
    this.#bulkSentBytes += message?.length ?? 0;
    return message;
  }

  /** One at a time: with a lost peer pings would only pile up. */
  #ping(): void {
    if (this.#asked !== undefined) return;
    this.#asked = { atMs: this.#environment.monotonicMs(), bulkBytes: this.#bulkSentBytes };
    this.#pings++;
    this.#wire.send(`ping ${this.#pings}`, this.#flushed);
  }

  #pong(number: number): void {
    if (this.#asked === undefined || number !== this.#pings) return;
    this.#latencyMs = this.#environment.monotonicMs() - this.#asked.atMs;
    this.#bulkArrivedBytes = this.#asked.bulkBytes;
    this.#asked = undefined;
    if (this.#bulkSentBytes > this.#bulkArrivedBytes) this.#ping();
    this.#drain();
  }

  #control(text: string): void {
    const [, verb, number] = CONTROL.exec(text) ?? [];
    if (verb === 'ping') {
      // While the socket is full, only the last ping is remembered, and answered later. So a flood
      // of pings costs us one number.
      this.#owed = number;
      this.#drain();
    } else if (verb === 'pong') {
      this.#pong(Number(number));
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
    this.#ping();
  }

  #end(code: number, reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#ticker);
    this.#handler.down(this, code, reason);
  }
}
