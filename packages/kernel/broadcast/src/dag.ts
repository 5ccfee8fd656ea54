// The DAG of accepted blocks.
import { equalBytes, invariant } from '@fatty/codec';
import type { CellId } from '@fatty/interface';
import { type Committee, genesisOrigin, type Origin, quorum } from '@fatty/protocol';
import {
  type Block,
  type BlockHead,
  type Evidence,
  type Ref,
  type Slot,
  virtualRef,
} from './block.ts';
import { Branches } from './branches.ts';
import { contradiction, hasSkipped } from './evidence.ts';
import { Chains, supportOf } from './support.ts';
import { Node, Place, Row, type Vertex, VOTED } from './vertex.ts';

/** What inserting a block did. `delivered` in the order the walk met them. */
export interface Inserted {
  /** False: held already, or at or below the horizon. */
  readonly added: boolean;
  readonly delivered: readonly Ref[];
  /** Set when the block is a second one of its slot (R13), or leaves its author's chain (R14). */
  readonly evidence?: Evidence;
}

const NOTHING: Inserted = { added: false, delivered: [] };

/**
 * The DAG of accepted blocks above the horizon, with support (R14) and delivery (R15).
 * In memory, synchronous, no clock. Invariants:
 * (1) every parent above the horizon of a held block is held;
 * (2) votes and supports are functions of the set of blocks, never of their order of arrival;
 * (3) nothing at or below the horizon is held, and what is held keeps at most one row below alive.
 */
export class Dag {
  readonly committee: Committee;
  readonly cellId: CellId;
  /** Where the epoch begins. */
  readonly origin: Origin;
  /** By author: the virtual blocks of round 0. */
  readonly virtual: readonly Ref[];
  readonly #quorum: number;
  readonly #rows = new Map<number, Row>();
  readonly #chains: Chains;
  readonly #branches: Branches;
  #horizon = 0;
  #highest = 0;
  #size = 0;
  #bodyBytes = 0;

  /** `origin`: default that of the first epoch. */
  constructor(
    committee: Committee,
    cellId: CellId,
    origin: Origin = genesisOrigin(cellId, committee),
  ) {
    this.committee = committee;
    this.cellId = cellId;
    this.origin = origin;
    this.virtual = committee.members.map((_, author) => virtualRef(origin.root, author));
    this.#quorum = quorum(committee);
    this.#chains = new Chains(committee.members.length);
    this.#branches = new Branches(committee);
  }

  /** Blocks at or below this round are gone and count as opaque parents. Starts at 0. */
  get horizon(): number {
    return this.#horizon;
  }

  /** Highest round of an inserted block; 0 while there is none. */
  get highestRound(): number {
    return this.#highest;
  }

  /** Number of blocks held. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the blocks that are held with their bodies. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  vertex(ref: Ref): Vertex | undefined {
    return this.#find(ref);
  }

  get(ref: Ref): BlockHead | undefined {
    return this.#find(ref)?.block;
  }

  /** The block with its body, while that is here. */
  whole(ref: Ref): Block | undefined {
    return this.#find(ref)?.whole;
  }

  /** The body of a held block leaves memory: it is committed, and others are served from disk. */
  dropBody(ref: Ref): void {
    const node = this.#find(ref);
    if (node?.whole === undefined) return;
    node.strip();
    this.#bodyBytes -= node.sizeBytes;
  }

  has(ref: Ref): boolean {
    return this.#find(ref) !== undefined;
  }

  /** Every block of a round, in order of arrival: sort before anything others must agree on. */
  atRound(round: number): readonly BlockHead[] {
    return this.verticesAt(round).map((vertex) => vertex.block);
  }

  verticesAt(round: number): readonly Vertex[] {
    return this.#rows.get(round)?.nodes ?? [];
  }

  /** R13: the first block of the slot that came. */
  primary(author: number, round: number): BlockHead | undefined {
    return this.#place(author, round)?.nodes[0]?.block;
  }

  slotBlocks(author: number, round: number): readonly BlockHead[] {
    return this.slotVertices(author, round).map((vertex) => vertex.block);
  }

  slotVertices(author: number, round: number): readonly Vertex[] {
    return this.#place(author, round)?.nodes ?? [];
  }

  /** R12: parents above the horizon that are not held, in stored order. */
  missingParents(block: Block): readonly Ref[] {
    return block.header.parents.filter((ref) => ref.round > this.#horizon && !this.has(ref));
  }

  /**
   * Adds a block whose parents are held or at or below the horizon (checked: a broken promise
   * throws). The block must be statically valid; nothing of that is repeated here.
   */
  insert(block: Block): Inserted {
    const { ref } = block;
    if (ref.round <= this.#horizon || this.has(ref)) return NOTHING;
    const node = this.#add(block);
    const isFork = this.#branches.add(node);
    this.#chains.extend(node);
    node.forkers = this.#branches.forkersSeenBy(node);
    const delivered = this.#vote(node);
    const first = node.place.nodes[0] as Node;
    const against = first !== node ? first : isFork ? this.#skippedBeside(node) : undefined;
    if (against === undefined) return { added: true, delivered };
    return { added: true, delivered, evidence: contradiction(against.block, block) };
  }

  /** R14: what the block named by `ref` supports in a slot below it; undefined is ⊥ or unknown. */
  support(ref: Ref, slot: Slot): Ref | undefined {
    const vertex = this.#find(ref);
    return vertex && this.supportOf(vertex, slot.author, slot.round)?.ref;
  }

  /** R14 between vertices. */
  supportOf(vertex: Vertex, author: number, round: number): Vertex | undefined {
    const place = this.#place(author, round);
    if (place === undefined || round >= vertex.round) return undefined;
    return supportOf(vertex as Node, place);
  }

  /** R15: q distinct authors have voted for the block. False once it is below the horizon. */
  delivered(ref: Ref): boolean {
    return this.#find(ref)?.delivered ?? false;
  }

  /** Drops every block at or below `round`; never moves back. */
  raiseHorizon(round: number): void {
    for (let r = this.#horizon + 1; r <= Math.min(round, this.#highest); r++) {
      const nodes = this.#rows.get(r)?.nodes ?? [];
      this.#chains.forget(r, nodes);
      this.#rows.delete(r);
      this.#size -= nodes.length;
      for (const { whole, sizeBytes } of nodes) if (whole) this.#bodyBytes -= sizeBytes;
    }
    this.#horizon = Math.max(this.#horizon, round);
    this.#branches.forget(this.#horizon);
  }

  #place(author: number, round: number): Place | undefined {
    return this.#rows.get(round)?.places[author];
  }

  #find(ref: Ref): Node | undefined {
    const nodes = this.#place(ref.author, ref.round)?.nodes ?? [];
    return nodes.find((node) => equalBytes(node.ref.digest, ref.digest));
  }

  #add(block: Block): Node {
    const { author, round } = block.ref;
    const members = this.committee.members.length;
    const parents: Node[] = [];
    for (const ref of block.header.parents) {
      if (ref.round <= this.#horizon) continue;
      const parent = this.#find(ref);
      invariant(parent !== undefined, 'parents above the horizon are inserted first (R12)');
      parents.push(parent);
    }
    const row = this.#rows.get(round) ?? new Row(members);
    this.#rows.set(round, row);
    const place = row.places[author] ?? new Place(round, author, members);
    row.places[author] = place;
    const node = new Node(block, place, parents, members);
    place.nodes.push(node);
    row.nodes.push(node);
    this.#highest = Math.max(this.#highest, round);
    this.#size++;
    this.#bodyBytes += node.sizeBytes;
    return node;
  }

  /** A held block of another slot that no honest author can have signed besides this one. */
  #skippedBeside(node: Node): Node | undefined {
    for (let round = this.#horizon + 1; round <= this.#highest; round++) {
      for (const other of this.#place(node.author, round)?.nodes ?? []) {
        const [low, high] = other.round < node.round ? [other, node] : [node, other];
        if (hasSkipped(high.block.header, low.block.header)) return other;
      }
    }
    return undefined;
  }

  /**
   * R15. A chain votes for a block once, at the first block of the chain that has it in its cone.
   * Later blocks of the chain can only be further away, be sealed, or see more forks. So one look
   * is exact.
   */
  #vote(node: Node): Ref[] {
    const { author, round, sealed } = node;
    const delivered: Ref[] = [];
    if (sealed) return delivered;
    const lowest = round - this.committee.params.supportRoundsMax;
    for (const seen of node.fresh) {
      if (seen.round < lowest || node.forkers.has(seen.author)) continue;
      if (((seen.marks[author] as number) & VOTED) !== 0) continue;
      seen.marks[author] = (seen.marks[author] as number) | VOTED;
      seen.votes++;
      if (seen.votes !== this.#quorum) continue;
      seen.delivered = true;
      delivered.push(seen.ref);
    }
    return delivered;
  }
}
