// Asks replicas for clock readings, and holds back what is of no use without a proof (TIME.md, T2).
import { encodeClientMessage, type GatewayMessage } from '@fatty/api';
import { equalBytes } from '@fatty/codec';
import { KEEP_ALIVE } from '@fatty/interface';
import { NONCE_BYTES, nowMessage } from '@fatty/protocol';
import { type ClockProof, proveClock, type Reading } from './clock.ts';
import type { Shared } from './shared.ts';
import type { Job } from './slot.ts';

type NowMessage = Extract<GatewayMessage, { kind: 'nowReading' }>;

/** Questions whose answers still count: those of a slow network come when the next ones are out. */
const QUESTIONS_MAX = 4;

interface Question {
  readonly nonce: Uint8Array;
  readonly sentAtMs: number;
  readonly readings: Reading[];
}

interface Waiting {
  readonly job: Job;
  /** A proof of a question put at that time or later will do. Monotonic ms. */
  readonly sinceMs: number;
  /** Fails then. */
  readonly giveUpMs: number;
  readonly put: () => void;
}

/** Nonce-bound clock questions (TIME.md, T2), put to every live replica; the newest is the open one. */
export class ClockAsker {
  readonly #shared: Shared;
  /** Newest first. */
  #questions: readonly Question[] = [];
  #proof: ClockProof | undefined;
  /** Jobs that are of no use while nothing can be proved, by call. */
  readonly #waiting = new Map<number, Waiting>();

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** The newest proof; undefined before the first. */
  get proof(): ClockProof | undefined {
    return this.#proof;
  }

  get sentAtMs(): number {
    return this.#questions[0]?.sentAtMs ?? 0;
  }

  /** Whether the open question has been answered by a quorum. */
  get answered(): boolean {
    return (this.#questions[0]?.readings.length ?? 0) >= this.#shared.quorum;
  }

  /** The members are others: their readings are not counted with those of the old ones. What is proved stays so. */
  moved(): void {
    this.#questions = [];
  }

  ask(atMs: number): void {
    const nonce = this.#shared.entropy.nonce().slice(0, NONCE_BYTES);
    const question = { nonce, sentAtMs: atMs, readings: [] };
    this.#questions = [question, ...this.#questions].slice(0, QUESTIONS_MAX);
    const bytes = encodeClientMessage({ kind: 'now', nonce });
    for (const replica of this.#shared.links.live()) this.#shared.send(replica, bytes, KEEP_ALIVE);
  }

  /** True when the proof became better. A reading counts once per replica and only if signed by it. */
  reading(replica: number, { reading, sig }: NowMessage): boolean {
    const { members, scheme, cellId, quorum, faults } = this.#shared;
    const key = members.keyOf(replica);
    const question = this.#questions.find(({ nonce }) => equalBytes(nonce, reading.nonce));
    if (key === undefined || question === undefined) return false;
    const { readings, sentAtMs } = question;
    if (readings.some((one) => one.replica === replica)) return false;
    if (!scheme.verify(key, nowMessage(cellId, reading), sig)) {
      this.#shared.suspect(replica, 'bad_signature', 'its own signed clock', 'another signature');
      return false;
    }
    const { ts, commit, offset } = reading;
    readings.push({ replica, ts, index: commit, offset });
    const proof = proveClock(readings, sentAtMs, { quorum, faults });
    if (proof === undefined || sentAtMs < (this.#proof?.sentAtMs ?? 0)) return false;
    this.#proof = proof;
    this.#shared.sawCommit(proof.commit);
    this.#goOn(sentAtMs);
    return true;
  }

  /** Puts the job once a question put from now on is answered by a quorum; fails it after a while. */
  holdBack(job: Job, terms: Omit<Waiting, 'job'>): void {
    this.#waiting.set(job.call, { job, ...terms });
  }

  /** False when the call does not wait, or not any more. */
  withdraw(call: number): boolean {
    return this.#waiting.delete(call);
  }

  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  awaits(call: number): boolean {
    return this.#waiting.has(call);
  }

  #goOn(sentAtMs: number): void {
    for (const { job, sinceMs, put } of Array.from(this.#waiting.values())) {
      if (sinceMs <= sentAtMs && this.#waiting.delete(job.call)) put();
    }
  }

  /** Earliest end of a job's patience. */
  get nextAtMs(): number {
    return Math.min(...Array.from(this.#waiting.values(), ({ giveUpMs }) => giveUpMs));
  }

  /** Nothing was signed for a job that gets no proof in time. */
  tick(atMs: number): void {
    for (const { job, sinceMs, giveUpMs } of Array.from(this.#waiting.values())) {
      if (atMs < giveUpMs) continue;
      this.#waiting.delete(job.call);
      const actual = this.lacking(sinceMs) ?? 'none';
      const failure = { code: 'in_jeopardy', expected: 'a proof of the time', actual };
      job.done({ kind: 'failed', failure, outcome: 'not_applied', retryable: true });
    }
  }

  /** Undefined when a question not older than this was answered; else what is missing, for people. */
  lacking(sinceMs: number): string | undefined {
    if (this.#proof !== undefined && this.#proof.sentAtMs >= sinceMs) return undefined;
    const most = Math.max(0, ...this.#questions.map(({ readings }) => readings.length));
    const { quorum, links } = this.#shared;
    return `${Math.min(most, quorum - 1)} of ${quorum} clock readings; ${links.describe()}`;
  }
}
