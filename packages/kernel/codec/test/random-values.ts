// Test helper: random values of any shape, from a seed.
import { type Readable, ShapeError, type Source, utf8 } from '../src/index.ts';
import { type Plain, reference } from './reference.ts';

/** Whole numbers below `below`; the same ones for the same seed. */
export type Rng = (below: number) => number;

/** Mulberry32. */
export function rngOf(seed: number): Rng {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

export const pick = <T>(rng: Rng, list: readonly T[]): T => list[rng(list.length)] as T;

/** Where heads change their size and numbers their type. */
const EDGES: readonly bigint[] = [0, 5, 8, 16, 32, 53, 64]
  .map((bits) => 2n ** BigInt(bits))
  .concat(24n)
  .flatMap((edge) => [edge - 1n, edge, edge + 1n])
  .filter((edge) => edge < 2n ** 64n);
const SIZES = [0, 1, 2, 3, 23, 24, 25, 31, 32, 33, 64, 127, 128, 129, 255, 256, 300];
const UNITS = [
  'a',
  '\0',
  '\x7f',
  '\x80',
  'é',
  '€',
  '\u2028',
  '\uFFFD',
  '\uFEFF',
  '𝄞',
  '\u{10FFFF}',
];
const WORDS = ['', 'timeout', 'too_large', 'malformed', 'pedersen', 'recursive', 'Zürich'];

export function randomText(rng: Rng): string {
  if (rng(3) === 0) return pick(rng, WORDS);
  const units = Array.from({ length: rng(4) === 0 ? rng(300) : rng(9) }, () => pick(rng, UNITS));
  return units.join('').replace(/^\uFEFF+/, '');
}

export const randomBytes = (rng: Rng, size: number): Uint8Array =>
  Uint8Array.from({ length: size }, () => rng(256));

/**
 * Makes up what a shape asks for. Small on the whole: arrays get shorter the deeper they are. Throws
 * ShapeError where a shape refuses what it was offered.
 */
export class RandomSource implements Source {
  readonly #rng: Rng;
  #depth = 0;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  uint(max: number): number {
    const rng = this.#rng;
    if (rng(3) === 0) return Math.min(max, rng(30));
    const edge = Number(pick(rng, EDGES));
    return edge <= max ? edge : rng(2) === 0 ? max : Math.min(max, rng(4));
  }

  u64(): bigint {
    return pick(this.#rng, EDGES);
  }

  bool(): boolean {
    return this.#rng(2) === 1;
  }

  bytes(sizeMax: number): Uint8Array {
    return randomBytes(this.#rng, Math.min(sizeMax, pick(this.#rng, SIZES)));
  }

  fixed(size: number): Uint8Array {
    // A small first byte: numbers of a field must stay below its order.
    const bytes = randomBytes(this.#rng, size);
    if (size > 0) bytes[0] = this.#rng(8);
    return bytes;
  }

  text(lengthMax: number): string {
    const text = randomText(this.#rng);
    return text.length <= lengthMax ? text : 'x'.repeat(lengthMax);
  }

  item(): Uint8Array {
    return reference(this.#plain(3));
  }

  #plain(depth: number): Plain {
    const rng = this.#rng;
    const kind = rng(depth === 0 ? 3 : 5);
    if (kind === 0) return pick(rng, EDGES);
    if (kind === 1) return randomText(rng);
    if (kind === 2) return randomBytes(rng, pick(rng, SIZES));
    return Array.from({ length: rng(5) }, () => this.#plain(depth - 1));
  }

  array<T>(element: Readable<T>, countMax: number): readonly T[] {
    const rng = this.#rng;
    const many = this.#depth === 0 && rng(6) === 0 ? 30 : 4;
    const count = Math.min(countMax, this.#depth > 3 ? rng(2) : rng(many));
    return this.#below(() => Array.from({ length: count }, () => element.readFrom(this)));
  }

  optional<T>(element: Readable<T>): T | undefined {
    return this.bool() ? element.readFrom(this) : undefined;
  }

  record(names: readonly string[], fields: readonly Readable<unknown>[]): object {
    return Object.fromEntries(names.map((name, i) => [name, fields[i]?.readFrom(this)]));
  }

  union(arms: Parameters<Source['union']>[0]): object {
    const { kind, fields } = pick(this.#rng, [...arms.values()]);
    return { kind, ...this.#below(() => fields.readFrom(this)) };
  }

  mapped<A, B>(shape: Readable<A>, into: (value: A) => B): B {
    for (let tries = 20; ; tries--) {
      try {
        return into(shape.readFrom(this));
      } catch (error) {
        if (!(error instanceof ShapeError) || tries === 0) throw error;
      }
    }
  }

  #below<T>(make: () => T): T {
    this.#depth++;
    const made = make();
    this.#depth--;
    return made;
  }
}

/** Bytes in place of a text's: not UTF-8, or UTF-8 that the profile refuses. */
const BAD_TEXT: readonly (readonly number[])[] = [
  [0x80],
  [0xc0, 0x80],
  [0xc3],
  [0xe2, 0x82],
  [0xed, 0xa0, 0x80],
  [0xed, 0xa0, 0x81, 0xed, 0xb0, 0x80],
  [0xef, 0xbb, 0xbf],
  [0xef, 0xbb],
  [0xf0, 0x9d, 0x84],
  [0xf4, 0x90, 0x80, 0x80],
  [0xff],
];

function head(major: number, value: bigint, width: number): Uint8Array {
  const digits = value.toString(16).padStart(2 * width, '0');
  const first = (major << 5) | (24 + Math.log2(width));
  return Uint8Array.from([first, ...Buffer.from(digits.slice(-2 * width), 'hex')]);
}

const join = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

/** Writes an item as the reference does, and one of its parts in a way of its own. */
class Miswriter {
  readonly #rng: Rng;
  #left: number;

  constructor(rng: Rng, nth: number) {
    this.#rng = rng;
    this.#left = nth;
  }

  write(item: Plain): Uint8Array {
    if (this.#left-- === 0) return this.#wrongly(item);
    if (!Array.isArray(item)) return reference(item);
    return this.#array(item as readonly Plain[]);
  }

  #array(items: readonly Plain[]): Uint8Array {
    const lead = reference(items.map(() => 0)).subarray(
      0,
      reference(items.map(() => 0)).length - items.length,
    );
    return join([lead, ...items.map((one) => this.write(one))]);
  }

  #wrongly(item: Plain): Uint8Array {
    const rng = this.#rng;
    const choice = rng(6);
    if (choice === 0) return reference(pick(rng, EDGES));
    if (choice === 1) return pick(rng, [reference(randomText(rng)), reference(this.#blob())]);
    if (choice === 2) return this.#wrapped(item);
    if (choice === 3 && typeof item === 'string') return this.#badText(item);
    if (choice === 4 && Array.isArray(item)) return reference(this.#otherCount(item));
    return this.#wide(item);
  }

  #blob(): Uint8Array {
    return randomBytes(this.#rng, pick(this.#rng, SIZES));
  }

  #wrapped(item: Plain): Uint8Array {
    const depth = pick(this.#rng, [1, 2, 14, 15, 16, 17, 40]);
    return join([new Uint8Array(depth).fill(0x81), reference(item)]);
  }

  #badText(text: string): Uint8Array {
    const bad = Uint8Array.from(pick(this.#rng, BAD_TEXT));
    const parts = [utf8(text), bad];
    if (this.#rng(2) === 0) parts.reverse();
    const bytes = join(parts);
    const asBytes = reference(bytes);
    asBytes[0] = (asBytes[0] as number) | 0x20;
    return asBytes;
  }

  #otherCount(items: readonly Plain[]): readonly Plain[] {
    const at = this.#rng(items.length + 1);
    const more = pick<Plain>(this.#rng, [0, '', [], new Uint8Array(2)]);
    return this.#rng(2) === 0 ? items.toSpliced(at, 1) : items.toSpliced(at, 0, more);
  }

  /** A head in some size, at times with another argument than the item's. */
  #wide(item: Plain): Uint8Array {
    const rng = this.#rng;
    const width = pick(rng, [1, 2, 4, 8]);
    const claimed = rng(4) === 0 ? pick(rng, EDGES) : undefined;
    if (typeof item === 'number' || typeof item === 'bigint') {
      return head(0, claimed ?? BigInt(item), width);
    }
    if (typeof item === 'string') {
      const bytes = utf8(item);
      return join([head(3, claimed ?? BigInt(bytes.length), width), bytes]);
    }
    if (item instanceof Uint8Array) {
      return join([head(2, claimed ?? BigInt(item.length), width), item]);
    }
    return join([head(4, claimed ?? BigInt(item.length), width), ...item.map(reference)]);
  }
}

function countOf(item: Plain): number {
  if (!Array.isArray(item)) return 1;
  return (item as readonly Plain[]).reduce<number>((sum, one) => sum + countOf(one), 1);
}

/** The item's bytes with one of its parts written otherwise. */
export function miswritten(rng: Rng, item: Plain): Uint8Array {
  return new Miswriter(rng, rng(countOf(item))).write(item);
}

/** Bytes that often begin an item, at any of its edges. */
const LEADS = [
  0, 1, 0x17, 0x18, 0x1b, 0x20, 0x40, 0x58, 0x5b, 0x60, 0x78, 0x80, 0x81, 0x98, 0x9b, 0xff,
];

/** The bytes with one change that knows nothing of items. */
export function mutated(rng: Rng, bytes: Uint8Array): Uint8Array {
  const at = rng(bytes.length + 1);
  const list = Array.from(bytes);
  const some = rng(2) === 0 ? pick(rng, LEADS) : rng(256);
  switch (rng(6)) {
    case 0:
      return Uint8Array.from(list.slice(0, at));
    case 1:
      return Uint8Array.from([...list, some]);
    case 2:
      return Uint8Array.from(list.toSpliced(at, 0, some));
    case 3:
      return Uint8Array.from(list.toSpliced(at, 1 + rng(3)));
    case 4:
      return Uint8Array.from(list.with(at % list.length, some));
    default:
      return Uint8Array.from(list.map((byte, i) => (i === at ? byte ^ (1 << rng(8)) : byte)));
  }
}

/** Bytes at random, leads among them. */
export function noise(rng: Rng): Uint8Array {
  return Uint8Array.from({ length: rng(14) }, () => (rng(2) === 0 ? pick(rng, LEADS) : rng(256)));
}
