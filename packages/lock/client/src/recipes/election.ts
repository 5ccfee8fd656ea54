// Leader election: at most one leader who may believe to be it, and who says so to everybody.
import { comparePositions, equalPositions } from '@fatty/api';
import type { Position, PublicKey } from '@fatty/interface';
import type { Client } from '../sdk/client.ts';
import type { FattyError } from '../sdk/error.ts';
import type { Lock } from '../sdk/lock.ts';
import type { AcquireOptions } from '../sdk/options.ts';
import {
  ensureNode,
  follow,
  isAboutHolders,
  signalOf,
  unless,
  type WaitOptions,
} from './shared.ts';

/** Who leads, as the cell has it. */
export interface Leader {
  readonly key: PublicKey;
  /** Of the grant: a later leader's is larger. */
  readonly generation: Position;
  /** What this leader has proclaimed; undefined: nothing yet. */
  readonly content: Uint8Array | undefined;
}

/** A campaign that was won. `await using` resigns at the end of the block. */
export class Leadership implements AsyncDisposable {
  /** The lock of the election: `token` and `certificate()` are what resources check. */
  readonly lock: Lock;
  readonly #client: Client;

  /** @internal {@link Election.campaign} makes them. */
  constructor(client: Client, lock: Lock) {
    this.#client = client;
    this.lock = lock;
  }

  /** Aborted when this client no longer leads, or can no longer prove it; no later than its lease ends. */
  get signal(): AbortSignal {
    return this.lock.signal;
  }

  /** Whether this client leads for certain, at this moment. */
  get leads(): boolean {
    return this.lock.held;
  }

  /** The reason why it does not any more. */
  get lost(): Promise<FattyError> {
    return this.lock.lost;
  }

  /** Tells everybody something else. @throws FattyError `lock_lost` when this client no longer leads… */
  async proclaim(content: Uint8Array | string, options: WaitOptions = {}): Promise<void> {
    await this.#client.put(this.lock.path, content, { lock: this.lock, ...signalOf(options) });
  }

  /** Gives up: the next candidate leads at once. Harmless when it is lost already. */
  resign(): Promise<void> {
    return this.lock.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.resign();
  }
}

/** An election at a path, which is a guarded file: who has its lock leads, and writes into it who it is. */
export class Election {
  readonly #client: Client;
  readonly path: string;

  constructor(client: Client, path: string) {
    this.#client = client;
    this.path = path;
  }

  /**
   * Waits its turn, and proclaims `content`. Rejects as soon as the session of a candidate has ended.
   * @throws FattyError `session_expired`, `aborted`, `max_wait`, `already_held` (this client is a candidate)…
   */
  async campaign(
    content: Uint8Array | string = '',
    options: Omit<AcquireOptions, 'mode'> = {},
  ): Promise<Leadership> {
    const client = this.#client;
    await ensureNode(client, this.path, { mode: 'guarded', ...signalOf(options) });
    const lock = await client.acquire(this.path, options);
    const leadership = new Leadership(client, lock);
    try {
      await leadership.proclaim(content, options);
    } catch (error) {
      await lock.release().catch(() => undefined);
      throw error;
    }
    return leadership;
  }

  /** Who leads now: what f + 1 replicas say. Undefined: nobody does. */
  async leader(options: WaitOptions = {}): Promise<Leader | undefined> {
    for (;;) {
      const found = await unless(['not_found'], () => this.#look(options));
      if (found !== 'between') return found;
    }
  }

  async #look(options: WaitOptions): Promise<Leader | 'between' | undefined> {
    const terms = signalOf(options);
    const { holders } = await this.#client.lockState(this.path, terms);
    const [holder] = holders;
    if (holder === undefined) return undefined;
    const { client: key, position: generation } = holder;
    const { stat, content } = await this.#client.get(this.path, terms);
    const { contentGen, lockGen } = stat;
    // Somebody else leads since: what stands there is of another.
    if (lockGen === undefined || !equalPositions(lockGen, generation)) return 'between';
    const isOwn = contentGen !== undefined && comparePositions(contentGen, generation) > 0;
    return { key, generation, content: isOwn ? content : undefined };
  }

  /** Every leader, beginning with the present one, and each proclamation; undefined while nobody leads. */
  observe(options: WaitOptions = {}): AsyncGenerator<Leader | undefined, void, undefined> {
    const look = (): Promise<Leader | undefined> => this.leader(options);
    return follow(this.#client, this.path, look, { ...options, matters: isAboutHolders });
  }
}
