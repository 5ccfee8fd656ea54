// The shapes of marks.
import type { TraceEvent } from '@fatty/interface';
import { isClient } from '../run/filters.ts';
import type { PacketMark } from '../run/marks.ts';
import type { Frame } from './frame.ts';
import { element, line, round } from './xml.ts';

/** A place in the picture. */
export type Point = readonly [x: number, y: number];

/** The line of a packet, inside the picture. */
export interface Shaft {
  readonly from: Point;
  readonly to: Point;
  /** It leaves, or ends, inside of what is shown. */
  readonly hasTail: boolean;
  readonly hasHead: boolean;
}

/** How far a packet gets that arrives nowhere, as a part of the way. */
const LOST_AT = 0.42;
const FLYING_AT = 0.6;
/** Where the line of a packet begins that nobody saw leave. */
const UNSEEN_FROM = 0.55;
/** How far down one gets that nobody saw arrive. */
const FLYING_DOWN = 9;

/** A second block of one slot: its author lies. */
const TWIN = /^(sends )?block \S+ twin\b/;

/** What a packet belongs to, and so its colour. */
export function colourOf({ fate, from, to, event }: PacketMark): string {
  if (fate === 'lost') return 'lost';
  if (fate === 'refused') return 'refused';
  if (isClient(from) || isClient(to)) return 'client';
  if (TWIN.test(event.label)) return 'twin';
  return event.block !== undefined || event.ops !== undefined ? 'block' : 'other';
}

/** From where to where a packet is drawn: down or level, never up. */
export function shaftOf(mark: PacketMark, { axis, x }: Frame): Shaft {
  const { fate, from, to, atMs, leftMs } = mark;
  const [start, end] = [x(from), x(to)];
  const part = (share: number): number => start + (end - start) * share;
  const arrives = axis.y(atMs);
  const leaves = leftMs === undefined ? arrives : Math.min(axis.y(leftMs), arrives);
  if (fate === 'flying') {
    const down = Math.min(arrives + FLYING_DOWN, Math.max(arrives, axis.bottom));
    return clipped([start, arrives], [part(FLYING_AT), down], axis);
  }
  if (fate === 'lost') return clipped([start, leaves], [part(LOST_AT), arrives], axis);
  const begin = leftMs === undefined ? part(UNSEEN_FROM) : start;
  return clipped([begin, leaves], [end, arrives], axis);
}

function clipped(from: Point, to: Point, { top, bottom }: Frame['axis']): Shaft {
  const [[x1, y1], [x2, y2]] = [from, to];
  const at = (y: number): Point => [x1 + ((x2 - x1) * (y - y1)) / (y2 - y1), y];
  const hasTail = y1 >= top - 0.05;
  const hasHead = y2 <= bottom + 0.05;
  return { from: hasTail ? from : at(top), to: hasHead ? to : at(bottom), hasTail, hasHead };
}

const DASHES: Readonly<Record<PacketMark['fate'], string>> = {
  arrived: 'l',
  again: 'l dash',
  lost: 'l dash',
  refused: 'l',
  flying: 'l dots',
};

/** The line of a packet and what is at its end. */
export function drawPacket(mark: PacketMark, frame: Frame): string {
  const shaft = shaftOf(mark, frame);
  const isUnseen = mark.leftMs === undefined && mark.fate !== 'flying';
  const dashes = isUnseen ? 'l dots' : DASHES[mark.fate];
  if (mark.from === mark.to) return drawLoop(shaft, dashes);
  const { from, to, hasHead } = shaft;
  const shape = element('path', { class: dashes, d: line([from, to]) });
  return hasHead ? shape + drawHead(mark.fate, from, to) : shape;
}

/** To oneself there is no way. */
function drawLoop({ from: [x, y1], to: [, y2] }: Shaft, dashes: string): string {
  const low = Math.max(y2, y1 + 6);
  const out = x + 26;
  const d = `M${round(x)} ${round(y1)}C${round(out)} ${round(y1)} ${round(out)} ${round(low)} ${round(x)} ${round(low)}`;
  const tip: Point = [x + 2, low];
  return element('path', { class: dashes, d }) + arrow(tip, [-1, 0]);
}

function drawHead(fate: PacketMark['fate'], from: Point, to: Point): string {
  const way = directionOf(from, to);
  if (fate === 'lost') return cross(to, 4);
  if (fate === 'refused') return barred(along(to, way, -6));
  const tip = fate === 'flying' ? to : along(to, way, -1.5);
  if (fate === 'flying') return chevron(tip, way);
  const ring = along(to, way, -17);
  const twice = element('circle', { class: 'l hollow', cx: ring[0], cy: ring[1], r: 3 });
  return arrow(tip, way) + (fate === 'again' ? twice : '');
}

function directionOf([x1, y1]: Point, [x2, y2]: Point): Point {
  const length = Math.sqrt((x2 - x1) ** 2 + (y2 - y1) ** 2);
  return length > 0 ? [(x2 - x1) / length, (y2 - y1) / length] : [1, 0];
}

const along = ([x, y]: Point, [dx, dy]: Point, by: number): Point => [x + dx * by, y + dy * by];

/** The three corners of a head that points this way. */
function corners(tip: Point, [dx, dy]: Point): readonly [Point, Point, Point] {
  const [bx, by] = along(tip, [dx, dy], -8);
  return [[bx - dy * 3.2, by + dx * 3.2], tip, [bx + dy * 3.2, by - dx * 3.2]];
}

const arrow = (tip: Point, way: Point): string =>
  element('path', { class: 'f', d: line(corners(tip, way), true) });

const chevron = (tip: Point, way: Point): string =>
  element('path', { class: 'l', d: line(corners(tip, way)) });

const cross = ([x, y]: Point, size: number): string =>
  element('path', {
    class: 'l',
    d:
      line([
        [x - size, y - size],
        [x + size, y + size],
      ]) +
      line([
        [x - size, y + size],
        [x + size, y - size],
      ]),
  });

/** A circle with a bar in it: no entry. */
function barred([x, y]: Point): string {
  const ring = element('circle', { class: 'l hollow', cx: x, cy: y, r: 5 });
  return (
    ring +
    element('path', {
      class: 'l',
      d: line([
        [x - 3.4, y + 3.4],
        [x + 3.4, y - 3.4],
      ]),
    })
  );
}

const diamond = ([x, y]: Point, size: number): string =>
  element('path', {
    class: 'f',
    d: line(
      [
        [x, y - size],
        [x + size, y],
        [x, y + size],
        [x - size, y],
      ],
      true,
    ),
  });

const triangle = ([x, y]: Point, size: number): string =>
  element('path', {
    class: 'f',
    d: line(
      [
        [x - size, y + size],
        [x, y - size],
        [x + size, y + size],
      ],
      true,
    ),
  });

const dot = ([x, y]: Point): string =>
  element('circle', { class: 'l hollow', cx: x, cy: y, r: 2.8 });

const square = ([x, y]: Point): string =>
  element('rect', { class: 'f', x: x - 2.5, y: y - 2.5, width: 5, height: 5 });

const crossed = (at: Point): string =>
  element('circle', { class: 'hollow', cx: at[0], cy: at[1], r: 7 }) + cross(at, 5);

const SIGNS: Readonly<Partial<Record<TraceEvent['kind'], (at: Point) => string>>> = {
  commit: (at) => diamond(at, 5),
  crash: crossed,
  restart: (at) => triangle(at, 5),
  reject: barred,
  deliver: dot,
};

/** The sign on a lifeline for what happens there. */
export function drawSign(kind: TraceEvent['kind'], at: Point): string {
  return (SIGNS[kind] ?? square)(at);
}

const COLOURS: Readonly<Partial<Record<TraceEvent['kind'], string>>> = {
  commit: 'commit',
  crash: 'lost',
  broken: 'lost',
  restart: 'client',
  reject: 'refused',
  deliver: 'block',
};

/** The colour of what happens on a lifeline. */
export function signColour(kind: TraceEvent['kind'], who: string): string {
  return COLOURS[kind] ?? (isClient(who) ? 'client' : 'other');
}
