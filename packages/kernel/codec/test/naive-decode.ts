// Test oracle: a decoder over a CBOR library that writes everything again to see whether bytes are canonical.
import type { Outcome } from '@fatty/interface';
import { Encoder } from 'cbor-x/index-no-eval';
import {
  fail,
  InvariantError,
  type Item,
  ok,
  type Readable,
  type Shape,
  ShapeError,
  type Source,
} from '../src/index.ts';
import { owned, SLAB_SHARE_BYTES_MAX } from '../src/memory.ts';

/*
 * The decoder by the definition of canonical: walk the heads, let a library make items of the bytes,
 * make a value of the items, write the value again, compare. What `decode` has to answer.
 */

const DEPTH_MAX = 16;
const cbor = new Encoder({ useRecords: false, tagUint8Array: false, mapsAsObjects: false });

/** The library writes numbers from here on as floats; as BigInts it writes them as integers. */
const WIDE = 2 ** 32;

function widened(item: Item): Item {
  if (typeof item === 'number') return item < WIDE ? item : BigInt(item);
  if (typeof item === 'bigint') return item < WIDE ? Number(item) : item;
  return Array.isArray(item) ? (item as readonly Item[]).map(widened) : item;
}

/** An item as a library writes it. */
export function libraryBytes(item: Item): Uint8Array {
  return cbor.encode(widened(item));
}

export function naiveDecode<T>(shape: Shape<T>, input: Uint8Array, sizeMax: number): Outcome<T> {
  if (input.length > sizeMax) {
    return fail('too_large', `at most ${sizeMax} bytes`, `${input.length} bytes`);
  }
  const flaw = scan(input);
  if (flaw !== undefined) return fail('malformed', 'one item of the canonical profile', flaw);
  try {
    const view = new Uint8Array(input.buffer, input.byteOffset, input.length);
    const value = shape.readFrom(new Items(cbor.decode(view)));
    if (Buffer.compare(libraryBytes(shape.toItem(value)), input) === 0) return ok(value);
    return fail('not_canonical', 'canonical encoding', 'another encoding of the same value');
  } catch (error) {
    if (error instanceof ShapeError) return fail('wrong_shape', error.expected, error.actual);
    if (!(error instanceof InvariantError)) throw error;
    return fail('malformed', 'decodable CBOR', 'undecodable bytes');
  }
}

function kindOf(item: unknown): string {
  if (item instanceof Uint8Array) return `${item.length} bytes`;
  if (Array.isArray(item)) return `array of ${item.length}`;
  return typeof item === 'number' || typeof item === 'bigint' ? String(item) : typeof item;
}

function wrong(expected: string, item: unknown): never {
  throw new ShapeError(expected, kindOf(item));
}

/** An integer that the library hands out as a BigInt although its head could be shorter is none. */
const LONG_MIN = 2n ** 32n;

function refuseShortBigInts(item: unknown): void {
  if (Array.isArray(item)) item.forEach(refuseShortBigInts);
  else if (typeof item === 'bigint' && item < LONG_MIN) wrong('an item', item);
}

/** One item of the library's making, and below it those of its parts. */
class Items implements Source {
  readonly #item: unknown;

  constructor(item: unknown) {
    this.#item = item;
  }

  uint(max: number): number {
    const item = this.#item;
    if (typeof item === 'bigint' && item >= LONG_MIN && item <= BigInt(max)) return Number(item);
    return typeof item === 'number' && item <= max ? item : wrong(`integer 0..${max}`, item);
  }

  u64(): bigint {
    const item = this.#item;
    if (typeof item === 'number') return BigInt(item);
    return typeof item === 'bigint' && item >= LONG_MIN ? item : wrong('integer 0..2^64-1', item);
  }

  bool(): boolean {
    const item = this.#item;
    return item === 1 ? true : item === 0 ? false : wrong('0 or 1', item);
  }

  bytes(sizeMax: number, isView: boolean): Uint8Array {
    const item = this.#item;
    if (!(item instanceof Uint8Array) || item.length > sizeMax) {
      return wrong(`bytes, at most ${sizeMax}`, item);
    }
    return isView && item.length > SLAB_SHARE_BYTES_MAX ? item : owned(item);
  }

  fixed(size: number): Uint8Array {
    const item = this.#item;
    const fits = item instanceof Uint8Array && item.length === size;
    return fits ? owned(item) : wrong(`${size} bytes`, item);
  }

  text(lengthMax: number): string {
    const item = this.#item;
    const fits = typeof item === 'string' && item.length <= lengthMax;
    return fits ? item : wrong(`text, at most ${lengthMax}`, item);
  }

  item(): Uint8Array {
    refuseShortBigInts(this.#item);
    return new Uint8Array(cbor.encode(this.#item));
  }

  array<T>(element: Readable<T>, countMax: number): readonly T[] {
    const item = this.#item;
    if (!Array.isArray(item) || item.length > countMax) {
      return wrong(`array, at most ${countMax} items`, item);
    }
    return item.map((one) => element.readFrom(new Items(one)));
  }

  optional<T>(element: Readable<T>): T | undefined {
    const item = this.#item;
    if (!Array.isArray(item) || item.length > 1) return wrong('[] or [x]', item);
    return item.length === 0 ? undefined : element.readFrom(new Items(item[0]));
  }

  record(names: readonly string[], fields: readonly Readable<unknown>[]): object {
    const item = this.#item;
    if (!Array.isArray(item) || item.length !== names.length) {
      return wrong(`array of ${names.length}`, item);
    }
    return Object.fromEntries(
      names.map((name, i) => [name, fields[i]?.readFrom(new Items(item[i]))]),
    );
  }

  union(arms: Parameters<Source['union']>[0]): object {
    const item = this.#item;
    const arm = Array.isArray(item) ? arms.get(item[0] as number) : undefined;
    if (arm === undefined || !Array.isArray(item)) {
      return wrong(`tag of ${[...arms.keys()].join(' ')}`, Array.isArray(item) ? item[0] : item);
    }
    return { kind: arm.kind, ...arm.fields.readFrom(new Items(item.slice(1))) };
  }

  mapped<A, B>(shape: Readable<A>, into: (value: A) => B): B {
    return into(shape.readFrom(this));
  }
}

/** What keeps the bytes from being one item of the profile. */
function scan(input: Uint8Array): string | undefined {
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
    const start = at - head.value;
    const [a, b, c] = [input[start], input[start + 1], input[start + 2]];
    if (head.major === 3 && a === 0xef && b === 0xbb && c === 0xbf) return 'byte order mark';
  }
  return at === input.length ? undefined : `${input.length - at} bytes after the item`;
}

function readHead(
  input: Uint8Array,
  at: number,
): string | { readonly major: number; readonly value: number; readonly next: number } {
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
