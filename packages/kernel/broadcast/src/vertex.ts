// What the DAG keeps of blocks, slots and rounds.
import type { Block, BlockHead, Header, Ref, Slot } from './block.ts';

/** A block in its place in the DAG. The same block is the same object for as long as it is held. */
export interface Vertex {
  readonly block: BlockHead;
  /** The block with its body; undefined once the DAG has dropped the body. */
  readonly whole: Block | undefined;
  /** Of the whole block. */
  readonly sizeBytes: number;
  readonly ref: Ref;
  readonly round: number;
  readonly author: number;
  /** True from the first block of its chain that sets the seal. */
  readonly sealed: boolean;
  /**
   * Parents that were held when it was inserted, in stored order. May still hold some at or below
   * the horizon, whose own parents are gone: a walk stops at the horizon.
   */
  readonly parents: readonly Vertex[];
}

/** Marks of one author on a vertex. */
export const IN_CONE = 1;
/** The author's vote for the vertex has been counted (R15). */
export const VOTED = 2;

/** All blocks of one slot, and for each author the one that its current chain supports. */
export class Place implements Slot {
  readonly round: number;
  readonly author: number;
  readonly nodes: Node[] = [];
  /** By author: support of its current chain (R14). */
  readonly support: (Node | undefined)[] = [];
  /** By author: round of the chain's block that gave the support first. */
  readonly since: number[] = [];

  constructor(round: number, author: number, members: number) {
    this.round = round;
    this.author = author;
    // One is made per slot: this takes a third of the time of `Array.from`.
    for (let member = 0; member < members; member++) {
      this.support.push(undefined);
      this.since.push(0);
    }
  }
}

/** All blocks of one round, in order of arrival. */
export class Row {
  readonly places: (Place | undefined)[];
  readonly nodes: Node[] = [];

  constructor(members: number) {
    this.places = Array.from({ length: members });
  }
}

/** No author. */
export const NOBODY: ReadonlySet<number> = new Set();

/** A vertex as the DAG itself keeps and changes it. */
export class Node implements Vertex {
  block: BlockHead;
  whole: Block | undefined;
  readonly sizeBytes: number;
  readonly ref: Ref;
  readonly round: number;
  readonly author: number;
  readonly sealed: boolean;
  readonly place: Place;
  parents: readonly Node[];
  /** Own block before this one, unless it was at or below the horizon. */
  own: Node | undefined;
  /** What this block adds to the cone of its chain, depth first in stored order. */
  fresh: readonly Node[] = [];
  /** True while this block is on its author's current chain. */
  current = false;
  delivered = false;
  votes = 0;
  /** R15: authors that its chain has seen on two branches. */
  forkers: ReadonlySet<number> = NOBODY;
  /** By author: {@link IN_CONE} of its current chain, {@link VOTED} for delivery. */
  readonly marks: Uint8Array;

  constructor(block: Block, place: Place, parents: readonly Node[], members: number) {
    this.block = block;
    this.whole = block;
    this.sizeBytes = block.bytes.length;
    this.ref = block.ref;
    this.round = block.ref.round;
    this.author = block.ref.author;
    this.place = place;
    this.parents = parents;
    const first = parents[0];
    this.own = first?.author === this.author ? first : undefined;
    this.sealed = block.header.seal || (this.own?.sealed ?? false);
    this.marks = new Uint8Array(members);
  }

  /**
   * Drops the body, and takes refs and cell id from the parents' headers instead of keeping copies:
   * they are most of a header.
   */
  strip(): void {
    const { ref, signed } = this.block;
    const { header, sig } = signed;
    this.block = { ref, header: this.#sharedHeader(), signed: { header, sig } };
    this.whole = undefined;
  }

  /** The header, with the refs and the cell id that its parents have. */
  #sharedHeader(): Header {
    const { header } = this.block;
    const refs = new Map(this.parents.map(({ author, ref }) => [author, ref]));
    const parents = header.parents.map((ref) => refs.get(ref.author) ?? ref);
    const cellId = this.parents[0]?.block.header.cellId ?? header.cellId;
    return { ...header, cellId, parents };
  }

  /** Lets go of the past, so that it can be collected. */
  cut(): void {
    this.parents = [];
    this.fresh = [];
    this.own = undefined;
    this.current = false;
  }
}
