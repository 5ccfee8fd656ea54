// Barriers: waiting until somebody lets go, or until enough have come and all have gone.
import type { Client } from '../sdk/client.ts';
import { clientError } from '../sdk/error.ts';
import { ensureNode, signalOf, unless, until, type WaitOptions } from './shared.ts';

/** Whoever waits goes on when the node at the path is gone. */
export class Barrier {
  readonly #client: Client;
  readonly path: string;

  constructor(client: Client, path: string) {
    this.#client = client;
    this.path = path;
  }

  /** Closes it. `ephemeral`: it opens, too, when this client's session ends. */
  async raise(options: WaitOptions & { readonly ephemeral?: boolean } = {}): Promise<void> {
    const { ephemeral = false } = options;
    await ensureNode(this.#client, this.path, { ephemeral, ...signalOf(options) });
  }

  /** Lets everybody go on. Harmless when it is open. */
  async lift(options: WaitOptions = {}): Promise<void> {
    await unless(['not_found', 'unknown_dot'], () =>
      this.#client.remove(this.path, signalOf(options)),
    );
  }

  /** Resolves when it is open: at some moment after the call nothing stood at the path. */
  async wait(options: WaitOptions = {}): Promise<void> {
    const look = async (): Promise<true | undefined> => {
      const terms = signalOf(options);
      const found = await unless(['not_found'], () => this.#client.stat(this.path, terms));
      return found === undefined ? true : undefined;
    };
    await until(this.#client, this.path, look, options);
  }
}

/** Who has entered a double barrier. */
export interface Entered {
  /** Resolves when nobody who entered is there any more. */
  leave(options?: WaitOptions): Promise<void>;
}

/** Nobody begins before `count` have come; nobody is done before all have gone. One round a path. */
export class DoubleBarrier {
  readonly #client: Client;
  readonly path: string;
  readonly count: number;

  /** @throws FattyError `bad_argument` */
  constructor(client: Client, path: string, count: number) {
    if (!Number.isInteger(count) || count < 1 || count > COUNT_MAX) {
      throw clientError('bad_argument', `count: a whole number, 1..${COUNT_MAX}`, String(count));
    }
    this.#client = client;
    this.path = path;
    this.count = count;
  }

  get #members(): string {
    return `${this.path}/members`;
  }

  /** Resolves when at some moment so many had entered, and were there. Who dies before that does not count. */
  async enter(options: WaitOptions = {}): Promise<Entered> {
    const terms = signalOf(options);
    const client = this.#client;
    await ensureNode(client, this.#members, { node: 'directory', ...terms });
    const place = await client.create(`${this.#members}/m-`, {
      ephemeral: true,
      sequential: true,
      ...terms,
    });
    const open = `${this.path}/open`;
    const look = async (): Promise<true | undefined> => {
      const isOpen = await unless(['not_found'], () => client.stat(open, terms));
      if (isOpen !== undefined) return true;
      if ((await client.ls(this.#members, terms)).length < this.count) return undefined;
      await ensureNode(client, open, terms);
      return true;
    };
    await until(client, this.path, look, options);
    return { leave: (late = {}) => this.#leave(place.path, late) };
  }

  async #leave(place: string, options: WaitOptions): Promise<void> {
    const terms = signalOf(options);
    await unless(['not_found', 'unknown_dot'], () => this.#client.remove(place, terms));
    const look = async (): Promise<true | undefined> => {
      const left = await this.#client.ls(this.#members, terms);
      return left.length === 0 ? true : undefined;
    };
    await until(this.#client, this.#members, look, options);
  }
}

/** A page of a listing: so all that are counted were there at one commit. */
const COUNT_MAX = 1000;
