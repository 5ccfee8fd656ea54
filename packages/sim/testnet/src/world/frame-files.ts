// A simulated folder of frames.
import type { FrameBytes } from '@fatty/host';
import type { SeededRng } from './rng.ts';

interface Write {
  readonly index: number;
  readonly frame: FrameBytes;
  readonly done: () => void;
}

/** A frame that is on disk for good. */
export type KeptFrame = Pick<Write, 'index' | 'frame'>;

/** Frames of one replica: the newest two, each there whole or not at all, whenever its process dies. */
export class FrameFiles {
  readonly #rng: SeededRng;
  readonly #after: (run: () => void) => void;
  #durable: readonly KeptFrame[] = [];
  #queue: Write[] = [];
  #life = 0;

  constructor(rng: SeededRng, after: (run: () => void) => void) {
    this.#rng = rng;
    this.#after = after;
  }

  /** What a process that starts now finds, the newest first. */
  get found(): readonly FrameBytes[] {
    return this.#durable.map(({ frame }) => frame).reverse();
  }

  /** What is durable, the oldest first. */
  get kept(): readonly KeptFrame[] {
    return this.#durable;
  }

  /** The folder is as it was then. */
  putBack(kept: readonly KeptFrame[]): void {
    this.#durable = kept;
  }

  write(index: number, frame: FrameBytes, done: () => void): void {
    this.#queue.push({ index, frame, done });
    if (this.#queue.length === 1) this.#next();
  }

  /** A part of the payload of a frame that is there. */
  readPart(index: number, from: number, bytes: number): Uint8Array | undefined {
    const found = this.#durable.find((one) => one.index === index);
    const part = found?.frame.payload.slice(from, from + bytes);
    return part?.length === bytes ? part : undefined;
  }

  /** The process dies: the write under way has come to its rename, or has not. */
  crash(): void {
    const [first] = this.#queue;
    if (first && this.#rng.chance(500)) this.#keep(first);
    this.#queue = [];
    this.#life += 1;
  }

  #next(): void {
    const life = this.#life;
    this.#after(() => {
      const [first] = this.#queue;
      if (life !== this.#life || first === undefined) return;
      this.#keep(first);
      this.#queue.shift();
      first.done();
      if (this.#queue.length > 0) this.#next();
    });
  }

  #keep({ index, frame }: Write): void {
    this.#durable = [...this.#durable, { index, frame }].slice(-2);
  }
}
