import type { CellId, Digest, PublicKey, SessionId, Signature } from '@fatty/interface';
import {
  asCellId,
  asDigest,
  asPublicKey,
  asSessionId,
  asSignature,
  excerpt,
  isText,
} from './bytes.ts';
import { InvariantError } from './failure.ts';
import { owned, SLAB_SHARE_BYTES_MAX } from './memory.ts';

/**
 * A data item of the canonical profile: unsigned integers, byte strings, text, arrays; nothing
 * else.
 */
export type Item = number | bigint | Uint8Array | string | readonly Item[];

/** Raised inside shapes only; `decode` turns it into a Failure. */
export class ShapeError extends Error {
  readonly expected: string;
  readonly actual: string;
  constructor(expected: string, actual: string) {
    super(`expected ${expected}, got ${actual}`);
    this.expected = expected;
    this.actual = actual;
  }
}

/** What keeps a value that somebody handed over from being written in a shape. */
export interface Flaw {
  /** Where: `lockGen.commit`, `dots[3].seq`; empty for the value itself. */
  readonly at: string;
  readonly expected: string;
  readonly actual: string;
  /** Of the right kind, only too large, too long or negative: a rule may have a code for that. */
  readonly isBound: boolean;
}

/** Looks at values of callers, who may write plain JavaScript. */
export interface Check {
  /** Undefined when there is nothing wrong with the value. */
  flawOf(value: unknown): Flaw | undefined;
}

/**
 * Two-way mapping between a typed value and a profile item. `toItem` trusts its caller, `fromItem`
 * and `flawOf` nobody: what `flawOf` finds no flaw in, `toItem` takes.
 */
export interface Shape<T> extends Check {
  toItem(value: T): Item;
  /** @throws ShapeError */
  fromItem(item: unknown): T;
}

/** The value type of a shape. */
export type Of<S> = S extends Shape<infer T> ? T : never;

function kindOf(item: unknown): string {
  if (item instanceof Uint8Array) return `${item.length} bytes`;
  if (Array.isArray(item)) return `array of ${item.length}`;
  return typeof item === 'number' || typeof item === 'bigint' ? String(item) : typeof item;
}

function wrong(expected: string, item: unknown): never {
  throw new ShapeError(expected, kindOf(item));
}

const QUOTED_LENGTH_MAX = 60;
/** Larger numbers are not quoted: writing one out takes time that grows with its square. */
const QUOTED_NUMBER_MAX = 2n ** 256n;

/** A value of any kind as a failure quotes it. */
export function quote(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(excerpt(value, QUOTED_LENGTH_MAX));
  if (typeof value === 'bigint') {
    const short = value < QUOTED_NUMBER_MAX && value > -QUOTED_NUMBER_MAX;
    return short ? `${value}n` : 'a larger number';
  }
  if (value === null || typeof value === 'number' || typeof value === 'boolean') {
    return String(value);
  }
  return kindOf(value);
}

function flaw(expected: string, value: unknown, isBound = false): Flaw {
  return { at: '', expected, actual: quote(value), isBound };
}

function placed(at: string, found: Flaw): Flaw {
  const joint = found.at === '' || found.at.startsWith('[') ? '' : '.';
  return { ...found, at: `${at}${joint}${found.at}` };
}

/** Of the parts of a value: one of the wrong kind before one that is out of bounds. */
function firstFlaw(parts: Iterable<Flaw | undefined>): Flaw | undefined {
  let bound: Flaw | undefined;
  for (const found of parts) {
    if (found === undefined) continue;
    if (!found.isBound) return found;
    bound ??= found;
  }
  return bound;
}

/** From here on integers travel as BigInt: cbor-x writes larger numbers as floats. */
const WIDE = 2n ** 32n;

function uintItem(value: number): Item {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvariantError(`${value} is not an unsigned safe integer`);
  }
  // `+ 0` turns -0, which passes for an integer, into 0.
  return value < 2 ** 32 ? value + 0 : BigInt(value);
}

function u64Item(value: bigint): Item {
  if (value < 0n || value >= 2n ** 64n) throw new InvariantError(`${value} is not a u64`);
  return value < WIDE ? Number(value) : value;
}

/** Unsigned integer 0..max as a JS number. */
export function uint(max: number = Number.MAX_SAFE_INTEGER): Shape<number> {
  return {
    toItem: uintItem,
    fromItem(item) {
      // A BigInt below 2^32 is the over-long form `1b 00 00 00 00 …`; cbor-x would write it back
      // as such.
      if (typeof item === 'bigint' && item >= WIDE && item <= BigInt(max)) return Number(item);
      if (typeof item === 'number' && item <= max) return item;
      return wrong(`integer 0..${max}`, item);
    },
    flawOf(value) {
      const isWhole = Number.isInteger(value);
      if (isWhole && Number(value) >= 0 && Number(value) <= max) return undefined;
      return flaw(isWhole ? `integer 0..${max}` : 'a whole number', value, isWhole);
    },
  };
}

export const u8: Shape<number> = uint(0xff);
export const u16: Shape<number> = uint(0xffff);
export const u32: Shape<number> = uint(0xffffffff);
/** Non-negative safe integer: rounds, commit indices, sequence numbers, milliseconds. */
export const u53: Shape<number> = uint();

/** Full-range 64-bit unsigned integer. */
export const u64: Shape<bigint> = {
  toItem: u64Item,
  fromItem(item) {
    if (typeof item === 'number') return BigInt(item);
    if (typeof item === 'bigint' && item >= WIDE) return item;
    return wrong('integer 0..2^64-1', item);
  },
  flawOf(value) {
    if (typeof value !== 'bigint') return flaw('a bigint', value);
    return value >= 0n && value < 2n ** 64n ? undefined : flaw('integer 0..2^64-1', value, true);
  },
};

export const bool: Shape<boolean> = {
  toItem: (value) => (value ? 1 : 0),
  fromItem: (item) => (item === 1 ? true : item === 0 ? false : wrong('0 or 1', item)),
  flawOf: (value) => (typeof value === 'boolean' ? undefined : flaw('true or false', value)),
};

/**
 * Byte string of at most `max` bytes, decoded as a view of the input, which must never change: for
 * the parts of something that is kept whole anyway. Who keeps one part for longer takes its {@link
 * keptBytes}.
 */
export function viewBytes(max: number): Shape<Uint8Array> {
  const whole = bytes(max);
  return {
    ...whole,
    fromItem: (item) =>
      item instanceof Uint8Array && item.length > SLAB_SHARE_BYTES_MAX && item.length <= max
        ? item
        : whole.fromItem(item),
  };
}

/** Byte string of at most `max` bytes. */
export function bytes(max: number): Shape<Uint8Array> {
  return {
    toItem: (value) => value,
    fromItem: (item) =>
      item instanceof Uint8Array && item.length <= max
        ? owned(item)
        : wrong(`bytes, at most ${max}`, item),
    flawOf(value) {
      if (!(value instanceof Uint8Array)) return flaw('bytes', value);
      return value.length <= max ? undefined : flaw(`bytes, at most ${max}`, value, true);
    },
  };
}

/** Byte string of exactly `size` bytes. */
export function fixed(size: number): Shape<Uint8Array> {
  return {
    toItem: (value) => value,
    fromItem: (item) =>
      item instanceof Uint8Array && item.length === size
        ? owned(item)
        : wrong(`${size} bytes`, item),
    flawOf: (value) =>
      value instanceof Uint8Array && value.length === size
        ? undefined
        : flaw(`${size} bytes`, value),
  };
}

function branded<T extends Uint8Array>(size: number, make: (bytes: Uint8Array) => T): Shape<T> {
  const raw = fixed(size);
  return { ...raw, toItem: (value) => value, fromItem: (item) => make(raw.fromItem(item)) };
}

export const digest: Shape<Digest> = branded(32, asDigest);
export const publicKey: Shape<PublicKey> = branded(32, asPublicKey);
export const signature: Shape<Signature> = branded(64, asSignature);
export const cellId: Shape<CellId> = branded(32, asCellId);
export const sessionId: Shape<SessionId> = branded(32, asSessionId);

/**
 * Text of at most `max` UTF-16 units under {@link isText}; check foreign strings before encoding.
 */
export function text(max: number): Shape<string> {
  return {
    toItem(value) {
      if (!isText(value)) throw new InvariantError('text is ill-formed or starts with U+FEFF');
      return value;
    },
    fromItem: (item) =>
      typeof item === 'string' && item.length <= max ? item : wrong(`text, at most ${max}`, item),
    flawOf(value) {
      if (typeof value !== 'string') return flaw('text', value);
      if (value.length > max) return flaw(`text, at most ${max} characters`, value, true);
      if (isText(value)) return undefined;
      return flaw('text without lone surrogates and without a byte order mark in front', value);
    },
  };
}

/** Text for people to read, which may quote foreign input: written as its {@link excerpt}. */
export function detail(max: number): Shape<string> {
  const { fromItem } = text(max);
  return {
    toItem: (value) => excerpt(value, max),
    fromItem,
    flawOf: (value) => (typeof value === 'string' ? undefined : flaw('text', value)),
  };
}

export function array<T>(element: Shape<T>, max: number): Shape<readonly T[]> {
  return {
    toItem: (value) => value.map((one) => element.toItem(one)),
    fromItem(item) {
      if (!Array.isArray(item) || item.length > max)
        return wrong(`array, at most ${max} items`, item);
      return item.map((one) => element.fromItem(one));
    },
    flawOf(value) {
      if (!Array.isArray(value)) return flaw('an array', value);
      if (value.length > max) return flaw(`array, at most ${max} items`, value);
      return firstFlaw(flawsOfItems(element, value));
    },
  };
}

/** Also of the holes that an array may have. */
function* flawsOfItems<T>(
  element: Shape<T>,
  values: readonly unknown[],
): Generator<Flaw | undefined> {
  for (const [i, value] of values.entries()) {
    const found = element.flawOf(value);
    yield found && placed(`[${i}]`, found);
  }
}

/** `[]` or `[x]`. */
export function optional<T>(element: Shape<T>): Shape<T | undefined> {
  return {
    toItem: (value) => (value === undefined ? [] : [element.toItem(value)]),
    fromItem(item) {
      if (!Array.isArray(item) || item.length > 1) return wrong('[] or [x]', item);
      return item.length === 0 ? undefined : element.fromItem(item[0]);
    },
    flawOf: (value) => (value === undefined ? undefined : element.flawOf(value)),
  };
}

/** A record as a positional array; field order is the order of the keys given. */
export function record<T extends object>(
  fields: { readonly [K in keyof T]: Shape<T[K]> },
): Shape<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  return {
    toItem: (value) => names.map((name) => fields[name].toItem(value[name])),
    fromItem(item) {
      if (!Array.isArray(item) || item.length !== names.length)
        return wrong(`array of ${names.length}`, item);
      const value: Partial<T> = {};
      for (let i = 0; i < names.length; i++) {
        const name = names[i] as keyof T & string;
        value[name] = fields[name].fromItem(item[i]);
      }
      return value as T;
    },
    flawOf: (value) => flawOfFields(fields, value),
  };
}

type Fields = Readonly<Record<string, Check>>;

/** What is wrong with an object's fields; others than these may be there. */
export function flawOfFields(fields: Fields, value: unknown): Flaw | undefined {
  if (typeof value !== 'object' || value === null) return flaw('an object', value);
  return firstFlaw(flawsOfFields(fields, value as Readonly<Record<string, unknown>>));
}

function* flawsOfFields(
  fields: Fields,
  value: Readonly<Record<string, unknown>>,
): Generator<Flaw | undefined> {
  for (const [name, field] of Object.entries(fields)) {
    const found = field.flawOf(value[name]);
    yield found && placed(name, found);
  }
}

/** A choice written as `[tag, ...fields]` with a small integer tag, discriminated by `kind`. */
export function union<T extends { readonly kind: string }>(
  arms: {
    readonly [K in T['kind']]: readonly [
      tag: number,
      fields: Shape<Omit<Extract<T, { kind: K }>, 'kind'>>,
    ];
  },
): Shape<T> {
  const table = arms as unknown as Record<string, readonly [number, Shape<object>]>;
  const byTag = new Map(
    Object.entries(table).map(([kind, [tag, fields]]) => [tag, { kind, fields }]),
  );
  return {
    toItem(value) {
      const [tag, fields] = table[value.kind] as readonly [number, Shape<object>];
      return [tag, ...(fields.toItem(value) as Item[])];
    },
    fromItem(item) {
      const arm = Array.isArray(item) ? byTag.get(item[0] as number) : undefined;
      if (!arm)
        return wrong(`tag of ${[...byTag.keys()].join(' ')}`, Array.isArray(item) ? item[0] : item);
      return {
        kind: arm.kind,
        ...arm.fields.fromItem((item as unknown[]).slice(1)),
      } as unknown as T;
    },
    flawOf(value) {
      if (typeof value !== 'object' || value === null) return flaw('an object', value);
      const kind: unknown = (value as { kind?: unknown }).kind;
      if (typeof kind === 'string' && Object.hasOwn(table, kind)) {
        return table[kind]?.[1].flawOf(value);
      }
      return placed('kind', flaw(Object.keys(table).join(' | '), kind));
    },
  };
}

/**
 * Narrows or converts a shape; `into` throws ShapeError on refusal, also of what a caller hands
 * over: there and back again must be possible.
 */
export function mapped<A, B>(
  shape: Shape<A>,
  into: (value: A) => B,
  back: (value: B) => A,
): Shape<B> {
  return {
    toItem: (value) => shape.toItem(back(value)),
    fromItem: (item) => into(shape.fromItem(item)),
    flawOf(value) {
      try {
        const under = back(value as B);
        const found = shape.flawOf(under);
        if (found === undefined) into(under);
        return found;
      } catch (error) {
        return flaw(error instanceof ShapeError ? error.expected : 'a value of its kind', value);
      }
    },
  };
}
