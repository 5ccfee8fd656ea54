// What is said of marks: beside them, and on hovering.
import type { TraceEvent } from '@fatty/interface';
import { isClient } from '../run/filters.ts';
import type { Mark, PacketMark, PointMark } from '../run/marks.ts';
import { formatMs } from '../text/rows.ts';
import type { Frame } from './frame.ts';
import { cut, LETTERS_MAX, type Wish } from './labels.ts';
import { colourOf, type Point, shaftOf, signColour } from './shapes.ts';

/** Longest text of a title, in letters. */
const TITLE_MAX = 400;

const FATES: Readonly<Record<PacketMark['fate'], string>> = {
  arrived: '',
  again: ', once more',
  lost: ', lost',
  refused: ', refused',
  flying: ', not seen to arrive',
};

const at = (ms: number, originMs: number): string => `${formatMs(ms - originMs)} ms`;

/** The whole of a mark in words. */
export function tellMark(mark: Mark, originMs: number): string {
  const { event, atMs } = mark;
  const round = event.round === undefined ? '' : `, round ${event.round}`;
  if (mark.kind === 'point') {
    const words = event.kind === 'note' ? event.label : `${event.kind} ${event.label}`;
    return cut(`${mark.who}, ${at(atMs, originMs)}${round}: ${words.trim()}`, TITLE_MAX);
  }
  const { from, to, leftMs, fate } = mark;
  const isLong = leftMs !== undefined && leftMs < atMs;
  const time = `${isLong ? `${formatMs(leftMs - originMs)} to ` : ''}${at(atMs, originMs)}`;
  return cut(`${from} to ${to}, ${time}${round}${FATES[fate]}: ${event.label}`, TITLE_MAX);
}

/** What matters most finds room first. */
const RANKS: Readonly<Record<string, number>> = {
  broken: 0,
  crash: 1,
  restart: 1,
  lost: 2,
  refused: 2,
  client: 3,
  commit: 4,
  twin: 4,
  block: 5,
  note: 6,
  other: 7,
};

const brief = (label: string): string => label.replace(/, \d+ batch(es)?(?=:|$)/, '');

function packetWish(mark: PacketMark, frame: Frame, isOn: boolean): Wish {
  const { from, hasTail, to, hasHead } = shaftOf(mark, frame);
  const colour = colourOf(mark);
  const isAtEnd = (!hasTail && hasHead) || colour === 'refused';
  const place: Point = isAtEnd ? to : from;
  const text = cut(brief(mark.event.label), LETTERS_MAX);
  return { at: place, text, colour, rank: RANKS[colour] ?? 9, isOn };
}

function pointWish({ who, atMs, event }: PointMark, frame: Frame, isOn: boolean): Wish {
  const { kind, label } = event;
  const named = kind === 'note' || kind === 'reject';
  const text = cut(named && label !== '' ? label : `${kind} ${label}`.trim(), LETTERS_MAX);
  const rank = kind === 'note' && isClient(who) ? RANKS.client : RANKS[kind];
  const colour = signColour(kind, who);
  return { at: [frame.x(who), frame.axis.y(atMs)], text, colour, rank: rank ?? 9, isOn };
}

/** Lit words come before all others. */
const LIT = 100;

/**
 * The words that marks want beside them. Packets that leave together with the same words have them once.
 * Commits and broken invariants have words of their own; deliveries are many, and tell on hovering.
 */
export function wishesOf(
  marks: readonly Mark[],
  frame: Frame,
  isOn: (mark: Mark) => boolean,
): readonly Wish[] {
  const wishes = new Map<string, Wish>();
  for (const mark of marks) {
    const on = isOn(mark);
    if (mark.kind === 'point') {
      const { kind, commit } = mark.event;
      if (kind === 'broken' || kind === 'deliver') continue;
      if (kind === 'commit' && commit !== undefined) continue;
    }
    const wish = mark.kind === 'packet' ? packetWish(mark, frame, on) : pointWish(mark, frame, on);
    if (wish.text === '') continue;
    const key = JSON.stringify([wish.at, wish.text]);
    if (!wishes.has(key)) wishes.set(key, on ? { ...wish, rank: wish.rank - LIT } : wish);
  }
  return [...wishes.values()];
}

const count = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`;

/** A picture in one or two sentences, for who cannot see it. */
export function summaryOf(
  marks: readonly Mark[],
  names: readonly string[],
  span: { readonly fromMs: number; readonly toMs: number; readonly originMs: number },
): string {
  const fates = (fate: PacketMark['fate']): number =>
    marks.filter((mark) => mark.kind === 'packet' && mark.fate === fate).length;
  const packets = marks.filter(({ kind }) => kind === 'packet').length;
  const points = (kind: TraceEvent['kind']): readonly TraceEvent[] =>
    marks
      .filter((mark) => mark.kind === 'point' && mark.event.kind === kind)
      .map(({ event }) => event);
  const commits = new Set(points('commit').map(({ commit }) => commit)).size;
  const parts = [
    count(names.length, 'lifeline'),
    `${formatMs(span.fromMs - span.originMs)} to ${formatMs(span.toMs - span.originMs)} ms`,
    count(packets, 'packet'),
    ...(fates('lost') > 0 ? [`${fates('lost')} lost`] : []),
    ...(fates('refused') > 0 ? [`${fates('refused')} refused`] : []),
    ...(fates('again') > 0 ? [count(fates('again'), 'duplicate')] : []),
    ...(commits > 0 ? [count(commits, 'commit')] : []),
    ...(points('crash').length > 0 ? [count(points('crash').length, 'crash', 'crashes')] : []),
  ];
  const broken = points('broken').map(({ label }) => ` Broken: ${label}.`);
  return `${parts.join(', ')}.${broken.slice(0, 3).join('')}`;
}
