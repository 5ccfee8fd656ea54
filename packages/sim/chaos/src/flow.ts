// One direction of a proxied connection.
import type { Socket } from 'node:net';
import type { LinkFault } from './proxy.ts';

/** Bytes that wait before the sender is made to wait. */
const QUEUED_BYTES_MAX = 256 * 1024;
/** A slow link passes its share this often, ms. */
const SHARE_MS = 20;

interface Piece {
  readonly bytes: Buffer;
  /** Not before then, of `performance.now()`. */
  readonly dueMs: number;
}

/** Passes bytes on in their order, as its fault allows; the end of the sender comes behind them. */
export class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #pieces: Piece[] = [];
  #fault: LinkFault | undefined;
  #queuedBytes = 0;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  /** `first`: what was heard already. */
  constructor(from: Socket, to: Socket, fault: LinkFault | undefined, first: Buffer) {
    this.#from = from;
    this.#to = to;
    this.#fault = fault;
    this.#take(first);
    from.on('data', (bytes: Buffer) => this.#take(bytes));
    from.on('end', () => {
      this.#ended = true;
      this.#pass();
    });
    to.on('drain', () => this.#pass());
    from.resume();
  }

  /** From now on; what waits already keeps its time. */
  become(fault: LinkFault | undefined): void {
    this.#fault = fault;
    this.#pass();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#pieces.length = 0;
  }

  #take(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const delayMs = this.#fault?.kind === 'delay' ? this.#fault.ms : 0;
    this.#pieces.push({ bytes, dueMs: performance.now() + delayMs });
    this.#queuedBytes += bytes.length;
    if (this.#queuedBytes > QUEUED_BYTES_MAX) this.#from.pause();
    this.#pass();
  }

  #pass(): void {
    if (this.#timer !== undefined) return;
    while (this.#fault?.kind !== 'blackhole') {
      const piece = this.#pieces[0];
      if (piece === undefined) {
        if (this.#ended) this.#to.end();
        return;
      }
      const waitMs = piece.dueMs - performance.now();
      if (waitMs > 0) return this.#later(waitMs);
      if (this.#fault?.kind === 'slow') {
        this.#write(Math.max(1, Math.floor((this.#fault.bytesPerSec * SHARE_MS) / 1000)));
        return this.#later(SHARE_MS);
      }
      this.#write(piece.bytes.length);
      if (this.#to.writableNeedDrain) return;
    }
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pass();
    }, ms);
  }

  /** At most so many bytes of the first piece. */
  #write(bytesMax: number): void {
    const piece = this.#pieces.shift();
    if (piece === undefined) return;
    const now = piece.bytes.subarray(0, bytesMax);
    const rest = piece.bytes.subarray(bytesMax);
    if (rest.length > 0) this.#pieces.unshift({ ...piece, bytes: rest });
    this.#to.write(now);
    this.#queuedBytes -= now.length;
    if (this.#queuedBytes <= QUEUED_BYTES_MAX) this.#from.resume();
  }
}
