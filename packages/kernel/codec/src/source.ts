// What a shape reads its value from: canonical bytes, or in tests anything else.

/**
 * A data item of the canonical profile: unsigned integers, byte strings, text, arrays; nothing
 * else.
 */
export type Item = number | bigint | Uint8Array | string | readonly Item[];

/** Raised while a shape reads; `decode` turns it into a Failure. */
export class ShapeError extends Error {
  readonly expected: string;
  readonly actual: string;
  constructor(expected: string, actual: string) {
    super(`expected ${expected}, got ${actual}`);
    this.expected = expected;
    this.actual = actual;
  }
}

/** What reads itself: a shape. */
export interface Readable<T> {
  /** @throws ShapeError */
  readFrom(source: Source): T;
}

/** The arms of a union by their tags. */
export type Arms = ReadonlyMap<
  number,
  { readonly kind: string; readonly fields: Readable<object> }
>;

/**
 * The items of one value, from front to back: each call reads the next. All throw ShapeError when
 * that item is of another kind or out of bounds.
 */
export interface Source {
  /** Unsigned integer 0..max, at most 2^53 − 1. */
  uint(max: number): number;
  /** Unsigned integer 0..2^64 − 1. */
  u64(): bigint;
  /** 0 or 1. */
  bool(): boolean;
  /** A byte string of at most `sizeMax` bytes. `isView`: it may share the memory of a message. */
  bytes(sizeMax: number, isView: boolean): Uint8Array;
  /** A byte string of that many bytes. */
  fixed(size: number): Uint8Array;
  /** Text of at most `lengthMax` UTF-16 units. */
  text(lengthMax: number): string;
  /** The next item, whatever it is, as bytes of its own. */
  item(): Uint8Array;
  /** An array of at most `countMax` values of one shape. */
  array<T>(element: Readable<T>, countMax: number): readonly T[];
  /** An array with one value or none. */
  optional<T>(element: Readable<T>): T | undefined;
  /** An array with a value for each name. `fields` has the same length as `names`. */
  record(names: readonly string[], fields: readonly Readable<unknown>[]): object;
  /** An array of a tag and what belongs to it; `kind` of the value says which arm it is. */
  union(arms: Arms): object;
  /**
   * `into` of what the shape reads. Where several items go into one value, `toItem` says which of them
   * the value is written as: the only canonical one.
   */
  mapped<A, B>(
    shape: Readable<A>,
    into: (value: A) => B,
    toItem: ((value: B) => Item) | undefined,
  ): B;
}
