// Finds nodes of a tree by dot and by id.
import { type Entries, LayeredMap } from './layered-map.ts';
import { type OpId, opKey } from './op-id.ts';
import type { Inner } from './tree-links.ts';

/** The live nodes of a tree below its root, by every dot and by id; derived. */
export class TreeIndex<T> {
  readonly #byId: Entries<string, Inner<T>>;

  /** With a base: a fork of it. */
  constructor(base?: TreeIndex<T>) {
    this.#byId = base ? new LayeredMap(base.#byId) : new Map();
  }

  get(id: OpId): Inner<T> | undefined {
    return this.#byId.get(opKey(id));
  }

  add(node: Inner<T>): void {
    this.#byId.set(opKey(node.id), node);
    for (const dot of node.dots) this.#byId.set(opKey(dot.id), node);
  }

  remove(node: Inner<T>): void {
    this.#byId.delete(opKey(node.id));
    for (const dot of node.dots) this.#byId.delete(opKey(dot.id));
  }
}
