import { toHex } from '@fatty/codec';
import { type Entries, LayeredMap } from './layered-map.ts';
import { type OpId, opKey } from './op-id.ts';
import type { Inner } from './tree-links.ts';

type Nodes<T> = Entries<Inner<T>, true>;

/** The live nodes of a tree below its root, by every dot and by id; derived. */
export class TreeIndex<T> {
  readonly #base: TreeIndex<T> | undefined;
  readonly #byId: Entries<string, Inner<T>>;
  /** Nodes with an ephemeral dot, by session; of a fork those sessions that it has changed. */
  readonly #ephemerals = new Map<string, Nodes<T>>();

  /** With a base: a fork of it. */
  constructor(base?: TreeIndex<T>) {
    this.#base = base;
    this.#byId = base ? new LayeredMap(base.#byId) : new Map();
  }

  get(id: OpId): Inner<T> | undefined {
    return this.#byId.get(opKey(id));
  }

  /** Those that have an ephemeral dot of the session. */
  ephemerals(session: Uint8Array): readonly Inner<T>[] {
    return [...this.#nodesOf(toHex(session))].map(([node]) => node);
  }

  add(node: Inner<T>): void {
    this.#byId.set(opKey(node.id), node);
    for (const dot of node.dots) {
      this.#byId.set(opKey(dot.id), node);
      if (!dot.ephemeral) continue;
      const session = toHex(dot.id.session);
      const nodes = this.#nodesOf(session);
      nodes.set(node, true);
      this.#ephemerals.set(session, nodes);
    }
  }

  remove(node: Inner<T>): void {
    this.#byId.delete(opKey(node.id));
    for (const dot of node.dots) {
      this.#byId.delete(opKey(dot.id));
      if (!dot.ephemeral) continue;
      const session = toHex(dot.id.session);
      const nodes = this.#nodesOf(session);
      nodes.delete(node);
      // Of a fork an empty list stands for what the base still has.
      if (nodes.size === 0 && this.#base === undefined) this.#ephemerals.delete(session);
      else this.#ephemerals.set(session, nodes);
    }
  }

  #nodesOf(session: string): Nodes<T> {
    const own = this.#ephemerals.get(session);
    if (own) return own;
    return this.#base ? new LayeredMap(this.#base.#nodesOf(session)) : new Map();
  }
}
