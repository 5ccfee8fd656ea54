// What authors carry for nothing.
import { type Block, type Evidence, type Ref, refKey, seenCache } from '@fatty/broadcast';
import { toHex } from '@fatty/codec';
import type { CommitInput, OrderedBatch, StateMachine, Unsigned } from '@fatty/interface';
import type { Ordered } from '@fatty/order';
import type { Committee } from '@fatty/protocol';
import type { Outbox } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { Peers } from '../cell/peers.ts';

/** Places (author, session, seq) that were counted, and sessions that were seen to live. */
const PLACES_MAX = 65_536;
/** An honest author may carry a batch again that it sees nothing of (R15), so a place counts twice. */
const TIMES = ['first', 'again'] as const;
/** How far ahead of the seq used last a client's pipeline may be (R3). */
const AHEAD_MAX = 64;
/** Blocks of suspects that were charged when they were taken and are not committed. */
const PREPAID_MAX = 4_096;

interface Budget {
  /** Bytes of waste that may still be carried; below 0 the author is over. */
  left: number;
  /**
   * True since the author was over: its blocks are charged when they are taken, until all is paid.
   */
  isSuspect: boolean;
}

interface Seen {
  readonly seq: number;
  readonly commit: number;
}

/** What Budgets needs of its replica. */
export interface BudgetsPort {
  readonly committee: Committee;
  readonly machine: StateMachine;
  readonly me: number;
  readonly out: Outbox;
  readonly peers: Peers;
  readonly tuning: Tuning;
}

/**
 * What authors carry for nothing (R12): bytes of batches that no session had a place for, and of
 * unsigned messages that the state has not come to. Each author has `wasteBytesMax` of it and gets
 * `wasteBytesPerSec` back, by the commits' own time; who is over is not referenced, and its pushed
 * blocks are put aside. A function of the commit sequence and of which blocks were taken; local
 * opinion, never validity.
 */
export class Budgets {
  readonly #port: BudgetsPort;
  readonly #all: readonly Budget[];
  readonly #counted = seenCache(PLACES_MAX);
  /** Sessions by hex, the one that was last used last. */
  readonly #sessions = new Map<string, Seen>();
  /** Blocks of suspects, charged when they were taken. */
  readonly #prepaid = new Set<string>();
  #atMs: number;

  constructor(port: BudgetsPort) {
    this.#port = port;
    const left = port.tuning.wasteBytesMax;
    this.#all = port.committee.members.map(() => ({ left, isSuspect: false }));
    this.#atMs = port.committee.genesisTs;
  }

  /** A block has entered the DAG. Answers whether its author has come to be over by that. */
  taken({ ref, bytes }: Block): boolean {
    if (!this.#all[ref.author]?.isSuspect) return false;
    this.#prepaid.add(refKey(ref));
    const [oldest] = this.#prepaid;
    if (this.#prepaid.size > PREPAID_MAX && oldest !== undefined) this.#prepaid.delete(oldest);
    return this.#charge(ref.author, bytes.length);
  }

  /** After the machine applied it. Answers the authors that are over now and were not. */
  committed({ content, index, commitTs }: Ordered, { batches }: CommitInput): readonly number[] {
    this.#refill(commitTs);
    const used = new Set(batches.filter((batch) => this.#noteUse(batch, index)));
    const over: number[] = [];
    let at = 0;
    for (const block of content) {
      const own = batches.slice(at, at + block.batches.length);
      at += block.batches.length;
      const waste = this.#wasteOf(block, own, used, index);
      if (this.#prepaid.delete(refKey(block.ref)) || waste === 0) continue;
      if (this.#charge(block.ref.author, waste)) over.push(block.ref.author);
    }
    return over;
  }

  #refill(commitTs: number): void {
    const { wasteBytesMax, wasteBytesPerSec } = this.#port.tuning;
    const gained = ((commitTs - this.#atMs) * wasteBytesPerSec) / 1000;
    this.#atMs = commitTs;
    for (const [author, budget] of this.#all.entries()) {
      budget.left = Math.min(wasteBytesMax, budget.left + gained);
      if (budget.left === wasteBytesMax) budget.isSuspect = false;
      if (budget.left >= 0) this.#port.peers.setOver(author, false);
    }
  }

  /** True: the author is over now and was not. */
  #charge(author: number, bytes: number): boolean {
    const { me, peers, out } = this.#port;
    const budget = this.#all[author];
    if (budget === undefined || author === me) return false;
    budget.left -= bytes;
    if (budget.left >= 0 || peers.isOver(author)) return false;
    budget.isSuspect = true;
    peers.setOver(author, true);
    out.note({ what: 'overBudget', peer: author });
    return true;
  }

  /** True: its session lives, is its client's, and has used the seq up; that is remembered. */
  #noteUse(batch: OrderedBatch, commit: number): boolean {
    const { machine } = this.#port;
    if (machine.hasUsed?.(batch) === false) return false;
    const session = toHex(batch.session);
    const seq = Math.max(batch.seq, this.#sessions.get(session)?.seq ?? 0);
    this.#sessions.delete(session);
    this.#sessions.set(session, { seq, commit });
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > PLACES_MAX && oldest !== undefined) this.#sessions.delete(oldest);
    return true;
  }

  #wasteOf(
    { ref, batches, unsigned, body }: Block,
    ordered: readonly OrderedBatch[],
    used: ReadonlySet<OrderedBatch>,
    commit: number,
  ): number {
    let waste = 0;
    for (const [i, batch] of ordered.entries()) {
      const hasPlace = used.has(batch) ? 'used' : this.#isNear(batch, commit) ? 'near' : undefined;
      const place = `${hasPlace}/${ref.author}/${toHex(batch.session)}/${batch.seq}`;
      if (hasPlace !== undefined && this.#takePlace(place)) continue;
      waste += batches[i]?.signed.core.length ?? 0;
    }
    for (const one of unsigned) waste += this.#takeReached(one, ref) ? 0 : one.bytes.length;
    for (const evidence of body.evidence) waste += bytesOf(evidence);
    for (const statement of body.statements) waste += statement.length;
    return waste;
  }

  /**
   * The batch is out of turn, or too late for a session that has just ended: its gateway could not
   * know.
   */
  #isNear({ session, seq }: OrderedBatch, commit: number): boolean {
    const seen = this.#sessions.get(toHex(session));
    const roundsMax = this.#port.committee.params.supportRoundsMax;
    return seen !== undefined && commit - seen.commit <= roundsMax && seq <= seen.seq + AHEAD_MAX;
  }

  /** Answers false when the place was taken as often as it may be. */
  #takePlace(place: string): boolean {
    for (const time of TIMES) {
      const key = `${time}/${place}`;
      if (this.#counted.has(key)) continue;
      this.#counted.add(key);
      return true;
    }
    return false;
  }

  #takeReached(message: Unsigned, { author }: Ref): boolean {
    if (this.#port.machine.unsigned?.hasReached(message) === false) return false;
    return this.#takePlace(`${author}/${toHex(message.about)}/${message.rank}`);
  }
}

function bytesOf({ a, b }: Evidence): number {
  return a.header.length + b.header.length + a.sig.length + b.sig.length;
}
