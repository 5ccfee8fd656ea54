// Bytes, taken apart line by line along their form.
import { fromHex, toHex } from '@fatty/codec';
import type { Form } from './form.ts';

/** A line of the listing: bytes in hex, and what they are. */
interface Line {
  readonly hex: string;
  readonly depth: number;
  readonly meaning: string;
}

const HEX_COLUMN = 44;
/** Longer byte strings go on in lines of their own. */
const BYTES_PER_LINE = 20;

/** Longer text is not quoted. */
const TEXT_MAX = 60;
/** Major type of text in CBOR. */
const TEXT = 3;

/** Names of byte strings that have a section of their own, by hex. */
export type Known = ReadonlyMap<string, string>;

class Listing {
  readonly #bytes: Uint8Array;
  readonly #known: Known;
  readonly #lines: Line[] = [];
  #at = 0;

  constructor(bytes: Uint8Array, known: Known) {
    this.#bytes = bytes;
    this.#known = known;
  }

  get text(): string {
    if (this.#at !== this.#bytes.length) throw new Error(`${this.#bytes.length - this.#at} left`);
    return this.#lines
      .map(({ hex, depth, meaning }) => {
        const front = `${'  '.repeat(depth)}${hex}`;
        return meaning === '' ? front : `${front.padEnd(HEX_COLUMN)} # ${meaning}`;
      })
      .join('\n');
  }

  walk(form: Form, name: string, depth: number): void {
    switch (form.kind) {
      case 'array':
        return this.#elements(form.element, name, depth);
      case 'optional':
        return this.#elements(form.element, name, depth);
      case 'record':
        this.#line(this.#head().hex, depth, `${name}: ${form.fields.length} fields`);
        for (const [field, inner] of form.fields) this.walk(inner, field, depth + 1);
        return;
      case 'union':
        return this.#arm(form, name, depth);
      case 'item':
        return this.#any(name, depth);
      case 'bool':
      case 'bytes':
      case 'choice':
      case 'fixed':
      case 'text':
      case 'u64':
      case 'uint':
        return this.#leaf(form, name, depth);
    }
  }

  #elements(element: Form, name: string, depth: number): void {
    const { hex, value } = this.#head();
    this.#line(hex, depth, `${name}: ${value === 0 ? 'none' : value}`);
    for (let i = 0; i < value; i++) this.walk(element, `${name}[${i}]`, depth + 1);
  }

  /** The tag stands in front of the fields, in the same array. */
  #arm(form: Extract<Form, { kind: 'union' }>, name: string, depth: number): void {
    const { hex, value: size } = this.#head();
    const tag = this.#head();
    const arm = form.arms.find((one) => one.tag === tag.value);
    if (arm?.fields.kind !== 'record') throw new Error(`no arm ${tag.value}`);
    this.#line(hex, depth, `${name}: ${size} items`);
    this.#line(tag.hex, depth + 1, `tag ${tag.value}: ${arm.name}`);
    for (const [field, inner] of arm.fields.fields) this.walk(inner, field, depth + 1);
  }

  /** An item that its carrier does not know. */
  #any(name: string, depth: number): void {
    const { hex, major, value } = this.#head();
    if (major === 4) {
      this.#line(hex, depth, `${name}: ${value} items`);
      for (let i = 0; i < value; i++) this.#any(`${name}[${i}]`, depth + 1);
    } else if (major === 0) this.#line(hex, depth, `${name} = ${value}`);
    else this.#string(hex, value, name, depth, major === TEXT);
  }

  #leaf(form: Form, name: string, depth: number): void {
    const { hex, major, value, exact } = this.#head();
    if (major !== 0) return this.#string(hex, value, name, depth, major === TEXT);
    const chosen = form.kind === 'choice' ? ` ${form.names[value] ?? ''}` : '';
    this.#line(hex, depth, `${name} = ${exact}${chosen}`);
  }

  #string(head: string, size: number, name: string, depth: number, isText: boolean): void {
    const bytes = this.#bytes.subarray(this.#at, this.#at + size);
    this.#at += size;
    const hex = toHex(bytes);
    const known = this.#known.get(hex);
    if (known !== undefined)
      return this.#line(`${head} …`, depth, `${name}: ${known}, ${size} bytes`);
    const shown =
      isText && size <= TEXT_MAX ? ` = ${JSON.stringify(new TextDecoder().decode(bytes))}` : '';
    if (size <= BYTES_PER_LINE) return this.#line(`${head} ${hex}`, depth, name + shown);
    this.#line(head, depth, `${name}${shown}: ${size} bytes`);
    for (let i = 0; i < size; i += BYTES_PER_LINE) {
      this.#line(toHex(bytes.subarray(i, i + BYTES_PER_LINE)), depth + 1, '');
    }
  }

  #head(): {
    readonly hex: string;
    readonly major: number;
    readonly value: number;
    readonly exact: bigint;
  } {
    const first = this.#bytes[this.#at];
    if (first === undefined) throw new Error('a head');
    const low = first & 31;
    const extra = low < 24 ? 0 : 2 ** (low - 24);
    const head = this.#bytes.subarray(this.#at, this.#at + 1 + extra);
    this.#at += head.length;
    const exact = extra === 0 ? BigInt(low) : BigInt(`0x${toHex(head.subarray(1))}`);
    return { hex: toHex(head), major: first >> 5, value: Number(exact), exact };
  }

  #line(hex: string, depth: number, meaning: string): void {
    this.#lines.push({ hex, depth, meaning });
  }
}

/** The listing of one value's bytes. */
export function annotate(form: Form, name: string, bytes: Uint8Array, known: Known): string {
  const listing = new Listing(bytes, known);
  listing.walk(form, name, 0);
  return listing.text;
}

/** The bytes of a listing; `known` as it was given to {@link annotate}. */
export function bytesOf(listing: string, known: Known): Uint8Array {
  const byName = new Map([...known].map(([hex, name]) => [name, hex]));
  const hex = listing.split('\n').map((line) => {
    const [front = '', meaning = ''] = line.split(' # ');
    const name = /: ([^,]+), \d+ bytes$/.exec(meaning)?.[1] ?? '';
    return front.replaceAll(' ', '').replace('…', byName.get(name) ?? '');
  });
  const bytes = fromHex(hex.join(''));
  if (bytes === undefined) throw new Error('a listing is hex');
  return bytes;
}
