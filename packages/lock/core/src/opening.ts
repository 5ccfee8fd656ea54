// Which refusals of an opening another try cures.
import type { Failure } from '@fatty/interface';

/** Each gateway is tried once, and so often at least. */
const ATTEMPTS_MIN = 3;

/** What a new opening, on another basis or at another gateway, may mend. */
const MENDED_BY_ANOTHER: ReadonlySet<string> = new Set([
  'stale_basis',
  'future_basis',
  'gateway_full',
  'session_reused',
  'already_applied',
  'receipt_forgotten',
]);

/** Whether a session that failed to open so often, this way, is worth another opening. */
export function opensAgain({ code }: Failure, attempts: number, replicas: number): boolean {
  return MENDED_BY_ANOTHER.has(code) && attempts < Math.max(ATTEMPTS_MIN, replicas);
}
