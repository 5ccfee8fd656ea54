// A semaphore: at most n at a time.
import type { Client } from '../sdk/client.ts';
import { clientError, FattyError, isFattyError } from '../sdk/error.ts';
import { type Lock, underLock } from '../sdk/lock.ts';
import { ensureNode, signalOf, unless, type WaitOptions } from './shared.ts';

/** Most permits: whoever is next in line asks for all of them at once. */
const PERMITS_MAX = 64;

/**
 * n permits at a path. Each is a lock of its own (`PATH/slots/I`), so what a lock promises is true of a permit; who
 * waits, waits in line for `PATH/turn`, and the first of the line for all slots. A client has one Semaphore a path.
 */
export class Semaphore {
  readonly #client: Client;
  readonly path: string;
  readonly permits: number;
  readonly #own = new Set<Lock>();
  #isReady = false;
  #line: Promise<unknown> = Promise.resolve();

  /** @throws FattyError `bad_argument` */
  constructor(client: Client, path: string, permits: number) {
    if (!Number.isInteger(permits) || permits < 1 || permits > PERMITS_MAX) {
      const expected = `permits: a whole number, 1..${PERMITS_MAX}`;
      throw clientError('bad_argument', expected, String(permits));
    }
    this.#client = client;
    this.path = path;
    this.permits = permits;
  }

  get #slots(): readonly string[] {
    return Array.from({ length: this.permits }, (_, slot) => `${this.path}/slots/${slot}`);
  }

  /**
   * Waits its turn for a permit: a {@link Lock}, to be released.
   * @throws FattyError `bad_argument` (somebody has made it with another number of permits), `aborted`, `session_expired`…
   */
  async acquire(options: WaitOptions = {}): Promise<Lock> {
    await this.#ready(options);
    const mine = this.#line.then(() => this.#inTurn(options));
    this.#line = mine.catch(() => undefined);
    return mine;
  }

  async #inTurn(options: WaitOptions): Promise<Lock> {
    const turn = await this.#client.acquire(`${this.path}/turn`, signalOf(options));
    try {
      return this.#kept(await this.#first(options));
    } finally {
      await turn.release().catch(() => undefined);
    }
  }

  /** A permit now. @throws FattyError `lock_held`: there is none, or somebody waits for one */
  async tryAcquire(options: WaitOptions = {}): Promise<Lock> {
    await this.#ready(options);
    for (const slot of this.#slots) {
      const taken = ['lock_held', 'lock_delay', 'already_held'];
      const lock = await unless(taken, () => this.#client.tryAcquire(slot, signalOf(options)));
      if (lock !== undefined) return this.#kept(lock);
    }
    const failure = {
      code: 'lock_held',
      expected: 'a free permit',
      actual: `${this.permits} taken`,
    };
    throw new FattyError(failure, { outcome: 'not_applied', retryable: true, path: this.path });
  }

  #kept(lock: Lock): Lock {
    this.#own.add(lock);
    lock.signal.addEventListener('abort', () => this.#own.delete(lock));
    return lock;
  }

  /** The first slot that is free; what else is granted meanwhile is given back. */
  async #first({ signal }: WaitOptions): Promise<Lock> {
    const stop = new AbortController();
    const abort = (): void => stop.abort(signal?.reason);
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort);
    const own = new Set(Array.from(this.#own, ({ path }) => path));
    const asked = this.#slots
      .filter((slot) => !own.has(slot))
      .map((slot) => this.#client.acquire(slot, { signal: stop.signal }));
    // A slot of our own is asked for again when it is free; the others are asked for as long.
    const freed = Array.from(this.#own, (lock) => this.#again(lock, stop.signal));
    let first: Lock | undefined;
    try {
      first = await Promise.any([...asked, ...freed]);
      return first;
    } catch (error) {
      throw reasonOf(error);
    } finally {
      signal?.removeEventListener('abort', abort);
      stop.abort();
      const rest = await Promise.allSettled([...asked, ...freed]);
      const more = rest.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      await Promise.all(more.filter((one) => one !== first).map((one) => one.release()));
    }
  }

  async #again(held: Lock, signal: AbortSignal): Promise<Lock> {
    await new Promise<void>((resolve) => {
      const { signal: lost } = held;
      if (lost.aborted) resolve();
      lost.addEventListener('abort', () => resolve());
      signal.addEventListener('abort', () => resolve());
    });
    return this.#client.acquire(held.path, { signal });
  }

  /** Runs `work` with a permit; its signal is aborted when the permit is lost. */
  async withPermit<T>(work: (permit: Lock) => Promise<T>, options: WaitOptions = {}): Promise<T> {
    return underLock(await this.acquire(options), work);
  }

  /** Makes its nodes, and holds everybody to one number of permits. */
  async #ready(options: WaitOptions): Promise<void> {
    if (this.#isReady) return;
    const terms = signalOf(options);
    const said = `${this.path}/permits`;
    const content = String(this.permits);
    await ensureNode(this.#client, said, { mode: 'guarded', content, ...terms });
    const found = (await this.#client.get(said, terms)).text();
    if (found !== content) {
      throw clientError('bad_argument', `${found} permits, as others have`, content);
    }
    for (const path of [`${this.path}/turn`, ...this.#slots]) {
      await ensureNode(this.#client, path, terms);
    }
    this.#isReady = true;
  }
}

/** Of all that was asked for in vain: the first that is not about a slot that this client holds anyhow. */
function reasonOf(error: unknown): unknown {
  if (!(error instanceof AggregateError)) return error;
  const [first] = error.errors;
  return error.errors.find((one) => !isFattyError(one, 'already_held')) ?? first;
}
