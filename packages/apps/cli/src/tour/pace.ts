// Longer periods for busy computers.
import { type Client, type FattyError, isFattyError, type MachineAnswer } from '@fatty/client/node';
import { StepFailed, until } from './screen.ts';
import type { Stage } from './stage.ts';

/** Shorter than the default of 12 s, so that a loss can be watched; longer on a busy computer. */
const PERIODS_MS = [4_000, 8_000, 16_000, 32_000, 64_000];

/** What a call says when its lease was over before it came. */
const TOO_LATE: readonly string[] = [
  'in_jeopardy',
  'lock_lost',
  'not_lessee',
  'session_expired',
  'timeout',
];
/** A cell that takes a lease away before this share of its period is wrong, however busy we are. */
const EARLY = 0.5;

/** A lease ran out before its holder was done: this computer is too slow for the period now. */
class TooSlow extends Error {
  override name = 'TooSlow';
}

/** Tells a lease that ran out by slowness of this computer from a promise that was broken. */
export class Pace {
  readonly periodMs: number;
  readonly #startMs: number = performance.now();
  readonly #attempt: number;

  constructor(attempt: number, periodMs: number) {
    this.#attempt = attempt;
    this.periodMs = periodMs;
  }

  /** A path of its own in every attempt. */
  named(path: string): string {
    return this.#attempt === 1 ? path : `${path}-${this.#attempt}`;
  }

  /** What should succeed while a lease is held. @throws TooSlow when the lease was over */
  async held<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.tooLate(error);
      throw error;
    }
  }

  /** The reason why a proof is refused. @throws StepFailed when it is not; TooSlow */
  async refusal(work: Promise<unknown>): Promise<FattyError> {
    const error = await this.held(work).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (isFattyError(error)) return error;
    if (error !== undefined) throw error;
    throw new StepFailed('the proof is refused');
  }

  /** @throws TooSlow if `error` says that a lease is over and its time may be */
  tooLate(error: unknown): void {
    if (!isFattyError(error) || !TOO_LATE.includes(error.code)) return;
    const passedMs = performance.now() - this.#startMs;
    if (passedMs > EARLY * this.periodMs) throw new TooSlow(error.message);
  }
}

/**
 * Runs a part of the tour that races leases against their period, with a longer one when this
 * computer was too slow for it. Anything else that goes wrong is final.
 */
export async function paced({ screen }: Stage, part: (pace: Pace) => Promise<void>): Promise<void> {
  for (const [i, periodMs] of PERIODS_MS.entries()) {
    try {
      await part(new Pace(i + 1, periodMs));
      return;
    } catch (error) {
      if (!(error instanceof TooSlow)) throw error;
      screen.say(`a period of ${secs(periodMs)} is too short for this busy computer: once more`);
    }
  }
  throw new StepFailed(`a period of ${PERIODS_MS.at(-1)} ms is enough`);
}

/** The machine, once the cell has taken its lease away. */
export function freed(client: Client, path: string): Promise<MachineAnswer> {
  return until(`the cell takes ${path} away`, async () => {
    const now = await client.machine(path).stat();
    return now.lessee === undefined ? now : undefined;
  });
}

/** A period as the tour says it. */
export const secs = (periodMs: number): string => `${periodMs / 1000} s`;

/** The beginning of a field element. */
export const short = (value: bigint): string => `0x${value.toString(16).slice(0, 8)}…`;
