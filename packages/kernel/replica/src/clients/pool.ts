// What waits for an own block.
import {
  type Block,
  type CarriedBatch,
  type CarriedStatement,
  type ClosedBatch,
  compareBatches,
  type Dag,
  type Evidence,
  type Ref,
  refKey,
  type SeenCache,
  seenCache,
} from '@fatty/broadcast';
import { equalBytes, toHex } from '@fatty/codec';
import type { Digest, PublicKey, Signature, StateMachine, Unsigned } from '@fatty/interface';
import { type Batch, type Committee, memberKey } from '@fatty/protocol';
import { HANDED_BYTES_MAX, HANDED_MAX } from '../boundary/messages.ts';
import type { Tuning } from '../boundary/tuning.ts';
import { type Cost, costOf, validateBatch } from '../checks/validate.ts';
import { Accusations } from './accusations.ts';
import { type Candidate, pack, placeOf, sizeOf } from './packing.ts';
import type { Statements } from './statements.ts';
import { Turns } from './turns.ts';
import { UnsignedQueue } from './unsigned-queue.ts';

interface Included {
  readonly ref: Ref;
  readonly left: Map<string, CarriedBatch>;
}

/** A batch that another gateway gave for the own block of `round`. */
interface Handed {
  readonly round: number;
  readonly batch: CarriedBatch;
}

/** What an own block carries. */
export interface Cargo {
  readonly batches: readonly CarriedBatch[];
  readonly unsigned: readonly Unsigned[];
  readonly evidence: readonly Evidence[];
  readonly statements: readonly CarriedStatement[];
}

/** Nothing to carry. */
export const NO_CARGO: Cargo = { batches: [], unsigned: [], evidence: [], statements: [] };

/** A header without its parents, and one parent. Bytes. */
const HEADER_BYTES = 512;
const PARENT_BYTES = 48;
/** For how many rounds a batch that somebody else's block carries is left to that block. */
const CARRIED_ROUNDS = 4;
const EARLY_MAX = 16_384;

/** What Pool needs of its replica. */
export interface PoolPort {
  readonly committee: Committee;
  readonly dag: Dag;
  readonly machine: StateMachine;
  readonly me: number;
  readonly statements: Pick<Statements, 'size' | 'hasDue' | 'take'>;
  readonly tuning: Tuning;
}

/**
 * What this replica has to say: batches of its clients, unsigned messages, accusations. A batch
 * stays until a copy of it is settled, in anybody's block, or until the own copy has had its turn
 * (R19). It goes out again when the own block that carried it is not delivered within V rounds.
 */
export class Pool {
  readonly unsigned: UnsignedQueue;
  readonly accusations: Accusations;
  readonly #port: PoolPort;
  /** In the order they came, by batch id; {@link Turns} says which is next. */
  readonly #queue = new Map<string, CarriedBatch>();
  readonly #carried = new Map<string, Included>();
  /** Last round in which a queued batch is left to somebody else's block, by batch id. */
  readonly #leftUntil = new Map<string, number>();
  /** Queued batches that somebody else's block was seen to carry. */
  readonly #seen = new Set<string>();
  /** Own blocks with batches that are not committed, oldest first. */
  #included: Included[] = [];
  /** Batches that others have handed over, by batch id; each is for the own block of one round. */
  readonly #handed = new Map<string, Handed>();
  /** By (session, seq): the batch of it that is here. */
  readonly #places = new Map<string, string>();
  /** Places of own copies that came to a commit out of turn. */
  readonly #early: SeenCache = seenCache(EARLY_MAX);
  /** What a batch costs every replica (R11, R11a). */
  readonly #costs = new WeakMap<CarriedBatch, Cost>();
  readonly #turns = new Turns();
  #bytes = 0;

  constructor(port: PoolPort) {
    this.#port = port;
    this.unsigned = new UnsignedQueue(port.tuning.unsignedMax);
    this.accusations = new Accusations(port);
  }

  get queued(): number {
    return this.#queue.size;
  }

  get(id: string): CarriedBatch | undefined {
    const waiting = this.#queue.get(id) ?? this.#handed.get(id)?.batch;
    return waiting ?? this.#carried.get(id)?.left.get(id);
  }

  /** The same batch under the same signature. */
  held(id: Digest, sig: Signature): CarriedBatch | undefined {
    const held = this.get(toHex(id));
    return held && equalBytes(held.signed.sig, sig) ? held : undefined;
  }

  /** Of the queue. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of this client in the queue. */
  queuedOf(client: PublicKey): { readonly batches: number; readonly bytes: number } {
    return this.#turns.of(client);
  }

  /** Something to say, whoever carries it. */
  get hasAny(): boolean {
    const { statements } = this.#port;
    const others = this.unsigned.size + this.accusations.size + statements.size;
    return this.#queue.size + others > 0;
  }

  /** Something that no own block carries yet. */
  hasNews(nextRound: number): boolean {
    if (this.#queue.size > 0 || this.unsigned.size > 0) return true;
    for (const { round } of this.#handed.values()) if (round === nextRound) return true;
    return this.accusations.hasDue(nextRound) || this.#port.statements.hasDue(nextRound);
  }

  add(batch: CarriedBatch, cost: Cost): void {
    this.#costs.set(batch, cost);
    this.#enqueue(toHex(batch.id), batch);
  }

  /**
   * The batch is for the own block of `round` alone. When that block has no room, the gateway that
   * handed it over carries it itself.
   */
  addHanded(batch: CarriedBatch, round: number): void {
    this.#handed.set(toHex(batch.id), { round, batch });
  }

  /** A batch of this (session, seq) is here: in the queue, or in an own block that is not committed. */
  holdsPlace({ session, seq }: Pick<Batch, 'session' | 'seq'>): boolean {
    return this.#places.has(`${toHex(session)}/${seq}`);
  }

  /** Another batch of its (session, seq) is here: only one of them can count. */
  holdsOther(batch: ClosedBatch): boolean {
    const holder = this.#places.get(placeOf(batch));
    return holder !== undefined && holder !== toHex(batch.id);
  }

  /** One of its (session, seq) went out from here and had no turn. */
  wasEarly(batch: ClosedBatch): boolean {
    return this.#early.has(placeOf(batch));
  }

  /**
   * Batches for the leader of the open round, none twice for one round. Not among them: openings, which
   * are charged to the author of the block, large batches and those with slow checks, and whatever
   * comes after such a one in its session. Own blocks of rounds up to `round` leave them out.
   */
  handOver(round: number): readonly CarriedBatch[] {
    const given: CarriedBatch[] = [];
    const kept = new Set<string>();
    for (const [id, carried] of this.#turns.inOrder(this.#queue)) {
      const { signed, batch } = carried;
      const { session, seq } = batch;
      const isSmall = signed.core.length <= HANDED_BYTES_MAX;
      const isPlain = seq > 0 && isSmall && this.#costOf(carried).proofs === 0;
      if (!isPlain) kept.add(toHex(session));
      if (kept.has(toHex(session)) || this.#isLeft(id, round)) continue;
      this.#leftUntil.set(id, round);
      given.push(carried);
      if (given.length === HANDED_MAX) break;
    }
    return given;
  }

  /**
   * A batch that another's block carries is left to that block for a while. This happens once;
   * otherwise a liar could hold the batch up for good.
   */
  accepted({ ref, batches }: Block): void {
    if (this.#queue.size === 0 || ref.author === this.#port.me) return;
    for (const batch of batches) {
      const id = toHex(batch.id);
      if (!this.#queue.has(id) || this.#seen.has(id)) continue;
      this.#seen.add(id);
      this.#leftUntil.set(id, ref.round + CARRIED_ROUNDS);
    }
  }

  #isLeft(id: string, round: number): boolean {
    return (this.#leftUntil.get(id) ?? 0) >= round;
  }

  /** Takes what fits into the own block of `round`, by turns of the clients (limits: R8, R11a). */
  take(round: number): Cargo {
    const { limits } = this.#port.committee.params;
    const members = this.#port.committee.members.length;
    let room = limits.blockBytesMax - HEADER_BYTES - PARENT_BYTES * members;
    const evidence = this.accusations.take(round);
    for (const { a, b } of evidence) room -= a.header.length + b.header.length + 256;
    const statements = this.#port.statements.take(round);
    for (const { bytes } of statements) room -= bytes.length + 5;
    const unsigned = this.unsigned.take();
    for (const { bytes } of unsigned) room -= bytes.length;
    return { batches: this.#takeBatches(room, round), unsigned, evidence, statements };
  }

  /** What a sealed block may carry: batches wait for the next epoch, and their clients send them again. */
  takeSealed(round: number): Cargo {
    const evidence = this.accusations.take(round);
    return { ...NO_CARGO, unsigned: this.unsigned.take(), evidence };
  }

  /** The own block is made: its batches are watched until they are committed. */
  include(block: Block): void {
    if (block.batches.length === 0) return;
    const left = new Map<string, CarriedBatch>();
    const entry: Included = { ref: block.ref, left };
    for (const batch of block.batches) {
      const id = toHex(batch.id);
      left.set(id, batch);
      this.#places.set(placeOf(batch), id);
      this.#carried.set(id, entry);
    }
    this.#included.push(entry);
  }

  /**
   * R19: forgets these batches. They need no further copy, or none that this replica could give.
   */
  forget(ids: Iterable<string>): void {
    for (const id of ids) {
      const batch = this.#queue.get(id) ?? this.#carried.get(id)?.left.get(id);
      if (batch && this.#places.get(placeOf(batch)) === id) this.#places.delete(placeOf(batch));
      this.#dequeue(id);
      this.#carried.get(id)?.left.delete(id);
      this.#carried.delete(id);
    }
  }

  /**
   * After {@link forget} and with the machine after the same commit: own copies in these blocks that
   * changed nothing. One whose predecessor is still here goes out again, behind it, and so does one
   * whose predecessor was applied later in the commit: now it is its turn. There is nothing better to give
   * of the others, and their clients ask again.
   */
  tried(refs: readonly Ref[]): void {
    const keys = new Set(refs.filter(({ author }) => author === this.#port.me).map(refKey));
    if (keys.size === 0) return;
    const due = this.#included.filter(({ ref }) => keys.has(refKey(ref)));
    this.#included = this.#included.filter(({ ref }) => !keys.has(refKey(ref)));
    const early = due.flatMap(({ left }) => [...left]);
    if (early.length === 0) return;
    for (const [, batch] of early) this.#early.add(placeOf(batch));
    this.forget(early.map(([id]) => id));
    const next = new Map(early.filter(([, batch]) => this.#isNext(batch)));
    const lowest = this.#lowestSeqs(next.values());
    const again = early.filter(([id, { batch }]) => {
      return next.has(id) || (lowest.get(toHex(batch.session)) ?? batch.seq) < batch.seq;
    });
    this.#enqueueFirst(again);
  }

  /** In committed state it is its turn: a copy of it that changed nothing came too early. */
  #isNext({ batch }: CarriedBatch): boolean {
    const { machine } = this.#port;
    if (batch.seq === 0 || machine.hasUsed?.(batch) !== false) return false;
    return machine.hasUsed({ ...batch, seq: batch.seq - 1 });
  }

  /** The first batch of each session that is here, or among these. */
  #lowestSeqs(also: Iterable<CarriedBatch>): Map<string, number> {
    const lowest = new Map<string, number>();
    const note = ({ batch }: CarriedBatch): void => {
      const session = toHex(batch.session);
      lowest.set(session, Math.min(batch.seq, lowest.get(session) ?? batch.seq));
    };
    for (const batch of also) note(batch);
    for (const batch of this.#queue.values()) note(batch);
    for (const { left } of this.#included) for (const batch of left.values()) note(batch);
    return lowest;
  }

  /** R15: batches of own blocks that are not delivered within V rounds go out again. */
  requeueLost(nextRound: number): void {
    const { dag, committee } = this.#port;
    const { supportRoundsMax } = committee.params;
    const lost: [string, CarriedBatch][] = [];
    let done = 0;
    for (const { ref, left } of this.#included) {
      if (left.size > 0 && !dag.delivered(ref)) {
        if (ref.round + supportRoundsMax >= nextRound) break;
        lost.push(...left);
      } else if (left.size > 0 && ref.round > dag.horizon) break;
      done++;
    }
    if (done === 0) return;
    const gone = this.#included.splice(0, done);
    for (const { left } of gone) for (const id of left.keys()) this.#carried.delete(id);
    this.#enqueueFirst(lost);
  }

  #dequeue(id: string): void {
    const waiting = this.#queue.get(id);
    if (waiting === undefined) return;
    this.#bytes -= sizeOf(waiting);
    this.#queue.delete(id);
    this.#turns.leave(waiting);
    this.#leftUntil.delete(id);
    this.#seen.delete(id);
  }

  #enqueue(id: string, batch: CarriedBatch): void {
    this.#queue.set(id, batch);
    this.#turns.enter(batch, this.#costs.get(batch)?.weight);
    this.#places.set(placeOf(batch), id);
    this.#bytes += sizeOf(batch);
  }

  /** Before what came later, or a session's batches would overtake one another. */
  #enqueueFirst(batches: readonly (readonly [string, CarriedBatch])[]): void {
    if (batches.length === 0) return;
    const later = [...this.#queue];
    this.#queue.clear();
    for (const [id, batch] of batches) this.#enqueue(id, batch);
    for (const [id, batch] of later) this.#queue.set(id, batch);
  }

  /** Batches that came back with the log were checked in an earlier life: counted again here. */
  #costOf(carried: CarriedBatch): Cost {
    const known = this.#costs.get(carried);
    if (known !== undefined) return known;
    const { machine, committee, me } = this.#port;
    const cost = costOf(validateBatch(machine, memberKey(committee, me), carried, carried));
    this.#costs.set(carried, cost);
    return cost;
  }

  /** What was given for this round; what was given for rounds below came too late. */
  #takeHanded(upTo: number): readonly (readonly [string, CarriedBatch])[] {
    const taken: (readonly [string, CarriedBatch])[] = [];
    for (const [id, { round, batch }] of this.#handed) {
      if (round <= upTo) this.#handed.delete(id);
      if (round === upTo) taken.push([id, batch]);
    }
    return taken;
  }

  #takeBatches(bytesMax: number, round: number): readonly CarriedBatch[] {
    const packed = pack(this.#candidates(round), this.#port.committee, bytesMax);
    for (const { id, carried } of packed) {
      if (this.#queue.has(id)) this.#turns.reached(carried);
      this.#dequeue(id);
    }
    return packed.map(({ carried }) => carried).sort(compareBatches);
  }

  /** By turns of their clients. Costs are worked out when their turn comes. */
  *#candidates(round: number): Generator<Candidate> {
    for (const [id, carried] of [...this.#turns.inOrder(this.#queue), ...this.#takeHanded(round)]) {
      yield { id, carried, cost: this.#costOf(carried), isLeft: this.#isLeft(id, round) };
    }
  }
}
