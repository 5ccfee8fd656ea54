// Paths of the namespace.
import { concatBytes, fail, fromUtf8, ok } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';

/** A name inside a directory: 1 to 255 bytes of UTF-8, compared bytewise, never normalised. */
export type Segment = Uint8Array;
/** From the root down; the empty path is the root. */
export type Path = readonly Segment[];

/** Most bytes of a name. */
export const SEGMENT_BYTES_MAX = 255;
/** Most names of a path. */
export const PATH_DEPTH_MAX = 32;

const SLASH = 0x2f;

function segmentFlaw(segment: Segment): string | undefined {
  if (segment.length === 0) return 'an empty segment';
  if (segment.length > SEGMENT_BYTES_MAX) return `a segment of ${segment.length} bytes`;
  if (segment.includes(SLASH) || segment.includes(0)) return 'a slash or zero byte in a segment';
  const text = fromUtf8(segment);
  if (text === undefined) return 'a segment that is not UTF-8';
  // Shells and URL libraries rewrite these, so two clients would mean different nodes by one path.
  if (text === '.' || text === '..') return `the segment ${text}`;
  return undefined;
}

/** The path itself when every segment is well-formed. Code: `bad_path`. */
export function checkPath(path: Path): Outcome<Path> {
  if (path.length > PATH_DEPTH_MAX) {
    return fail('bad_path', `at most ${PATH_DEPTH_MAX} segments`, `${path.length}`);
  }
  for (const segment of path) {
    const flaw = segmentFlaw(segment);
    if (flaw !== undefined) return fail('bad_path', 'UTF-8 segments of 1 to 255 bytes', flaw);
  }
  return ok(path);
}

/** Reads `/a/b` (UTF-8 bytes); `/` is the root. Code: `bad_path`. */
export function parsePath(bytes: Uint8Array): Outcome<Path> {
  if (bytes[0] !== SLASH) return fail('bad_path', 'an absolute path', 'no leading slash');
  if (bytes.length === 1) return ok([]);
  const path: Segment[] = [];
  let start = 1;
  for (let at = 1; at <= bytes.length; at++) {
    if (at < bytes.length && bytes[at] !== SLASH) continue;
    if (path.length === PATH_DEPTH_MAX) {
      return fail('bad_path', `at most ${PATH_DEPTH_MAX} segments`, 'more');
    }
    path.push(bytes.slice(start, at));
    start = at + 1;
  }
  return checkPath(path);
}

/** Inverse of {@link parsePath}. */
export function formatPath(path: Path): Uint8Array {
  const slash = Uint8Array.of(SLASH);
  return path.length === 0 ? slash : concatBytes(...path.flatMap((segment) => [slash, segment]));
}
