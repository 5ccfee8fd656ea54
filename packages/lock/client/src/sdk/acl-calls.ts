// Reads and changes of ACLs: loaded when the first is asked for.
import {
  ACL_LISTS,
  type Acl,
  type AclList,
  type Answer,
  aclOf,
  type Op,
  type Principal,
  parsePrincipal,
  showPrincipal,
} from '@fatty/api';
import { choice } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import type { AclClient, NodeAcl } from './acl.ts';
import { expectResult } from './answers.ts';
import { ACL, ACL_CHANGE, CALL, checkFirst, READ, REFUSED } from './arguments.ts';
import { checkArgument, optionsOf, partOf } from './checks.ts';
import type { CallOptions } from './driver.ts';
import { FattyError, isFattyError } from './error.ts';
import type { AclLists, AclSetOptions, AclValue, ReadOptions } from './options.ts';

const LIST = choice('read', 'write', 'change');
/** So often a grant or revocation is tried, when others change the same ACL at the same time. */
const TRIES_MAX = 8;

/** What {@link NodeAcl} does. */
export class AclCalls implements Pick<NodeAcl, keyof NodeAcl> {
  readonly path: string;
  readonly #client: AclClient;

  constructor(client: AclClient, path: string) {
    this.#client = client;
    this.path = path;
  }

  async get(options: ReadOptions = {}): Promise<AclValue> {
    const { acl, aclGen } = await this.#read(optionsOf(READ, options));
    return shown(acl, aclGen);
  }

  async set(lists: AclLists, options: AclSetOptions = {}): Promise<AclValue> {
    const terms = optionsOf(ACL_CHANGE, options);
    const given = this.#principals(optionsOf(ACL, lists));
    const now = await this.#read(partOf(CALL, terms));
    const generation = terms.generation ?? now.aclGen;
    return this.#put({ ...now.acl, ...given }, generation, terms);
  }

  async grant(
    list: AclList,
    who: string | readonly string[],
    options: CallOptions = {},
  ): Promise<AclValue> {
    return this.#amend(list, who, options, (before, named) => [...before, ...named]);
  }

  async revoke(
    list: AclList,
    who: string | readonly string[],
    options: CallOptions = {},
  ): Promise<AclValue> {
    return this.#amend(list, who, options, (before, named) => {
      const gone = new Set(named.map(showPrincipal));
      return before.filter((one) => !gone.has(showPrincipal(one)));
    });
  }

  async #amend(
    list: AclList,
    who: string | readonly string[],
    options: CallOptions,
    change: (before: readonly Principal[], named: readonly Principal[]) => readonly Principal[],
  ): Promise<AclValue> {
    const terms = optionsOf(CALL, options);
    checkArgument('list', LIST, list);
    const asked = optionsOf(ACL, { [list]: typeof who === 'string' ? [who] : who });
    const named = this.#principals(asked)[list] ?? [];
    for (let tries = 1; ; tries++) {
      const { acl, aclGen } = await this.#read(terms);
      const next = { ...acl, [list]: change(acl[list], named) };
      try {
        return await this.#put(next, aclGen, terms);
      } catch (error) {
        if (!isFattyError(error, 'generation_mismatch') || tries === TRIES_MAX) throw error;
      }
    }
  }

  async #put(lists: Acl, generation: Position, terms: CallOptions): Promise<AclValue> {
    const acl = aclOf(lists);
    const op: Op = { kind: 'setAcl', path: this.path, acl, generation };
    checkFirst(op, this.#client.params);
    const [result] = await this.#client.submit([op], terms, this.path);
    return shown(acl, expectResult(result, 'aclSet', this.path).aclGen);
  }

  /** @throws FattyError `bad_acl` */
  #principals(lists: AclLists): Partial<Acl> {
    const given = ACL_LISTS.flatMap((list) => {
      const names = lists[list];
      return names === undefined ? [] : [[list, names.map((name) => this.#principal(name))]];
    });
    return Object.fromEntries(given);
  }

  async #read(options: ReadOptions): Promise<Extract<Answer, { kind: 'acl' }>> {
    const query = { kind: 'acl', path: this.path } as const;
    return (await this.#client.reads.read(query, 'acl', options)).value;
  }

  #principal(name: string): Principal {
    const principal = parsePrincipal(name);
    if (principal.ok) return principal.value;
    throw new FattyError(principal.failure, { ...REFUSED, path: this.path });
  }
}

function shown(acl: Acl, generation: Position): AclValue {
  const names = (list: AclList): readonly string[] => acl[list].map(showPrincipal);
  return { read: names('read'), write: names('write'), change: names('change'), generation };
}
