// A JSON reader that keeps numbers as they are written and refuses a key that stands twice.
import { demand, Rejected } from '../proof/rejected.ts';

/** A number as it was written: no reader here takes anything but plain integers from it. */
export interface JsonNumber {
  readonly number: string;
}

/** A JSON text as {@link parseJson} reads it; objects are maps in the order of the text. */
export type JsonValue =
  | string
  | boolean
  | null
  | JsonNumber
  | readonly JsonValue[]
  | ReadonlyMap<string, JsonValue>;

const DEPTH_MAX = 32;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORDS: readonly (readonly [string, boolean | null])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/**
 * RFC 8259 and nothing more; a key twice in one object is refused, since two readers could disagree
 * on which one counts. `JSON.parse` would keep the last.
 * @throws Rejected `malformed duplicate_key`
 */
export function parseJson(text: string): JsonValue {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) this.#wrong('end of text');
  }

  value(depth: number): JsonValue {
    demand(depth <= DEPTH_MAX, 'malformed', `nesting of at most ${DEPTH_MAX}`, depth);
    this.#space();
    const first = this.#text[this.#at];
    if (first === '{') return this.#object(depth);
    if (first === '[') return this.#array(depth);
    if (first === '"') return this.#string();
    for (const [word, value] of WORDS) if (this.#skip(word)) return value;
    return this.#number();
  }

  #wrong(expected: string): never {
    const found = this.#text.slice(this.#at, this.#at + 12);
    throw new Rejected('malformed', expected, `${JSON.stringify(found)} at ${this.#at}`);
  }

  #space(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? 'x')) this.#at++;
  }

  #skip(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  /** Items up to `close`, separated by commas. */
  #list(close: string, item: () => void): void {
    this.#at++;
    this.#space();
    if (this.#skip(close)) return;
    for (;;) {
      item();
      this.#space();
      if (this.#skip(close)) return;
      if (!this.#skip(',')) this.#wrong(`, or ${close}`);
    }
  }

  #array(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.#list(']', () => items.push(this.value(depth + 1)));
    return items;
  }

  #object(depth: number): Map<string, JsonValue> {
    const entries = new Map<string, JsonValue>();
    this.#list('}', () => {
      this.#space();
      const key = this.#string();
      demand(!entries.has(key), 'duplicate_key', 'every key once', key.slice(0, 64));
      this.#space();
      if (!this.#skip(':')) this.#wrong(':');
      entries.set(key, this.value(depth + 1));
    });
    return entries;
  }

  /** Finds the closing quote, then lets the platform check and decode what is between. */
  #string(): string {
    if (this.#text[this.#at] !== '"') this.#wrong('a string');
    let end = this.#at + 1;
    while (end < this.#text.length && this.#text[end] !== '"')
      end += this.#text[end] === '\\' ? 2 : 1;
    try {
      const decoded: unknown = JSON.parse(this.#text.slice(this.#at, end + 1));
      if (typeof decoded !== 'string') return this.#wrong('a string');
      this.#at = end + 1;
      return decoded;
    } catch (error) {
      if (error instanceof SyntaxError) return this.#wrong('a string');
      throw error;
    }
  }

  #number(): JsonNumber {
    NUMBER.lastIndex = this.#at;
    const found = NUMBER.exec(this.#text)?.[0];
    if (found === undefined) return this.#wrong('a value');
    this.#at += found.length;
    return { number: found };
  }
}
