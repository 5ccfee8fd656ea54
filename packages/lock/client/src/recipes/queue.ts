// A queue of work: every item is somebody's, or comes back.
import { type Entry, LIST_MAX } from '@fatty/api';
import type { Client } from '../sdk/client.ts';
import type { FattyError } from '../sdk/error.ts';
import { clientError } from '../sdk/error.ts';
import type { Lock } from '../sdk/lock.ts';
import type { WatchEvent } from '../sdk/watch.ts';
import { ensureNode, signalOf, unless, until, type WaitOptions } from './shared.ts';

/** An item that this client works on. `await using` gives it back at the end of the block, unless it is done. */
export class Item implements AsyncDisposable {
  readonly path: string;
  readonly content: Uint8Array;
  /** Of the item: its `token` is larger at each delivery, and `certificate()` proves it. */
  readonly lock: Lock;
  readonly #client: Client;

  /** @internal {@link Queue.take} makes them. */
  constructor(client: Client, lock: Lock, content: Uint8Array) {
    this.#client = client;
    this.lock = lock;
    this.path = lock.path;
    this.content = content;
  }

  /** The fencing token of this delivery. */
  get token(): string {
    return this.lock.token;
  }

  /** Aborted when somebody else may get the item: stop working on it. */
  get signal(): AbortSignal {
    return this.lock.signal;
  }

  /** Why. */
  get lost(): Promise<FattyError> {
    return this.lock.lost;
  }

  /**
   * The work is done: the item is gone, if this delivery is still the last one.
   * @throws FattyError `lock_lost`: it is not, and somebody else does the work again
   */
  async done(options: WaitOptions = {}): Promise<void> {
    const { path, lock } = this;
    if (!lock.held) throw lock.signal.reason;
    const { succeeded } = await this.#client.txn(
      {
        compares: [{ path, held: lock.generation }],
        success: [{ remove: path }],
      },
      signalOf(options),
    );
    if (!succeeded) throw clientError('lock_lost', 'the last delivery', 'an older one', { path });
  }

  /** Gives it back: it is the next one again. Harmless when it is lost or done. */
  giveBack(): Promise<void> {
    return this.lock.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.giveBack();
  }
}

/** A queue in a directory, which holds an item a file. */
export class Queue {
  readonly #client: Client;
  readonly path: string;

  constructor(client: Client, path: string) {
    this.#client = client;
    this.path = path;
  }

  /** Puts an item at the end; answers its path. An error whose `outcome` is `unknown` may have put it. */
  async put(content: Uint8Array | string, options: WaitOptions = {}): Promise<string> {
    const terms = signalOf(options);
    await ensureNode(this.#client, this.path, { node: 'directory', ...terms });
    const made = { content, mode: 'guarded', sequential: true, ...terms } as const;
    return (await this.#client.create(`${this.path}/item-`, made)).path;
  }

  /** The first item that nobody works on, now. Undefined: there is none. */
  async tryTake(options: WaitOptions = {}): Promise<Item | undefined> {
    for await (const { name } of this.#entries(options)) {
      const item = await this.#takeAt(`${this.path}/${name}`, options);
      if (item !== undefined) return item;
    }
    return undefined;
  }

  /** Waits for an item that nobody works on. @throws FattyError `aborted`, `closed`, `session_expired`… */
  take(options: WaitOptions = {}): Promise<Item> {
    const look = (): Promise<Item | undefined> => this.tryTake(options);
    return until(this.#client, this.path, look, { ...options, matters: mayFree });
  }

  /** How many items there are, those in work too. */
  async size(options: WaitOptions = {}): Promise<number> {
    const terms = signalOf(options);
    const stat = await unless(['not_found'], () => this.#client.stat(this.path, terms));
    return stat?.children ?? 0;
  }

  async *#entries(options: WaitOptions): AsyncGenerator<Entry, void, undefined> {
    let after: string | undefined;
    for (;;) {
      const query = { kind: 'list', path: this.path, after, limit: LIST_MAX } as const;
      const page = await unless(['not_found'], () =>
        this.#client.read(query, 'list', signalOf(options)),
      );
      yield* page?.value.entries ?? [];
      after = page?.value.entries.at(-1)?.name;
      if (page?.value.more !== true || after === undefined) return;
    }
  }

  async #takeAt(path: string, options: WaitOptions): Promise<Item | undefined> {
    const terms = signalOf(options);
    const lock = await unless(TAKEN, () => this.#client.tryAcquire(path, terms));
    if (lock === undefined) return undefined;
    try {
      const { content } = await this.#client.get(path, terms);
      return new Item(this.#client, lock, content);
    } catch (error) {
      await lock.release().catch(() => undefined);
      if (isGone(error)) return undefined;
      throw error;
    }
  }
}

/** Somebody has it, had it a moment ago, or has done it. */
const TAKEN = ['lock_held', 'lock_delay', 'already_held', 'not_found'] as const;

function isGone(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === 'not_found';
}

/** Whether there may be more to take than before. */
function mayFree({ kind }: WatchEvent): boolean {
  return kind !== 'lockConflict' && kind !== 'lockAcquired' && kind !== 'removed';
}
