// What a client's batch must pass.
import {
  type BlockRules,
  type ClosedBatch,
  checkBatchAtDoor,
  openUnsigned,
  readBatch,
} from '@fatty/broadcast';
import { decode, failure, failureOf, toHex } from '@fatty/codec';
import type { Failure, StateMachine, Verdict } from '@fatty/interface';
import {
  type Batch,
  BLOCK_WEIGHT_MAX,
  type Committee,
  memberKey,
  type SignedBatch,
  signedBatchShape,
} from '@fatty/protocol';
import type { Outbox } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import { Arrival, costOf, validateBatch } from '../checks/validate.ts';
import type { Verdicts } from '../checks/verdicts.ts';
import { BEHIND_MAX, Checking, type Entry } from './checking.ts';
import type { Pool } from './pool.ts';

/** What Gateway needs of its replica. */
export interface GatewayPort {
  readonly committee: Committee;
  readonly machine: StateMachine;
  readonly me: number;
  readonly out: Outbox;
  readonly pool: Pool;
  readonly rules: BlockRules;
  /** Why clients are refused, if they are (R26). */
  readonly standing: { readonly refusal: Failure | undefined };
  readonly tuning: Tuning;
  readonly verdicts: Verdicts;
}

/**
 * What a client's batch must pass before the own block may carry it: form, limits, signature,
 * `validate`, `precheck`, and every slow check. A block with one bad batch would be refused whole
 * and this replica shunned, so nothing unchecked goes in.
 */
export class Gateway {
  readonly #port: GatewayPort;
  readonly #checking = new Checking();

  constructor(port: GatewayPort) {
    this.#port = port;
  }

  get checkingCount(): number {
    return this.#checking.size;
  }

  waitsForJob(key: string): boolean {
    return this.#checking.waitingFor(key).length > 0;
  }

  /**
   * Refuses with the codes of `decode`, `readBatch`, `checkBatchAtDoor`, of the algorithm's
   * `open`, `validate` and `precheck`, and `overloaded`, `too_many_proofs`, `too_heavy`. The same batch again is not a second one.
   */
  submit(bytes: Uint8Array, tag: number): void {
    const { standing, committee } = this.#port;
    const { limits } = committee.params;
    if (standing.refusal) return this.#refuse(tag, standing.refusal);
    const signed = decode<SignedBatch>(signedBatchShape, bytes, limits.batchBytesMax + 128);
    if (!signed.ok) return this.#refuse(tag, signed.failure);
    if (!this.#hasRoom()) {
      const most = `at most ${this.#port.tuning.queueBatchesMax} batches in the queue`;
      return this.#refuse(tag, failure('overloaded', most, `${this.#port.pool.queued}`));
    }
    const batch = readBatch(signed.value, limits);
    if (!batch.ok) return this.#refuse(tag, batch.failure);
    const id = toHex(batch.value.id);
    if (this.#port.pool.get(id) || this.#checking.has(id)) return;
    if (!this.#hasShare(batch.value)) {
      const share = 'less in the queue than there is room left';
      return this.#refuse(tag, failure('overloaded', share, 'one more'));
    }
    this.#judge(new Arrival(batch.value, this.#port.machine), tag);
  }

  /**
   * A batch that another gateway hands over for the own block of `round`. A batch that is of no use
   * here is dropped. One that the state refuses is dropped before its signature is looked at, so it
   * costs next to nothing. Answers what no honest gateway hands over.
   */
  handedOver(signed: SignedBatch, round: number): Failure | undefined {
    const { machine, me, committee } = this.#port;
    const own = memberKey(committee, me);
    const closed = readBatch(signed, committee.params.limits);
    if (!closed.ok) return closed.failure;
    const { id, batch } = closed.value;
    // An opening is charged to the author of the block that carries it.
    if (batch.seq === 0 || this.#port.pool.get(toHex(id)) || this.#checking.has(toHex(id)))
      return undefined;
    const arrival = new Arrival(closed.value, machine);
    const advice = machine.precheck(arrival.ordered(own));
    if (advice.kind !== 'accept' || this.#outOfPlace(closed.value)) return undefined;
    const flaw = checkBatchAtDoor(closed.value, this.#port.rules);
    if (flaw) return flaw;
    const { refusal, asks } = validateBatch(machine, own, closed.value, arrival.ops);
    if (refusal === undefined && asks.length === 0)
      this.#port.pool.addHanded(arrival.carried, round);
    return undefined;
  }

  /**
   * Anybody may send one about anything. Only what the machine accepts gets into the pool;
   * otherwise forged messages would crowd out the true ones. Codes of `openUnsigned` and of the
   * machine's `precheck`, and `overloaded`.
   */
  submitUnsigned(bytes: Uint8Array): void {
    if (this.#port.standing.refusal) return;
    const flaw = this.#takeUnsigned(bytes);
    if (flaw) this.#port.out.note({ what: 'messageRejected', failure: flaw });
  }

  #takeUnsigned(bytes: Uint8Array): Failure | undefined {
    const rules = this.#port.machine.unsigned;
    const opened = openUnsigned(bytes, rules?.open);
    if (!opened.ok || rules === undefined) return opened.ok ? undefined : opened.failure;
    const message = opened.value;
    const verdict = rules.precheck(message);
    if (verdict.kind !== 'accept') return verdict;
    const waiting = this.#port.pool.unsigned.sameAs(message);
    // A message of higher rank that waits here may have become out of date.
    const better = waiting && waiting.rank >= message.rank;
    if (better && rules.precheck(waiting).kind === 'accept') return undefined;
    if (this.#port.pool.unsigned.add(message)) return undefined;
    const most = `at most ${this.#port.tuning.unsignedMax} unsigned messages in the queue`;
    return failure('overloaded', most, 'more');
  }

  jobDone(key: string, verdict: Verdict): void {
    for (const entry of this.#checking.waitingFor(key)) {
      entry.jobs.delete(key);
      if (verdict.kind !== 'accept') {
        this.#checking.remove(entry);
        this.#refuse(entry.tag, verdict);
      }
      for (const { batch, cost } of this.#checking.release(entry.batch)) {
        this.#port.pool.add(batch, cost);
      }
    }
  }

  #judge(arrival: Arrival, tag: number): void {
    const { machine, me, committee } = this.#port;
    const own = memberKey(committee, me);
    const { closed } = arrival;
    // What committed state refuses is refused before its signature, or the admission of its key,
    // costs anything.
    const advice = machine.precheck(arrival.ordered(own));
    if (advice.kind === 'ignore' || advice.kind === 'reject') return this.#refuse(tag, advice);
    const flaw = this.#outOfPlace(closed) ?? checkBatchAtDoor(closed, this.#port.rules);
    if (flaw) return this.#refuse(tag, flaw);
    const judged = validateBatch(machine, own, closed, arrival.ops);
    if (judged.refusal) return this.#refuse(tag, judged.refusal);
    const proofs = judged.asks.length;
    const most = committee.params.limits.blockProofsMax;
    if (proofs > most) {
      return this.#refuse(tag, failure('too_many_proofs', `at most ${most}`, `${proofs}`));
    }
    if (judged.weight > BLOCK_WEIGHT_MAX) {
      const weight = `at most ${BLOCK_WEIGHT_MAX}`;
      return this.#refuse(tag, failure('too_heavy', weight, `${judged.weight}`));
    }
    const asks = advice.kind === 'ask' ? [...judged.asks, advice] : judged.asks;
    const full = asks.length > 0 ? this.#crowded(closed) : undefined;
    if (full) return this.#refuse(tag, full);
    const asked = this.#port.verdicts.ask(asks, closed.batch.client);
    if (asked.kind !== 'asked') return this.#refuse(tag, asked);
    const jobs = asked.open;
    const batch = arrival.carried;
    const entry: Entry = { batch, tag, jobs, cost: costOf(judged) };
    if (jobs.size === 0 && !this.#checking.isBehind(batch))
      return this.#port.pool.add(batch, entry.cost);
    if (this.#checking.add(entry)) return;
    const behind = `at most ${BEHIND_MAX} batches of a session behind one in slow checks`;
    this.#refuse(tag, failure('overloaded', behind, 'one more'));
  }

  /**
   * R12: what this replica carries for nothing counts against it. One batch of a (session, seq) at a
   * time; and one that has been out of turn goes out again when all before it was applied, or is here.
   */
  #outOfPlace(carried: ClosedBatch): Failure | undefined {
    const { batch } = carried;
    if (this.#port.pool.holdsOther(carried)) {
      return failure('overloaded', 'one batch of a seq at a time', `another of seq ${batch.seq}`);
    }
    if (!this.#port.pool.wasEarly(carried) || this.#isReached(batch)) return undefined;
    return failure('overloaded', `seq ${batch.seq - 1} applied first`, `seq ${batch.seq} again`);
  }

  /** Nothing is missing between what committed state has used of its session and this batch. */
  #isReached({ client, session, seq }: Batch): boolean {
    const { machine, pool } = this.#port;
    let before = seq - 1;
    for (let steps = 0; steps < BEHIND_MAX && before >= 0; steps++, before--) {
      const place = { session, seq: before };
      if (!pool.holdsPlace(place) && !this.#checking.holdsPlace(place)) break;
    }
    return before < 0 || machine.hasUsed?.({ client, session, seq: before }) !== false;
  }

  /**
   * The worker's time is shared: this bounds how much waits for it at once, of all clients and of
   * each.
   */
  #crowded({ batch }: ClosedBatch): Failure | undefined {
    const { checkingMax, checkingPerClientMax } = this.#port.tuning;
    const { all, own } = this.#checking.busy(batch.client);
    if (own >= checkingPerClientMax) {
      const most = `at most ${checkingPerClientMax} batches of a client in slow checks`;
      return failure('overloaded', most, `${own}`);
    }
    if (all < checkingMax) return undefined;
    const most = `at most ${checkingMax} batches in slow checks`;
    return failure('overloaded', most, `${all}`);
  }

  #hasRoom(): boolean {
    const { queueBatchesMax, queueBytesMax } = this.#port.tuning;
    if (this.#checking.bytes + this.#port.pool.bytes >= queueBytesMax) return false;
    return this.#checking.size + this.#port.pool.queued < queueBatchesMax;
  }

  /**
   * Whoever has as much in the queue as there is room left gets no more. So k clients that flood leave 1 / (k + 1)
   * of the queue to others, and one alone has a half.
   */
  #hasShare({ batch: { client } }: ClosedBatch): boolean {
    const { pool, tuning } = this.#port;
    const own = pool.queuedOf(client);
    const batches = this.#checking.size + pool.queued;
    const bytes = this.#checking.bytes + pool.bytes;
    return (
      own.batches < tuning.queueBatchesMax - batches && own.bytes < tuning.queueBytesMax - bytes
    );
  }

  #refuse(tag: number, flaw: Failure): void {
    this.#port.out.push({ kind: 'refused', tag, failure: failureOf(flaw) });
  }
}
