// A lock for many readers or one writer.
import type { Client } from '../sdk/client.ts';
import type { Lock } from '../sdk/lock.ts';
import type { AcquireOptions } from '../sdk/options.ts';
import { ensureNode, signalOf } from './shared.ts';

type Options = Omit<AcquireOptions, 'mode'>;

/** Shared and exclusive locks of one node. Readers that come behind a waiting writer wait behind it. */
export class ReadWriteLock {
  readonly #client: Client;
  readonly path: string;

  constructor(client: Client, path: string) {
    this.#client = client;
    this.path = path;
  }

  /** Beside other readers. @throws FattyError as `acquire` */
  read(options: Options = {}): Promise<Lock> {
    return this.#acquire('shared', options);
  }

  /** Alone. @throws FattyError as `acquire` */
  write(options: Options = {}): Promise<Lock> {
    return this.#acquire('exclusive', options);
  }

  async #acquire(mode: 'exclusive' | 'shared', options: Options): Promise<Lock> {
    await ensureNode(this.#client, this.path, signalOf(options));
    return this.#client.acquire(this.path, { ...options, mode });
  }
}
