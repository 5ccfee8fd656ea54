// Strict reading of JSON objects: which keys there are, which numbers and elements they hold.
import { P } from '../felt/felt.ts';
import { LIMITS } from '../proof/proof.ts';
import { demand, Rejected } from '../proof/rejected.ts';
import type { JsonValue } from './value.ts';

/** Reads one JSON object strictly: wanted keys are there, no others are. */
export class Fields {
  readonly #entries: ReadonlyMap<string, JsonValue>;
  readonly #where: string;

  /** @throws Rejected `wrong_shape unknown_key`; `keys` undefined lets every key pass */
  constructor(value: JsonValue | undefined, where: string, keys: readonly string[] | undefined) {
    this.#where = where;
    if (!(value instanceof Map))
      throw new Rejected('wrong_shape', `${where}: object`, nameOf(value));
    this.#entries = value;
    if (keys === undefined) return;
    for (const key of value.keys())
      demand(keys.includes(key), 'unknown_key', `${where}: ${keys.join(' ')}`, key.slice(0, 64));
  }

  /** Whether the key has a value; `null` is none, as in StarkWare's reader. */
  has(key: string): boolean {
    return (this.#entries.get(key) ?? null) !== null;
  }

  names(): string[] {
    return [...this.#entries.keys()];
  }

  get(key: string): JsonValue | undefined {
    return this.#entries.get(key);
  }

  #wrong(key: string, expected: string): never {
    throw new Rejected('wrong_shape', `${this.#where}.${key}: ${expected}`, nameOf(this.get(key)));
  }

  text(key: string, size: number = LIMITS.name): string {
    const value = this.get(key);
    if (typeof value !== 'string' || value.length > size)
      return this.#wrong(key, `text, at most ${size}`);
    return value;
  }

  optionalText(key: string, otherwise: string): string {
    return this.has(key) ? this.text(key) : otherwise;
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.has(key) ? this.get(key) : otherwise;
    return typeof value === 'boolean' ? value : this.#wrong(key, 'true or false');
  }

  integer(key: string, max: number): number {
    return readInteger(this.get(key), `${this.#where}.${key}`, max);
  }

  list(key: string, max: number): readonly JsonValue[] {
    const value = this.get(key);
    if (!isList(value) || value.length > max)
      return this.#wrong(key, `array, at most ${max} items`);
    return value;
  }

  felt(key: string): bigint {
    return readFelt(this.get(key), `${this.#where}.${key}`);
  }
}

const isList = (value: JsonValue | undefined): value is readonly JsonValue[] =>
  Array.isArray(value);

function nameOf(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return `text of ${value.length}`;
  if (isList(value)) return `array of ${value.length}`;
  return 'number' in value ? `number ${value.number.slice(0, 32)}` : 'object';
}

/** Digits only, 0..max. @throws Rejected `wrong_shape bad_number` */
export function readInteger(value: JsonValue | undefined, where: string, max: number): number {
  if (value === null || typeof value !== 'object' || !('number' in value))
    throw new Rejected('wrong_shape', `${where}: integer`, nameOf(value));
  const { number: digits } = value;
  const holds = /^[0-9]+$/.test(digits) && Number(digits) <= max;
  demand(holds, 'bad_number', `${where}: integer 0..${max}`, digits.slice(0, 32));
  return Number(digits);
}

/**
 * `0x` and hex digits in either case, behind any number of zeros, as StarkWare's reader takes them;
 * but a value from p on, which that reader reduces, is refused: it has another way to be written.
 * @throws Rejected `wrong_shape bad_hex felt_range`
 */
export function readFelt(value: JsonValue | undefined, where: string): bigint {
  if (typeof value !== 'string') throw new Rejected('wrong_shape', `${where}: hex`, nameOf(value));
  const isHex = /^0x[0-9a-f]+$/i.test(value);
  demand(isHex, 'bad_hex', `${where}: hex`, value.slice(0, 72));
  const digits = value.slice(2).replace(/^0+/, '');
  const short = digits.length <= 64;
  demand(short, 'bad_hex', `${where}: at most 64 digits`, `${digits.length} digits`);
  const felt = BigInt(`0x0${digits}`);
  demand(felt < P, 'felt_range', `${where}: below p`, value.slice(0, 72));
  return felt;
}
