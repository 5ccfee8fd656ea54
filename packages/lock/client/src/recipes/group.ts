// Who is there: a directory of ephemeral files.
import { baseName } from '@fatty/api';
import type { Position, PublicKey } from '@fatty/interface';
import type { Client } from '../sdk/client.ts';
import { clientError } from '../sdk/error.ts';
import type { Created } from '../sdk/files.ts';
import type { TxnOp } from '../sdk/txn.ts';
import {
  ensureNode,
  follow,
  isAboutHolders,
  signalOf,
  unless,
  type WaitOptions,
} from './shared.ts';

/** Somebody who is there. */
export interface Member {
  readonly name: string;
  readonly key: PublicKey;
  readonly content: Uint8Array;
  /** Where in the order it came. */
  readonly since: Position | undefined;
}

/** Options of `join`. */
export interface JoinOptions extends WaitOptions {
  /** What others read of this member. */
  readonly content?: Uint8Array | string | undefined;
  /** Default: `member-` and a number that never comes again. A name that is taken is `exists`. */
  readonly name?: string | undefined;
}

/** This client's place in a group. It ends with the session, too. `await using` leaves at the end of the block. */
export class Membership implements AsyncDisposable {
  readonly path: string;
  readonly name: string;
  readonly #client: Client;
  readonly #instance: Position;
  readonly #controller = new AbortController();
  readonly #unhear: () => void;

  /** @internal {@link Group.join} makes them. */
  constructor(client: Client, { path, instance }: Created) {
    this.path = path;
    this.name = baseName(path);
    this.#instance = instance;
    this.#client = client;
    this.#unhear = client.on('expired', () => this.#controller.abort());
  }

  /** Aborted when the session has ended, and the place with it, or this client has left: join again. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Tells the others something else. @throws FattyError `session_expired`: the place is gone */
  async update(content: Uint8Array | string, options: WaitOptions = {}): Promise<void> {
    if (await this.#change({ put: this.path, content }, options)) return;
    const { path } = this;
    throw clientError('session_expired', 'a place in the group', 'none', { path });
  }

  /** Harmless when the place is gone already. */
  async leave(options: WaitOptions = {}): Promise<void> {
    this.#unhear();
    if (this.signal.aborted) return;
    this.#controller.abort();
    await unless(['session_expired'], () => this.#change({ remove: this.path }, options));
  }

  /** Of this very place: whoever has the name now keeps what is there. False: it is gone. */
  async #change(op: TxnOp, options: WaitOptions): Promise<boolean> {
    const own = { path: this.path, generation: this.#instance, of: 'instance' } as const;
    const change = { compares: [own], success: [op] };
    return (await this.#client.txn(change, signalOf(options))).succeeded;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }
}

/** A group, in the directory at its path. */
export class Group {
  readonly #client: Client;
  readonly path: string;

  constructor(client: Client, path: string) {
    this.#client = client;
    this.path = path;
  }

  /** @throws FattyError `exists`: somebody has that name */
  async join({ content = '', name, signal }: JoinOptions = {}): Promise<Membership> {
    const client = this.#client;
    const terms = { content, ephemeral: true, ...signalOf({ signal }) };
    await ensureNode(client, this.path, { node: 'directory', ...signalOf({ signal }) });
    const made =
      name === undefined
        ? await client.create(`${this.path}/member-`, { ...terms, sequential: true })
        : await client.create(`${this.path}/${name}`, terms);
    return new Membership(client, made);
  }

  /** Who is there, in order of their names. Pages and files may be of different commits. */
  async members(options: WaitOptions = {}): Promise<readonly Member[]> {
    const terms = signalOf(options);
    const entries = await unless(['not_found'], () => this.#client.ls(this.path, terms));
    const found = await Promise.all(
      (entries ?? []).map(async ({ name }): Promise<Member | undefined> => {
        const file = await unless(['not_found', 'not_a_file'], () =>
          this.#client.get(`${this.path}/${name}`, terms),
        );
        if (file === undefined) return undefined;
        const { owner: key, instance: since } = file.stat;
        return { name, key, content: file.content, since };
      }),
    );
    return found.filter((one) => one !== undefined);
  }

  /** The members now, and again whenever somebody comes, goes or says something else. */
  observe(options: WaitOptions = {}): AsyncGenerator<readonly Member[], void, undefined> {
    const look = (): Promise<readonly Member[]> => this.members(options);
    return follow(this.#client, this.path, look, { ...options, matters: isAboutHolders });
  }
}
