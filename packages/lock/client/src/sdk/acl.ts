// Who may do what at a node, in words.
import type { AclList, Answer, Op, Query, Result } from '@fatty/api';
import type { CellParams } from '@fatty/protocol';
import type { AclCalls } from './acl-calls.ts';
import type { CallOptions } from './driver.ts';
import type { AclLists, AclSetOptions, AclValue, ReadOptions } from './options.ts';

/** What the ACLs of a client need of it. */
export interface AclClient {
  readonly params: CellParams;
  /** One batch; `path` is what an error is about. */
  submit(ops: readonly Op[], options: CallOptions, path: string): Promise<readonly Result[]>;
  readonly reads: {
    read<K extends Answer['kind']>(
      query: Query,
      kind: K,
      options: ReadOptions,
    ): Promise<{ readonly value: Extract<Answer, { kind: K }> }>;
  };
}

/**
 * The three lists of one node: who may read it, write (and lock, and remove) it, and change these lists. A
 * principal is `anyone`, a client key as 64 hex digits, or `group:NAME`: the keys in the file `/.groups/NAME`,
 * one a line.
 */
export class NodeAcl {
  readonly path: string;
  readonly #calls: () => Promise<AclCalls>;

  constructor(client: AclClient, path: string) {
    this.path = path;
    this.#calls = async () => new (await import('./acl-calls.ts')).AclCalls(client, path);
  }

  /** @throws FattyError `not_found`, `access_denied`… */
  async get(options?: ReadOptions): Promise<AclValue> {
    return (await this.#calls()).get(options);
  }

  /**
   * Replaces the lists that are given. Over `generation`, or over what the lists are now.
   * @throws FattyError `bad_acl`, `access_denied`, `generation_mismatch` (somebody was faster, or it is another
   * node by now)…
   */
  async set(lists: AclLists, options?: AclSetOptions): Promise<AclValue> {
    return (await this.#calls()).set(lists, options);
  }

  /** Puts principals in a list; those who are in it stay. @throws FattyError as {@link set} */
  async grant(
    list: AclList,
    who: string | readonly string[],
    options?: CallOptions,
  ): Promise<AclValue> {
    return (await this.#calls()).grant(list, who, options);
  }

  /**
   * Takes principals out of a list. Whoever `anyone` or a group still names may go on. @throws FattyError as
   * {@link set}
   */
  async revoke(
    list: AclList,
    who: string | readonly string[],
    options?: CallOptions,
  ): Promise<AclValue> {
    return (await this.#calls()).revoke(list, who, options);
  }
}
