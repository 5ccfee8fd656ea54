// Values to canonical bytes, and back.
import type { Outcome } from '@fatty/interface';
import { fail, InvariantError, ok } from './failure.ts';
import { DEPTH_MAX, Reader } from './reader.ts';
import type { Shape } from './shape.ts';
import { type Readable, ShapeError } from './source.ts';
import { bytesOfItem } from './writer.ts';

/**
 * The canonical bytes of a value: the only bytes that are ever signed or hashed. The result owns
 * its memory. By hand: readers of CBOR take many encodings of one value, a signed value must have one.
 * @throws InvariantError for what the profile cannot say (negative, fractional or unsafe integers,
 * ill-formed text); limits such as `max` are the decoder's business.
 */
export function encode<T>(shape: Shape<T>, value: T): Uint8Array {
  return bytesOfItem(shape.toItem(value));
}

/**
 * Strict inverse of {@link encode}: reads the bytes once, by the shape. Codes: `too_large`,
 * `malformed`, `wrong_shape`, `not_canonical`, the first of these that holds. Whatever the bytes
 * are it does not throw; it does when the machine fails (no memory). The value shares
 * no memory with the input, except for `viewBytes`.
 */
export function decode<T>(shape: Shape<T>, input: Uint8Array, sizeMax: number): Outcome<T> {
  return readWith(input, sizeMax, (reader) => {
    const value = reader.whole(shape);
    if (reader.isCanonical()) return ok(value);
    return fail('not_canonical', 'canonical encoding', 'another encoding of the same value');
  });
}

/**
 * The first fields of the array that these bytes are; the rest of it may be anything of the profile,
 * and all of it in another encoding than the canonical one. Codes as {@link decode}.
 */
export function peek<T extends object>(
  fields: { readonly [K in keyof T]: Shape<T[K]> },
  input: Uint8Array,
  sizeMax: number,
): Outcome<T> {
  return readWith(input, sizeMax, (reader) => {
    const shapes = Object.values<Readable<unknown>>(fields);
    const value = reader.front(Object.keys(fields), shapes) as T;
    const flaw = scan(input);
    return flaw === undefined ? ok(value) : malformed(flaw);
  });
}

function readWith<T>(
  input: Uint8Array,
  sizeMax: number,
  read: (reader: Reader) => Outcome<T>,
): Outcome<T> {
  if (input.length > sizeMax) {
    return fail('too_large', `at most ${sizeMax} bytes`, `${input.length} bytes`);
  }
  try {
    return read(new Reader(input));
  } catch (error) {
    // Bytes that are no item at all have no shape to be wrong.
    const flaw = scan(input);
    if (flaw !== undefined) return malformed(flaw);
    if (error instanceof ShapeError) return fail('wrong_shape', error.expected, error.actual);
    // Of what the profile cannot say. Anything else, memory that is not there for one, says nothing
    // about these bytes: a verdict made of it would be this replica's alone.
    if (!(error instanceof InvariantError)) throw error;
    return fail('malformed', 'decodable CBOR', 'undecodable bytes');
  }
}

function malformed(flaw: string): Outcome<never> {
  return fail('malformed', 'one item of the canonical profile', flaw);
}

/**
 * Walks the heads of refused bytes; answers what keeps them from being an item, or undefined.
 */
function scan(input: Uint8Array): string | undefined {
  /** Items still to come, per open array. */
  const left: number[] = [1];
  let at = 0;
  while (left.length > 0) {
    const top = left.length - 1;
    const due = left[top] as number;
    if (due === 0) {
      left.pop();
      continue;
    }
    left[top] = due - 1;
    const head = readHead(input, at);
    if (typeof head === 'string') return head;
    at = head.next;
    if (at > input.length) return 'truncated item';
    if (head.major === 4) {
      if (left.length > DEPTH_MAX) return `nesting deeper than ${DEPTH_MAX}`;
      if (head.value > input.length - at) return 'array longer than the input';
      left.push(head.value);
    }
    if (head.major === 3 && startsWithMark(input, at - head.value)) return 'byte order mark';
  }
  return at === input.length ? undefined : `${input.length - at} bytes after the item`;
}

interface Head {
  readonly major: number;
  readonly value: number;
  /** Where the next head is; for arrays, where the first element is. */
  readonly next: number;
}

function readHead(input: Uint8Array, at: number): string | Head {
  const first = input[at];
  if (first === undefined) return 'truncated head';
  const major = first >> 5;
  const info = first & 31;
  if (major !== 0 && major !== 2 && major !== 3 && major !== 4) return `major type ${major}`;
  if (info > 27) return 'indefinite or reserved length';
  const width = info < 24 ? 0 : 1 << (info - 24);
  if (at + 1 + width > input.length) return 'truncated head';
  let value = info < 24 ? info : 0;
  for (let i = 1; i <= width; i++) value = value * 256 + (input[at + i] as number);
  const body = major === 2 || major === 3 ? value : 0;
  return { major, value, next: at + 1 + width + body };
}

/** U+FEFF in UTF-8; see {@link isText}. A shorter text cannot match: what follows it is a head. */
function startsWithMark(input: Uint8Array, at: number): boolean {
  return input[at] === 0xef && input[at + 1] === 0xbb && input[at + 2] === 0xbf;
}
