// One line of a story in words.
import { compareNames } from '../run/causal-order.ts';
import { printable } from '../run/escape.ts';
import type { Mark, PacketMark, PointMark } from '../run/marks.ts';
import { formatMs } from '../text/rows.ts';

const isPacket = (mark: Mark): mark is PacketMark => mark.kind === 'packet';
const isPoint = (mark: Mark): mark is PointMark => mark.kind === 'point';

/** What became of a packet at its receiver. */
function fateWords({ fate, to, leftMs, atMs, event }: PacketMark): string {
  const after = leftMs === undefined ? '' : ` after ${formatMs(atMs - leftMs)} ms`;
  switch (fate) {
    case 'arrived':
      return `${to}${after}`;
    case 'again':
      return `${to} once more${after}`;
    case 'lost':
      return `${to} (lost)`;
    case 'refused':
      return `${to} (refused: ${event.label})`;
    case 'flying':
      return `${to} (not seen to arrive)`;
  }
}

function packetWords(marks: readonly PacketMark[]): string {
  const [first] = marks;
  if (first === undefined) return '';
  const [send = first.event] = first.events;
  return `${first.from} sends to ${marks.map(fateWords).join(', ')}: ${send.label}`;
}

function pointWords(marks: readonly PointMark[]): string {
  const [first] = marks;
  if (first === undefined) return '';
  const { kind, label } = first.event;
  const who = [...new Set(marks.map((mark) => mark.who))].sort(compareNames).join(', ');
  switch (kind) {
    case 'commit':
      return `${who} commit ${label}`;
    case 'crash':
      return `${who} goes down${label === '' ? '' : `: ${label}`}`;
    case 'restart':
      return `${who} is back${label === '' ? '' : `: ${label}`}`;
    case 'deliver':
      return `${who} delivers ${label}`;
    case 'reject':
      return `${who} refuses ${label}`;
    case 'broken':
      return `BROKEN ${label}`;
    case 'send':
    case 'receive':
    case 'drop':
    case 'note':
      return `${who}: ${label}`;
  }
}

/** Marks that are told together. */
export function groupWords(marks: readonly Mark[]): string {
  const packets = marks.filter(isPacket);
  return printable(packets.length > 0 ? packetWords(packets) : pointWords(marks.filter(isPoint)));
}
