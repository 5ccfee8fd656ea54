// What a shape asks of its source, written down: the form of its bytes.
import { type Arms, type Readable, type Shape, ShapeError, type Source } from '@fatty/codec';

/** The form of an item of the profile. Sizes in bytes, lengths of text in UTF-16 units. */
export type Form =
  | { readonly kind: 'uint'; readonly max: number }
  | { readonly kind: 'u64' }
  | { readonly kind: 'bool' }
  | { readonly kind: 'choice'; readonly names: readonly string[] }
  | { readonly kind: 'bytes'; readonly max: number }
  | { readonly kind: 'fixed'; readonly size: number }
  | { readonly kind: 'text'; readonly max: number }
  | { readonly kind: 'item' }
  | { readonly kind: 'array'; readonly element: Form; readonly max: number }
  | { readonly kind: 'optional'; readonly element: Form }
  | { readonly kind: 'record'; readonly fields: readonly (readonly [string, Form])[] }
  | { readonly kind: 'union'; readonly arms: readonly Arm[] };

/** One arm of a union: its name, its tag, and what follows the tag. */
export interface Arm {
  readonly name: string;
  readonly tag: number;
  readonly fields: Form;
}

/** Names of a choice are looked for below this. */
const CHOICE_MAX = 64;

/** A source that holds nothing: it remembers what it was asked for, and answers with zeros. */
class Asked implements Source {
  form: Form | undefined;

  uint(max: number): number {
    this.form = { kind: 'uint', max };
    return 0;
  }
  u64(): bigint {
    this.form = { kind: 'u64' };
    return 0n;
  }
  bool(): boolean {
    this.form = { kind: 'bool' };
    return false;
  }
  bytes(max: number): Uint8Array {
    this.form = { kind: 'bytes', max };
    return new Uint8Array(0);
  }
  fixed(size: number): Uint8Array {
    this.form = { kind: 'fixed', size };
    return new Uint8Array(size);
  }
  text(max: number): string {
    this.form = { kind: 'text', max };
    return '';
  }
  item(): Uint8Array {
    this.form = { kind: 'item' };
    return Uint8Array.of(0);
  }
  array<T>(element: Readable<T>, max: number): readonly T[] {
    this.form = { kind: 'array', element: formOf(element), max };
    return [];
  }
  optional<T>(element: Readable<T>): T | undefined {
    this.form = { kind: 'optional', element: formOf(element) };
    return undefined;
  }
  record(names: readonly string[], fields: readonly Readable<unknown>[]): object {
    const forms = fields.map((field, i) => [names[i] ?? '', formOf(field)] as const);
    this.form = { kind: 'record', fields: forms };
    return {};
  }
  union(arms: Arms): object {
    const forms = [...arms].map(([tag, { kind, fields }]) => {
      return { name: kind, tag, fields: formOf(fields) };
    });
    this.form = { kind: 'union', arms: forms };
    return {};
  }
  mapped<A, B>(shape: Readable<A>, into: (value: A) => B): B {
    this.form = formOf(shape);
    const { form } = this;
    const names =
      form.kind === 'uint' ? namesOf(into as (value: unknown) => unknown, form.max) : [];
    if (names.length > 0) this.form = { kind: 'choice', names };
    // Nobody looks at the value: of a record or a union that asks for more, zeros may be no value at all.
    return undefined as B;
  }
}

/** What the whole numbers from 0 on stand for, when they stand for names. */
function namesOf(into: (value: unknown) => unknown, max: number): readonly string[] {
  const names: string[] = [];
  for (let i = 0; i <= Math.min(max, CHOICE_MAX); i++) {
    try {
      const name = into(i);
      if (typeof name !== 'string') return [];
      names.push(name);
    } catch (error) {
      if (error instanceof ShapeError) break;
      throw error;
    }
  }
  return names;
}

/** The form of what a shape reads. */
export function formOf<T>(shape: Readable<T> | Shape<T>): Form {
  const asked = new Asked();
  shape.readFrom(asked);
  if (asked.form === undefined) throw new Error('a shape asks for something');
  return asked.form;
}

const POWERS: ReadonlyMap<number, string> = new Map([
  [0xff, 'u8'],
  [0xffff, 'u16'],
  [0xffffffff, 'u32'],
  [Number.MAX_SAFE_INTEGER, 'u53'],
]);

/** A form in one line, as the tables have it. */
export function inWords(form: Form): string {
  switch (form.kind) {
    case 'uint':
      return POWERS.get(form.max) ?? `0 to ${form.max}`;
    case 'u64':
      return 'u64';
    case 'bool':
      return '0 or 1';
    case 'choice':
      return form.names.map((name, i) => `${i} ${name}`).join(', ');
    case 'bytes':
      return `bytes ≤ ${form.max}`;
    case 'fixed':
      return `${form.size} bytes`;
    case 'text':
      return `text ≤ ${form.max}`;
    case 'item':
      return 'an item of the algorithm';
    case 'array':
      return `list ≤ ${form.max} of ${nested(form.element)}`;
    case 'optional':
      return `[] or [${inWords(form.element)}]`;
    case 'record':
      return `[${form.fields.map(([name, field]) => `${name}: ${inWords(field)}`).join(', ')}]`;
    case 'union':
      return form.arms.map(({ name, tag }) => `${tag} ${name}`).join(' / ');
  }
}

const nested = (form: Form): string =>
  form.kind === 'choice' || form.kind === 'array' ? `(${inWords(form)})` : inWords(form);
