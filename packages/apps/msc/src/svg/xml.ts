// Writes XML.
import { printable } from '../run/escape.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** No XML may hold these, and the others would turn the words around them about. */
const UNFIT = /[\uFFFE\uFFFF\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/** Free text as it may stand between tags and in attributes. */
export function escapeXml(text: string): string {
  return printable(text)
    .replace(UNFIT, '\uFFFD')
    .replace(/[&<>"']/g, (one) => ENTITIES[one] ?? '');
}

/** What an attribute may be; one that is undefined is left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** With one decimal at most. */
export function round(value: number): string {
  // Clocks that are far off lead out of every picture; minus zero has no place in it.
  const near = Math.min(1e6, Math.max(-1e6, value));
  return Number.isNaN(near) ? '0' : String(Math.round(near * 10) / 10 + 0);
}

/** An element. Children are XML already; text goes through {@link escapeXml} first. */
export function element(
  name: string,
  attributes: Attributes,
  ...children: readonly string[]
): string {
  const head = Object.entries(attributes).map(([key, value]) => {
    if (value === undefined) return '';
    return ` ${key}="${typeof value === 'number' ? round(value) : escapeXml(value)}"`;
  });
  const open = `<${name}${head.join('')}`;
  return children.length === 0 ? `${open}/>` : `${open}>${children.join('')}</${name}>`;
}

/** Words at a place. */
export function words(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escapeXml(text));
}

/** What a reader's pointer and a screen reader are told. */
export function titled(text: string): string {
  return element('title', {}, escapeXml(text));
}

/** A path through these points. */
export function line(points: readonly (readonly [number, number])[], close = false): string {
  const steps = points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`);
  return steps.join('') + (close ? 'Z' : '');
}
