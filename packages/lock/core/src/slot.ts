// One place (session, seq) of the pipeline: what was signed for it, and what replicas say of it.
import { type GatewayMessage, standingOf } from '@fatty/api';
import { hash, type Signer, toHex } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import { LatestWords } from './f-plus-one.ts';
import type { CallOutcome, Landed } from './types.ts';

/** Ops of one call, which share a batch; `done` runs once. */
export interface Job {
  readonly call: number;
  readonly ops: readonly Uint8Array[];
  /** A gateway may refuse these ops by what they say or by its state: they take no other call along. */
  readonly alone?: boolean;
  /** Monotonic ms from which an answer is of no use; default: never. */
  readonly deadlineMs?: number;
  /** Acts for this client once the ops, a `rotateKey`, are applied: nothing is signed behind them before. */
  readonly next?: Signer;
  /** Told where the ops will be, as soon as they are signed. */
  placed?(at: Omit<Landed, 'commit'>): void;
  done(outcome: CallOutcome): void;
}

/** What f+1 replicas show of one seq. */
export interface Believed {
  readonly batch: string;
  readonly commit: number;
  readonly results: readonly Uint8Array[];
}

type ReceiptMessage = Extract<GatewayMessage, { kind: 'receipt' }>;

/** What f+1 gateways' refusals mean: none of it says whether the batch was or will be applied. */
export type Doubt = 'filled' | 'no_session' | 'refused';

/** A signed batch without a believed receipt. */
export class Slot {
  readonly seq: number;
  readonly jobs: readonly Job[];
  message: Uint8Array;
  sentAtMs: number;
  /** The earliest deadline of its jobs, and when f+1 gateways are to get it for that. Monotonic ms. */
  readonly deadlineMs: number;
  hurryAtMs: number = Number.POSITIVE_INFINITY;
  /** When they last did. */
  hurriedAtMs: number = Number.NEGATIVE_INFINITY;
  /** Of the first refusal that f+1 gateways shared: why a no-op was signed for this seq. */
  refusal: Failure | undefined;
  #need: number;
  /** Batches that were signed for this seq: the jobs' own, and the no-op that may take its place. */
  readonly #ids: string[];
  #receipts: LatestWords<Believed>;
  readonly #refusals = new Map<number, Failure>();

  constructor(
    seq: number,
    jobs: readonly Job[],
    batch: { readonly id: string; readonly message: Uint8Array },
    sent: { readonly atMs: number; readonly need: number },
  ) {
    this.seq = seq;
    this.jobs = jobs;
    this.message = batch.message;
    this.sentAtMs = sent.atMs;
    this.deadlineMs = Math.min(...jobs.map((job) => job.deadlineMs ?? Number.POSITIVE_INFINITY));
    this.#need = sent.need;
    this.#ids = [batch.id];
    this.#receipts = new LatestWords(sent.need);
  }

  /** Who signs once it is applied. */
  get next(): Signer | undefined {
    return this.jobs.find(({ next }) => next)?.next;
  }

  isOf(batch: string): boolean {
    return this.#ids.includes(batch);
  }

  /** Whether this batch is the jobs' own. */
  isOwn(batch: string): boolean {
    return this.#ids[0] === batch;
  }

  /** Only the jobs' own batch was ever signed for this seq: whatever fills it, is it. */
  get isSingle(): boolean {
    return this.#ids.length === 1;
  }

  /** A no-op goes out for this seq from now on; refusals are about it. */
  replace(batch: { readonly id: string; readonly message: Uint8Array }, refusal: Failure): void {
    this.#ids.push(batch.id);
    this.message = batch.message;
    this.refusal = refusal;
    this.forgetRefusals();
  }

  /** Signed by another key for the same ops. */
  resign(batch: { readonly id: string; readonly message: Uint8Array }): void {
    this.#ids.push(batch.id);
    this.message = batch.message;
    this.forgetRefusals();
  }

  /** The members are others: what the old ones said of it does not count any more. */
  moved(need: number): void {
    this.#need = need;
    this.#receipts = new LatestWords(need);
    this.forgetRefusals();
  }

  /** Gateways may refuse it anew: what they know changes. */
  forgetRefusals(): void {
    this.#refusals.clear();
  }

  receipt(replica: number, { batch, commit, results }: ReceiptMessage): Believed | undefined {
    const id = toHex(batch);
    const sizes = results.map((one) => one.length).join();
    const body = toHex(hash('receipt-results', ...results));
    const key = `${id}:${commit}:${sizes}:${body}`;
    return this.#receipts.vote(replica, key, { batch: id, commit, results });
  }

  /** False when this replica has refused it already. */
  refuse(replica: number, failure: Failure): boolean {
    if (this.#refusals.has(replica)) return false;
    this.#refusals.set(replica, failure);
    return true;
  }

  hasRefused(replica: number): boolean {
    return this.#refusals.has(replica);
  }

  /** What f+1 refusals agree on, and the code that most of them give (of equals, the first). */
  get doubt(): { readonly kind: Doubt; readonly failure: Failure } | undefined {
    for (const kind of ['filled', 'no_session', 'refused'] as const) {
      const said = [...this.#refusals.values()].filter((one) => doubtOf(one) === kind);
      if (said.length >= this.#need) return { kind, failure: mostSaid(said) };
    }
    return undefined;
  }
}

function doubtOf({ code }: Failure): Doubt {
  if (standingOf(code).outcome === 'applied') return 'filled';
  return code === 'session_unknown' ? 'no_session' : 'refused';
}

function mostSaid(said: readonly Failure[]): Failure {
  const times = ({ code }: Failure): number => said.filter((one) => one.code === code).length;
  return said.reduce((most, one) => (times(one) > times(most) ? one : most));
}
