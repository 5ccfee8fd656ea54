// Test oracle: the rules of access, written again from the text.
import type { AclList } from '@fatty/api';
import type { Position } from '@fatty/interface';

/** Names of principals: `anyone`, `k0` for the key of client 0, `g` for the group. */
export type Lists = Readonly<Record<AclList, readonly string[]>>;

export const OPEN: Lists = { read: ['anyone'], write: ['anyone'], change: ['anyone'] };

interface Node {
  readonly isFile: boolean;
  lists: Lists;
  gen: Position;
  /** Concurrent contents of the group's file. */
  readonly contents: ReadonlySet<number>[];
}

const GROUP = '/.groups/g';
const above = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));

/**
 * The rules of packages/lock/service/README.md (Access), naively: paths in a map, every ACL a copy of its own.
 * Shares no code with the service.
 */
export class AclModel {
  readonly #nodes = new Map<string, Node>([
    ['/', { isFile: false, lists: OPEN, gen: { commit: 0, index: 0 }, contents: [] }],
  ]);

  find(path: string): Node | undefined {
    return this.#nodes.get(path);
  }

  genOf(path: string): Position {
    return this.find(path)?.gen ?? { commit: 0, index: 0 };
  }

  #isIn(names: readonly string[], who: number): boolean {
    if (names.includes('anyone') || names.includes(`k${who}`)) return true;
    const contents = this.find(GROUP)?.contents ?? [];
    return names.includes('g') && contents.length > 0 && contents.every((one) => one.has(who));
  }

  may(path: string, list: AclList, who: number): boolean {
    const node = this.find(path);
    if (node === undefined) return false;
    if (this.#isIn(node.lists[list], who)) return true;
    const named = this.find('/')?.lists.change.filter((name) => name !== 'anyone') ?? [];
    return list === 'change' && this.#isIn(named, who);
  }

  /** The same for what may come to stand there. */
  mayAbove(path: string, list: AclList, who: number): boolean {
    return this.find(path) ? this.may(path, list, who) : this.mayAbove(above(path), list, who);
  }

  make(
    path: string,
    isFile: boolean,
    who: number,
    at: Position,
    content: ReadonlySet<number> | undefined,
  ): string {
    const found = this.find(path);
    const parent = this.find(above(path));
    const guard = found ? path : above(path);
    if (!found && !parent) return 'not_found';
    if (!this.may(guard, 'write', who)) return 'access_denied';
    if (found) {
      if (content) {
        if (found.contents.length >= 32) return 'too_many_siblings';
        found.contents.push(content);
      }
      return 'ok';
    }
    const lists = parent?.lists ?? OPEN;
    this.#nodes.set(path, { isFile, lists, gen: at, contents: content ? [content] : [] });
    return 'ok';
  }

  change(path: string, lists: Lists, who: number, seen: Position, at: Position): string {
    const node = this.find(path);
    if (node === undefined) return 'not_found';
    if (!this.may(path, 'change', who)) return 'access_denied';
    if (seen.commit !== node.gen.commit || seen.index !== node.gen.index) {
      return 'generation_mismatch';
    }
    node.lists = lists;
    node.gen = at;
    return 'ok';
  }

  /** Children before their parents, in order of their names, up to the first that may not go. */
  remove(path: string, who: number): string {
    if (this.find(path) === undefined) return 'not_found';
    if (!this.may(path, 'write', who)) return 'access_denied';
    let gone = 0;
    for (const one of this.#below(path)) {
      if (!this.may(one, 'write', who)) return gone === 0 ? 'access_denied' : 'ok';
      this.#nodes.delete(one);
      gone += 1;
    }
    return 'ok';
  }

  #below(path: string): readonly string[] {
    const children = [...this.#nodes.keys()].filter((one) => one !== path && above(one) === path);
    return [...children.sort().flatMap((child) => this.#below(child)), path];
  }
}
