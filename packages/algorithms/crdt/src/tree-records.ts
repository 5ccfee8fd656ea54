// The records of nodes, and the tries that directories keep of them.
import { encode, type Shape } from '@fatty/codec';
import { type Inner, touch } from './tree-links.ts';
import { type NodeRecord, nodeRecordShape } from './tree-node.ts';

/** So many stale names are put off at most: of nodes that have gone nothing else would be left. */
const STALE_MAX = 4096;

/**
 * Keeps the tries of a tree's directories: what has changed is noted, and read when somebody asks. Forks
 * share nodes, and so the work: what one of them has read of a shared node is as true for the other.
 */
export class TreeRecords<T> {
  readonly #shape: Shape<NodeRecord<T>>;
  /** Names noted since the tries were up to date, at most. */
  #stale = 0;

  /** `slot`: what a record holds of a slot. */
  constructor(slot: Shape<T>) {
    this.#shape = nodeRecordShape(slot);
  }

  /** The node has changed, come or gone; its tree hangs together. */
  touch(node: Inner<T>, top: Inner<T>): void {
    this.#stale += touch(node);
    if (this.#stale >= STALE_MAX) this.settle(top);
  }

  /** Brings all tries up to date; costs what is stale. */
  settle(top: Inner<T>): void {
    this.#settle(top);
    this.#stale = 0;
  }

  #settle(node: Inner<T>): void {
    if (node.stale.length === 0) return;
    for (const name of node.stale) {
      const child = node.children.get(name);
      if (child === undefined) {
        node.trie = node.trie.delete(name);
        continue;
      }
      this.#settle(child);
      child.isStale = false;
      node.trie = node.trie.set(child.name, this.recordOf(child));
    }
    node.stale = [];
  }

  /** Of a node whose own trie is up to date. */
  recordOf(node: Inner<T>): Uint8Array {
    const { kind, trie } = node;
    const children = kind === 'file' ? undefined : { root: trie.root(), count: trie.size };
    return encode(this.#shape, { body: node, children });
  }
}
