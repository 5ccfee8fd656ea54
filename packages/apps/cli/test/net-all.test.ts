// Tests of every net at once, and of liars picked by hand.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NAMED_NETS } from '../src/commands/named-nets.ts';
import { runAll } from '../src/commands/net-all.ts';
import { type RunShare, runShares, type ShareReport, sharesOf } from '../src/commands/net-pool.ts';
import { EXIT } from '../src/terminal/io.ts';
import { fatty, folder, silentIo } from './fatty.ts';

const dir = folder();
const home = process.cwd();
beforeAll(() => process.chdir(dir));
afterAll(() => process.chdir(home));

const names = Object.keys(NAMED_NETS);

/** All that a net wants, from worlds of an hour and a second of work each. */
const enough: RunShare = ({ net, runs }) =>
  Promise.resolve({
    runs,
    reached: NAMED_NETS[net]?.wants ?? {},
    simulatedMs: runs * 3_600_000,
    cpuMs: runs * 500,
  });

async function all(worlds: number, run: RunShare, format: 'json' | 'table' = 'json') {
  let out = '';
  let err = '';
  const io = {
    ...silentIo([]),
    out: (text: string | Uint8Array) => {
      out += String(text);
    },
    err: (text: string) => {
      err += text;
    },
  };
  const code = await runAll({ worlds, seed: 7, format, run }, io);
  return { code, out, err };
}

describe('all nets', () => {
  it('share the worlds, and no two shares of a net have the same', () => {
    for (const worlds of [1, 4, 5, 999, 2_000]) {
      const shares = sharesOf(names, worlds, 7);
      expect(shares.reduce((sum, { runs }) => sum + runs, 0)).toBe(worlds);
      const seeds = shares.map(({ net, seed }) => `${net} ${seed}`);
      expect(new Set(seeds).size).toBe(seeds.length);
      expect(shares.every(({ runs }) => runs > 0)).toBe(true);
    }
  });

  it('have a line each that says what they did', async () => {
    const { code, out } = await all(1_000, enough);
    expect(code).toBe(EXIT.done);
    const rows = out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows.map(({ net }) => net)).toEqual(names);
    const first = sharesOf(names, 1_000, 7).filter(({ net }) => net === names[0]);
    const worlds = first.reduce((sum, { runs }) => sum + runs, 0);
    expect(worlds).toBeGreaterThanOrEqual(Math.floor(1_000 / names.length));
    expect(rows[0]).toMatchObject({
      verdict: 'holds',
      worlds,
      seeds: `7 to ${6 + first.length}`,
      worldsPerCpuSecond: 2,
      simulatedHours: worlds,
      missed: [],
    });
    expect((await all(1_000, enough, 'table')).out).toContain('WORLDSPERCPUSECOND');
  });

  it('that reach too little have proved nothing', async () => {
    const { code, out } = await all(10, async (share) => ({
      ...(await enough(share)),
      reached: {},
    }));
    expect(code).toBe(EXIT.refused);
    expect(out).toContain('proved too little');
  });

  it('write a world that fails, shrunk, and begin no other', async () => {
    const [replica, atMs] = [1, 2];
    const violations = [{ rule: 'S5', expected: 'one root', actual: 'two', replica, atMs }];
    let begun = 0;
    const run: RunShare = async (share) => {
      begun += 1;
      const report: ShareReport = await enough(share);
      const plan = { seed: 3 } as NonNullable<ShareReport['plan']>;
      return { ...report, violations, plan };
    };
    const { code, out, err } = await all(5_000, run);
    expect(code).toBe(EXIT.refused);
    expect(out).toContain('broken');
    expect(begun).toBeLessThan(sharesOf(names, 5_000, 7).length);
    const [, file = ''] = /is in (\S+\.json)/u.exec(err) ?? [];
    const filed: unknown = JSON.parse(readFileSync(join(dir, file), 'utf8'));
    expect(filed).toEqual({ net: 'orswot', plan: { seed: 3 }, violations });
    expect(err).toContain('S5: expected one root, got two');
    expect(err).toContain(`fatty explain ${file} tells why`);
  });

  it('run in processes of their own', async () => {
    const [report] = await runShares([{ net: 'bank', seed: 1, runs: 1 }]);
    expect(report).toMatchObject({ net: 'bank', runs: 1 });
    expect(report?.simulatedMs).toBeGreaterThan(0);
    expect(report?.reached.commits).toBeGreaterThan(0);
  });

  it('of which one that ends without a word is told by what it complained of', async () => {
    const shares = [1, 2, 3].map((seed) => ({ net: 'no such net', seed, runs: 1 }));
    await expect(runShares(shares)).rejects.toThrow(/no such net, seed \d: [\s\S]*RangeError/u);
  });
});

describe('wrong usage', () => {
  it.each([
    [['net'], '--all'],
    [['net', 'locks', '--seeds', '5'], '--seeds goes with --all'],
    [['net', 'locks', '--all'], '--all goes with'],
    [['net', '--all', '--runs', '5'], '--all goes with'],
    [['net', 'locks', '--misbehave', 'r1=lies'], 'equivocate, fork, withhold'],
    [['net', 'locks', '--misbehave', 'r9=late'], 'r0 to r3'],
    [['net', 'paxos', '--misbehave', 'r1=late'], 'nobody lies in paxos'],
    [['net', 'locks', '--misbehave', 'r1=late,r2=late'], 'at most 1 of 4'],
  ])('%j: %s', async (line, word) => {
    const { code, err } = await fatty(...line);
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining(word)]);
  });
});

it('a net that has tried too little says how to try more', async () => {
  const { code, err } = await fatty('net', 'paxos', '--seed', '1', '--runs', '2');
  expect([code, err]).toEqual([EXIT.refused, expect.stringContaining('give it --runs 4')]);
});

it('liars picked by hand lie in every world', async () => {
  const flags = ['--misbehave', 'r2=equivocate', '--seed', '1', '--runs', '2', '-o', 'json'];
  const { code, out } = await fatty('net', 'bank', ...flags);
  const { reached, verdict } = JSON.parse(out) as {
    verdict: string;
    reached: Record<string, number>;
  };
  expect([code, verdict]).toEqual([EXIT.done, 'holds']);
  expect(reached.runsWithLiars).toBe(2);
});
