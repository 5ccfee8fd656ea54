/** One replica's signed answer to a nonce-bound `now` (TIME.md, T2), already verified. Times in ms. */
export interface Reading {
  readonly replica: number;
  /** The replica's wall clock when it answered. */
  readonly ts: number;
  /** Its last applied commit, and offset = commitTs − leaseClock there. */
  readonly index: number;
  readonly offset: number;
}

/** What ≥ q readings of one nonce prove, however f of them lie. */
export interface ClockProof {
  /** Monotonic time at which the question left. */
  readonly sentAtMs: number;
  /** No earlier than some honest clock at that time. */
  readonly signedNow: number;
  /** No larger than some honest replica's offset; offsets only grow, so an old one is safe. */
  readonly offset: number;
  /** No later than some honest replica's commit. */
  readonly commit: number;
}

/** Bounds on clocks (TIME.md, T1): ε between any honest clock and real time, ρ on our monotonic clock's rate. */
export interface ClockBounds {
  readonly epsilonMs: number;
  readonly rhoPpm: number;
}

/** ε = 250 ms and ρ = 200 ppm. */
export const DEFAULT_CLOCK_BOUNDS: ClockBounds = { epsilonMs: 250, rhoPpm: 200 };

function descending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => b - a);
}

/** Of the f+1 largest values one is honest, so the (f+1)-th largest exceeds no honest maximum. */
export function supportedByHonest(values: readonly number[], faults: number): number | undefined {
  return descending(values)[faults];
}

/**
 * A clock proof (TIME.md, T2); undefined below q readings. The upper median has ≥ f+1 readings at or below it, so an honest one:
 * a lying clock can only shorten a lease. One reading per replica is the caller's promise.
 */
export function proveClock(
  readings: readonly Reading[],
  sentAtMs: number,
  cell: { readonly quorum: number; readonly faults: number },
): ClockProof | undefined {
  if (readings.length < cell.quorum) return undefined;
  const times = descending(readings.map((one) => one.ts)).reverse();
  const signedNow = times[Math.floor(times.length / 2)];
  const offset = supportedByHonest(
    readings.map((one) => one.offset),
    cell.faults,
  );
  const commit = supportedByHonest(
    readings.map((one) => one.index),
    cell.faults,
  );
  if (signedNow === undefined || offset === undefined || commit === undefined) return undefined;
  return { sentAtMs, signedNow, offset, commit };
}

/**
 * Until when a lease is proved: t_send + (leaseExpiry + offset − signedNow − 2ε) / (1 + ρ) on the client's
 * elapsed clock. TIME.md, T3, derives it, and shows that nobody is granted the lock before (S13). May lie in the past: then nothing is proved. Rounded down.
 */
export function leaseDeadline(
  leaseExpiry: number,
  proof: ClockProof,
  bounds: ClockBounds = DEFAULT_CLOCK_BOUNDS,
): number {
  const left = leaseExpiry + proof.offset - proof.signedNow - 2 * bounds.epsilonMs;
  const slowed = left > 0 ? Math.floor((left * 1e6) / (1e6 + bounds.rhoPpm)) : left;
  return Math.floor(proof.sentAtMs) + slowed;
}
