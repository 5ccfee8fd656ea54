// Tests that nets notice what no longer goes on.
import { expect, test } from 'vitest';
import { batches, windows } from '../src/nets/asynchrony.ts';
import { type Act, NETS, type Net, runPlan } from '../src/nets/index.ts';
import type { Plan } from '../src/nets/plan.ts';

const PLAN: Plan = {
  seed: 1,
  replicas: 4,
  signatures: false,
  rough: false,
  slowDisk: false,
  liars: [],
  faults: [],
  clients: 1,
  clientLies: [],
  ops: [{ atMs: 300, client: 0, what: 0, arg: 0 }],
};

/** The first rule that a world of net `orswot` breaks when its act is changed so. */
function broken(change: (act: Act) => Partial<Act>): string | undefined {
  const honest = NETS.orswot as Net;
  const act = (): Act => {
    const made = honest.act();
    return { ...made, ...change(made) };
  };
  return runPlan({ ...honest, act }, PLAN).violations[0]?.rule;
}

test('L1: somebody waits for ever; L4: a replica never comes back', () => {
  expect(broken(() => ({}))).toBeUndefined();
  expect(broken(() => ({ waiting: () => ['c0'] }))).toBe('L1');
  const prepare =
    (act: Act): Act['prepare'] =>
    (scene) => {
      act.prepare(scene);
      scene.world.after(200, () => scene.world.crash(3, false));
    };
  expect(broken((act) => ({ prepare: prepare(act) }))).toBe('L4');
});

test('L2: three rounds without a delivered block, a batch that none carries', () => {
  const rounds = [1, 2, 3, 6, 9].map((round) => ({ round }));
  expect(windows({ nowMs: 0 }, rounds, 17)).toEqual([]);
  const gap = rounds.filter(({ round }) => round !== 6);
  expect(windows({ nowMs: 0 }, gap, 17)[0]?.rule).toBe('L2');

  const signed = [0x82, 0x43, 1, 2, 3, 0x41, 9];
  const client = { name: 'g0', sent: [Uint8Array.from(signed)] };
  const body = Uint8Array.of(0x81, 0x81, ...signed);
  expect(batches({ nowMs: 0 }, [{ body }], [client])).toEqual([]);
  expect(batches({ nowMs: 0 }, [], [client])[0]?.rule).toBe('L2');
});
