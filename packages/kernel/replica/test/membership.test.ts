// Members come, go and are replaced, with silent ones on both sides (R30, R31, L6).
import { compareBytes } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { type Change, faultsMax, signReady } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { busy } from './traffic.ts';
import { batchesOf, commitsAgree, type Host, makeCell, scheme, World } from './world.ts';

const WINDOWS = { checkpointCommits: 2, supportRoundsMax: 24, horizonRounds: 30 };

function worldOf(n: number, joining: number, seed = 1): World {
  const joiners = Array.from({ length: joining }, (_, i) =>
    scheme.signer(new Uint8Array(32).fill(60 + i)),
  );
  return new World({
    cell: makeCell(n, WINDOWS),
    joiners,
    seed,
    tuning: { logKeptBytesMin: 0, logKeptBytesMax: 1 << 30 },
    copying: { bytesMin: 1, chunkBytes: 256 },
    delayMs: (random) => 1 + random.below(4),
  });
}

const keyOf = (world: World, index: number): PublicKey =>
  world.signers[index]?.publicKey ?? expect.fail('a host of this number');

const hostsOf = (world: World, indices: readonly number[]): readonly Host[] =>
  indices.map((index) => world.host(index));

function move(world: World, movers: readonly number[], change: Change): void {
  for (const index of movers) world.event(world.host(index), { kind: 'move', change, tag: index });
}

/** The joiner says through a member that it could begin. */
function ready(world: World, joiner: number, through: number): void {
  const signer = world.signers[joiner] ?? expect.fail('a joiner');
  const { epoch, commitIndex: index } = world.host(through).replica.status();
  const bytes = signReady(world.options.cell.cellId, signer, { epoch, index });
  world.event(world.host(through), { kind: 'statement', bytes, tag: 99 });
}

/** The machine of a joiner begins, with the last frame of the epoch before it, as its operator brought it. */
function join(world: World, joiner: number, from: number): void {
  world.host(joiner).frames = world.host(from).frames.slice(-1);
  world.restart(joiner);
}

function reach(world: World, indices: readonly number[], epoch: number): void {
  const hosts = hostsOf(world, indices);
  const isThere = (): boolean => hosts.every(({ replica }) => replica.status().epoch === epoch);
  world.run(60_000, isThere);
  expect(hosts.map(({ replica }) => replica.status().epoch)).toEqual(hosts.map(() => epoch));
}

/** An op goes through, and all of them have come to one commit sequence. */
function works(world: World, indices: readonly number[], through: number): void {
  const before = batchesOf(world.host(through)).length;
  busy(world, 4, through);
  world.run(30_000);
  const hosts = hostsOf(world, indices);
  expect(commitsAgree(hosts)).toBe(true);
  expect(batchesOf(world.host(through)).length).toBe(before + 4);
  const tips = hosts.map(({ replica }) => replica.status().commitIndex);
  expect(new Set(tips).size).toBe(1);
}

const hasMember = (world: World, index: number, key: PublicKey): boolean =>
  world.host(index).epoch.committee.members.some((member) => compareBytes(member, key) === 0);

describe('a member comes', () => {
  it('when q want it and it says that it is ready, not before', () => {
    const world = worldOf(4, 1);
    world.start();
    const key = keyOf(world, 4);
    move(world, [0, 1, 2], { kind: 'add', key });
    world.run(5_000);
    expect(world.host(0).replica.status()).toMatchObject({ epoch: 0 });
    expect(world.host(0).replica.status().agenda.plan).toBeUndefined();
    ready(world, 4, 1);
    reach(world, [0, 1, 2, 3], 1);
    expect(hasMember(world, 0, key)).toBe(true);
    join(world, 4, 0);
    works(world, [0, 1, 2, 3, 4], 4);
    expect(world.host(4).replica.status()).toMatchObject({ epoch: 1, observer: undefined });
  });

  it('and the cell goes on while it has not begun', () => {
    const world = worldOf(4, 1);
    world.start();
    move(world, [0, 1, 2], { kind: 'add', key: keyOf(world, 4) });
    world.run(1_000);
    ready(world, 4, 0);
    reach(world, [0, 1, 2, 3], 1);
    works(world, [0, 1, 2, 3], 2);
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'of %i who want to come those come whom q want, however the votes fall',
    (count) => {
      const world = worldOf(4, count, count);
      world.start();
      const joiners = Array.from({ length: count }, (_, i) => 4 + i);
      // Everybody wants the even ones; the odd ones have two votes each.
      for (const joiner of joiners) {
        const voters = joiner % 2 === 0 ? [0, 1, 2, 3] : [joiner % 4, (joiner + 1) % 4];
        move(world, voters, { kind: 'add', key: keyOf(world, joiner) });
      }
      for (const joiner of joiners) ready(world, joiner, joiner % 4);
      world.run(1_000);
      for (const joiner of joiners) ready(world, joiner, (joiner + 1) % 4);
      world.run(30_000);
      const come = joiners.filter((joiner) => hasMember(world, 0, keyOf(world, joiner)));
      expect(come.every((joiner) => joiner % 2 === 0)).toBe(true);
      expect(come.length).toBeGreaterThan(0);
      for (const joiner of come) join(world, joiner, 0);
      works(world, [0, 1, 2, 3, ...come], come[0] ?? 0);
    },
  );
});

describe('a member is replaced', () => {
  it('that is dead', () => {
    const world = worldOf(4, 1);
    world.start();
    busy(world, 3);
    world.run(3_000);
    world.kill(2);
    move(world, [0, 1, 3], { kind: 'replace', old: keyOf(world, 2), key: keyOf(world, 4) });
    world.run(1_000);
    ready(world, 4, 0);
    reach(world, [0, 1, 3], 1);
    join(world, 4, 0);
    works(world, [0, 1, 3, 4], 4);
    expect(world.host(0).epoch.committee.members).toHaveLength(4);
    // Its machine comes back, and learns that its key is of no use any more.
    world.restart(2);
    world.run(20_000);
    works(world, [0, 1, 3, 4], 1);
    expect(world.host(2).committed.every(({ input }) => input.epoch === 0)).toBe(true);
  });
});

describe('silent members on both sides', () => {
  it('f old ones and f new ones do not keep an epoch from ending, nor the next one from working', () => {
    const world = worldOf(7, 2);
    const { committee } = world.options.cell;
    expect(faultsMax(committee)).toBe(2);
    world.start([5, 6]);
    move(world, [0, 1, 2, 3, 4], { kind: 'replace', old: keyOf(world, 5), key: keyOf(world, 7) });
    move(world, [0, 1, 2, 3, 4], { kind: 'replace', old: keyOf(world, 6), key: keyOf(world, 8) });
    world.run(1_000);
    ready(world, 7, 0);
    ready(world, 8, 1);
    reach(world, [0, 1, 2, 3, 4], 1);
    works(world, [0, 1, 2, 3, 4], 0);
  });
});

describe('a cell becomes smaller', () => {
  it('from seven to five to four, and a member that was away comes after', () => {
    const world = worldOf(7, 0);
    world.start();
    busy(world, 3);
    world.run(3_000);
    world.kill(3);
    for (const old of [5, 6]) {
      move(world, [0, 1, 2, 4, 5], { kind: 'remove', old: keyOf(world, old) });
    }
    reach(world, [0, 1, 2, 4], 1);
    world.run(5_000);
    const { members } = world.host(0).epoch.committee;
    if (members.length === 6) {
      move(world, [0, 1, 2, 4, 5], { kind: 'remove', old: keyOf(world, 6) });
      reach(world, [0, 1, 2, 4], 2);
    }
    const { epoch } = world.host(0).replica.status();
    expect(world.host(0).epoch.committee.members).toHaveLength(5);
    move(world, [0, 1, 2, 4], { kind: 'remove', old: keyOf(world, 4) });
    reach(world, [0, 1, 2], epoch + 1);
    world.restart(3);
    reach(world, [0, 1, 2, 3], epoch + 1);
    works(world, [0, 1, 2, 3], 3);
    expect(hostsOf(world, [4, 5, 6]).map(({ up }) => up)).toEqual([false, false, false]);
  });
});
