// Tests of charts, by Mermaid's own parser.
import type { TraceEvent } from '@fatty/interface';
import fc from 'fast-check';
import mermaid from 'mermaid';
import { describe, expect, it } from 'vitest';
import { asciiChart, chart, escapeLabel } from '../src/index.ts';
import { labels, runs, STORY } from './runs.ts';

describe('chart', () => {
  it('tells a run', () => {
    expect(chart(STORY, { title: 'A story' }).mermaid).toBe(`sequenceDiagram
  participant r0
  participant r1
  participant r2
  participant r3
  participant r10
  participant c0
  Note over r0,c0: A story
  c0->>r0: 0 to 2.3 ms: acquire /db/master
  r0-)r10: 3 ms, round 3: block 3/r0 (no arrival seen)
  r0-xr2: 4 ms, round 3: lost block 3/r0
  r0->>r1: 3 to 5 ms, round 3: block 3/r0
  Note over r1: 5 ms, round 3: deliver block 3/r0
  r0--xr3: 6 ms: reject bad_signature
  Note over r1: 7 ms: reject unknown_parent
  Note over r1: 8 ms: commit 4
  Note over r3: 9 ms: crash
  Note over r3: 10 ms: restart
  Note over r0: 11 ms: leader timeout
`);
  });

  it('shows what is asked for', () => {
    const only = (options: Parameters<typeof chart>[1]): number =>
      chart(STORY, options).windows.reduce((sum, one) => sum + one.rows, 0);
    expect(only({})).toBe(11);
    expect(only({ fromMs: 1008, toMs: 1009 })).toBe(2);
    expect(only({ filter: (event) => event.who === 'r3' })).toBe(3);
    expect(chart(STORY, { originMs: 0 }).mermaid).toContain('Note over r3: 1009 ms: crash');
    expect(chart([]).mermaid).toBe('sequenceDiagram\n');
  });

  it('parses, whatever the labels and names', async () => {
    await fc.assert(
      fc.asyncProperty(runs, labels, async (events, title) => {
        for (const { mermaid: text } of chart(events, { title }).windows) {
          await expect(mermaid.parse(text)).resolves.toMatchObject({ diagramType: 'sequence' });
        }
      }),
      { numRuns: 150 },
    );
  });

  it('loses no row and no letter between bytes and picture', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(labels, { minLength: 1, maxLength: 5 }), async (list) => {
        const events = list.map(
          (label, i): TraceEvent => ({ atMs: i, who: 'r0', kind: 'note', label }),
        );
        expect(await drawn(chart(events).mermaid)).toEqual(
          list.map((label, i) => `${i} ms: ${plain(label)}`.trim()),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('gives equal bytes for equal runs, and keeps every window within its caps', () => {
    let many = 0;
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 20 }), fc.nat(3000), (events, rowsMax, extra) => {
        const options = { rowsMax, charactersMax: 6000 + extra };
        const drawing = chart(events, options);
        expect(chart([...events], options)).toEqual(drawing);
        const rows = drawing.windows.map((one) => one.rows);
        expect(rows.reduce((a, b) => a + b, 0)).toBe(
          chart(events, { rowsMax: 1e6, charactersMax: 1e9 }).windows[0]?.rows,
        );
        for (const one of drawing.windows) {
          expect(one.rows).toBeLessThanOrEqual(rowsMax);
          if (one.rows > 1) expect(one.mermaid.length).toBeLessThanOrEqual(options.charactersMax);
        }
        expect(drawing.index.split('\n').length).toBe(drawing.windows.length + 3);
        expect(drawing.mermaid).toBe(drawing.windows[0]?.mermaid);
        if (drawing.windows.length > 1) many++;
      }),
    );
    expect(many).toBeGreaterThan(5);
  });

  it('cuts a long run into windows that renderers take', () => {
    const long = Array.from(
      { length: 2000 },
      (_, i): TraceEvent => ({
        atMs: i,
        who: 'r0',
        kind: 'note',
        label: ';'.repeat(200),
      }),
    );
    const { windows, index } = chart(long);
    expect(Math.max(...windows.map((one) => one.mermaid.length))).toBeLessThanOrEqual(50_000);
    expect(Math.max(...windows.map((one) => one.rows))).toBeLessThanOrEqual(300);
    expect(windows.reduce((sum, one) => sum + one.rows, 0)).toBe(2000);
    expect(index.split('\n')[2]).toMatch(/^\| 1 \| 0 \| \d+ \| \d+ \|$/);
  });
});

/** What Mermaid keeps of a chart's notes, with its entities resolved as its renderer does. */
async function drawn(text: string): Promise<string[]> {
  const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
  const { db } = diagram as unknown as { db: { getMessages(): { message: unknown }[] } };
  return db.getMessages().map(({ message }) =>
    String(message)
      .replace(/ﬂ°°(\d+)¶ß|#(\d+);/g, (_, a, b) => String.fromCodePoint(Number(a ?? b)))
      .trim(),
  );
}

/** A label as a reader should see it: control characters as spaces, ends trimmed. */
function plain(label: string): string {
  const cut = Array.from(label);
  const short = cut.length <= 120 ? label : `${cut.slice(0, 119).join('')}…`;
  return short
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replace(/\p{Surrogate}/gu, '\uFFFD')
    .trimEnd();
}

describe('escapeLabel', () => {
  it('leaves nothing that Mermaid acts on', () => {
    expect(escapeLabel('a;b#c')).toBe('a#59;b#35;c');
    expect(escapeLabel('50%\n<b>\u0007')).toBe('50#37; #60;b#62; ');
    expect(escapeLabel('style classDef')).toBe('#115;tyle #99;lassDef');
  });
});

describe('asciiChart', () => {
  it('tells a run', () => {
    expect(asciiChart(STORY, { title: 'A story' })).toBe(`A story
r0      r1      r2      r3      r10     c0
|<--------------------------------------|         c0>r0 0 to 2.3 ms: acquire /db/master
|..............................)|       |         r0>r10 3 ms, round 3: block 3/r0 (no arrival seen)
|..............x|       |       |       |         r0>r2 4 ms, round 3: lost block 3/r0
|------>|       |       |       |       |         r0>r1 3 to 5 ms, round 3: block 3/r0
|       o       |       |       |       |         r1 5 ms, round 3: deliver block 3/r0
|......................!|       |       |         r0>r3 6 ms: reject bad_signature
|       !       |       |       |       |         r1 7 ms: reject unknown_parent
|       #       |       |       |       |         r1 8 ms: commit 4
|       |       |       X       |       |         r3 9 ms: crash
|       |       |       ^       |       |         r3 10 ms: restart
*       |       |       |       |       |         r0 11 ms: leader timeout
`);
  });

  it('prints nothing that drives a terminal, and one line per row', () => {
    fc.assert(
      fc.property(runs, labels, (events, title) => {
        const text = asciiChart(events, { title });
        expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
        const rows = chart(events).windows.reduce((sum, one) => sum + one.rows, 0);
        expect(text.split('\n').length).toBe(rows + 3);
      }),
    );
  });
});
