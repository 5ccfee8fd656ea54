// Worlds with a liar that fills logs.
import {
  blocksIn,
  type Cell,
  CLIENT_LIES,
  GENESIS_MS,
  NETS,
  type Net,
  type Observation,
  type Plan,
  runPlan,
} from '@fatty/testnet';
import { expect, test } from 'vitest';

const LIAR = 3;
const KIB = 1024;
/** Small, so that a short world shows them. */
const TUNING = { wasteBytesMax: 256 * KIB, wasteBytesPerSec: 16 * KIB };
/** Of the liar's blocks, taken before the first commit that shows what they are, and after. */
const ON_THE_WAY_BYTES = 768 * KIB;

const PLAN: Plan = {
  seed: 1,
  replicas: 4,
  signatures: false,
  rough: false,
  slowDisk: false,
  liars: [{ replica: LIAR, lie: 'stuff' }],
  faults: [],
  clients: 3,
  clientLies: [],
  ops: Array.from({ length: 100 }, (_, k) => ({
    atMs: 300 + 100 * k,
    client: k % 3,
    what: k % 8,
    arg: k,
  })),
};

interface Logged {
  readonly bytes: Map<number, number>;
  seconds: number;
}

/** The locks net, with an eye on what of the liar's goes to the disks of the others. */
function watched(tuning: Net['tuning']): { net: Net; logged: Logged } {
  const locks = NETS.locks as Net;
  const logged: Logged = { bytes: new Map(), seconds: 0 };
  const see = (seen: Observation): readonly [] => {
    if (seen.kind !== 'synced') return [];
    for (const { body } of seen.records) {
      if (blocksIn(body)[0]?.author !== LIAR) continue;
      logged.bytes.set(seen.by, (logged.bytes.get(seen.by) ?? 0) + body.length);
    }
    return [];
  };
  const act: Net['act'] = () => {
    const made = locks.act();
    const finish = (atMs: number): readonly [] => {
      logged.seconds = (atMs - GENESIS_MS) / 1_000;
      return [];
    };
    const own = made.checkers?.bind(made);
    return Object.assign(made, {
      checkers: (cell: Cell) => [...(own?.(cell) ?? []), { rules: ['R12'], see, finish }],
    });
  };
  return { net: { ...locks, act, ...(tuning === undefined ? {} : { tuning }) }, logged };
}

test('a liar that stuffs logs with batches of nobody is bounded as a rate, and keeps nobody waiting', () => {
  const { net, logged } = watched(TUNING);
  const { violations, reached } = runPlan(net, PLAN);
  expect(violations).toEqual([]);
  expect(reached['lie.stuff']).toBeGreaterThan(100);
  expect(logged.bytes.size).toBe(3);
  const mostBytes =
    TUNING.wasteBytesMax + TUNING.wasteBytesPerSec * logged.seconds + ON_THE_WAY_BYTES;
  for (const bytes of logged.bytes.values()) expect(bytes).toBeLessThan(mostBytes);
});

test('without a budget it fills every log as fast as it can speak', () => {
  const { net, logged } = watched({ wasteBytesMax: 1 << 30 });
  const short = { ...PLAN, ops: PLAN.ops.slice(0, 10) };
  expect(runPlan(net, short).violations).toEqual([]);
  for (const bytes of logged.bytes.values()) {
    expect(bytes / logged.seconds).toBeGreaterThan(512 * KIB);
  }
});

test('no client can make an honest gateway go over: what it refuses, repeats or forges costs itself', () => {
  const { net } = watched({ wasteBytesMax: 4 * KIB, wasteBytesPerSec: 64 });
  const lies = CLIENT_LIES.flatMap((lie, k) =>
    Array.from({ length: 12 }, (_, i) => ({ atMs: 400 + 40 * k + 300 * i, lie })),
  );
  for (const seed of [1, 2, 3]) {
    const plan = { ...PLAN, seed, liars: [], clientLies: lies, ops: PLAN.ops.slice(0, 40) };
    const { violations, reached } = runPlan(net, plan);
    expect(violations).toEqual([]);
    expect(reached['clientLie.gap']).toBeGreaterThan(5);
  }
});
