// Checks S15: what a delivered view shows.
import { type Body, bodyShape } from '@fatty/broadcast';
import { decode, equalBytes, toHex } from '@fatty/codec';
import type { OrderedBatch, PublicKey, StateMachine } from '@fatty/interface';
import { batchId, batchShape } from '@fatty/protocol';
import type { Checker, Observation, Violation } from '../world/observation.ts';
import type { SeededRng } from '../world/rng.ts';
import { order } from '../world/roll.ts';
import type { SeenBlock } from '../world/sight.ts';
import type { BlockBook } from './book.ts';

/** What a replica shows at one moment. */
export interface Shown {
  readonly replica: number;
  readonly atMs: number;
  /** Its committed state, and the delivered view over it. */
  readonly committed: StateMachine;
  readonly view: () => StateMachine;
}

/** Everything a client could read in a machine, as text: equal views, equal text. */
export type Reader = (machine: StateMachine) => string;

interface Known {
  commit: number;
  readonly delivered: Set<string>;
  /**
   * A restarted replica does not tell again what it had delivered; all of that is committed once a
   * leader of this round is (S8). Until then nothing is known.
   */
  readonly knownFromRound: number;
  leaderRound: number;
}

interface Told {
  readonly replica: number;
  readonly text: string;
}

const BODY_BYTES_MAX = 4 * 1024 * 1024;

/**
 * S15: the delivered view is a function of (committed state, delivered set). Two replicas, or one at
 * two times, with the same commit and the same blocks pending show the same; so does a fresh machine
 * that is given the pending copies in another order, as long as each session's keep theirs (R21a).
 */
export class ViewChecker implements Checker {
  readonly rules: readonly string[] = ['S15'];
  readonly #book: BlockBook;
  readonly #read: Reader;
  readonly #rng: SeededRng;
  readonly #replicas = new Map<number, Known>();
  /** Commit of each committed block. */
  readonly #commitOf = new Map<string, number>();
  readonly #told = new Map<string, Told>();
  readonly #opened = new WeakMap<SeenBlock, readonly OrderedBatch[]>();
  /** What the latest snapshot was restored to: replicas that have the same share it. */
  #copy: { readonly snapshot: Uint8Array; readonly machine: StateMachine } | undefined;
  #index = 0;
  /** Views with something pending; those compared with another replica's; with several sessions. */
  readonly reached: { views: number; viewsCompared: number; viewsPermuted: number } = {
    views: 0,
    viewsCompared: 0,
    viewsPermuted: 0,
  };

  constructor(book: BlockBook, read: Reader, rng: SeededRng) {
    this.#book = book;
    this.#read = read;
    this.#rng = rng;
  }

  see(observation: Observation): readonly Violation[] {
    const { by } = observation;
    if (observation.kind === 'restarted') this.#know(by, this.#book.last + 2);
    if (observation.kind === 'delivered') {
      this.#of(by).delivered.add(toHex(observation.ref.digest));
    }
    if (observation.kind !== 'committed') return [];
    const { index, blocks, leader } = observation.commit;
    const leaderRound = order(observation.input.epoch, leader.round);
    Object.assign(this.#of(by), { commit: index, leaderRound });
    if (index <= this.#index) return [];
    this.#index = index;
    for (const ref of blocks) this.#commitOf.set(toHex(ref.digest), index);
    return [];
  }

  finish(): readonly Violation[] {
    return [];
  }

  #of(replica: number): Known {
    return this.#replicas.get(replica) ?? this.#know(replica, 0);
  }

  #know(replica: number, knownFromRound: number): Known {
    const known = { commit: 0, delivered: new Set<string>(), knownFromRound, leaderRound: 0 };
    this.#replicas.set(replica, known);
    return known;
  }

  /** To be asked between two steps of the replica. */
  look({ replica, atMs, committed, view }: Shown): readonly Violation[] {
    const { commit, leaderRound, knownFromRound } = this.#of(replica);
    if (leaderRound < knownFromRound) return [];
    const pending = this.#pending(replica);
    if (pending.length === 0) return [];
    this.reached.views += 1;
    const key = `${commit}: ${pending.map((block) => block.key).join(' ')}`;
    const text = this.#read(view());
    const told = this.#told.get(key) ?? { replica, text };
    this.#told.set(key, told);
    if (told.replica !== replica) this.reached.viewsCompared += 1;
    const violations: Violation[] = [];
    const say = (expected: string, actual: string): void =>
      void violations.push({ rule: 'S15', expected, actual, atMs, replica });
    if (told.text !== text) say(`as r${told.replica} shows ${key}: ${told.text}`, text);
    const other = this.#folded(committed, pending);
    if (other !== text) say(`in another order: ${other}`, text);
    return violations;
  }

  /** Delivered blocks with batches that this replica has not committed, lowest ref first. */
  #pending(replica: number): readonly SeenBlock[] {
    const { commit, delivered } = this.#of(replica);
    for (const key of delivered) {
      // Committed: in one life that is for ever.
      if ((this.#commitOf.get(key) ?? commit + 1) <= commit) delivered.delete(key);
    }
    const order = (block: SeenBlock): string =>
      `${String(block.round).padStart(9, '0')} ${String(block.author).padStart(4)}${block.key}`;
    return [...delivered]
      .flatMap((key) => this.#book.get(key) ?? [])
      .filter((block) => signedIn(block).length > 0)
      .sort((a, b) => (order(a) < order(b) ? -1 : 1));
  }

  /** A fresh view of the committed state with the pending copies in a random order of sessions. */
  #folded(committed: StateMachine, pending: readonly SeenBlock[]): string {
    const bySession = new Map<string, OrderedBatch[]>();
    for (const batch of pending.flatMap((block) => this.#batchesOf(block, committed))) {
      const session = toHex(batch.session);
      bySession.set(session, [...(bySession.get(session) ?? []), batch]);
    }
    const queues = [...bySession.values()];
    if (queues.length > 1) this.reached.viewsPermuted += 1;
    const machine = this.#copyOf(committed);
    for (let left = queues; left.length > 0; left = left.filter((queue) => queue.length > 0)) {
      const next = this.#rng.pick(left).shift();
      if (next !== undefined) machine.deliverBatch(next);
    }
    return this.#read(machine);
  }

  /** A machine restored from the snapshot of this one, or a view over one that was. */
  #copyOf(committed: StateMachine): StateMachine {
    const snapshot = committed.snapshot();
    const known = this.#copy;
    if (known !== undefined && equalBytes(known.snapshot, snapshot)) {
      const view = known.machine.view?.();
      if (view !== undefined) return view;
    }
    const machine = committed.fresh();
    machine.restore(snapshot);
    this.#copy = { snapshot: snapshot.slice(), machine };
    return machine.view?.() ?? machine;
  }

  /** Opened once, as replicas do: what an op says is a function of its bytes. */
  #batchesOf(block: SeenBlock, machine: StateMachine): readonly OrderedBatch[] {
    const known = this.#opened.get(block);
    if (known !== undefined) return known;
    const read = openBatches(block, machine, this.#book.keyOf(block));
    this.#opened.set(block, read);
    return read;
  }
}

const signed = new WeakMap<SeenBlock, Body['batches']>();

/** Read once: a block is looked at for as long as it is pending anywhere. */
function signedIn(block: SeenBlock): Body['batches'] {
  const known = signed.get(block);
  if (known !== undefined) return known;
  const read = readSigned(block);
  signed.set(block, read);
  return read;
}

function readSigned(block: SeenBlock): Body['batches'] {
  const body = decode(bodyShape, block.body, BODY_BYTES_MAX);
  return body.ok ? body.value.batches : [];
}

function openBatches(
  block: SeenBlock,
  machine: StateMachine,
  author: PublicKey,
): readonly OrderedBatch[] {
  return signedIn(block).flatMap(({ core }) => {
    const batch = decode(batchShape, core, BODY_BYTES_MAX);
    if (!batch.ok) return [];
    const opened = batch.value.ops.flatMap((bytes) => {
      const op = machine.open(bytes);
      return op.ok ? [op.value] : [];
    });
    return [{ ...batch.value, opened, id: batchId(core), author }];
  });
}
