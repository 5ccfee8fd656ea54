// Tests of charts in every format, from recordings and from worlds.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TraceEvent } from '@fatty/interface';
import { SHIVIZ_REGEX, traceLine } from '@fatty/msc';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../src/terminal/io.ts';
import { fatty, folder } from './fatty.ts';

const dir = folder();
const own = (name: string): string => fileURLToPath(new URL(`./nets/${name}`, import.meta.url));

const home = process.cwd();
// A world that fails is written where one is.
beforeAll(() => process.chdir(dir));
afterAll(() => process.chdir(home));

function recorded(name: string, events: readonly TraceEvent[]): string {
  const path = join(dir, name);
  writeFileSync(path, events.map(traceLine).join(''));
  return path;
}

const op = { client: 'c0', kind: 'acquire', path: '/a' };
const asked = (atMs: number, packet: string): readonly TraceEvent[] => [
  { atMs, who: 'c0', kind: 'send', peer: 'r0', packet, label: 'acquire /a', ops: [op] },
  {
    atMs: atMs + 2,
    who: 'r0',
    kind: 'receive',
    peer: 'c0',
    packet,
    label: 'acquire /a',
    ops: [op],
  },
  {
    atMs: atMs + 5,
    who: 'r0',
    kind: 'send',
    peer: 'c0',
    packet: `${packet}a`,
    label: 'commit 1',
    ops: [op],
  },
];
const TWICE = [
  ...asked(0, 'p'),
  { atMs: 50, who: 'r1', kind: 'deliver', label: 'something else' } as const,
  ...asked(90, 'q'),
];

describe('chart --as', () => {
  const run = recorded('twice.jsonl', TWICE);

  it.each([
    ['svg', /^<svg xmlns/],
    ['ascii', /c0>r0 0 to 2 ms: acquire \/a/],
    ['mermaid', /^sequenceDiagram/],
    ['shiviz', new RegExp(SHIVIZ_REGEX)],
    ['perfetto', /"traceEvents":\[/],
    ['otlp', /^\{"resourceSpans":\[/],
  ])('%s draws a recording', async (format, expected) => {
    const { code, out } = await fatty('chart', run, '--as', format);
    expect([code, out]).toEqual([EXIT.done, expect.stringMatching(expected)]);
    const json = await fatty('chart', run, '--as', format, '-o', 'json');
    expect((JSON.parse(json.out) as Record<string, string>)[format]).toMatch(expected);
  });

  it.each([
    ['run.svg', /^<svg/],
    ['run.txt', /r0 {6}r1/],
    ['run.mmd', /^sequenceDiagram/],
    ['run.log', /^send r0/],
    ['run.perfetto.json', /traceEvents/],
    ['run.otlp.json', /resourceSpans/],
    ['run', /^sequenceDiagram/],
  ])('is what the ending of %s says', async (name, expected) => {
    expect((await fatty('chart', run, '--out', join(dir, name))).code).toBe(EXIT.done);
    expect(readFileSync(join(dir, name), 'utf8')).toMatch(expected);
  });

  it.each([
    ['shiviz', /^send r0, 90 ms: acquire/],
    ['perfetto', /"ph":"X","ts":90000,/],
    ['ascii', /c0>r0 90 to 92 ms/],
  ])('%s tells the same times of a part as of the whole', async (format, expected) => {
    const later = recorded(
      'later.jsonl',
      TWICE.map((event) => ({ ...event, atMs: event.atMs + 1_796_059_903_000 })),
    );
    const { out } = await fatty('chart', later, '--as', format, '--from', '80');
    expect(out).toMatch(expected);
  });

  it('refuses a format that there is not', async () => {
    const { code, err } = await fatty('chart', run, '--as', 'png');
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining('svg, ascii, mermaid')]);
  });

  it('follows one op: lights it up in a picture, shows it alone elsewhere', async () => {
    const lit = async (choice: string): Promise<readonly (string | undefined)[]> => {
      const { out } = await fatty('chart', run, '--as', 'svg', '--op', choice);
      return [...out.matchAll(/class="m [a-z]+ on" data-events="([\d ]+)"/g)].map(
        ([, places]) => places,
      );
    };
    expect(await lit('acquire')).toEqual(['0 1', '2']);
    expect(await lit('acquire#2')).toEqual(['4 5', '6']);
    const { out } = await fatty('chart', run, '--as', 'ascii', '--op', 'acquire#2');
    expect(out).toContain('90 to 92 ms');
    expect(out).not.toContain('0 to 2 ms: ');
    for (const [choice, said] of [
      ['acquire#3', 'got 2 of it'],
      ['release', 'got none of it; the run has acquire (2)\n'],
      ['acquire#0', 'whole number from 1'],
      ['#', 'expected KIND'],
    ] as const) {
      const { code, err } = await fatty('chart', run, '--as', 'svg', '--op', choice);
      expect([code, err]).toEqual([EXIT.usage, expect.stringContaining(said)]);
    }
  });

  it('says what there is to who asks for what there is not', async () => {
    const back = await fatty('chart', run, '--from', '90', '--to', '9');
    expect([back.code, back.err]).toEqual([
      EXIT.usage,
      expect.stringContaining('--to: expected at least --from, 90, got 9'),
    ]);
    for (const flags of [
      ['--op', 'release'],
      ['--from', '96'],
      ['--as', 'otlp', '--from', '50', '--to', '60'],
    ]) {
      const { code, err } = await fatty('chart', run, ...flags);
      expect([code, err]).toEqual([
        EXIT.done,
        expect.stringContaining('it takes 95 ms, and the run has acquire (2)'),
      ]);
    }
  });

  it('draws the recordings of a folder as one run', async () => {
    const runs = join(dir, 'runs');
    mkdirSync(join(runs, 'empty'), { recursive: true });
    writeFileSync(join(runs, 'notes.txt'), 'no event');
    recorded(
      'runs/r1.jsonl',
      TWICE.filter(({ who }) => who === 'r1'),
    );
    recorded(
      'runs/r0.jsonl',
      TWICE.filter(({ who }) => who !== 'r1'),
    );
    const { code, out, err } = await fatty('chart', runs, '--title', 'both', '--ascii');
    expect([code, err]).toEqual([EXIT.done, '']);
    const alone = await fatty('chart', run, '--title', 'both', '--ascii');
    expect(out).toBe(alone.out);
    const none = await fatty('chart', join(runs, 'empty'));
    expect([none.code, none.err]).toEqual([
      EXIT.usage,
      expect.stringContaining('expected recordings (*.jsonl), got none'),
    ]);
  });

  it('shows a long run as an overview, and its windows', async () => {
    const long = recorded(
      'long.jsonl',
      Array.from({ length: 700 }, (_, i) => ({
        atMs: i,
        who: 'r0',
        kind: 'deliver',
        label: `${i}`,
      })),
    );
    const overview = await fatty('chart', long, '--as', 'svg');
    expect(overview.err).toContain('the run fills 3 charts');
    expect(overview.out).toContain('data-window="3"');
    const part = await fatty('chart', long, '--as', 'svg', '--window', '3');
    expect(part.out.match(/data-events/g)).toHaveLength(100);
    expect((await fatty('chart', long, '--as', 'svg', '--window', '4')).code).toBe(EXIT.usage);
    const cut = await fatty('chart', long, '--as', 'svg', '--from', '100', '--to', '110');
    expect(cut.out.match(/data-events/g)).toHaveLength(11);
  });
});

describe('a world', () => {
  const filed = async (): Promise<string> => {
    const said = await fatty('net', own('broken.mjs'), '--seed', '1', '--runs', '2', '-o', 'json');
    const { plan, violations } = JSON.parse(said.out) as Record<string, unknown>;
    const path = join(dir, 'world.json');
    writeFileSync(path, JSON.stringify({ net: 'broken', plan, violations }));
    return path;
  };

  it('is played again from its file, and drawn like other runs', async () => {
    const path = await filed();
    const { code, out } = await fatty(
      'chart',
      path,
      '--net',
      own('broken.mjs'),
      '--as',
      'svg',
      '--brief',
    );
    expect(code).toBe(EXIT.done);
    expect(out).toContain('BROKEN mine at r1: expected no op; at all, got #1');
    const unknown = await fatty('chart', path);
    expect([unknown.code, unknown.err]).toEqual([
      EXIT.usage,
      expect.stringContaining('--net ./mine.js'),
    ]);
    const two = await fatty('chart', path, path);
    expect(two.code).toBe(EXIT.usage);
  });

  it('that a plan does not describe is refused', async () => {
    const path = join(dir, 'none.json');
    writeFileSync(path, '{"net": "locks", "plan": {"seed": 1}}');
    const { code, err } = await fatty('chart', path);
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining('cannot be played')]);
  });

  it('of a net is drawn in the format that the file ending or --as says', async () => {
    const flags = ['--seed', '1', '--runs', '1'];
    const svg = join(dir, 'world.svg');
    await fatty('net', own('mine.mjs'), ...flags, '--chart', svg);
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg/);
    const other = join(dir, 'world.x');
    await fatty('net', own('mine.mjs'), ...flags, '--chart', other, '--as', 'perfetto');
    expect(readFileSync(other, 'utf8')).toContain('traceEvents');
    const { code } = await fatty('net', own('mine.mjs'), ...flags, '--chart', other, '--as', 'gif');
    expect(code).toBe(EXIT.usage);
  });
});
