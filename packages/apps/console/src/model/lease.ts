// Leases that run down.

/** The lease clock of the cell as it was heard, and when, ms of the page's clock. */
export interface ClockSeen {
  readonly leaseClock: number;
  readonly atMs: number;
}

/** A bar that runs down. */
export interface LeaseBar {
  /** At least 0. */
  readonly leftMs: number;
  /** At least {@link leftMs}, and above 0. */
  readonly wholeMs: number;
  readonly words: string;
}

/**
 * What is left of a lease, as far as a page can tell: the lease clock goes on with commits, and the page adds its
 * own time since it last heard. `wholeMs`: the length of the lease; undefined: not known.
 */
export function leaseBar(
  expiry: number,
  clock: ClockSeen | undefined,
  nowMs: number,
  wholeMs: number | undefined,
): LeaseBar | undefined {
  if (clock === undefined) return undefined;
  const elapsedMs = Math.max(0, nowMs - clock.atMs);
  const leftMs = Math.max(0, expiry - clock.leaseClock - elapsedMs);
  return { leftMs, wholeMs: Math.max(leftMs, wholeMs ?? 0, 1), words: leftWords(leftMs) };
}

/** `12 s`, `2 min 5 s`, `ran out` */
export function leftWords(leftMs: number): string {
  if (leftMs <= 0) return 'ran out';
  const seconds = Math.ceil(leftMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  const rest = seconds % 60;
  return `${Math.floor(seconds / 60)} min${rest === 0 ? '' : ` ${rest} s`}`;
}
