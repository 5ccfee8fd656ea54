// Shapes: how typed values are written as canonical items, read and checked.
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
import { type Item, type Readable, ShapeError } from './source.ts';

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
 * Two-way mapping between a typed value and a profile item. `toItem` trusts its caller, `readFrom`
 * and `flawOf` nobody: what `flawOf` finds no flaw in, `toItem` takes.
 */
export interface Shape<T> extends Check, Readable<T> {
  toItem(value: T): Item;
}

/** The value type of a shape. */
export type Of<S> = S extends Shape<infer T> ? T : never;

function kindOf(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return Array.isArray(value) ? `array of ${value.length}` : typeof value;
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

function uintItem(value: number): Item {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvariantError(`${value} is not an unsigned safe integer`);
  }
  // `+ 0` turns -0, which passes for an integer, into 0.
  return value + 0;
}

function u64Item(value: bigint): Item {
  if (value < 0n || value >= 2n ** 64n) throw new InvariantError(`${value} is not a u64`);
  return value;
}

/** Unsigned integer 0..max as a JS number. */
export function uint(max: number = Number.MAX_SAFE_INTEGER): Shape<number> {
  return {
    toItem: uintItem,
    readFrom: (source) => source.uint(max),
    flawOf(value) {
      const isWhole = Number.isInteger(value);
      if (isWhole && Number(value) >= 0 && Number(value) <= max) return undefined;
      return flaw(isWhole ? `integer 0..${max}` : 'a whole number', value, isWhole);
    },
  };
}

/** A whole number from 0 to 255. */
export const u8: Shape<number> = uint(0xff);
/** A whole number from 0 to 65,535. */
export const u16: Shape<number> = uint(0xffff);
/** A whole number from 0 to 2³² − 1. */
export const u32: Shape<number> = uint(0xffffffff);
/** Non-negative safe integer: rounds, commit indices, sequence numbers, milliseconds. */
export const u53: Shape<number> = uint();

/** Full-range 64-bit unsigned integer. */
export const u64: Shape<bigint> = {
  toItem: u64Item,
  readFrom: (source) => source.u64(),
  flawOf(value) {
    if (typeof value !== 'bigint') return flaw('a bigint', value);
    return value >= 0n && value < 2n ** 64n ? undefined : flaw('integer 0..2^64-1', value, true);
  },
};

/** True or false, written as 1 or 0. */
export const bool: Shape<boolean> = {
  toItem: (value) => (value ? 1 : 0),
  readFrom: (source) => source.bool(),
  flawOf: (value) => (typeof value === 'boolean' ? undefined : flaw('true or false', value)),
};

/**
 * Byte string of at most `max` bytes, decoded as a view of the input, which must never change: for
 * the parts of something that is kept whole anyway. Who keeps one part for longer takes its {@link
 * keptBytes}.
 */
export function viewBytes(max: number): Shape<Uint8Array> {
  return { ...bytes(max), readFrom: (source) => source.bytes(max, true) };
}

/** Byte string of at most `max` bytes. */
export function bytes(max: number): Shape<Uint8Array> {
  return {
    toItem: (value) => value,
    readFrom: (source) => source.bytes(max, false),
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
    readFrom: (source) => source.fixed(size),
    flawOf: (value) =>
      value instanceof Uint8Array && value.length === size
        ? undefined
        : flaw(`${size} bytes`, value),
  };
}

function branded<T extends Uint8Array>(size: number, make: (bytes: Uint8Array) => T): Shape<T> {
  const raw = fixed(size);
  return { ...raw, toItem: (value) => value, readFrom: (source) => make(source.fixed(size)) };
}

/** A hash, 32 bytes. */
export const digest: Shape<Digest> = branded(32, asDigest);
/** An Ed25519 public key, 32 bytes; its size alone is checked. */
export const publicKey: Shape<PublicKey> = branded(32, asPublicKey);
/** An Ed25519 signature, 64 bytes; its size alone is checked. */
export const signature: Shape<Signature> = branded(64, asSignature);
/** The id of a cell, 32 bytes. */
export const cellId: Shape<CellId> = branded(32, asCellId);
/** The id of a session, 32 bytes. */
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
    readFrom: (source) => source.text(max),
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
  return {
    toItem: (value) => excerpt(value, max),
    readFrom: (source) => source.text(max),
    flawOf: (value) => (typeof value === 'string' ? undefined : flaw('text', value)),
  };
}

/** A list of at most `max` elements of one shape. */
export function array<T>(element: Shape<T>, max: number): Shape<readonly T[]> {
  return {
    toItem: (value) => value.map((one) => element.toItem(one)),
    readFrom: (source) => source.array(element, max),
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
    readFrom: (source) => source.optional(element),
    flawOf: (value) => (value === undefined ? undefined : element.flawOf(value)),
  };
}

/** A record as a positional array; field order is the order of the keys given. */
export function record<T extends object>(
  fields: { readonly [K in keyof T]: Shape<T[K]> },
): Shape<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  const shapes = names.map((name) => fields[name]);
  return {
    toItem(value) {
      const items: Item[] = [];
      for (let i = 0; i < names.length; i++) {
        items.push((shapes[i] as Shape<unknown>).toItem(value[names[i] as keyof T]));
      }
      return items;
    },
    readFrom: (source) => source.record(names, shapes) as T,
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
    readFrom: (source) => source.union(byTag) as T,
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
 * over: there and back again must be possible. Several items may go into one value: `decode` takes
 * only the one that it is written as.
 */
export function mapped<A, B>(
  shape: Shape<A>,
  into: (value: A) => B,
  back: (value: B) => A,
): Shape<B> {
  const toItem = (value: B): Item => shape.toItem(back(value));
  return {
    ...oneToOne(shape, into, back),
    readFrom: (source) => source.mapped(shape, into, toItem),
  };
}

/** {@link mapped} where `back(into(x))` is x for every x that `into` takes: nothing to compare. */
export function oneToOne<A, B>(
  shape: Shape<A>,
  into: (value: A) => B,
  back: (value: B) => A,
): Shape<B> {
  return {
    toItem: (value) => shape.toItem(back(value)),
    readFrom: (source) => source.mapped(shape, into, undefined),
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
