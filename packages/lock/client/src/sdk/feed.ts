/** A reader that falls behind loses the oldest entries, never the newest: it is state, not history. */
const BUFFER_MAX = 64;

/**
 * Fans values out to any number of async iterators; ends them all at once. By hand: browsers load it,
 * and a reader that is slow loses the oldest, never the newest.
 */
export class Feed<T> {
  readonly #readers = new Set<Reader<T>>();
  #ended = false;

  push(value: T): void {
    for (const reader of this.#readers) reader.push(value);
  }

  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  /** Begins with `first`; a `return()` or the end of a `for await` unsubscribes. */
  iterate(first: T, signal?: AbortSignal): AsyncIterableIterator<T> {
    const stop = (): void => reader.end();
    const reader = new Reader<T>(() => {
      this.#readers.delete(reader);
      // A signal outlives many readers.
      signal?.removeEventListener('abort', stop);
    });
    this.#readers.add(reader);
    signal?.addEventListener('abort', stop);
    reader.push(first);
    if (this.#ended || signal?.aborted) reader.end();
    return reader;
  }
}

class Reader<T> implements AsyncIterableIterator<T> {
  readonly #buffer: T[] = [];
  readonly #left: () => void;
  /** Calls of `next` without an answer, oldest first; none while the buffer holds something. */
  readonly #waiting: ((result: IteratorResult<T>) => void)[] = [];
  #ended = false;

  constructor(left: () => void) {
    this.#left = left;
  }

  push(value: T): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting({ done: false, value });
      return;
    }
    if (this.#buffer.length >= BUFFER_MAX) this.#buffer.shift();
    this.#buffer.push(value);
  }

  end(): void {
    this.#ended = true;
    this.#left();
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<T>> {
    const value = this.#buffer.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  return(): Promise<IteratorResult<T>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this;
  }
}
