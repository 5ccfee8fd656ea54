// Runs and proves the transitions that have fallen due, in as many proofs as there is time for.
import { PROOFS_MAX } from '@fatty/api';
import { bindingCell, encodeProof } from '@fatty/cairo';
import type { Failure, Outcome, Position } from '@fatty/interface';
import { FattyError } from '../sdk/error.ts';
import type { MachineAnswer } from '../sdk/machine.ts';
import { type Intake, swallow } from './intake.ts';
import type { Pacing } from './pacing.ts';
import { parametersFor, runSpan, type SpanRun } from './span.ts';
import type { Prover, RunMachineOptions, Span, WorkerClient, WorkerClock } from './types.ts';

/** Where a machine stands: what its next proof must name and start from. */
export interface Stand {
  readonly nonce: Position;
  readonly t: bigint;
  readonly s: bigint;
  readonly intake: Intake;
}

/** Consecutive proofs for one op, and where they lead. */
export interface Proven {
  readonly proofs: readonly Uint8Array[];
  readonly t: bigint;
  readonly s: bigint;
  readonly intake: Intake;
  /** How many entries of the inbox they consume. */
  readonly entries: number;
  /** Steps of the longest. */
  readonly nSteps: number;
}

/** Bytes of an op beside its proofs: path, nonce, lengths. */
const OP_BYTES_BESIDE = 8_192;

/** What it works with. */
export interface SpanProverOptions {
  readonly client: WorkerClient;
  readonly machine: MachineAnswer;
  readonly prover: Prover;
  readonly pacing: Pacing;
  readonly clock: WorkerClock;
}

/** @throws always: a FattyError of something that changed nothing */
export function raise(failure: Failure, retryable = false): never {
  throw new FattyError(failure, { outcome: 'not_applied', retryable });
}

/** Runs and proves as much as is owed and fits into the time there is. */
export class SpanProver {
  readonly #of: RunMachineOptions;
  readonly #with: SpanProverOptions;

  constructor(of: RunMachineOptions, options: SpanProverOptions) {
    this.#of = of;
    this.#with = options;
  }

  /**
   * Proofs of consecutive spans from where the machine stands, for a lease that ends at `dueMs`.
   * Further proofs ride along while transitions are owed or entries wait, time is left and the op
   * has room.
   * @throws FattyError codes of `runProgram` and of the prover, `cancelled` among them
   */
  async prove(from: Stand, dueMs: number, signal: AbortSignal): Promise<Proven> {
    const { clock, pacing } = this.#with;
    const proofs: Uint8Array[] = [];
    let { t, s, intake } = from;
    let entries = 0;
    let stepsMax = 0;
    let room = this.#with.client.cell.committee.params.limits.opBytesMax - OP_BYTES_BESIDE;
    for (;;) {
      const owed = pacing.owed(clock.nowMs(), t);
      const next = swallow(intake);
      const span = { t, s, n: pacing.batch(owed), entries: next.entries };
      const made = this.#largest(span, from.nonce, next.cells, dueMs);
      const envelope = await this.#proveOne(made, signal);
      if (proofs.length > 0 && envelope.length > room) break;
      proofs.push(envelope);
      room -= envelope.length;
      ({ tTo: t, sTo: s } = made);
      intake = next.left;
      entries += next.entries.length;
      const { nSteps } = made.run.publicInput;
      stepsMax = Math.max(stepsMax, nSteps);
      const isBehind = owed > made.span.n || intake.entries.length > 0;
      const hasRoom = envelope.length <= room && pacing.fits(nSteps, clock.nowMs(), dueMs);
      if (!isBehind || !hasRoom || proofs.length === PROOFS_MAX) break;
    }
    return { proofs, t, s, intake, entries, nSteps: stepsMax };
  }

  /** The most transitions of n, n/2, n/4… that run and can be proved in time; 1 whatever it takes. */
  #largest(span: Span, nonce: Position, inbox: readonly bigint[], dueMs: number): SpanRun {
    const { clock, pacing } = this.#with;
    for (let { n } = span; ; n >>= 1) {
      const made = this.#run({ ...span, n }, nonce, inbox);
      if (!made.ok) {
        if (n === 1) raise(made.failure);
        continue;
      }
      const { nSteps } = made.value.run.publicInput;
      if (n === 1 || pacing.fits(nSteps, clock.nowMs(), dueMs)) return made.value;
    }
  }

  #run(span: Span, nonce: Position, inbox: readonly bigint[]): Outcome<SpanRun> {
    const { program, path, inputs = {} } = this.#of;
    const { client, machine } = this.#with;
    const isBound = machine.binding === 'lessee';
    const binding = isBound ? bindingCell(client.cell.cellId, path, client.key, nonce) : 0n;
    const more = typeof inputs === 'function' ? inputs(span) : inputs;
    const outputs = machine.outputCount;
    return runSpan(program, span, { binding, inbox, more, outputs });
  }

  async #proveOne({ span, run }: SpanRun, signal: AbortSignal): Promise<Uint8Array> {
    const { onProgress, parameters } = this.#of;
    const { clock, machine, pacing, prover } = this.#with;
    const { nSteps } = run.publicInput;
    const { t, n } = span;
    onProgress?.({ kind: 'run', t, n, nSteps });
    const startMs = clock.nowMs();
    const outcome = await prover.prove(run, parametersFor(nSteps, machine.policy, parameters), {
      signal,
      onProgress: (progress) => onProgress?.({ kind: 'proving', progress }),
    });
    if (!outcome.ok) raise(outcome.failure, outcome.failure.code === 'prover_died');
    const tookMs = clock.nowMs() - startMs;
    pacing.learnProof(nSteps, tookMs);
    const bytes = outcome.value.proofBytes.length;
    onProgress?.({ kind: 'proved', t, n, nSteps, bytes, tookMs });
    return encodeProof(outcome.value);
  }
}
