// Reads canonical bytes by a shape, front to back, once.
import { equalBytes, fromUtf8 } from './bytes.ts';
import { owned, SLAB_SHARE_BYTES_MAX } from './memory.ts';
import { type Arms, type Item, type Readable, ShapeError, type Source } from './source.ts';

/** Deepest array nesting the profile allows. */
export const DEPTH_MAX = 16;

/** Major types of RFC 8949 that the profile uses. */
const UNSIGNED = 0;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;

/** An integer below this has a head of at most five bytes. */
const LONG_MIN = 2 ** 32;
/** The least value that needs a head with an argument of 1, 2, 4, 8 bytes. */
const ARGUMENT_MIN: readonly number[] = [24, 2 ** 8, 2 ** 16, LONG_MIN];
/** Up to this size ASCII is turned into a string here: a call of the decoder costs more. */
const ASCII_BYTES_MAX = 24;
/** Room that a claimed count is believed for; beyond it an array grows as its items come. */
const ROOM_COUNT_MAX = 1024;
/** No item of the kind asked for. */
const OTHER = -1;
/** No arm of a union is being read. */
const NONE = -1;

/** Text as decoders that replace what is no UTF-8 read it: no such bytes are ever canonical. */
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * One reader per value. It throws ShapeError as soon as the bytes are not of the shape; that they
 * are malformed farther on, or at that very place, is for `decode` to say. A shape-conforming value in
 * another encoding than the canonical one is read to its end and then `isCanonical` is false.
 */
export class Reader implements Source {
  readonly #input: Uint8Array;
  #at = 0;
  #depth = 0;
  /** Of the last head: where it is, its major type and its argument (rounded above 2^53). */
  #head = 0;
  #major = 0;
  #argument = 0;
  /** The last head has an argument of eight bytes. */
  #isLong = false;
  /** Items of a union's array after its tag: the arm's record goes on with them. */
  #armCount = NONE;
  /** So far nothing was written in another way than the canonical one; `#checks` may know better. */
  #isOnlyForm = true;
  /** Inside of what `mapped` checks as a whole. */
  #isMapping = false;
  /** Of mapped values. Left for the end: what is of the wrong shape farther on comes first. */
  #checks: (() => boolean)[] | undefined;

  constructor(input: Uint8Array) {
    this.#input = input;
  }

  /** The value that all of the bytes are. @throws ShapeError */
  whole<T>(shape: Readable<T>): T {
    const value = shape.readFrom(this);
    if (this.#at !== this.#input.length) throw new ShapeError('the end', 'more bytes');
    return value;
  }

  /** The first fields of the array that the bytes begin with. @throws ShapeError */
  front(names: readonly string[], fields: readonly Readable<unknown>[]): object {
    if (this.#open() < names.length) this.#refuse(`array of ${names.length} or more`);
    return this.#fill({}, names, fields);
  }

  /** After `whole`: whether the value is written in no other way than these bytes. */
  isCanonical(): boolean {
    let isSame = this.#isOnlyForm;
    // All of them: one that throws comes before one that only says no.
    for (const check of this.#checks ?? []) isSame = check() && isSame;
    return isSame;
  }

  uint(max: number): number {
    const value = this.#next(UNSIGNED);
    // Eight bytes for what four can say are no other encoding of the number, but no number.
    if (value === OTHER || value > max || (this.#isLong && value < LONG_MIN)) {
      this.#refuse(`integer 0..${max}`);
    }
    return value;
  }

  u64(): bigint {
    const value = this.#next(UNSIGNED);
    if (value === OTHER || (this.#isLong && value < LONG_MIN)) this.#refuse('integer 0..2^64-1');
    return this.#exact();
  }

  bool(): boolean {
    const value = this.#next(UNSIGNED);
    if ((value !== 0 && value !== 1) || this.#isLong) this.#refuse('0 or 1');
    return value === 1;
  }

  bytes(sizeMax: number, isView: boolean): Uint8Array {
    const size = this.#next(BYTES);
    if (size === OTHER || size > sizeMax) this.#refuse(`bytes, at most ${sizeMax}`);
    return this.#taken(size, isView);
  }

  fixed(size: number): Uint8Array {
    if (this.#next(BYTES) !== size) this.#refuse(`${size} bytes`);
    return this.#taken(size, false);
  }

  text(lengthMax: number): string {
    const size = this.#next(TEXT);
    // A unit is at most three bytes.
    if (size !== OTHER && size <= 3 * lengthMax) {
      const value = this.#string(size);
      if (value.length <= lengthMax) return value;
    }
    return this.#refuse(`text, at most ${lengthMax}`);
  }

  item(): Uint8Array {
    const start = this.#at;
    this.tree();
    const size = this.#at - start;
    return owned(new Uint8Array(this.#input.buffer, this.#input.byteOffset + start, size));
  }

  /** The next item, whatever it is; its byte strings are views. @throws ShapeError */
  tree(): Item {
    const count = this.#open();
    if (count !== OTHER) {
      const items = Array.from({ length: count }, () => this.tree());
      this.#depth--;
      return items;
    }
    if (this.#major === BYTES) return this.#skip(this.#argument);
    if (this.#major === TEXT) return this.#string(this.#argument);
    if (this.#major !== UNSIGNED || (this.#isLong && this.#argument < LONG_MIN)) {
      return this.#refuse('an item');
    }
    return this.#isLong ? this.#exact() : this.#argument;
  }

  array<T>(element: Readable<T>, countMax: number): readonly T[] {
    const count = this.#open();
    if (count === OTHER || count > countMax) this.#refuse(`array, at most ${countMax} items`);
    const items: T[] = [];
    items.length = Math.min(count, ROOM_COUNT_MAX);
    for (let i = 0; i < count; i++) items[i] = element.readFrom(this);
    this.#depth--;
    return items;
  }

  optional<T>(element: Readable<T>): T | undefined {
    const count = this.#open();
    if (count === OTHER || count > 1) this.#refuse('[] or [x]');
    const value = count === 0 ? undefined : element.readFrom(this);
    // Written, undefined is an empty array, whatever it is read from.
    if (count === 1 && value === undefined) this.#isOnlyForm = false;
    this.#depth--;
    return value;
  }

  record(names: readonly string[], fields: readonly Readable<unknown>[]): object {
    if (this.#open() !== names.length) this.#refuse(`array of ${names.length}`);
    const value = this.#fill({}, names, fields);
    this.#depth--;
    return value;
  }

  union(arms: Arms): object {
    const count = this.#open();
    const tag = count > 0 ? this.#next(UNSIGNED) : OTHER;
    const arm = this.#isLong ? undefined : arms.get(tag);
    if (arm === undefined) return this.#refuseTag(arms, count);
    this.#armCount = count - 1;
    return { kind: arm.kind, ...arm.fields.readFrom(this) };
  }

  mapped<A, B>(
    shape: Readable<A>,
    into: (value: A) => B,
    toItem: ((value: B) => Item) | undefined,
  ): B {
    if (toItem === undefined || this.#isMapping) return into(shape.readFrom(this));
    const at = this.#at;
    const armCount = this.#armCount;
    // What the whole is written as says what its parts are written as.
    this.#isMapping = true;
    const value = into(shape.readFrom(this));
    this.#isMapping = false;
    this.#checks ??= [];
    this.#checks.push(() => {
      const item = toItem(value);
      this.#at = at;
      this.#armCount = armCount;
      return this.#isNext(item);
    });
    return value;
  }

  /** Whether the next item is this one; what is read here was read before. */
  #isNext(item: Item): boolean {
    if (typeof item === 'string') {
      const size = this.#next(TEXT);
      return size !== OTHER && this.#string(size) === item;
    }
    if (item instanceof Uint8Array) {
      return this.#next(BYTES) === item.length && equalBytes(this.#skip(item.length), item);
    }
    if (typeof item === 'object') {
      this.#depth = 0;
      return this.#open() === item.length && item.every((part) => this.#isNext(part));
    }
    return this.#next(UNSIGNED) !== OTHER && this.#exact() === BigInt(item);
  }

  #fill(
    value: Record<string, unknown>,
    names: readonly string[],
    fields: readonly Readable<unknown>[],
  ): object {
    for (let i = 0; i < names.length; i++) {
      value[names[i] as string] = (fields[i] as Readable<unknown>).readFrom(this);
    }
    return value;
  }

  /**
   * How many items the next array has, otherwise OTHER; with the tag of an arm behind us, the rest of
   * its array.
   */
  #open(): number {
    if (this.#armCount !== NONE) {
      this.#argument = this.#armCount;
      this.#major = ARRAY;
      this.#armCount = NONE;
      return this.#argument;
    }
    const count = this.#next(ARRAY);
    if (count === OTHER) return OTHER;
    if (++this.#depth > DEPTH_MAX) throw new ShapeError('less nesting', 'more');
    // Each item is a byte or more: nothing is made room for that cannot come.
    if (count > this.#input.length - this.#at) throw new ShapeError('the items', 'the end');
    return count;
  }

  /** The argument of the next head if its major type is this one, otherwise OTHER. */
  #next(major: number): number {
    const input = this.#input;
    const at = this.#at;
    const first = input[at];
    if (first === undefined) throw new ShapeError('an item', 'the end');
    const info = first & 31;
    this.#head = at;
    this.#major = first >> 5;
    this.#isLong = info === 27;
    if (info < 24) {
      this.#argument = info;
      this.#at = at + 1;
    } else {
      this.#long(info);
    }
    return this.#major === major ? this.#argument : OTHER;
  }

  /** Reads a head whose argument is in the bytes after it. */
  #long(info: number): void {
    const start = this.#head + 1;
    const end = start + (1 << (info - 24));
    if (info > 27 || end > this.#input.length) throw new ShapeError('a head', 'none');
    let value = 0;
    for (let i = start; i < end; i++) value = value * 256 + (this.#input[i] as number);
    if (value < (ARGUMENT_MIN[info - 24] as number)) this.#isOnlyForm = false;
    this.#argument = value;
    this.#at = end;
  }

  /** The argument of the last head, not rounded. */
  #exact(): bigint {
    if (this.#argument <= Number.MAX_SAFE_INTEGER) return BigInt(this.#argument);
    const { buffer, byteOffset } = this.#input;
    return new DataView(buffer, byteOffset + this.#head + 1, 8).getBigUint64(0);
  }

  #taken(size: number, isView: boolean): Uint8Array {
    const view = this.#skip(size);
    return isView && size > SLAB_SHARE_BYTES_MAX ? view : owned(view);
  }

  /** A plain view of the next bytes, which must all be there. */
  #skip(size: number): Uint8Array {
    const start = this.#at;
    if (size > this.#input.length - start) throw new ShapeError('all bytes of the item', 'the end');
    this.#at = start + size;
    return new Uint8Array(this.#input.buffer, this.#input.byteOffset + start, size);
  }

  #string(size: number): string {
    const bytes = this.#skip(size);
    const ascii = size <= ASCII_BYTES_MAX ? asciiOf(bytes) : undefined;
    if (ascii !== undefined) return ascii;
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
      throw new ShapeError('text', 'a byte order mark');
    }
    const text = fromUtf8(bytes);
    if (text !== undefined) return text;
    this.#isOnlyForm = false;
    return lenient.decode(bytes);
  }

  /** Of the item with the last head. */
  #refuse(expected: string): never {
    throw new ShapeError(expected, this.#kind());
  }

  #refuseTag(arms: Arms, count: number): never {
    const expected = `tag of ${[...arms.keys()].join(' ')}`;
    throw new ShapeError(expected, count === 0 ? 'undefined' : this.#kind());
  }

  #kind(): string {
    if (this.#major === UNSIGNED) return String(this.#exact());
    if (this.#major === BYTES) return `${this.#argument} bytes`;
    return this.#major === ARRAY ? `array of ${this.#argument}` : 'string';
  }
}

function asciiOf(bytes: Uint8Array): string | undefined {
  const codes: number[] = [];
  for (const byte of bytes) {
    if (byte > 127) return undefined;
    codes.push(byte);
  }
  return String.fromCharCode(...codes);
}
