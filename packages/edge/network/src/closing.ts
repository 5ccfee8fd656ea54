// Close codes, and what a dialler makes of each.
import { CLOSE, type Failure } from '@fatty/interface';

export { CLOSE } from '@fatty/interface';

/**
 * The one list of codes with which a peer says that it will not have this end as it is: its key is
 * not admitted, it is of another cell, there is no common version. Anybody on the port can say so
 * before the handshake is over, so one of them proves nothing: a client counts them (f + 1 tell the
 * truth), and every dialler asks again after a pause.
 */
export const FINAL_CLOSE_CODES: readonly number[] = [
  CLOSE.notAdmitted,
  CLOSE.wrongCell,
  CLOSE.version,
];

/** Whether a peer that closed with this code refuses this end, see {@link FINAL_CLOSE_CODES}. */
export function isFinal(code: number): boolean {
  return FINAL_CLOSE_CODES.includes(code);
}

/** What passes by itself. */
const PASSING: ReadonlySet<number> = new Set([
  CLOSE.goingAway,
  CLOSE.abnormal,
  CLOSE.restart,
  CLOSE.tryLater,
  CLOSE.timeout,
  CLOSE.slowDown,
]);

/** Whether dialling again soon may succeed. After every other code a dialler waits its longest. */
export function passes(code: number): boolean {
  return PASSING.has(code);
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
  bad_signature: CLOSE.unproved,
  wrong_cell: CLOSE.wrongCell,
  wrong_version: CLOSE.version,
  handshake_timeout: CLOSE.timeout,
  own_key: CLOSE.conflict,
  slow_down: CLOSE.slowDown,
};

/** The close code of a handshake failure. What is not named there, `admit` said: 4401. */
export function closeCodeOf(failure: Failure): number {
  return BY_FAILURE[failure.code] ?? CLOSE.notAdmitted;
}

/** A close reason may carry 123 bytes of UTF-8; ours are ASCII. */
export function fitReason(reason: string): string {
  return reason.replace(/[^\x20-\x7e]/g, '?').slice(0, 123);
}
