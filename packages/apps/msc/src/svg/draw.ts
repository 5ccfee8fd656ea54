// The picture of some marks: a space-time diagram.
import type { TraceEvent } from '@fatty/interface';
import { contentOf } from '../run/blocks.ts';
import type { Mark, PointMark } from '../run/marks.ts';
import { formatMs } from '../text/rows.ts';
import { CUT_HEIGHT } from './axis.ts';
import { type Frame, frameOf, type Span } from './frame.ts';
import { cut, type Label, placeLabels, type Wish } from './labels.ts';
import { legendOf } from './legend.ts';
import { colourOf, drawPacket, drawSign, type Point, signColour } from './shapes.ts';
import { STYLE } from './style.ts';
import { summaryOf, tellMark, wishesOf } from './words.ts';
import { type Attributes, element, escapeXml, line, titled, words } from './xml.ts';

/** What is drawn, and how. */
export interface Scene {
  readonly title: string;
  readonly marks: readonly Mark[];
  /** From left to right. */
  readonly names: readonly string[];
  readonly span: Span;
  /** Place of each event in the recording. */
  readonly placeOf: ReadonlyMap<TraceEvent, number>;
  /** What is lit: the rest fades. */
  readonly lit: ReadonlySet<TraceEvent> | undefined;
}

/** A whole document, with words for who cannot see it. */
export function documentOf(
  size: { readonly width: number; readonly height: number; readonly lit?: boolean },
  title: string,
  summary: string,
  ...body: readonly string[]
): string {
  const { width, height, lit = false } = size;
  const head: Attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    class: lit ? 'fc lit' : 'fc',
    viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`,
    width: Math.ceil(width),
    height: Math.ceil(height),
    role: 'graphics-document',
    'aria-label': `${title}: ${summary}`,
  };
  const parts = [
    titled(title),
    element('desc', {}, escapeXml(summary)),
    element('style', {}, STYLE),
    element('rect', { class: 'paper', width: '100%', height: '100%' }),
    words(24, 30, cut(title, 100), { class: 'title' }),
    words(24, 50, cut(summary, Math.floor((width - 40) / 5.4)), { class: 'muted' }),
    ...body,
  ];
  return `${element('svg', head, ...parts.map((part) => `\n${part}`), '\n')}\n`;
}

/** A space-time diagram: lanes side by side, time from top to bottom. */
export function drawScene(scene: Scene): string {
  const { marks, names, span, lit, title } = scene;
  const frame = frameOf(names, marks, span);
  const isOn = (mark: Mark): boolean => mark.events.some((event) => lit?.has(event) === true);
  const bars = barsOf(marks, frame);
  const wishes = [...brokenWishes(marks, frame), ...bars.map((bar) => barWish(bar, frame, lit))];
  const labels = placeLabels([...wishes, ...wishesOf(marks, frame, isOn)], frame);
  const top = frame.axis.bottom + 54;
  const legend = legendOf(marks, frame.width, top);
  return documentOf(
    { width: frame.width, height: top + legend.height, lit: lit !== undefined },
    title,
    summaryOf(marks, names, span),
    ...drawGrid(frame, span),
    ...names.map((name) => drawLane(name, marks, frame)),
    ...bars.map((bar) => drawBar(bar, lit)),
    ...marks.map((mark) => drawMark(mark, scene, frame, isOn(mark))),
    ...labels.map(drawLabel),
    ...names.flatMap((name) => drawName(name, frame)),
    legend.text,
  );
}

function drawGrid({ axis, left, right }: Frame, { originMs }: Span): readonly string[] {
  const ticks = axis.ticks.flatMap(({ ms, y }) => [
    element('path', {
      class: 'grid',
      d: line([
        [left, y],
        [right, y],
      ]),
    }),
    words(left - 8, y + 3.5, `${formatMs(ms - originMs)} ms`, { class: 'tick muted' }),
  ]);
  const cuts = axis.cuts.flatMap(({ fromMs, toMs, y }) => {
    const box = { class: 'quiet', x: left, y, width: right - left, height: CUT_HEIGHT };
    const lasts = `${formatMs(toMs - fromMs)} ms`;
    return [
      element('rect', { ...box, 'stroke-dasharray': '2 4' }, titled(`${lasts} of silence`)),
      words(left - 8, y + CUT_HEIGHT / 2 + 3.5, `⋮ ${lasts}`, { class: 'tick muted' }),
    ];
  });
  return [...ticks, ...cuts];
}

/** A lifeline; dotted while its process is down. */
function drawLane(name: string, marks: readonly Mark[], { axis, x }: Frame): string {
  const column = x(name);
  const parts: string[] = [];
  let from = axis.top - 12;
  let isDown = false;
  const piece = (to: number): void => {
    const kind = isDown ? 'lane down' : 'lane';
    parts.push(
      element('path', {
        class: kind,
        d: line([
          [column, from],
          [column, to],
        ]),
      }),
    );
    from = to;
  };
  for (const mark of marks) {
    if (mark.kind !== 'point' || mark.who !== name) continue;
    const { kind } = mark.event;
    if (kind !== 'crash' && kind !== 'restart') continue;
    if (parts.length === 0 && kind === 'restart') isDown = true;
    piece(axis.y(mark.atMs));
    isDown = kind === 'crash';
  }
  piece(axis.bottom + 12);
  return element('g', { class: 'lanes', 'aria-hidden': 'true' }, ...parts);
}

function drawName(name: string, { axis, x, gap }: Frame): readonly string[] {
  const text = cut(name, Math.floor((gap - 24) / 7));
  const width = Math.max(40, Array.from(text).length * 7.5 + 18);
  return [axis.top - 34, axis.bottom + 12].map((y) => {
    const box = { class: 'head', x: x(name) - width / 2, y, width, height: 22, rx: 6 };
    return element('rect', box) + words(x(name), y + 15, text, { class: 'name' });
  });
}

/** One commit on the lanes that made it at about the same time. */
interface Bar {
  readonly marks: readonly PointMark[];
  readonly points: readonly Point[];
}

/** Who makes a commit further down than this, in catching up, has a bar of its own. */
const BAR_HEIGHT = 240;

function barsOf(marks: readonly Mark[], { axis, x }: Frame): readonly Bar[] {
  const groups = new Map<string, PointMark[][]>();
  for (const mark of marks) {
    if (mark.kind !== 'point' || mark.event.kind !== 'commit') continue;
    if (mark.event.commit === undefined) continue;
    const key = `${mark.event.commit} ${contentOf(mark.event)}`;
    const bars = groups.get(key) ?? [];
    groups.set(key, bars);
    const [first] = bars.at(-1) ?? [];
    const isNear = first !== undefined && axis.y(mark.atMs) - axis.y(first.atMs) <= BAR_HEIGHT;
    if (isNear) bars.at(-1)?.push(mark);
    else bars.push([mark]);
  }
  return [...groups.values()].flat().map((group) => {
    const points = group
      .map((mark): Point => [x(mark.who), axis.y(mark.atMs)])
      .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    return { marks: group, points };
  });
}

const isLit = ({ marks }: Bar, lit: Scene['lit']): boolean =>
  marks.some(({ event }) => lit?.has(event) === true);

function drawBar(bar: Bar, lit: Scene['lit']): string {
  const on = isLit(bar, lit) ? ' on' : '';
  const [first = [0, 0]] = bar.points;
  const points = bar.points.length > 1 ? bar.points : [first, first];
  return element(
    'g',
    { class: `t commit${on}` },
    element('path', { class: 'l bar', d: line(points) }),
  );
}

function barWish(bar: Bar, { axis }: Frame, lit: Scene['lit']): Wish {
  const on = isLit(bar, lit);
  const { commit, ops = [] } = bar.marks[0]?.event ?? {};
  const [op] = ops;
  const what = op === undefined ? '' : ` ${op.kind} ${op.path ?? ''}`.trimEnd();
  const more = ops.length > 1 ? ` +${ops.length - 1}` : '';
  const [x, y] = bar.points.at(-1) ?? [0, axis.top];
  const text = cut(`commit ${commit}${what}${more}`, 34);
  return { at: [x + 2, y + 7.5], text, colour: 'commit', rank: on ? -96 : 4, isOn: on };
}

function brokenWishes(marks: readonly Mark[], { axis, left }: Frame): readonly Wish[] {
  return marks
    .filter(({ event }) => event.kind === 'broken')
    .map(({ atMs, event }) => {
      const text = cut(`BROKEN ${event.label}`, 92);
      return { at: [left, axis.y(atMs)], text, colour: 'lost strong', rank: -200, isOn: true };
    });
}

function drawMark(mark: Mark, { placeOf, span }: Scene, frame: Frame, on: boolean): string {
  const places = mark.events.map((event) => placeOf.get(event) ?? -1).join(' ');
  const kind = mark.kind === 'packet' ? colourOf(mark) : signColour(mark.event.kind, mark.who);
  const always = mark.event.kind === 'broken' ? ' on' : '';
  return element(
    'g',
    { class: `m ${kind}${on ? ' on' : always}`, 'data-events': places, role: 'graphics-symbol' },
    titled(tellMark(mark, span.originMs)),
    shapeOf(mark, frame),
  );
}

function shapeOf(mark: Mark, frame: Frame): string {
  if (mark.kind === 'packet') return drawPacket(mark, frame);
  const y = frame.axis.y(mark.atMs);
  if (mark.event.kind !== 'broken') return drawSign(mark.event.kind, [frame.x(mark.who), y]);
  const { left, right } = frame;
  const band = { class: 'alarm', x: left, y: y - 5, width: right - left, height: 10 };
  const rule = {
    class: 'l',
    d: line([
      [left, y],
      [right, y],
    ]),
  };
  return element('rect', band) + element('path', rule);
}

function drawLabel({ x, y, text, colour, isEnd, isOn }: Label): string {
  const side = `${isEnd ? ' end' : ''}${colour.endsWith('strong') ? ' strong' : ''}`;
  const label = words(x, y, text, { class: `label${side}` });
  return element('g', { class: `t ${colour}${isOn ? ' on' : ''}`, 'aria-hidden': 'true' }, label);
}
