// Where groups stand, and who was found to be in them.
import { GROUPS_PATH } from '@fatty/api';
import { equalBytes, utf8 } from '@fatty/codec';
import type { Node } from './names.ts';

const NAME = utf8(GROUPS_PATH.slice(1));

/** Whether what comes or goes at this path, with what is below, can be the file of a group. */
export function holdsGroups(path: string): boolean {
  return path.startsWith(GROUPS_PATH) || path === '/';
}

/** Whether a node is in the directory of the groups. */
export function isGroup({ parent }: Node): boolean {
  const isDeep = parent?.parent !== undefined && parent.parent.parent === undefined;
  return isDeep && equalBytes(parent.name, NAME);
}

/** Clients of one list that are remembered at most; beyond, all are forgotten. */
const CLIENTS_MAX = 4096;

interface Found {
  readonly generation: number;
  /** By client key in hex. */
  readonly isIn: Map<string, boolean>;
}

/**
 * Which clients are in the groups of a list (`L`), as long as no group has changed. It only spares looking
 * the files up: no answer depends on what is remembered.
 */
export class Memberships<L extends object> {
  readonly #found = new WeakMap<L, Found>();

  /** `generation`: another one after every change of a group. */
  isIn(list: L, client: string, generation: number, lookUp: () => boolean): boolean {
    const { isIn } = this.#of(list, generation);
    const known = isIn.get(client);
    if (known !== undefined) return known;
    if (isIn.size >= CLIENTS_MAX) isIn.clear();
    const answer = lookUp();
    isIn.set(client, answer);
    return answer;
  }

  #of(list: L, generation: number): Found {
    const known = this.#found.get(list);
    if (known?.generation === generation) return known;
    const fresh = { generation, isIn: new Map<string, boolean>() };
    this.#found.set(list, fresh);
    return fresh;
  }
}
