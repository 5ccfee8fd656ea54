// A file that is read once, and again when it has changed.

import { duration } from './arguments.ts';
import { type Checks, optionsOf } from './checks.ts';
import type { Client } from './client.ts';
import type { FileValue } from './options.ts';
import type { Watch } from './watch.ts';

/** Options of `cached`. */
export interface CachedOptions {
  /** A value is served only when the cell has said within so many ms that it has not changed. Default 5,000. */
  readonly maxAgeMs?: number | undefined;
}

const CACHED: Checks<CachedOptions> = { maxAgeMs: duration };

/** Default of `maxAgeMs`; a watch hears from the cell once a second. */
const AGE_MS = 5_000;

/**
 * A file kept by its reader. `get` answers from memory while a watch says that nothing has changed, and reads
 * else: what it serves was true at most `maxAgeMs` ago, whatever the replicas and the network do.
 */
export class Cached implements AsyncDisposable {
  readonly #read: () => Promise<FileValue>;
  readonly #watch: Watch;
  readonly #maxAgeMs: number;
  #value: FileValue | undefined;
  /** Counts what has made a value old. */
  #changes = 0;

  constructor(watch: Watch, read: () => Promise<FileValue>, { maxAgeMs = AGE_MS }: CachedOptions) {
    this.#watch = watch;
    this.#read = read;
    this.#maxAgeMs = maxAgeMs;
    void this.#follow();
  }

  async #follow(): Promise<void> {
    try {
      for await (const _ of this.#watch) this.#forget();
    } catch {
      // A watch that has ended vouches for nothing: every get reads.
    }
    this.#forget();
  }

  #forget(): void {
    this.#changes += 1;
    this.#value = undefined;
  }

  get #isVouchedFor(): boolean {
    return !this.#watch.ended && this.#watch.ageMs <= this.#maxAgeMs;
  }

  /** The file. Errors are those of `get` of the client; none is kept. */
  async get(): Promise<FileValue> {
    if (this.#value !== undefined && this.#isVouchedFor) return this.#value;
    const changes = this.#changes;
    const isCovered = this.#watch.position !== undefined;
    const value = await this.#read();
    if (isCovered && changes === this.#changes) this.#value = value;
    return value;
  }

  /** Ends the watch. */
  close(): Promise<void> {
    return this.#watch[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A file of this client, kept. @throws FattyError `bad_path`, `bad_argument` */
export function keep(
  client: Pick<Client, 'get' | 'watch'>,
  path: string,
  options: CachedOptions,
): Cached {
  const terms = optionsOf(CACHED, options);
  return new Cached(client.watch(path), () => client.get(path), terms);
}
