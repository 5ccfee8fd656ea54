// A long run at a glance: how much happens on each lane, and where its windows are.
import type { TraceEvent } from '@fatty/interface';
import type { Mark } from '../run/marks.ts';
import { formatMs } from '../text/rows.ts';
import { stepOf } from './axis.ts';
import { documentOf } from './draw.ts';
import { cut } from './labels.ts';
import { summaryOf } from './words.ts';
import { element, line, titled, words } from './xml.ts';

/** A part of a long run. Times from the origin, ms. */
export interface SvgWindow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly marks: number;
  /** An invariant breaks in it. */
  readonly broken: boolean;
}

/** What an overview shows. */
export interface Overview {
  readonly title: string;
  readonly marks: readonly Mark[];
  readonly names: readonly string[];
  readonly windows: readonly SvgWindow[];
  readonly originMs: number;
}

const WIDTH = 1_000;
const LEFT = 92;
const RIGHT = WIDTH - 24;
const TOP = 100;
const LANE = 46;
const BUCKETS = 180;
const BUCKET = (RIGHT - LEFT) / BUCKETS;

/** What happened on one lane in one stretch of time. */
interface Bucket {
  events: number;
  /** Of these: lost, refused, crashed. */
  bad: number;
}

interface Scale {
  readonly fromMs: number;
  readonly toMs: number;
  x(ms: number): number;
  bucket(ms: number): number;
}

function scaleOf(times: readonly number[]): Scale {
  const [first = 0] = times;
  const fromMs = times.reduce((a, b) => Math.min(a, b), first);
  const toMs = Math.max(
    fromMs + 1,
    times.reduce((a, b) => Math.max(a, b), first),
  );
  const share = (ms: number): number => (ms - fromMs) / (toMs - fromMs);
  return {
    fromMs,
    toMs,
    x: (ms) => LEFT + share(ms) * (RIGHT - LEFT),
    bucket: (ms) => Math.min(BUCKETS - 1, Math.floor(share(ms) * BUCKETS)),
  };
}

const BAD: ReadonlySet<TraceEvent['kind']> = new Set(['drop', 'reject', 'crash']);

/** By lane; every event counts once, on the lane of whoever saw it. */
function bucketsOf(marks: readonly Mark[], scale: Scale): ReadonlyMap<string, readonly Bucket[]> {
  const lanes = new Map<string, Bucket[]>();
  for (const event of marks.flatMap(({ events }) => events)) {
    const lane =
      lanes.get(event.who) ?? Array.from({ length: BUCKETS }, () => ({ events: 0, bad: 0 }));
    lanes.set(event.who, lane);
    const bucket = lane[scale.bucket(event.atMs)];
    if (bucket === undefined) continue;
    bucket.events++;
    if (BAD.has(event.kind)) bucket.bad++;
  }
  return lanes;
}

/** Lanes one below the other, time from left to right, and the windows as numbered boxes below. */
export function drawOverview({ title, marks, names, windows, originMs }: Overview): string {
  const scale = scaleOf(marks.flatMap(({ events }) => events.map(({ atMs }) => atMs)));
  const lanes = bucketsOf(marks, scale);
  const counts = [...lanes.values()].flatMap((lane) => lane.map(({ events }) => events));
  const most = counts.reduce((a, b) => Math.max(a, b), 1);
  const bottom = TOP + names.length * LANE;
  const span = { fromMs: scale.fromMs, toMs: scale.toMs, originMs };
  const hint = `${windows.length} windows; --window N or --from MS --to MS draws one. Most at once: ${most} events; red: lost, refused, crashed; ▲ restart.`;
  return documentOf(
    { width: WIDTH, height: bottom + 112 },
    title,
    summaryOf(marks, names, span),
    words(24, 68, hint, { class: 'muted' }),
    ...drawTicks(scale, originMs, bottom),
    ...names.flatMap((name, i) => drawLane(name, lanes.get(name) ?? [], i, most, scale, originMs)),
    ...marks.flatMap((mark) => drawMishap(mark, names, scale, originMs, bottom)),
    ...windows.map((window, i) => drawWindow(window, i, scale, originMs, bottom + 34)),
  );
}

function drawTicks(scale: Scale, originMs: number, bottom: number): readonly string[] {
  const { fromMs, toMs, x } = scale;
  const stepMs = stepOf((toMs - fromMs) / 10);
  const first = Math.ceil((fromMs - originMs) / stepMs);
  const count = Math.max(0, Math.min(20, Math.floor((toMs - originMs) / stepMs) - first + 1));
  return Array.from({ length: count }, (_, i) => originMs + (first + i) * stepMs).flatMap((ms) => [
    element('path', {
      class: 'grid',
      d: line([
        [x(ms), TOP - 8],
        [x(ms), bottom + 4],
      ]),
    }),
    words(x(ms), bottom + 18, `${formatMs(ms - originMs)} ms`, { class: 'muted middle' }),
  ]);
}

function drawLane(
  name: string,
  buckets: readonly Bucket[],
  row: number,
  most: number,
  { fromMs, toMs }: Scale,
  originMs: number,
): readonly string[] {
  const base = TOP + (row + 1) * LANE - 6;
  const bucketMs = (toMs - fromMs) / BUCKETS;
  const at = (i: number): string => formatMs(fromMs + i * bucketMs - originMs);
  const bars = buckets.flatMap(({ events, bad }, i) => {
    if (events === 0) return [];
    const height = (count: number): number =>
      count === 0 ? 0 : Math.max(2, Math.sqrt(count / most) * (LANE - 12));
    const box = (count: number): Record<string, number | string> => {
      return {
        x: LEFT + i * BUCKET,
        y: base - height(count),
        width: BUCKET - 0.8,
        height: height(count),
      };
    };
    const told = `${name}, ${at(i)} to ${at(i + 1)} ms: ${events} events${bad > 0 ? `, ${bad} mishaps` : ''}`;
    const parts = [element('rect', { class: 'f', ...box(events) })];
    if (bad > 0)
      parts.push(element('g', { class: 'lost' }, element('rect', { class: 'f', ...box(bad) })));
    return [
      element('g', { class: 'm block', 'data-count': String(events) }, titled(told), ...parts),
    ];
  });
  return [
    element('path', {
      class: 'lane',
      d: line([
        [LEFT, base],
        [RIGHT, base],
      ]),
    }),
    words(LEFT - 12, base - 8, cut(name, 11), { class: 'tick strong' }),
    ...bars,
  ];
}

/** Crashes, restarts and what broke stand out. */
function drawMishap(
  { event, atMs }: Mark,
  names: readonly string[],
  { x }: Scale,
  originMs: number,
  bottom: number,
): readonly string[] {
  const { kind, who, label } = event;
  if (kind !== 'crash' && kind !== 'restart' && kind !== 'broken') return [];
  const at = x(atMs);
  const base = TOP + (names.indexOf(who) + 1) * LANE - 6;
  const told = titled(`${who}, ${formatMs(atMs - originMs)} ms: ${kind} ${label}`.slice(0, 400));
  if (kind === 'broken') {
    const rule = element('path', {
      class: 'l',
      'stroke-dasharray': '4 3',
      d: line([
        [at, TOP - 14],
        [at, bottom],
      ]),
    });
    const flag = words(at + 4, TOP - 6, 'BROKEN', { class: 'strong' });
    return [element('g', { class: 'm lost' }, told, rule, flag)];
  }
  const [y, colour] = kind === 'crash' ? [base + 4, 'lost'] : [base + 4, 'client'];
  const sign = kind === 'crash' ? 'M-4 -4L4 4M-4 4L4 -4' : 'M-4 4L0 -4L4 4Z';
  const shape = element('path', {
    class: kind === 'crash' ? 'l' : 'f',
    transform: `translate(${Math.round(at)} ${Math.round(y)})`,
    d: sign,
  });
  return [element('g', { class: `m ${colour}` }, told, shape)];
}

const NUMBER_WIDTH = 16;

function drawWindow(
  { fromMs, toMs, marks, broken }: SvgWindow,
  index: number,
  { x }: Scale,
  originMs: number,
  y: number,
): string {
  const [from, to] = [x(fromMs + originMs), x(toMs + originMs)];
  const width = Math.max(1.5, to - from - 1);
  const number = String(index + 1);
  const told = `window ${number}: ${formatMs(fromMs)} to ${formatMs(toMs)} ms, ${marks} marks`;
  // Where windows are narrow their numbers stand on two lines, or are told on hovering.
  const label =
    width >= NUMBER_WIDTH ? words(from + width / 2, y + 16, number, { class: 'middle muted' }) : '';
  const box = element('rect', { class: 'head', x: from, y, width, height: 24, rx: 3 });
  const alarm = broken
    ? element('rect', { class: 'alarm', x: from, y: y + 20, width, height: 4 })
    : '';
  return element(
    'g',
    { class: 'm', 'data-window': number },
    titled(told + (broken ? ', BROKEN' : '')),
    box,
    alarm,
    label,
  );
}
