// Tests that each kind of fault does what it says.
import { encode, standIn, utf8 } from '@fatty/codec';
import { OrswotAlgorithm, setOp } from '@fatty/crdt';
import { describe, expect, it } from 'vitest';
import { Client, type Fault, makeCell, smallWindows, stage, staged } from '../src/index.ts';
import { CALM_NETWORK, QUICK_DISK, QUICK_VERIFIER } from '../src/world/faults.ts';

const add = (i: number): Uint8Array => encode(setOp, { kind: 'add', member: utf8(`${i}`) });

/** A world of four with one fault from 1 s to 2 s, and a client of r0 that writes all the time. */
function worldWith(fault: Fault) {
  const { world, machines } = stage({
    cell: makeCell(4, standIn(), smallWindows(4)),
    seed: 1,
    liars: new Map(),
    machine: (context) => staged(() => new OrswotAlgorithm(), context),
    network: CALM_NETWORK,
    disk: QUICK_DISK,
    verifier: QUICK_VERIFIER,
    checkers: [],
  });
  const arrived: { readonly from: number; readonly to: number; readonly atMs: number }[] = [];
  const commits: { readonly by: number; readonly atMs: number }[] = [];
  const syncs: { readonly by: number; readonly atMs: number }[] = [];
  const { elapsedMs: beginMs } = world;
  world.onObservation((seen) => {
    const atMs = world.elapsedMs - beginMs;
    if (seen.kind === 'sent') arrived.push({ from: seen.by, to: seen.to, atMs });
    if (seen.kind === 'committed') commits.push({ by: seen.by, atMs });
    if (seen.kind === 'synced') syncs.push({ by: seen.by, atMs });
  });
  world.start([fault]);
  const client = new Client(world, 'c0', 0);
  for (let i = 0; i < 30; i++) {
    world.after(100 * i, () => client.send(`say ${i}`, () => [add(i)]));
  }
  world.run(10_000, () => false);
  const during = <T extends { readonly atMs: number }>(some: readonly T[]): readonly T[] =>
    some.filter(({ atMs }) => atMs > 1_100 && atMs < 2_000);
  return { world, machines, said: during(arrived), commits: during(commits), syncs: during(syncs) };
}

const span = { atMs: 1_000, forMs: 1_000 };
const by = (some: readonly { readonly by: number }[], replica: number): number =>
  some.filter((one) => one.by === replica).length;

const calm = worldWith({ kind: 'skew', atMs: 0, replica: 0, byMs: 0 });

describe('a fault', () => {
  it('pause: the process does nothing, and then all that it had missed', () => {
    const { world, machines, said, commits } = worldWith({ kind: 'pause', ...span, replica: 3 });
    expect(said.filter(({ from }) => from === 3)).toEqual([]);
    expect(by(commits, 3)).toBe(0);
    expect(by(commits, 0)).toBeGreaterThan(0);
    expect(world.reached.heardLate).toBeGreaterThan(10);
    expect(machines.level(world)).toBe(true);
  });

  it('oneWay: it hears everything, and nobody hears it', () => {
    const { world, machines, commits } = worldWith({ kind: 'oneWay', ...span, side: [3] });
    expect(world.reached['dropped.one way']).toBeGreaterThan(10);
    expect(by(commits, 3)).toBeGreaterThan(0);
    expect(machines.level(world)).toBe(true);
  });

  it('slow: packets take longer', () => {
    const slow = worldWith({ kind: 'slow', ...span, delayMs: 800, reorder: true });
    expect(slow.commits.length).toBeLessThan(calm.commits.length);
    expect(slow.machines.level(slow.world)).toBe(true);
    expect(slow.world.network.options).toEqual(CALM_NETWORK);
  });

  it('slowDisk: datasyncs of that host take longer', () => {
    const { world, syncs } = worldWith({ kind: 'slowDisk', ...span, replica: 2, byMs: 400 });
    expect(by(syncs, 2)).toBeLessThan(by(syncs, 1));
    expect(world.hosts[2]?.disk.slowedMs).toBe(0);
  });

  it('slowVerifier: it is over in time', () => {
    const { world } = worldWith({ kind: 'slowVerifier', ...span, byMs: 400 });
    expect(world.checksSlowedMs).toBe(0);
  });

  it.each(['leaders', 'one', 'each'] as const)('aimed at %s: it is over in time', (aim) => {
    const { world, machines, commits } = worldWith({ kind: 'aimed', ...span, aim, replica: 0 });
    expect(commits.length).toBeLessThan(calm.commits.length);
    expect(world.network.scheduler).toBeUndefined();
    expect(machines.level(world)).toBe(true);
  });
});
