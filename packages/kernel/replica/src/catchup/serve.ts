// Answers questions about the past.
import { type Block, compareRefs, type Dag, openBlock, type Ref } from '@fatty/broadcast';
import type { Committee } from '@fatty/protocol';
import type { StoredWant } from '../boundary/contract.ts';
import { inMessages, type PeerMessage } from '../boundary/messages.ts';
import type { Outbox } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { Hearers } from '../cell/hearers.ts';
import type { Served } from './served.ts';

interface Span {
  readonly from: number;
  readonly to: number;
}

interface Read {
  readonly peer: number;
  /** Set for a range. */
  readonly range: Span | undefined;
  /** The part of the answer that memory has. */
  readonly whole: readonly Block[];
}

/** Blocks in one read from disk: at most so many, and never less than two full rounds. */
const READ_BLOCKS_MAX = 1_024;

/** What Serve needs of its replica. */
export interface ServePort {
  readonly committee: Committee;
  readonly dag: Dag;
  readonly hearers: Hearers;
  readonly me: number;
  readonly out: Outbox;
  readonly served: Served;
  readonly tuning: Tuning;
  /** In which epoch a peer is. */
  readonly epochOf: (peer: number) => number;
  /** Blocks of this author that wait for their parents here. */
  readonly waitingOf: (author: number) => readonly Block[];
}

/** Answers what others ask about the past: from memory what is whole there, the rest from disk. */
export class Serve {
  readonly #port: ServePort;
  readonly #reads = new Map<number, Read>();
  readonly #readsOf: number[];
  #request = 0;
  /** Blocks asked of the disk at once: follows how large they turn out to be. */
  #blocksMax = READ_BLOCKS_MAX / 4;

  constructor(port: ServePort) {
    this.#port = port;
    this.#readsOf = port.committee.members.map(() => 0);
  }

  /** R12: only accepted blocks are served, so their parents can be had here too. */
  serveBlocks(peer: number, refs: readonly Ref[]): void {
    if (!this.#port.served.hasBudget(peer)) return;
    const epoch = this.#port.epochOf(peer);
    if (epoch < this.#epoch) return this.#read(peer, { kind: 'refs', epoch, refs });
    const { dag, tuning } = this.#port;
    const found: Block[] = [];
    const stored: Ref[] = [];
    let size = 0;
    for (const ref of refs) {
      if (!this.#mayHear(peer, ref)) continue;
      const vertex = dag.vertex(ref);
      size += vertex?.sizeBytes ?? 0;
      // What does not fit is asked for again.
      if (size > tuning.rangeBytesMax) break;
      if (vertex?.whole) found.push(vertex.whole);
      else if (vertex || (ref.round >= 1 && ref.round <= dag.horizon)) stored.push(ref);
    }
    this.#answerBlocks(
      peer,
      found.sort((a, b) => compareRefs(a.ref, b.ref)).map((b) => b.bytes),
    );
    if (stored.length > 0) this.#read(peer, { kind: 'refs', epoch: this.#epoch, refs: stored });
  }

  serveRounds(peer: number, from: number, to: number): void {
    if (!this.#port.served.hasBudget(peer)) return;
    const { dag, tuning } = this.#port;
    const epoch = this.#port.epochOf(peer);
    if (epoch < this.#epoch) return this.#serveBefore(peer, epoch, from, to);
    const first = Math.max(1, from);
    const theirs = this.#port.waitingOf(peer).map(({ ref }) => ref.round);
    const highest = Math.max(dag.highestRound, ...theirs.filter((round) => round <= to));
    const last = Math.min(to, first + tuning.rangeRounds - 1, highest);
    if (last < first) return this.#answerRounds(peer, { from: first, to: first - 1 }, []);
    if (first <= dag.horizon) {
      const span = { from: first, to: Math.min(last, dag.horizon) };
      return this.#read(peer, { kind: 'rounds', epoch, ...span, blocksMax: this.#blocksMax }, span);
    }
    this.#answerAbove(peer, first, last);
  }

  /** R31: of an epoch that is over the disk has what its log still has. */
  #serveBefore(peer: number, epoch: number, from: number, to: number): void {
    const first = Math.max(1, from);
    const span = { from: first, to: Math.min(to, first + this.#port.tuning.rangeRounds - 1) };
    this.#read(peer, { kind: 'rounds', epoch, ...span, blocksMax: this.#blocksMax }, span);
  }

  get #epoch(): number {
    return this.#port.committee.epoch;
  }

  /**
   * Above the horizon memory knows every block, and the disk has those whose bodies have left
   * memory.
   */
  #answerAbove(peer: number, from: number, last: number): void {
    const { dag, tuning } = this.#port;
    const whole: Block[] = [];
    const stored: Ref[] = [];
    let size = 0;
    // R26: who asks for its own block that is known here is to see it, though its parents may be missing.
    const theirs = this.#port.waitingOf(peer);
    let round = from;
    for (; round <= last && size < tuning.rangeBytesMax; round++) {
      if (stored.length >= this.#blocksMax) break;
      for (const vertex of dag.verticesAt(round)) {
        if (!this.#mayHear(peer, vertex.ref)) continue;
        if (vertex.whole) whole.push(vertex.whole);
        else stored.push(vertex.ref);
        size += vertex.sizeBytes;
      }
      whole.push(...theirs.filter(({ ref }) => ref.round === round));
    }
    const span = { from, to: round - 1 };
    if (stored.length > 0)
      return this.#read(peer, { kind: 'refs', epoch: this.#epoch, refs: stored }, span, whole);
    this.#answerRounds(
      peer,
      span,
      whole.map(({ bytes }) => bytes),
    );
  }

  /** Answer to a `read` effect. */
  stored(request: number, blocks: readonly Uint8Array[]): void {
    const read = this.#reads.get(request);
    if (read === undefined) return;
    this.#reads.delete(request);
    this.#readsOf[read.peer] = (this.#readsOf[read.peer] ?? 1) - 1;
    this.#learn(blocks);
    const heard = read.range ? this.#heardBy(read.peer, blocks) : blocks;
    if (read.range) this.#answerRounds(read.peer, read.range, this.#merge(heard, read.whole));
    else this.#answerBlocks(read.peer, heard);
  }

  /** R26: own blocks of this life go only where they may. */
  #mayHear(peer: number, { author, round }: Ref): boolean {
    const { hearers, me } = this.#port;
    return author !== me || hearers.mayHear(peer, round);
  }

  /** Those of a range that the disk answered with. */
  #heardBy(peer: number, blocks: readonly Uint8Array[]): readonly Uint8Array[] {
    const { blockBytesMax } = this.#port.committee.params.limits;
    if (this.#port.hearers.mayHear(peer, Number.MAX_SAFE_INTEGER)) return blocks;
    return blocks.filter((bytes) => {
      const opened = openBlock(bytes, blockBytesMax);
      return opened.ok && this.#mayHear(peer, opened.value.ref);
    });
  }

  /** Parents before children: ascending rounds. */
  #merge(stored: readonly Uint8Array[], whole: readonly Block[]): readonly Uint8Array[] {
    if (whole.length === 0) return stored;
    const { blockBytesMax } = this.#port.committee.params.limits;
    const all = whole.map(({ ref, bytes }) => ({ round: ref.round, bytes }));
    for (const bytes of stored) {
      const opened = openBlock(bytes, blockBytesMax);
      all.push({ round: opened.ok ? opened.value.ref.round : 0, bytes });
    }
    return all.sort((a, b) => a.round - b.round).map(({ bytes }) => bytes);
  }

  #charge(peer: number, blocks: readonly Uint8Array[]): void {
    this.#port.served.charge(
      peer,
      blocks.reduce((sum, block) => sum + block.length, 0),
    );
  }

  #learn(blocks: readonly Uint8Array[]): void {
    const { tuning, committee } = this.#port;
    const size = blocks.reduce((sum, block) => sum + block.length, 0);
    const next = size > tuning.rangeBytesMax ? this.#blocksMax / 2 : this.#blocksMax * 2;
    const least = 2 * committee.members.length;
    this.#blocksMax = Math.max(least, Math.min(READ_BLOCKS_MAX, Math.floor(next)));
  }

  #read(peer: number, want: StoredWant, range?: Span, whole: readonly Block[] = []): void {
    const { out, tuning } = this.#port;
    const open = this.#readsOf[peer] ?? 0;
    // The asker asks again; a queue of reads would let one peer keep the disk busy.
    if (open >= tuning.readsPerPeer) return;
    this.#readsOf[peer] = open + 1;
    const request = ++this.#request;
    this.#reads.set(request, { peer, range, whole });
    out.push({ kind: 'read', request, want });
  }

  #answerBlocks(peer: number, blocks: readonly Uint8Array[]): void {
    const { blockBytesMax } = this.#port.committee.params.limits;
    this.#charge(peer, blocks);
    for (const run of inMessages(blocks, blockBytesMax)) {
      this.#port.out.send([peer], { kind: 'blocks', blocks: run });
    }
  }

  #answerRounds(peer: number, { from, to }: Span, blocks: readonly Uint8Array[]): void {
    const { blockBytesMax } = this.#port.committee.params.limits;
    this.#charge(peer, blocks);
    const runs = blocks.length === 0 ? [[]] : inMessages(blocks, blockBytesMax);
    for (const [i, run] of runs.entries()) {
      const last = i === runs.length - 1;
      const message: PeerMessage = { kind: 'rounds', from, to, blocks: run, last };
      this.#port.out.send([peer], message);
    }
  }
}
