// Tests of pictures, read by a strict reader of XML.
import type { TraceEvent } from '@fatty/interface';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findOps, preparedRun, type SvgOptions, svgChart } from '../src/index.ts';
import { labels, runs, STORY } from './runs.ts';
import { allOf, type Node, parseXml } from './xml.ts';

const classesOf = ({ attributes }: Node): readonly string[] => (attributes.class ?? '').split(' ');
const marksIn = (svg: string): readonly Node[] =>
  allOf(parseXml(svg)).filter(({ attributes }) => attributes['data-events'] !== undefined);
const placesIn = (svg: string): readonly number[] =>
  marksIn(svg).flatMap(({ attributes }) =>
    (attributes['data-events'] ?? '').split(' ').map(Number),
  );
const titleOf = ({ children }: Node): string =>
  children.find(({ name }) => name === 'title')?.text ?? '';

/** Every window of a run, or its only picture. */
function picturesOf(run: readonly TraceEvent[], options: SvgOptions): readonly string[] {
  const { windows } = svgChart(run, options);
  if (windows.length === 1) return [svgChart(run, options).svg];
  return windows.map((_, i) => svgChart(run, { ...options, window: i + 1 }).svg);
}

/** Begin and end of a packet's line. */
function shaftIn(mark: Node): readonly [number, number, number, number] | undefined {
  const d = mark.children.find((one) => one.name === 'path' && classesOf(one)[0] === 'l');
  const found = /^M(\S+) (\S+)L(\S+) (\S+)$/.exec(d?.attributes.d ?? '');
  return found === null
    ? undefined
    : [Number(found[1]), Number(found[2]), Number(found[3]), Number(found[4])];
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly y: number;
}

function labelBoxes(svg: string): readonly Box[] {
  return allOf(parseXml(svg))
    .filter((one) => one.name === 'text' && classesOf(one)[0] === 'label')
    .map((one) => {
      const width = Array.from(one.text).length * 5.6;
      const x = Number(one.attributes.x);
      const left = classesOf(one).includes('end') ? x - width : x;
      return { left, right: left + width, y: Number(one.attributes.y) };
    });
}

/** Contrast of two colours, 1 to 21, as WCAG 2.1 counts it. */
function contrast(one: string, other: string): number {
  const light = (colour: string): number => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
      const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = [light(one), light(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

describe('the legend', () => {
  const entries = (events: readonly TraceEvent[]): readonly string[] =>
    allOf(parseXml(svgChart(preparedRun(events)).svg))
      .filter(({ attributes }) => attributes['aria-label'] === 'legend')
      .flatMap((legend) => allOf(legend).filter(({ name }) => name === 'text'))
      .map(({ text }) => text);

  it('tells of packets that nobody saw leave, and still what their colour means', () => {
    const came = { atMs: 1, who: 'r0', kind: 'receive', peer: 'c0', label: 'get /a' } as const;
    expect(entries([came])).toEqual(['client', 'not seen to leave']);
    const sent = { ...came, packet: 'p', who: 'c0', kind: 'send', peer: 'r0' } as const;
    expect(entries([sent, { ...came, packet: 'p' }])).toEqual(['client']);
  });

  it('of an overview tells what is red', () => {
    const { svg } = svgChart(STORY, { marksMax: 3 });
    expect(svg).toContain('red: lost, refused, crashed; ▲ restart');
  });
});

describe('the colours', () => {
  const style = svgChart(STORY).svg.split('<style>')[1]?.split('</style>')[0] ?? '';
  const [day = '', night = ''] = style.split('@media(prefers-color-scheme:dark)');

  it.each([
    ['day', day],
    ['night', night],
  ])('of the %s can be told from the paper: words by 4.5, lines and shapes by 3', (_, rules) => {
    const paper = /\.paper\{fill:(#\w{6})/.exec(rules)?.[1] ?? '';
    const found = (pattern: RegExp): readonly string[] =>
      [...rules.matchAll(pattern)].map(([, colour]) => colour ?? '');
    // The words of other packets have a colour of their own.
    const lines = found(/\.(?:l|f|lane|head)\{(?:fill:#\w{6};)?(?:stroke|fill):(#\w{6})/g);
    const words = found(/\.fc (?:\.(?!other)\w+ )?text\{fill:(#\w{6})/g);
    const muted = found(/(?:\.muted|text\.label)\{fill:(#\w{6})/g);
    expect([lines.length, words.length, muted.length]).toEqual([16, 7, 2]);
    for (const colour of lines) expect(contrast(colour, paper)).toBeGreaterThanOrEqual(3);
    for (const colour of [...words, ...muted]) {
      expect(contrast(colour, paper)).toBeGreaterThanOrEqual(4.5);
    }
  });
});

describe('svgChart', () => {
  it('tells a run, each mark with all of its words', () => {
    const { svg, windows, isOverview } = svgChart(STORY, { title: 'A <story>' });
    expect([windows.length, isOverview]).toEqual([1, false]);
    const root = parseXml(svg);
    expect(root.attributes['aria-label']).toBe(
      'A <story>: 6 lifelines, 0 to 11 ms, 5 packets, 1 lost, 1 refused, 1 commit, 1 crash.',
    );
    expect(root.children.slice(0, 2).map(({ name }) => name)).toEqual(['title', 'desc']);
    expect(marksIn(svg).map((mark) => [classesOf(mark)[1], titleOf(mark)])).toEqual([
      ['client', 'c0 to r0, 0 to 2.3 ms: acquire /db/master'],
      ['other', 'r0 to r10, 3 ms, round 3, not seen to arrive: block 3/r0'],
      ['lost', 'r0 to r2, 3 to 4 ms, round 3, lost: block 3/r0'],
      ['other', 'r0 to r1, 3 to 5 ms, round 3: block 3/r0'],
      ['block', 'r1, 5 ms, round 3: deliver block 3/r0'],
      ['refused', 'r0 to r3, 3 to 6 ms, refused: bad_signature'],
      ['refused', 'r1, 7 ms: reject unknown_parent'],
      ['commit', 'r1, 8 ms: commit 4'],
      ['lost', 'r3, 9 ms: crash'],
      ['client', 'r3, 10 ms: restart'],
      ['other', 'r0, 11 ms: leader timeout'],
    ]);
  });

  it('is well-formed whatever the labels, names and titles, and has no tag of theirs', () => {
    fc.assert(
      fc.property(runs, labels, (events, title) => {
        const { svg } = svgChart(preparedRun(events), { title });
        const names = new Set(allOf(parseXml(svg)).map(({ name }) => name));
        const known = ['svg', 'title', 'desc', 'style', 'rect', 'text', 'path', 'g', 'circle'];
        expect([...names].filter((name) => !known.includes(name))).toEqual([]);
        expect(svg).not.toMatch(/NaN|Infinity|undefined|"[^"]*-0"/);
      }),
    );
  });

  it('shows every event of a run in one mark of one window', () => {
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 20 }), (events, marksMax) => {
        const run = preparedRun(events);
        const places = picturesOf(run, { marksMax }).flatMap(placesIn);
        expect([...places].sort((a, b) => a - b)).toEqual(run.map((_, i) => i));
      }),
    );
  });

  it('shows every event between two times in one mark, and only packets that reach into them', () => {
    let cutOff = 0;
    fc.assert(
      fc.property(runs, fc.nat(25), fc.nat(500), (events, first, spanMs) => {
        const run = preparedRun(events);
        const fromMs = run[first]?.atMs ?? 0;
        const toMs = fromMs + spanMs;
        const places = placesIn(svgChart(run, { fromMs, toMs }).svg);
        const inside = (i: number): boolean => {
          const { atMs = -1 } = run[i] ?? {};
          return atMs >= fromMs && atMs <= toMs;
        };
        const expected = run.flatMap((_, i) => (inside(i) ? [i] : []));
        expect(places.filter(inside).sort((a, b) => a - b)).toEqual(expected);
        expect(new Set(places).size).toBe(places.length);
        if (places.length > expected.length) cutOff++;
      }),
      { numRuns: 300 },
    );
    expect(cutOff).toBeGreaterThan(3);
  });

  it('lets no packet arrive before it left, and keeps lines inside of the picture', () => {
    let slanted = 0;
    fc.assert(
      fc.property(runs, fc.nat(10), (events, first) => {
        const run = preparedRun(events);
        const { svg } = svgChart(run, { fromMs: run[first]?.atMs ?? 0 });
        const height = Number(parseXml(svg).attributes.height);
        for (const mark of marksIn(svg)) {
          const [, from = 0, , to = 0] = shaftIn(mark) ?? [];
          expect(to).toBeGreaterThanOrEqual(from);
          expect(from).toBeGreaterThanOrEqual(0);
          expect(to).toBeLessThanOrEqual(height);
          if (to > from) slanted++;
        }
      }),
    );
    expect(slanted).toBeGreaterThan(20);
  });

  it('gives equal bytes for equal runs', () => {
    fc.assert(
      fc.property(runs, (events) => {
        const again = events.map((event) => structuredClone(event));
        expect(svgChart(preparedRun(again)).svg).toBe(svgChart(preparedRun(events)).svg);
      }),
    );
  });

  it('writes no words over others', () => {
    let pairs = 0;
    fc.assert(
      fc.property(runs, (events) => {
        const boxes = labelBoxes(svgChart(preparedRun(events)).svg);
        for (const [i, a] of boxes.entries()) {
          for (const b of boxes.slice(0, i)) {
            const isOver = a.left < b.right && b.left < a.right && Math.abs(a.y - b.y) < 11.9;
            expect(isOver).toBe(false);
            pairs++;
          }
        }
      }),
    );
    expect(pairs).toBeGreaterThan(200);
  });

  it('puts equal distances between equal times, and cuts long silences out with a word', () => {
    const at = (atMs: number): TraceEvent => ({ atMs, who: 'r0', kind: 'note', label: `${atMs}` });
    const { svg } = svgChart([0, 10, 20, 30, 40, 50, 5050, 5060].map(at));
    const places = marksIn(svg).map((mark) =>
      Number(mark.children.find(({ name }) => name === 'rect')?.attributes.y),
    );
    const steps = places.slice(1).map((y, i) => Math.round((y - (places[i] ?? 0)) * 5) / 5);
    expect(new Set([...steps.slice(0, 5), steps[6]]).size).toBe(1);
    expect(steps[5]).toBe(30);
    expect(svg).toContain('>⋮ 5000 ms</text>');
    expect(svg).toContain('5000 ms of silence');
  });

  it('draws a packet that arrives twice as a duplicate of one send', () => {
    const base = { packet: 'p', label: 'x' };
    const run: readonly TraceEvent[] = [
      { ...base, atMs: 0, who: 'r0', kind: 'send', peer: 'r1' },
      { ...base, atMs: 2, who: 'r1', kind: 'receive', peer: 'r0' },
      { ...base, atMs: 5, who: 'r1', kind: 'receive', peer: 'r0' },
    ];
    const { svg } = svgChart(run);
    expect(marksIn(svg).map(titleOf)).toEqual([
      'r0 to r1, 0 to 2 ms: x',
      'r0 to r1, 0 to 5 ms, once more: x',
    ]);
    expect(placesIn(svg)).toEqual([0, 1, 2]);
    expect(svg).toContain('arrived once more');
  });

  it('draws commits as bars over the lanes that made them, contradictions as two', () => {
    const commit = (who: string, atMs: number, id: string): TraceEvent => ({
      atMs,
      who,
      kind: 'commit',
      commit: 1,
      label: '1',
      block: { slot: '2/r0', id },
    });
    const bars = (run: readonly TraceEvent[]): number =>
      allOf(parseXml(svgChart(run).svg)).filter((one) => classesOf(one).includes('bar')).length;
    const agreed = [commit('r0', 0, 'a'), commit('r1', 1, 'a'), commit('r2', 2, 'a')];
    expect(bars(agreed)).toBe(1);
    expect(bars([...agreed, commit('r3', 3, 'b')])).toBe(2);
  });
});

describe('a long run', () => {
  it('begins with an overview that counts every event once and has every window', () => {
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 10 }), (events, marksMax) => {
        const run = preparedRun(events);
        const { svg, windows, isOverview } = svgChart(run, { marksMax });
        expect(isOverview).toBe(windows.length > 1);
        if (!isOverview) return;
        const nodes = allOf(parseXml(svg));
        const counts = nodes.flatMap(({ attributes }) => Number(attributes['data-count'] ?? 0));
        expect(counts.reduce((a, b) => a + b, 0)).toBe(run.length);
        const boxes = nodes.filter(({ attributes }) => attributes['data-window'] !== undefined);
        expect(boxes).toHaveLength(windows.length);
        expect(Math.max(...windows.map(({ marks }) => marks))).toBeLessThanOrEqual(marksMax);
      }),
    );
  });
});

describe('one op, lit', () => {
  const op = { client: 'c0', kind: 'acquire', path: '/a' };
  const other = { client: 'c0', kind: 'release', path: '/a' };
  const run: readonly TraceEvent[] = [
    { atMs: 0, who: 'c0', kind: 'send', peer: 'r0', packet: '1', label: 'acquire /a', ops: [op] },
    {
      atMs: 1,
      who: 'r0',
      kind: 'receive',
      peer: 'c0',
      packet: '1',
      label: 'acquire /a',
      ops: [op],
    },
    {
      atMs: 2,
      who: 'r0',
      kind: 'send',
      peer: 'r1',
      packet: '2',
      label: 'block 1/r0',
      ops: [op, other],
    },
    {
      atMs: 3,
      who: 'r1',
      kind: 'receive',
      peer: 'r0',
      packet: '2',
      label: 'block 1/r0',
      ops: [op, other],
    },
    { atMs: 4, who: 'r1', kind: 'note', label: 'something else' },
    { atMs: 5, who: 'r0', kind: 'commit', commit: 1, label: '1', ops: [op] },
    { atMs: 6, who: 'c0', kind: 'note', label: 'acquire /a: answered at 1' },
    { atMs: 6, who: 'c0', kind: 'note', label: 'acquire: granted' },
    { atMs: 9, who: 'c0', kind: 'send', peer: 'r0', packet: '3', label: 'acquire /a', ops: [op] },
    { atMs: 12, who: 'r0', kind: 'commit', commit: 2, label: '2', ops: [op] },
  ];

  it('is followed from submit to answer, and asked anew it is another one', () => {
    const stories = findOps(run, { op: 'acquire' });
    expect(stories.map(({ events }) => events.map((event) => run.indexOf(event)))).toEqual([
      [0, 1, 2, 3, 5, 6, 7],
      [8, 9],
    ]);
    expect(stories.map(({ answer }) => answer?.label)).toEqual(['acquire: granted', undefined]);
    expect(findOps(run, { op: 'acquire', path: '/b' })).toEqual([]);
  });

  it('stands out, and the rest fades', () => {
    const [story] = findOps(run, { op: 'acquire' });
    const { svg } = svgChart(run, { lit: new Set(story?.events) });
    expect(classesOf(parseXml(svg))).toContain('lit');
    const lit = marksIn(svg).filter((mark) => classesOf(mark).includes('on'));
    expect(lit.map((mark) => mark.attributes['data-events'])).toEqual([
      '0 1',
      '2 3',
      '5',
      '6',
      '7',
    ]);
  });
});
