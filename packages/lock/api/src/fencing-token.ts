// A position as text that sorts: the fencing token of a grant, and the end of a sequential name.
import type { Position } from '@fatty/interface';

/** Digits of the largest commit (2^53 − 1) and of the largest index (2^32 − 1). */
const TOKEN_DIGITS = { commit: 16, index: 10 };

/**
 * A generation as a fencing token: `commit.index` with leading zeros, 27 characters, so that text
 * compares as the generations do: `a < b`, `sort`, `ORDER BY`, `[[ $a < $b ]]`.
 */
export function tokenOf({ commit, index }: Position): string {
  const digits = (value: number, width: number): string => String(value).padStart(width, '0');
  return `${digits(commit, TOKEN_DIGITS.commit)}.${digits(index, TOKEN_DIGITS.index)}`;
}

/** The path that a `createSequential` at this position makes: `/q/job-` and the token of the position. */
export function sequentialPath(path: string, at: Position): string {
  return `${path}${tokenOf(at)}`;
}
