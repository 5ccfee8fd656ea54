// The file of a recording.
import {
  closeSync,
  createWriteStream,
  fstatSync,
  openSync,
  readSync,
  type WriteStream,
} from 'node:fs';
import type { TraceEvent } from '@fatty/interface';
import { readTrace, traceLine } from '@fatty/msc';

/** What one recording may take on disk, over all lives of the process. */
export const TRACE_BYTES_MAX: number = 512 << 20;
/** What waits for a slow disk; what comes then is counted, and left out. */
const WAITING_BYTES_MAX = 16 << 20;
/** The last line is in here: an event has few ops. */
const TAIL_BYTES = 256 << 10;

/** What may be said of a recording. */
export interface TraceFileOptions {
  /** Told once why nothing more is recorded. */
  readonly onEnd?: (why: string) => void;
  readonly bytesMax?: number;
}

/**
 * A file of trace lines that never breaks its process: it ends where it is full or cannot be written,
 * and leaves lines out while the disk does not keep up.
 */
export class TraceFile {
  /** What an earlier life wrote last. */
  readonly last: TraceEvent | undefined;
  readonly #onEnd: (why: string) => void;
  #stream: WriteStream | undefined;
  #leftBytes: number;
  #missing = 0;
  #ended: Promise<void> = Promise.resolve();

  constructor(path: string, options: TraceFileOptions = {}) {
    const { onEnd = () => undefined, bytesMax = TRACE_BYTES_MAX } = options;
    this.#onEnd = onEnd;
    const tail = tailOf(path);
    this.last = tail.last;
    this.#leftBytes = bytesMax - tail.sizeBytes;
    this.#stream = createWriteStream(path, { flags: 'a' });
    this.#stream.on('error', (error) => this.#failed(error));
    if (tail.isTorn) this.#stream.write('\n');
  }

  write(event: TraceEvent): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    if (stream.writableLength > WAITING_BYTES_MAX) {
      this.#missing++;
      return;
    }
    if (this.#missing > 0) {
      const label = `${this.#missing} events are missing: the disk was too slow`;
      this.#missing = 0;
      this.#line(stream, { atMs: event.atMs, who: event.who, kind: 'note', label });
    }
    this.#line(stream, event);
    if (this.#leftBytes > 0) return;
    this.#finish(stream);
    this.#onEnd('it is full');
  }

  /** Resolves when what is written has left the process, or never will. */
  close(): Promise<void> {
    if (this.#stream !== undefined) this.#finish(this.#stream);
    return this.#ended;
  }

  #finish(stream: WriteStream): void {
    this.#stream = undefined;
    this.#ended = new Promise((resolve) => stream.end(() => resolve()));
  }

  #line(stream: WriteStream, event: TraceEvent): void {
    const line = traceLine(event);
    this.#leftBytes -= Buffer.byteLength(line);
    stream.write(line);
  }

  #failed(error: Error): void {
    if (this.#stream === undefined) return;
    this.#stream = undefined;
    this.#onEnd(error.message);
  }
}

interface Tail {
  readonly last: TraceEvent | undefined;
  /** The last line has no end: it was being written. */
  readonly isTorn: boolean;
  readonly sizeBytes: number;
}

/** How an earlier recording ends, if there is one that can be read. */
function tailOf(path: string): Tail {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const { size } = fstatSync(file);
    const bytes = new Uint8Array(Math.min(size, TAIL_BYTES));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    const { events } = readTrace(new TextDecoder().decode(bytes));
    const isTorn = bytes.length > 0 && bytes.at(-1) !== 0x0a;
    return { last: events.at(-1), isTorn, sizeBytes: size };
  } catch {
    return { last: undefined, isTorn: false, sizeBytes: 0 };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
