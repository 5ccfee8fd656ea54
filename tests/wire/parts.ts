// Pieces of the pages: tables of fields, listings, messages.
import { encode, type Shape } from '@fatty/codec';
import { annotate, type Known } from './annotate.ts';
import { type Arm, type Form, formOf, inWords } from './form.ts';
import type { Note } from './notes.ts';

/** A table of fields, or one line. */
export function fieldsOf(form: Form): string {
  if (form.kind !== 'record') return `Form: ${inWords(form)}.\n`;
  if (form.fields.length === 0) return 'No fields.\n';
  const rows = form.fields.map(([name, field]) => `| ${name} | ${inWords(field)} |`);
  return ['| field | form |', '|---|---|', ...rows, ''].join('\n');
}

/** Bytes, item by item, as a block of code. */
export const listing = (form: Form, name: string, bytes: Uint8Array, known: Known): string =>
  ['```', annotate(form, name, bytes, known), '```', ''].join('\n');

/** A name at the beginning of a title. */
export const titled = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

function armOf(form: Form, kind: string): Arm {
  const arm = form.kind === 'union' ? form.arms.find(({ name }) => name === kind) : undefined;
  if (arm === undefined) throw new Error(`no arm ${kind}`);
  return arm;
}

/** One arm of a union: its fields, what else is to say, an example. */
export function messageOf(
  form: Form,
  kind: string,
  bytes: Uint8Array,
  known: Known,
  note?: Note,
): string {
  const { tag, fields } = armOf(form, kind);
  const notes =
    note &&
    [
      `- *Sent* when ${note.when}.`,
      `- *Answer*: ${note.answer}.`,
      `- *Refused*: ${note.refused}.`,
      '',
    ].join('\n');
  return [
    `### ${kind}, tag ${tag}`,
    '',
    ...(notes ? [notes] : []),
    fieldsOf(fields),
    listing(form, kind, bytes, known),
  ].join('\n');
}

/** All messages of a union, one example each. */
export function messagesOf<T extends { readonly kind: string }>(
  shape: Shape<T>,
  messages: readonly T[],
  notes: Readonly<Record<string, Note>>,
  known: Known,
): string {
  const form = formOf(shape);
  return messages
    .map((message) =>
      messageOf(form, message.kind, encode(shape, message), known, notes[message.kind]),
    )
    .join('\n');
}
