// Tests of failed worlds in words.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { planWords } from '../src/commands/explain-plan.ts';
import { INVARIANTS, sentenceOf } from '../src/commands/explain-rules.ts';
import { shortened } from '../src/commands/explain-run.ts';
import { EXIT } from '../src/terminal/io.ts';
import { fatty, folder } from './fatty.ts';

const dir = folder();
const own = (name: string): string => fileURLToPath(new URL(`./nets/${name}`, import.meta.url));
const chart = join(dir, 'told.svg');

describe('explain', () => {
  it('tells what was expected, who and what went wrong, the story, and draws it', async () => {
    const { code, out } = await fatty('explain', own('broken.mjs'), '--seed', '1', '--out', chart);
    expect(code).toBe(EXIT.refused);
    const [what = '', world = '', story = '', where = ''] = out.split('\n\n');
    expect(what).toMatch(/^mine is broken at r1, \d+(\.\d)? ms after the start\./);
    expect(what).toContain('expected  no op; at all\n  got       #1');
    expect(world).toMatch(/^The world: broken, seed \d+: 4 replicas, \d clients, 1 op\n/);
    expect(world).toContain('nobody lies, and nothing goes wrong');
    expect(story).toMatch(/c\d sends to r\d after \d ms: set op/);
    expect(story).toMatch(/BROKEN mine at r1: expected no op; at all, got #1$/);
    expect(story.split('\n').length).toBeLessThanOrEqual(17);
    expect(where).toBe(`The chart: ${chart}\n`);
    const svg = readFileSync(chart, 'utf8');
    expect(svg).toContain('BROKEN mine at r1');
    expect(svg).toMatch(/class="fc lit"/);
  });

  it('tells the world of a file, as words and as data', async () => {
    const file = join(dir, 'world.json');
    const plan = {
      seed: 5,
      replicas: 4,
      signatures: false,
      rough: false,
      slowDisk: false,
      liars: [{ replica: 2, lie: 'silent' }],
      faults: [{ kind: 'pause', atMs: 10, forMs: 60, replica: 0 }],
      clients: 1,
      clientLies: [],
      ops: [{ atMs: 5, client: 0, what: 0, arg: 1 }],
    };
    writeFileSync(file, JSON.stringify({ net: 'broken', plan, violations: [] }));
    const flags = ['--net', own('broken.mjs'), '--out', chart];
    const { code, out } = await fatty('explain', file, ...flags, '-o', 'json');
    expect(code).toBe(EXIT.refused);
    expect(JSON.parse(out)).toMatchObject({
      verdict: 'broken',
      violation: { rule: 'mine', expected: 'no op; at all' },
      world: ['r2 lies: it says nothing (silent)', 'at 10 ms, for 60 ms: r0 stands still'],
      chart,
    });
    const held = await fatty('explain', file, '--net', own('mine.mjs'), '--out', chart);
    expect([held.code, held.out]).toEqual([
      EXIT.done,
      expect.stringContaining('breaks nothing today'),
    ]);
  });

  it('has nothing to say where nothing broke', async () => {
    const { code, out } = await fatty('explain', own('mine.mjs'), '--seed', '1', '--runs', '2');
    expect([code, out]).toEqual([EXIT.done, expect.stringContaining('nothing to explain')]);
  });

  it.each([
    [['nobody'], 'no net nobody; there are'],
    [[own('mine.mjs'), '--seed', 'x'], '--seed: expected a whole number'],
    [[own('mine.mjs'), '--as', 'gif'], '--as: expected svg'],
  ])('refuses %j', async (words, said) => {
    const { code, err } = await fatty('explain', ...words);
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining(said)]);
  });

  it('refuses a file that is no world', async () => {
    const file = join(dir, 'other.json');
    writeFileSync(file, '{"a": 1}');
    const { code, err } = await fatty('explain', file);
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining('expected a world')]);
  });
});

describe('what explains', () => {
  it('has a sentence for every invariant that the protocol names', () => {
    const path = new URL('../../../kernel/replica/PROTOCOL.md', import.meta.url);
    const text = readFileSync(path, 'utf8').split('\n## Invariants\n')[1]?.split('\n## ')[0] ?? '';
    const promised = text.replace(/[SL]\d+ [^·]*\(\*later\*\)/g, '');
    const names = Array.from(promised.matchAll(/(?:^|· )([SL]\d+) /gm), ([, name = '']) => name);
    expect(names.length).toBeGreaterThan(25);
    expect(Object.keys(INVARIANTS)).toEqual(names);
    expect(sentenceOf('R12')).toContain('PROTOCOL.md');
    expect(sentenceOf('toString')).toBe('A rule of this net.');
  });

  it('names digests by their beginnings, and ends', () => {
    const digest = '5e05f15a'.repeat(8);
    expect(shortened(`copies ${digest}/${digest}, 12 of deadbeef`)).toBe(
      'copies 5e05f15a…/5e05f15a…, 12 of deadbeef',
    );
    expect(shortened('x y '.repeat(1_000)).length).toBe(241);
    expect(shortened('a\nb')).not.toContain('\n');
    expect(sentenceOf('no throw')).toContain('throws nothing');
  });

  it('puts faults and lies into words, in the order of time', () => {
    const plan = {
      seed: 1,
      replicas: 4,
      signatures: false,
      rough: false,
      slowDisk: false,
      clients: 2,
      ops: [],
      liars: [{ replica: 3, lie: 'equivocate' }],
      clientLies: [{ atMs: 7, lie: 'twoFaces' }],
      faults: [
        { kind: 'step', atMs: 90, replicas: [1, 2], byMs: -500 },
        { kind: 'crash', atMs: 20, forMs: 100, replica: 1, power: true },
      ],
    } as const;
    expect(planWords(plan)).toEqual([
      'r3 lies: it shows two chains of blocks, one to each half (equivocate)',
      'at 7 ms: a client says two things under one number (twoFaces)',
      'at 20 ms, for 100 ms: r1 is without power: what was not synced is lost',
      'at 90 ms: somebody sets the clocks of r1, r2 500 ms back',
    ]);
  });
});
