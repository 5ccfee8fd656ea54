// Tests of filters, twins and broken invariants.
import type { TracedOp, TraceEvent } from '@fatty/interface';
import mermaid from 'mermaid';
import { describe, expect, it } from 'vitest';
import {
  asciiChart,
  type ChartQuery,
  chart,
  findBroken,
  nameTwins,
  shownBy,
} from '../src/index.ts';

const op = (client: string, kind: string, path?: string): TracedOp => ({
  client,
  kind,
  ...(path === undefined ? {} : { path }),
});
const [alice, bob] = ['c3f9c21', 'cabcdef'];
const ops = [op(alice, 'acquire', '/jobs/a'), op(bob, 'write', '/config')];
const block = { slot: '7/r0', id: 'aa' };

/** One of each. */
const RUN: readonly TraceEvent[] = [
  { atMs: 0, who: 'r0', kind: 'receive', peer: alice, label: 'asks', ops: ops.slice(0, 1) },
  { atMs: 1, who: 'r0', kind: 'send', peer: 'r1', label: 'full', round: 7, block, ops },
  { atMs: 2, who: 'r0', kind: 'send', peer: 'r1', label: 'empty', round: 8 },
  { atMs: 3, who: 'r1', kind: 'deliver', label: 'block 7/r0', round: 7, block },
  { atMs: 4, who: 'r1', kind: 'note', label: 'roundEntered', round: 9 },
  { atMs: 5, who: 'r1', kind: 'note', label: 'equivocation block 7/r3 twin', round: 7 },
  { atMs: 6, who: 'r1', kind: 'commit', label: 'ops', round: 7, commit: 3, ops },
  { atMs: 7, who: 'r1', kind: 'commit', label: 'nothing', round: 8, commit: 4 },
  { atMs: 8, who: 'r2', kind: 'crash', label: 'kill' },
  { atMs: 9, who: bob, kind: 'note', label: 'answered' },
  { atMs: 10, who: 'r1', kind: 'broken', label: 'S5' },
];

const shown = (query: ChartQuery): string =>
  RUN.filter(shownBy(query))
    .map(({ label }) => label.split(' ')[0])
    .join(' ');

describe('shownBy', () => {
  it('knows every client of a simulated run, also one that sends ahead of its answers', () => {
    const run = ['c0', 'c99', 'p0', 'r0'].map((who) => {
      return { atMs: 0, who, kind: 'note', label: `${who} speaks` } as const;
    });
    expect(run.filter(shownBy({})).map(({ who }) => who)).toEqual(['c0', 'c99', 'p0']);
  });

  it('brief: ballots and terms are told, heartbeats are not', () => {
    const said = ['prepare, ballot 3', 'votes for r1, term 2', 'heartbeat', 'long-term plans'];
    const run = said.map(
      (label) => ({ atMs: 0, who: 'r0', kind: 'send', peer: 'r1', label }) as const,
    );
    expect(run.filter(shownBy({ brief: true })).map(({ label }) => label)).toEqual(
      said.slice(0, 2),
    );
  });

  it.each<[string, ChartQuery, string]>([
    [
      'no notes unless asked, but of liars',
      {},
      'asks full empty block equivocation ops nothing kill answered S5',
    ],
    [
      'all notes',
      { notes: true },
      'asks full empty block roundEntered equivocation ops nothing kill answered S5',
    ],
    ['brief', { brief: true }, 'asks full equivocation ops kill answered S5'],
    ['a client by its name', { client: alice }, 'asks full ops S5'],
    ['a client by its key', { client: '3f9c21ab03f9' }, 'asks full ops S5'],
    ['what a client says', { client: bob }, 'full ops answered S5'],
    ['a path', { path: '/config' }, 'full ops S5'],
    ['what is below a path', { path: '/jobs' }, 'asks full ops S5'],
    ['the root', { path: '/' }, 'asks full ops S5'],
    ['no prefix of a name', { path: '/conf' }, 'S5'],
    ['an op', { op: 'acquire' }, 'asks full ops S5'],
    ['one op that fits all of it', { client: alice, op: 'write' }, 'S5'],
    ['client and path together', { client: bob, path: '/config' }, 'full ops S5'],
    ['a round', { round: { from: 7, to: 7 } }, 'full block equivocation ops S5'],
    ['rounds', { round: { from: 8, to: 9 }, notes: true }, 'empty roundEntered nothing S5'],
    ['both', { round: { from: 8, to: 9 }, brief: true }, 'S5'],
  ])('%s', (_, query, expected) => {
    expect(shown(query)).toBe(expected);
  });
});

describe('nameTwins', () => {
  it('tells two blocks of one slot apart, of which nobody saw both', () => {
    const got = (who: string, id: string): TraceEvent => ({
      atMs: 1,
      who,
      kind: 'deliver',
      label: 'block 7/r3, 1 batch',
      block: { slot: '7/r3', id },
    });
    const named = nameTwins([got('r0', 'aa'), got('r1', 'bb'), got('r2', 'aa'), got('r1', 'cc')]);
    expect(named.map(({ label }) => label)).toEqual([
      'block 7/r3, 1 batch',
      'block 7/r3 twin, 1 batch',
      'block 7/r3, 1 batch',
      'block 7/r3 twin 2, 1 batch',
    ]);
    expect(nameTwins(named)).toEqual(named);
    expect(chart([got('r0', 'aa'), got('r1', 'bb')]).mermaid).toContain('7/r3 twin');
  });
});

describe('a broken invariant', () => {
  const commit = (who: string, id: string): TraceEvent => ({
    atMs: 1,
    who,
    kind: 'commit',
    label: '5',
    commit: 5,
    block: { slot: '7/r0', id },
  });

  it('is found where two recordings contradict each other', () => {
    expect(findBroken([commit('r0', 'aa'), commit('r1', 'aa')])).toHaveLength(2);
    const [, , mark] = findBroken([commit('r0', 'aa'), commit('r1', 'bb')]);
    expect(mark).toMatchObject({ kind: 'broken', who: 'r1' });
    expect(mark?.label).toBe('agreement: r0 and r1 differ at commit 5');
  });

  it('is marked over all lifelines', async () => {
    const { mermaid: text, windows } = chart(RUN);
    expect(text).toMatch(/rect rgb.*\n +Note over r0,cabcdef: 10 ms: BROKEN S5\n +end\n/);
    expect(windows[0]?.broken).toBe(true);
    await expect(mermaid.parse(text)).resolves.toBeTruthy();
    expect(asciiChart(RUN)).toMatch(/\n\?{40} {2}r1 10 ms: BROKEN S5\n/);
  });
});
