// Keeps a machine's lease: take or resume, run, prove, renew, until stopped or lost.
import { equalPositions } from '@fatty/api';
import { equalBytes } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { type FattyError, isFattyError } from '../sdk/error.ts';
import { logFault } from '../sdk/faults.ts';
import type { MachineAnswer, ProofOptions } from '../sdk/machine.ts';
import { systemClock } from './clock.ts';
import { intakeOf } from './intake.ts';
import { Pacing } from './pacing.ts';
import { proverPool } from './prover-pool.ts';
import { runOptions } from './run-options.ts';
import { checkProgram } from './span.ts';
import { type Proven, raise, SpanProver, type Stand } from './span-prover.ts';
import type {
  RunMachineOptions,
  WorkerClient,
  WorkerClock,
  WorkerEnd,
  WorkerEvent,
  WorkerLease,
  WorkerMachine,
} from './types.ts';

const TRANSITIONS_MAX = 1_024;
/** A machine that somebody else holds, or an inbox, is looked at so often in a period. */
const LOOKS_PER_PERIOD = 8;
const RETRY_MS = 100;
const TIMEOUT_MS_MIN = 1_000;

/** Refusals that mean that the machine has moved, or is not free: again, from its state. */
const TRY_AGAIN: readonly string[] = [
  'held',
  'already_held',
  'lock_delay',
  'not_lessee',
  'wrong_nonce',
  'stale_t',
  'wrong_t',
  'wrong_s',
  'wrong_in',
  'inbox_neglected',
];

/** Refusals of a renewal that another proof mends: the inbox is not what we believed. */
const PROVE_AGAIN: readonly string[] = ['wrong_in', 'inbox_neglected', 'wrong_binding'];

/** Refusals of a renewal that mean that the lease is not ours any more. */
const MOVED_ON: readonly string[] = ['not_lessee', 'wrong_nonce', 'not_found', 'not_a_machine'];

/**
 * Takes a machine and keeps its lease: runs the program from the stored (t, s), proves the run bound
 * to this client and to the machine's last event, and renews ahead of the end of the lease. Goes on
 * with a lease that this client's key still holds. Resolves when `signal` is aborted (the lease is
 * given back) or the lease is lost.
 * @throws FattyError `wrong_program`, `held` (without `wait`), codes of the VM and of the prover, and
 * refusals of the cell that no other proof would mend; the lease is given back
 */
export async function runMachine(
  client: WorkerClient,
  given: RunMachineOptions,
): Promise<WorkerEnd> {
  const options = runOptions(given);
  const prover = options.prover ?? proverPool();
  try {
    const machine = client.machine(options.path);
    const state = await machine.stat(signalOf(options));
    const failure = checkProgram(options.program, state);
    if (failure !== undefined) raise(failure);
    const clock = options.clock ?? systemClock;
    const pacing = pacingFor(options, state, clock);
    const spans = new SpanProver(options, { client, machine: state, prover, pacing, clock });
    return await new Work({ client, options, machine, clock, pacing, spans }, state).run();
  } finally {
    if (options.prover === undefined) await prover.close();
  }
}

function signalOf({ signal }: RunMachineOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function pacingFor(options: RunMachineOptions, state: MachineAnswer, clock: WorkerClock): Pacing {
  const { periodMs, t } = state;
  const { everyMs = periodMs, max = TRANSITIONS_MAX } = options.transitions ?? {};
  return new Pacing({ periodMs, everyMs, transitionsMax: max }, clock.nowMs(), t);
}

function standOf(state: MachineAnswer): Stand {
  const { nonce, t, s } = state;
  return { nonce, t, s, intake: intakeOf(state) };
}

interface Parts {
  readonly client: WorkerClient;
  readonly options: RunMachineOptions;
  readonly machine: WorkerMachine;
  readonly clock: WorkerClock;
  readonly pacing: Pacing;
  readonly spans: SpanProver;
}

/** One worker at one machine. */
class Work {
  readonly #parts: Parts;
  readonly #clock: WorkerClock;
  readonly #pacing: Pacing;
  readonly #options: RunMachineOptions;
  readonly #never = new AbortController().signal;
  #state: MachineAnswer;
  /** Where the machine stood when we last heard. */
  #at: Stand;
  /** Until then the lease lasts at least, were clocks perfect: monotonic ms. */
  #dueMs = Number.POSITIVE_INFINITY;
  #renewals = 0;
  #identity: PublicKey | undefined;
  #nSteps = 0;
  /** How long the last look at the inbox took. */
  #lookMs = 0;

  constructor(parts: Parts, state: MachineAnswer) {
    this.#parts = parts;
    this.#options = parts.options;
    this.#clock = parts.clock;
    this.#pacing = parts.pacing;
    this.#state = state;
    this.#at = standOf(state);
  }

  get #stop(): AbortSignal {
    return this.#options.signal ?? this.#never;
  }

  #tell(event: WorkerEvent): void {
    this.#options.onProgress?.(event);
  }

  async run(): Promise<WorkerEnd> {
    try {
      const lease = await this.#take();
      if (lease === undefined) return this.#end('stopped');
      // Beside the renewals: a slow answer must cost no lease.
      void this.#publish(lease, AbortSignal.any([lease.signal, this.#stop]));
      return await this.#keep(lease);
    } catch (error) {
      if (this.#stop.aborted) return this.#end('stopped');
      throw error;
    }
  }

  #end(reason: WorkerEnd['reason'], error?: FattyError): WorkerEnd {
    const { t, s } = this.#at;
    return { reason, error, t, s, renewals: this.#renewals };
  }

  // ── taking ─────────────────────────────────────────────────────────────────

  /** Undefined when told to stop. */
  async #take(): Promise<WorkerLease | undefined> {
    while (!this.#stop.aborted) {
      const { lessee } = this.#state;
      const isOwn = lessee !== undefined && (await this.#isOurs(lessee));
      if (lessee === undefined || isOwn) {
        const lease = await this.#attempt(isOwn);
        if (lease !== undefined) return lease;
      } else {
        await this.#wait('held', this.#state.periodMs / LOOKS_PER_PERIOD);
      }
      await this.#lookAgain();
    }
    return undefined;
  }

  /** How the machine stands now; asked until it is answered, or the work is stopped. */
  async #lookAgain(): Promise<void> {
    const timeoutMs = this.#patienceMs(this.#state.periodMs / 2);
    while (!this.#stop.aborted) {
      try {
        this.#state = await this.#parts.machine.stat({ signal: this.#stop, timeoutMs });
        this.#at = standOf(this.#state);
        return;
      } catch (error) {
        if (this.#stop.aborted || !isFattyError(error) || !error.retryable) throw error;
        await this.#retry(error, this.#stop);
      }
    }
  }

  /** A call gets the time in which its answer is of use, and no less than a busy cell needs. */
  #patienceMs(usefulMs: number): number {
    return Math.max(TIMEOUT_MS_MIN, usefulMs);
  }

  async #wait(code: string, waitMs: number): Promise<void> {
    if (this.#options.wait === false)
      raise({ code, expected: 'a free machine', actual: `not free for ${waitMs} ms` }, true);
    this.#tell({ kind: 'waiting', code, waitMs });
    await this.#clock.sleep(waitMs, this.#stop);
  }

  /** Undefined when the machine was not free, or moved meanwhile. */
  async #attempt(isOwn: boolean): Promise<WorkerLease | undefined> {
    const how = isOwn ? 'resumed' : 'taken';
    const { periodMs } = this.#state;
    const proven = await this.#parts.spans.prove(
      this.#at,
      this.#clock.nowMs() + periodMs,
      this.#stop,
    );
    const sentMs = this.#clock.nowMs();
    try {
      const lease = await this.#parts.machine[isOwn ? 'resume' : 'take'](proven.proofs, {
        ...this.#proofOptions(),
        timeoutMs: this.#patienceMs(periodMs),
      });
      this.#held(how, lease, proven, sentMs);
      return lease;
    } catch (error) {
      if (this.#stop.aborted || !isFattyError(error)) throw error;
      if (!TRY_AGAIN.includes(error.code) && !error.retryable) throw error;
      if (error.code === 'lock_delay') await this.#wait(error.code, error.waitMs ?? RETRY_MS);
      else await this.#retry(error, this.#stop);
      return undefined;
    }
  }

  #proofOptions(): ProofOptions {
    const { binding, outputCount: outputs } = this.#state;
    const cells = { outputs, inbox: this.#at.intake.window };
    return binding === 'lessee' ? { ...cells, nonce: this.#at.nonce } : cells;
  }

  async #retry(error: FattyError, signal: AbortSignal): Promise<void> {
    this.#tell({ kind: 'retry', error });
    await this.#clock.sleep(RETRY_MS, signal);
  }

  #held(
    how: 'taken' | 'resumed' | 'renewed',
    { nonce, t, s }: Pick<Stand, 'nonce' | 't' | 's'>,
    proven: Proven,
    sentMs: number,
  ): void {
    const tookMs = this.#clock.nowMs() - sentMs;
    const spareMs = this.#dueMs - this.#clock.nowMs();
    this.#pacing.learnRenewal(tookMs);
    this.#at = { nonce, t, s, intake: proven.intake };
    // It was applied after it was sent: the period began no earlier.
    this.#dueMs = sentMs + this.#state.periodMs;
    this.#nSteps = proven.nSteps;
    const { proofs, entries } = proven;
    const counts = { proofs: proofs.length, entries };
    this.#tell({ kind: 'held', how, t, s, nonce, ...counts, tookMs, spareMs });
  }

  /** Until it is applied. Whatever else keeps it from that ends the lease as well. */
  async #publish(lease: WorkerLease, signal: AbortSignal): Promise<void> {
    const { publish } = this.#options;
    if (publish === undefined) return;
    const { address, content = new Uint8Array(0) } = publish;
    while (!signal.aborted) {
      try {
        await lease.publish(address, content, { signal });
        this.#tell({ kind: 'published', address });
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!isFattyError(error) || !error.retryable) return logFault(error);
        await this.#retry(error, signal);
      }
    }
  }

  // ── keeping ────────────────────────────────────────────────────────────────

  async #keep(lease: WorkerLease): Promise<WorkerEnd> {
    const signal = AbortSignal.any([lease.signal, this.#stop]);
    try {
      while (!signal.aborted) {
        await this.#rest(signal);
        if (signal.aborted) break;
        const proven = await this.#parts.spans.prove(this.#at, this.#dueMs, signal);
        await this.#renew(lease, proven, signal);
      }
    } catch (error) {
      if (!signal.aborted) {
        if (isFattyError(error) && MOVED_ON.includes(error.code)) return this.#end('lost', error);
        await giveBack(lease);
        throw error;
      }
    }
    if (lease.signal.aborted) return this.#end('lost', lossOf(lease.signal));
    await giveBack(lease);
    return this.#end('stopped');
  }

  /** Until the next proof is to be begun; with an inbox also when an entry has come. */
  async #rest(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const nowMs = this.#clock.nowMs();
      const startMs = this.#pacing.startAtMs(this.#nSteps, nowMs, this.#dueMs, this.#at.t);
      const waitMs = startMs - nowMs - this.#lookMs;
      const { window } = this.#at.intake;
      if (window > 0) await this.#look(signal);
      if (waitMs <= 0 || this.#at.intake.entries.length > 0) return;
      const sliceMs = window > 0 ? this.#state.periodMs / LOOKS_PER_PERIOD : waitMs;
      await this.#clock.sleep(Math.min(waitMs, sliceMs), signal);
    }
  }

  /** What waits in the inbox. What cannot be read in time is left for the next proof. */
  async #look(signal: AbortSignal): Promise<void> {
    const timeoutMs = this.#state.periodMs / LOOKS_PER_PERIOD;
    const beganMs = this.#clock.nowMs();
    const found = await this.#parts.machine.stat({ signal, timeoutMs }).catch(() => undefined);
    this.#lookMs = this.#clock.nowMs() - beganMs;
    if (found === undefined || !equalPositions(found.nonce, this.#at.nonce)) return;
    this.#at = { ...this.#at, intake: intakeOf(found) };
  }

  /**
   * Until it is applied, or another proof is needed.
   * @throws FattyError when it cannot be, or the lease is not ours any more
   */
  async #renew(lease: WorkerLease, proven: Proven, signal: AbortSignal): Promise<void> {
    for (;;) {
      const sentMs = this.#clock.nowMs();
      const timeoutMs = this.#patienceMs(this.#dueMs - sentMs);
      try {
        const held = await lease.renew(proven.proofs, {
          ...this.#proofOptions(),
          signal,
          timeoutMs,
        });
        this.#renewals++;
        this.#held('renewed', held, proven, sentMs);
        return;
      } catch (error) {
        if (signal.aborted || !isFattyError(error)) throw error;
        if (await this.#wasApplied(proven, sentMs, signal)) return;
        if (PROVE_AGAIN.includes(error.code)) return await this.#retry(error, signal);
        if (!error.retryable && error.outcome !== 'unknown') throw error;
        await this.#retry(error, signal);
      }
    }
  }

  /** A lessee goes by its first key. */
  async #isOurs(lessee: PublicKey): Promise<boolean> {
    const { key, keys } = this.#parts.client;
    if (equalBytes(lessee, key)) return true;
    this.#identity ??= await keys?.stat().then(
      ({ identity }) => identity,
      () => undefined,
    );
    return this.#identity !== undefined && equalBytes(lessee, this.#identity);
  }

  /** An answer may be lost where the renewal was not: the machine's own state tells. */
  async #wasApplied(proven: Proven, sentMs: number, signal: AbortSignal): Promise<boolean> {
    const timeoutMs = this.#patienceMs(this.#dueMs - this.#clock.nowMs());
    const now = await this.#parts.machine.stat({ signal, timeoutMs }).catch(() => undefined);
    if (now === undefined || now.lessee === undefined) return false;
    if (now.t !== proven.t || !(await this.#isOurs(now.lessee))) return false;
    this.#renewals++;
    this.#held('renewed', now, proven, sentMs);
    return true;
  }
}

/** Whatever becomes of it: the lease ends with its period anyway. */
function giveBack(lease: WorkerLease): Promise<void> {
  return lease.release({ timeoutMs: TIMEOUT_MS_MIN }).catch(() => undefined);
}

function lossOf({ reason }: AbortSignal): FattyError | undefined {
  return isFattyError(reason) ? reason : undefined;
}
