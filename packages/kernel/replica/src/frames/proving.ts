// Proofs of certified states, for whoever asks (R27a).
import { equalBytes, fail, ok } from '@fatty/codec';
import type { Outcome, Provable, StateMachine } from '@fatty/interface';
import type { Cert } from '@fatty/protocol';
import type { CertifiedProof, ReplicaEvent } from '../boundary/contract.ts';
import type { Outbox, Timers } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import { VOTES_KEPT } from './tally.ts';

/** What Proving needs of its replica. */
export interface ProvingPort {
  readonly clock: { readonly runningMs: number };
  readonly machine: Pick<StateMachine, 'provable'>;
  readonly orderer: { readonly lastIndex: number };
  readonly out: Outbox;
  readonly timers: Timers;
  readonly tuning: Pick<Tuning, 'questionsMax' | 'questionMs'>;
}

type Prove = Pick<Extract<ReplicaEvent, { kind: 'prove' }>, 'tag' | 'question' | 'minCommit'>;

interface Question extends Prove {
  /** When it is given up, on the running clock. */
  readonly dueMs: number;
  /** Of the own state at a checkpoint that waits for its certificate. */
  held: { readonly index: number; readonly proof: Uint8Array } | undefined;
}

/** Own state at a checkpoint. */
interface Point {
  readonly index: number;
  /** Bytes of the own vote. */
  readonly core: Uint8Array;
  readonly state: Provable;
}

/**
 * Answers questions with proofs of certified states. What nothing but time has changed since the newest
 * certificate is proved at once. Else the proof is made at the next checkpoint, while the state is that of
 * its commit, and held until the certificate comes; or the question is given up.
 */
export class Proving {
  readonly #port: ProvingPort;
  /** By tag, in the order in which they came. */
  readonly #open = new Map<number, Question>();
  /** Checkpoints without a certificate, ascending. */
  #points: readonly Point[] = [];
  #certified: (Omit<Point, 'core'> & { readonly cert: Cert }) | undefined;

  constructor(port: ProvingPort) {
    this.#port = port;
  }

  /** A question waits for a checkpoint that no commit on its way is known to become. */
  get wantsCommit(): boolean {
    const { lastIndex } = this.#port.orderer;
    for (const { held, minCommit } of this.#open.values()) {
      if (held === undefined && minCommit <= lastIndex) return true;
    }
    return false;
  }

  ask({ tag, question, minCommit }: Prove): void {
    const { clock, machine, tuning } = this.#port;
    if (machine.provable === undefined) {
      return this.#say(tag, fail('not_provable', 'a machine that proves its state', 'another'));
    }
    const dueMs = clock.runningMs + tuning.questionMs;
    const asked: Question = { tag, question, minCommit, dueMs, held: undefined };
    if (this.#tries(asked)) return;
    if (this.#open.size >= tuning.questionsMax) {
      const expected = `at most ${tuning.questionsMax} questions that wait`;
      return this.#say(tag, fail('overloaded', expected, 'one more'));
    }
    this.#open.set(tag, asked);
    this.#arm();
  }

  /** A checkpoint at which the own state is now; `core`: bytes of the own vote. */
  reached(index: number, core: Uint8Array): void {
    const state = this.#port.machine.provable?.();
    if (state === undefined) return;
    this.#points = [...this.#points, { index, core, state }].slice(-VOTES_KEPT);
    this.#retry();
  }

  /** A quorum has signed this. */
  certified(index: number, cert: Cert): void {
    const point = this.#points.find((one) => one.index === index);
    if (point === undefined || !equalBytes(point.core, cert.core)) return;
    this.#certified = { index, cert, state: point.state };
    this.#points = this.#points.filter((one) => one.index > index);
    for (const asked of this.#open.values()) {
      if (asked.held?.index === index)
        this.#close(asked.tag, ok({ index, cert, proof: asked.held.proof }));
      // The certificate of that one will not come any more.
      else if (asked.held && asked.held.index < index) asked.held = undefined;
    }
    this.#retry();
  }

  /** The state is that of a certified commit of an earlier life. */
  resumed(index: number, cert: Cert): void {
    const state = this.#port.machine.provable?.();
    if (state !== undefined) this.#certified = { index, cert, state };
  }

  /** The timer fired. */
  wake(): void {
    const { runningMs } = this.#port.clock;
    for (const { tag, dueMs, held } of this.#open.values()) {
      if (dueMs > runningMs) break;
      const actual = held ? `none of commit ${held.index}` : 'no checkpoint';
      this.#close(tag, fail('no_certificate', 'a certificate in time', actual));
    }
    this.#arm();
  }

  #retry(): void {
    for (const asked of this.#open.values()) {
      if (asked.held === undefined && this.#tries(asked)) this.#open.delete(asked.tag);
    }
    this.#arm();
  }

  /** True: it is answered. Else it may hold a proof from now on. */
  #tries(asked: Question): boolean {
    const { tag, minCommit, question } = asked;
    const known = this.#certified;
    const now = known && minCommit <= known.index ? known.state.prove(question) : undefined;
    if (now !== undefined && known) {
      const { index, cert } = known;
      this.#say(tag, now.ok ? ok({ index, cert, proof: now.value }) : now);
      return true;
    }
    const point = this.#points.at(-1);
    const later = point && minCommit <= point.index ? point.state.prove(question) : undefined;
    if (later?.ok && point) asked.held = { index: point.index, proof: later.value };
    else if (later !== undefined && !later.ok) this.#say(tag, later);
    return later !== undefined && !later.ok;
  }
  #close(tag: number, answer: Outcome<CertifiedProof>): void {
    this.#open.delete(tag);
    this.#say(tag, answer);
  }

  #say(tag: number, answer: Outcome<CertifiedProof>): void {
    this.#port.out.push({ kind: 'proved', tag, answer });
  }

  /** For the oldest question, which is due first. */
  #arm(): void {
    const [oldest] = this.#open.values();
    this.#port.timers.wantOrNot('proofDue', oldest?.dueMs);
  }
}
