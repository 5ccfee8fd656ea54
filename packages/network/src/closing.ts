import type { Failure } from '@fatty/interface';

/** WebSocket close codes in use. 4xxx are ours. */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  abnormal: 1006,
  tooBig: 1009,
  internal: 1011,
  restart: 1012,
  tryLater: 1013,
  malformed: 4400,
  unauthenticated: 4401,
  conflict: 4409,
  version: 4426,
  slowDown: 4429,
} as const;

const RETRYABLE: ReadonlySet<number> = new Set([
  CLOSE.goingAway,
  CLOSE.abnormal,
  CLOSE.restart,
  CLOSE.tryLater,
  CLOSE.slowDown,
]);

/** Whether dialling the same address again, unchanged, may succeed. */
export function retryable(code: number): boolean {
  return RETRYABLE.has(code);
}

/** Close reason of a 4429: `slow_down retry-after=<ms>`. */
export function slowDownReason(retryAfterMs: number): string {
  return `slow_down retry-after=${retryAfterMs}`;
}

/** The wait a peer asked for in its close reason, ms; undefined when it asked for none. */
export function retryAfterMs(reason: string): number | undefined {
  const digits = /(?:^| )retry-after=(\d{1,8})(?: |$)/.exec(reason)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

const BY_FAILURE: Readonly<Record<string, number>> = {
  malformed: CLOSE.malformed,
  wrong_version: CLOSE.version,
  own_key: CLOSE.conflict,
  // A peer a moment ahead or behind in epochs is worth another try, unlike a wrong cell.
  wrong_epoch: CLOSE.tryLater,
  slow_down: CLOSE.slowDown,
};

/** The close code of a handshake failure; whatever is not named there is 4401. */
export function closeCodeOf(failure: Failure): number {
  return BY_FAILURE[failure.code] ?? CLOSE.unauthenticated;
}

/** A close reason may carry 123 bytes of UTF-8; ours are ASCII. */
export function fitReason(reason: string): string {
  return reason.replace(/[^\x20-\x7e]/g, '?').slice(0, 123);
}
