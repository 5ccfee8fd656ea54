// What the shapes of a picture mean; only those that are in it.
import type { Mark, PacketMark, PointMark } from '../run/marks.ts';
import { colourOf, drawSign, signColour } from './shapes.ts';
import { element, line, words } from './xml.ts';

interface Entry {
  readonly colour: string;
  readonly text: string;
  /** Drawn in a box of 26 by 12. */
  readonly shape: string;
}

const stroke = (kind: string): string =>
  element('path', {
    class: kind,
    d: line([
      [0, 6],
      [26, 6],
    ]),
  });
const head = element('path', {
  class: 'f',
  d: line(
    [
      [18, 2.8],
      [26, 6],
      [18, 9.2],
    ],
    true,
  ),
});
const ring = (x: number): string => element('circle', { class: 'l hollow', cx: x, cy: 6, r: 4 });

const PACKETS: Readonly<Record<string, string>> = {
  client: 'client',
  block: 'block, ops',
  twin: 'second block of one slot',
};

/** What its colour means, and what its line does. */
function packetEntries(mark: PacketMark): readonly Entry[] {
  const colour = colourOf(mark);
  const entry = packetEntry(mark, colour);
  if (mark.leftMs !== undefined || mark.fate === 'flying') return [entry];
  return [entry, { colour, text: 'not seen to leave', shape: stroke('l dots') + head }];
}

function packetEntry({ fate }: PacketMark, colour: string): Entry {
  if (fate === 'lost') return { colour, text: 'lost', shape: `${stroke('l dash')}${crossAt()}` };
  if (fate === 'refused') return { colour, text: 'refused', shape: stroke('l') + ring(22) };
  if (fate === 'flying') return { colour, text: 'not seen to arrive', shape: stroke('l dots') };
  if (fate === 'again') {
    return { colour, text: 'arrived once more', shape: stroke('l dash') + ring(12) + head };
  }
  return { colour, text: PACKETS[colour] ?? 'other packet', shape: stroke('l') + head };
}

function crossAt(): string {
  return element('path', { class: 'l', d: 'M21 2.5L28 9.5M21 9.5L28 2.5' });
}

const SIGNS: Readonly<Record<string, string>> = {
  commit: 'commit, a bar over who made it',
  crash: 'crash: down while dotted',
  restart: 'restart',
  reject: 'refused after it arrived',
  deliver: 'delivered',
  note: 'note',
  broken: 'an invariant breaks',
};

function entriesOf(mark: Mark): readonly Entry[] {
  return mark.kind === 'packet' ? packetEntries(mark) : [pointEntry(mark)];
}

function pointEntry(mark: PointMark): Entry {
  const { kind } = mark.event;
  const shape =
    kind === 'broken'
      ? element('rect', { class: 'alarm', y: 1, width: 26, height: 10 }) + stroke('l')
      : drawSign(kind, [14, 6]);
  const colour = signColour(kind, mark.who);
  return { colour, text: SIGNS[kind] ?? kind, shape };
}

const ENTRY_PADDING = 56;
const LETTER = 5.8;
const ROW = 20;

/** In rows under the picture, and how high that is. */
export function legendOf(
  marks: readonly Mark[],
  width: number,
  top: number,
): { readonly text: string; readonly height: number } {
  const entries = new Map<string, Entry>();
  for (const entry of marks.flatMap(entriesOf)) {
    if (!entries.has(entry.text)) entries.set(entry.text, entry);
  }
  let [x, y] = [24, top];
  const drawn = [...entries.values()].map(({ colour, text, shape }) => {
    const size = ENTRY_PADDING + text.length * LETTER;
    if (x > 24 && x + size > width) [x, y] = [24, y + ROW];
    const transform = `translate(${Math.round(x)} ${Math.round(y)})`;
    x += size;
    const label = words(34, 10, text, { class: 'muted' });
    return element('g', { transform }, element('g', { class: colour }, shape), label);
  });
  return { text: element('g', { 'aria-label': 'legend' }, ...drawn), height: y - top + ROW + 16 };
}
