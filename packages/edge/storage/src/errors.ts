// What storage throws.
import type { Failure } from '@fatty/interface';

/**
 * What storage throws. Codes: `log_corrupt` (the log is not what was written: stop, R24),
 * `log_failed` (a write or datasync failed: nothing after it may be believed), `log_closed`,
 * `bad_record`, `bad_option`, `frame_failed`, `mark_corrupt`, `mark_failed`, `mark_too_large`, `mark_not_monotone`,
 * `bad_key`, `kv_failed`, `folder_locked`, `lock_unsupported`.
 */
export class StorageError extends Error implements Failure {
  override name = 'StorageError';
  readonly code: string;
  readonly expected: string;
  readonly actual: string;

  constructor(code: string, expected: string, actual: string, cause?: unknown) {
    super(`${code}: expected ${expected}, got ${actual}`, cause === undefined ? {} : { cause });
    this.code = code;
    this.expected = expected;
    this.actual = actual;
  }
}

/** Short text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether a file system call failed because nothing is there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

const FULL_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);
const FULL = /no space left|disk quota|ENOSPC|EDQUOT/i;

/** Whether something failed, however deep down, because the disk or its quota is full. */
export function isDiskFull(error: unknown): boolean {
  for (let next = error; next instanceof Error; next = next.cause) {
    if (('code' in next && FULL_CODES.has(next.code)) || FULL.test(next.message)) return true;
  }
  return false;
}
