// Paths as text.
import {
  compareBytes,
  excerpt,
  fail,
  fromUtf8,
  ok,
  quote,
  type Shape,
  text,
  utf8,
} from '@fatty/codec';
import type { Outcome } from '@fatty/interface';

/** Most names of a path. */
export const PATH_DEPTH_MAX = 32;
/** Longest name, bytes of UTF-8. */
export const SEGMENT_BYTES_MAX = 255;
/** Upper bound of a path's length in UTF-16 units, for the codecs. */
export const PATH_LENGTH_MAX: number = PATH_DEPTH_MAX * (SEGMENT_BYTES_MAX + 1);
/** Canonical bytes of a path; {@link splitPath} holds its rules. */
export const pathShape: Shape<string> = text(PATH_LENGTH_MAX);
/** Readable, never client-written: members, limits, statistics. */
export const RESERVED_SEGMENT = '.sys';

/** What a refusal quotes of a path, UTF-16 units. */
const QUOTED_LENGTH_MAX = 100;

function badPath(expected: string, actual: string): Outcome<never> {
  return fail('bad_path', expected, actual);
}

/**
 * Splits an absolute path: `/` gives `[]`, `/db/master` gives `['db', 'master']`.
 * Segments are UTF-8 and compared as bytes: no normalisation, no case folding. Takes whatever a
 * caller calls a path. Code `bad_path`, which quotes the path and says what is wrong with it.
 */
export function splitPath(path: unknown): Outcome<readonly string[]> {
  if (typeof path !== 'string') return badPath('an absolute path', quote(path));
  if (!path.startsWith('/')) return badPath('an absolute path', relative(path));
  if (path === '/') return ok([]);
  const quoted = excerpt(path, QUOTED_LENGTH_MAX);
  // First of all, so that no path costs more than the longest good one.
  if (path.length > PATH_LENGTH_MAX) {
    return badPath(
      `at most ${PATH_DEPTH_MAX} segments of at most ${SEGMENT_BYTES_MAX} bytes`,
      `${path.length} characters from ${quoted}`,
    );
  }
  const segments = path.slice(1).split('/');
  if (segments.length > PATH_DEPTH_MAX) {
    return badPath(`at most ${PATH_DEPTH_MAX} segments`, `${segments.length} in ${quoted}`);
  }
  for (const segment of segments) {
    const flaw = flawOf(segment);
    if (flaw !== undefined) return badPath('non-empty UTF-8 segments', `${flaw} in ${quoted}`);
  }
  return ok(segments);
}

/** Printable ASCII: one byte a character, nothing to check. */
const PLAIN = /^[ -~]+$/;

function flawOf(segment: string): string | undefined {
  if (segment === '') return 'an empty segment';
  if (segment === '.' || segment === '..') return `the segment ${segment}`;
  if (segment.length <= SEGMENT_BYTES_MAX && PLAIN.test(segment)) return undefined;
  if (segment.includes('\0')) return 'a NUL character';
  // Alone, as a directory lists it, the name would begin with a byte order mark, which is no text.
  if (segment.startsWith('\uFEFF')) return 'a byte order mark';
  const bytes = utf8(segment);
  if (bytes.length > SEGMENT_BYTES_MAX) return `a segment of ${bytes.length} bytes`;
  // A lone surrogate has no UTF-8 form: two strings would share one byte form.
  return fromUtf8(bytes) === segment ? undefined : 'a lone surrogate';
}

/** A byte order mark cannot be seen, so it is told of. */
function relative(path: string): string {
  const quoted = excerpt(path, 40);
  if (path.startsWith('\uFEFF')) return `a byte order mark before ${quoted}`;
  return path === '' ? 'an empty one' : quoted;
}

/**
 * {@link splitPath} for names that clients write: not the root, not under `/.sys`
 * (`reserved_path`).
 */
export function splitWritable(path: unknown): Outcome<readonly string[]> {
  const segments = splitPath(path);
  if (!segments.ok) return segments;
  if (segments.value.length === 0) return badPath('a path below the root', '/');
  if (segments.value[0] === RESERVED_SEGMENT) {
    return fail('reserved_path', 'a path outside /.sys', excerpt(joinPath(segments.value), 80));
  }
  return segments;
}

/** Inverse of {@link splitPath}, for segments that came from it. */
export function joinPath(segments: readonly string[]): string {
  return `/${segments.join('/')}`;
}

/** The last name of a path; empty for the root. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** `/` for a top-level name. */
export function parentPath(path: string): string {
  const cut = path.lastIndexOf('/');
  return cut <= 0 ? '/' : path.slice(0, cut);
}

/** The order of names everywhere: UTF-8 bytes, not UTF-16 units. */
export function comparePaths(a: string, b: string): number {
  return a === b ? 0 : compareBytes(utf8(a), utf8(b));
}
