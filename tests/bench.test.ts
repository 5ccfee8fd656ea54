/** The bench's own judgement: verdicts of aims, parts of a profile, and that nothing it starts outlives it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const href = (path: string): string => new URL(`../tools/bench/${path}`, import.meta.url).href;

interface Aim {
  readonly work: string;
  readonly measured: number | undefined;
  readonly isMet: boolean;
  readonly isAimMet: boolean;
}

describe('aims', () => {
  const run = (p50Ms: number, p99Ms: number, perSec: number) => ({ p50Ms, p99Ms, perSec });
  const verdicts = async (systems: object): Promise<Map<string, Aim>> => {
    const { aimsOf } = (await import(href('peers/aims.mjs'))) as {
      aimsOf: (systems: object) => readonly Aim[];
    };
    return new Map(aimsOf(systems).map((aim) => [aim.work, aim]));
  };
  const fatty = (found: object) => ({ fatty: { found } });

  it('are met from above and from below, at the bound too', async () => {
    const etcd = { found: { 'put@1': run(3, 9, 300), 'lock@1': run(5, 6, 200) } };
    const found = {
      'commit@1': run(12, 40, 80),
      'lock@1': run(20, 30, 39),
      closedRounds: { perOp: 3, cpuMs: 1.6 },
    };
    const all = await verdicts({ ...fatty(found), etcd });
    expect(all.get('commit p50, 1 client, against etcd’s put')).toMatchObject({
      measured: 4,
      isMet: true,
      isAimMet: false,
    });
    expect(all.get('lock + unlock, 1 client, against etcd’s')).toMatchObject({
      measured: 0.195,
      isMet: false,
    });
    expect(all.get('p99 / p50 of a commit, 1 client')?.isMet).toBe(true);
    expect(all.get('replica CPU per round and replica')?.isMet).toBe(false);
    expect(all.get('rounds per op, closed loop, 1 client')?.isAimMet).toBe(true);
  });

  it('are not met where nothing was measured', async () => {
    const all = await verdicts(fatty({ 'commit@1': run(12, 40, 80) }));
    const aim = all.get('commit p50, 1 client, against etcd’s put');
    expect(aim).toMatchObject({ measured: undefined, isMet: false, isAimMet: false });
    expect([...(await verdicts({})).values()].some(({ isMet }) => isMet)).toBe(false);
  });
});

describe('the parts of a profile', () => {
  const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 0 });
  const node = (id: number, name: string, url: string, children: readonly number[] = []) => ({
    id,
    callFrame: frame(name, url),
    children,
  });

  it('take native work to its caller, through a counter, and leave out rest and the tool', async () => {
    const { shares } = (await import(href('rounds/profile.mjs'))) as {
      shares: (profile: object) => { parts: Record<string, number> };
    };
    const nodes = [
      node(1, '(root)', '', [2, 3, 6, 7, 8]),
      node(2, '(idle)', ''),
      node(3, 'writeDurably', 'file:///x/packages/edge/storage/dist/files.js', [4]),
      node(4, 'counted', 'file:///x/tools/bench/rounds/replica.mjs', [5]),
      node(5, 'writeBuffer', ''),
      node(6, '(garbage collector)', ''),
      node(7, 'dispatch', 'node:inspector'),
      node(8, 'verify', 'file:///x/packages/kernel/codec/dist/node.js'),
    ];
    const { parts } = shares({
      nodes,
      samples: [2, 3, 5, 6, 7, 8],
      timeDeltas: [0, 9_000, 1_000, 2_000, 3_000, 50_000, 4_000].slice(0, 7),
    });
    const busy = Object.fromEntries(Object.entries(parts).filter(([, ms]) => ms > 0));
    expect(busy).toEqual({ disk: 3, garbage: 3, signatures: 4 });
  });
});

describe('what the comparison starts', () => {
  const isAlive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  it('ends with it, and its folder, when it is killed', async () => {
    const program = `
      const { Household } = await import(${JSON.stringify(href('peers/processes.mjs'))});
      const household = await Household.open();
      const kept = household.spawn('sleeper', process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      process.stdout.write(JSON.stringify({ pid: kept.pid, folder: household.folder }));
      setInterval(() => undefined, 1000);
    `;
    const bench = spawn(process.execPath, ['--input-type=module', '-e', program]);
    const text = await new Promise<string>((resolve) => bench.stdout.once('data', resolve));
    const { pid, folder } = JSON.parse(String(text)) as { pid: number; folder: string };
    expect(isAlive(pid) && existsSync(folder)).toBe(true);
    bench.kill('SIGKILL');
    await expect
      .poll(() => isAlive(pid) || existsSync(folder), { timeout: 60_000, interval: 50 })
      .toBe(false);
  }, 90_000);
});
