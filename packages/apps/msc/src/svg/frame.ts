// Where things are in a picture.
import type { Mark } from '../run/marks.ts';
import { type Axis, axisOf } from './axis.ts';

/** Room on the left for times, on the right for the last lane's words. */
const LEFT = 72;
const RIGHT = 190;
/** Title, summary and names of the lanes. */
const HEAD = 112;

/** Lanes from left to right, time from top to bottom. */
export interface Frame {
  readonly names: readonly string[];
  readonly axis: Axis;
  /** Left and right end of what goes over all lanes. */
  readonly left: number;
  readonly right: number;
  readonly width: number;
  /** Between two lanes. */
  readonly gap: number;
  /** Of a lane. */
  x(name: string): number;
}

/** What part of a run is shown, ms. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  /** Time 0. */
  readonly originMs: number;
}

const gapOf = (lanes: number): number => {
  if (lanes <= 5) return 164;
  return lanes <= 8 ? 132 : lanes <= 14 ? 104 : 84;
};

/** The frame of these marks. */
export function frameOf(names: readonly string[], marks: readonly Mark[], span: Span): Frame {
  const gap = gapOf(names.length);
  const columns = new Map(names.map((name, i) => [name, LEFT + 30 + i * gap]));
  const right = LEFT + 60 + Math.max(0, names.length - 1) * gap;
  const times = marks.flatMap((mark) => timesOf(mark));
  const toMs = span.toMs > span.fromMs ? span.toMs : span.fromMs + 1;
  const axis = axisOf(times, span.fromMs, toMs, HEAD, span.originMs);
  const x = (name: string): number => columns.get(name) ?? LEFT;
  const width = Math.max(560, right + RIGHT);
  return { names, axis, left: LEFT, right, width, gap, x };
}

/** When a mark begins and ends, ms. */
export function timesOf(mark: Mark): readonly number[] {
  const { atMs } = mark;
  if (mark.kind === 'point' || mark.leftMs === undefined) return [atMs];
  return [Math.min(mark.leftMs, atMs), atMs];
}
