// An epoch ends and the next one begins, in place, on the disks of the members (R30, R31).
import { toHex } from '@fatty/codec';
import type { Change } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { encodeMessage, type Tuning } from '../src/index.ts';
import { read } from './forge.ts';
import { busy } from './traffic.ts';
import { batchesOf, commitsAgree, type Host, makeCell, scheme, World } from './world.ts';

const WINDOWS = { checkpointCommits: 2, supportRoundsMax: 8, horizonRounds: 12 };
const RENEW: Change = { kind: 'renew' };

function worldOf(n: number, seed = 1, tuning: Partial<Tuning> = {}, chunkBytes = 256): World {
  const joiners = [60, 61].map((fill) => scheme.signer(new Uint8Array(32).fill(fill)));
  return new World({
    cell: makeCell(n, WINDOWS),
    joiners,
    seed,
    tuning: { logKeptBytesMin: 0, logKeptBytesMax: 1 << 30, ...tuning },
    copying: { bytesMin: 1, chunkBytes },
    delayMs: (random) => 1 + random.below(4),
  });
}

const keyOf = (world: World, index: number) => {
  const key = world.signers[index]?.publicKey;
  return key ?? expect.fail('a host of this number');
};

const move = (world: World, movers: readonly number[], change: Change): void => {
  for (const index of movers) world.event(world.host(index), { kind: 'move', change, tag: index });
};

const epochs = (hosts: readonly Host[]): readonly number[] =>
  hosts.map((host) => host.replica.status().epoch);

const roots = (hosts: readonly Host[]): number =>
  new Set(hosts.map((host) => toHex(host.replica.machine.root()))).size;

/** Runs until all these hosts are in the epoch. */
function reach(world: World, hosts: readonly Host[], epoch: number): void {
  const isThere = (): boolean => epochs(hosts).every((one) => one >= epoch);
  world.run(60_000, isThere);
  expect(epochs(hosts)).toEqual(hosts.map(() => epoch));
}

/** For a long run by hand: what all epochs so far have cost. */
function tellCost(epoch: number, world: World): void {
  const { user } = process.cpuUsage();
  const { heapUsed } = process.memoryUsage();
  const head = world.host(0).frames.at(-1)?.head.length ?? 0;
  const log = world.host(0).log.length;
  const seconds = Math.round(user / 1e5) / 10;
  const heap = Math.round(heapUsed / 1e6);
  console.log(
    `epoch ${epoch}: ${seconds} s of CPU, ${heap} MB of heap, ${head} bytes of head, ${log} records of log`,
  );
}

describe('a cell that renews its epoch', () => {
  it('goes on from the commit that ended it: indices, digests, clocks and state', () => {
    const world = worldOf(4);
    world.start();
    busy(world, 5);
    world.run(3_000);
    move(world, [0, 1, 2], RENEW);
    reach(world, world.hosts.slice(0, 4), 1);
    world.run(5_000);
    busy(world, 7, 2);
    world.run(20_000);
    const four = world.hosts.slice(0, 4);
    expect(commitsAgree(four)).toBe(true);
    expect(roots(four)).toBe(1);
    const { committed } = world.host(3);
    for (const [i, { commit }] of committed.entries()) {
      const before = committed[i - 1]?.commit;
      expect(commit.index).toBe(i + 1);
      if (before) expect(commit.prevDigest).toEqual(before.digest);
      expect(commit.commitTs).toBeGreaterThanOrEqual(before?.commitTs ?? 0);
      expect(commit.leaseClock).toBeGreaterThanOrEqual(before?.leaseClock ?? 0);
    }
    expect(new Set(committed.map(({ input }) => input.epoch))).toEqual(new Set([0, 1]));
    expect(batchesOf(world.host(3)).length).toBeGreaterThanOrEqual(12);
    const epochEnd = committed.filter(({ input }) => input.epoch === 0).length;
    for (const { replica } of four) {
      expect(replica.status()).toMatchObject({ observer: undefined, epoch: 1 });
      expect(replica.status().certifiedCommit).toBeGreaterThan(epochEnd);
    }
  });

  it('five times over, while clients speak', () => {
    const world = worldOf(4, 3);
    const four = world.hosts.slice(0, 4);
    world.start();
    for (let epoch = 1; epoch <= 5; epoch++) {
      busy(world, 6, epoch % 4);
      world.run(200);
      move(world, [0, 1, 3], RENEW);
      reach(world, four, epoch);
    }
    busy(world, 3);
    world.run(20_000);
    expect(commitsAgree(four)).toBe(true);
    expect(roots(four)).toBe(1);
    expect(four.map(({ replica }) => replica.status().observer)).toEqual(four.map(() => undefined));
  });

  // A thousand by hand: EPOCHS=1000.
  const many = Number(process.env.EPOCHS ?? 40);
  it(`${many} times over, on disks that let go of what is behind`, { timeout: 3_600_000 }, () => {
    // A link names the chunks of its frame: with small ones it would grow with the state.
    const world = worldOf(4, 5, { logKeptBytesMax: 0 }, 1 << 16);
    const four = world.hosts.slice(0, 4);
    world.start();
    for (let epoch = 1; epoch <= many; epoch++) {
      busy(world, 1, epoch % 4);
      move(world, [0, 1, 2], RENEW);
      reach(world, four, epoch);
      for (const host of four) host.committed.splice(0, host.committed.length - 50);
      for (const host of four) host.wholeLog.length = 0;
      if (epoch % 100 === 0) tellCost(epoch, world);
    }
    busy(world, 3);
    world.run(20_000);
    expect(roots(four)).toBe(1);
    expect(commitsAgree(four)).toBe(true);
    for (const { log, kv, epoch, frames } of four) {
      expect(epoch.links).toHaveLength(many);
      // Of two epochs at most, and the segment that was cut: the same for whatever number of them.
      expect(log.length).toBeLessThan(300);
      expect(kv.size).toBeLessThan(300);
      expect(Math.max(...frames.map(({ head }) => head.length))).toBeLessThan((many + 2) * 1_000);
    }
  });

  it('with one member silent', () => {
    const world = worldOf(4);
    world.start([3]);
    world.run(1_000);
    move(world, [0, 1, 2], RENEW);
    reach(world, world.hosts.slice(0, 3), 1);
    busy(world, 3);
    world.run(20_000);
    expect(batchesOf(world.host(0))).toHaveLength(3);
  });

  it('and a member that slept through three of them comes back, though logs reach back', () => {
    const world = worldOf(4, 1, { logKeptBytesMin: 1 << 28 });
    world.start();
    busy(world, 3);
    world.run(5_000);
    world.kill(3);
    for (let epoch = 1; epoch <= 3; epoch++) {
      busy(world, 30);
      world.run(5_000);
      move(world, [0, 1, 2], RENEW);
      reach(world, world.hosts.slice(0, 3), epoch);
    }
    world.restart(3);
    reach(world, world.hosts.slice(0, 4), 3);
    busy(world, 3, 3);
    world.run(20_000);
    const four = world.hosts.slice(0, 4);
    expect(commitsAgree(four)).toBe(true);
    expect(roots(four)).toBe(1);
    expect(world.host(3).replica.status().round).toBeGreaterThan(0);
  });

  it('and a member that restarts in each state of its disk is where it was', () => {
    const world = worldOf(4);
    world.start();
    busy(world, 40);
    world.run(1_000);
    move(world, [0, 1, 2], RENEW);
    const four = world.hosts.slice(0, 4);
    for (let step = 0; step < 400 && world.host(0).replica.status().epoch === 0; step++) {
      world.run(2);
      world.kill(2, world.random.below(2));
      world.restart(2);
    }
    reach(world, four, 1);
    busy(world, 3, 2);
    world.run(20_000);
    expect(commitsAgree(four)).toBe(true);
    expect(roots(four)).toBe(1);
    expect(world.host(2).replica.status().observer).toBeUndefined();
  });
});

describe('who is told of a later epoch', () => {
  const asked = (world: World): number => {
    let count = 0;
    world.onSend = (from, _to, bytes) => {
      if (from === 0 && read(bytes).kind === 'getLinks') count += 1;
      return true;
    };
    const claim = { epoch: 9, lastOwnRound: 900, highestRound: 900, commitIndex: 900 };
    const status = { kind: 'status' as const, ...claim, yourRound: 900, ask: false };
    for (let i = 0; i < 50; i++) world.inject(3, 0, encodeMessage(status));
    world.run(150);
    return count;
  };

  it('asks for the link, seldom, and believes nothing else of it', () => {
    const world = worldOf(4);
    world.start();
    busy(world, 2);
    world.run(5_000);
    expect(asked(world)).toBe(1);
    busy(world, 2, 1);
    world.run(10_000);
    expect(world.host(0).replica.status()).toMatchObject({ epoch: 0, observer: undefined });
    expect(batchesOf(world.host(0))).toHaveLength(4);
  });

  it('takes no link that a quorum of its own members has not signed', () => {
    const other = worldOf(4);
    other.start();
    move(other, [0, 1, 2], RENEW);
    reach(other, other.hosts.slice(0, 4), 1);
    const [link] = other.host(0).epoch.links;
    if (link === undefined) throw new Error('a link');
    const world = worldOf(4);
    world.start();
    const [first, ...rest] = link.cert.sigs;
    const cert = { ...link.cert, sigs: [...rest, first ?? expect.fail('signatures')] };
    world.inject(3, 0, encodeMessage({ kind: 'links', links: [{ ...link, cert }] }));
    world.run(1_000);
    expect(world.host(0).count('messageRejected', 'bad_signature')).toBe(1);
    busy(world, 2);
    world.run(10_000);
    expect(world.host(0).replica.status().epoch).toBe(0);
  });
});

describe('a cell that changes its members', () => {
  it('goes on without one that it removes, whose key is of no use any more', () => {
    const world = worldOf(5);
    world.start();
    busy(world, 3);
    world.run(3_000);
    move(world, [0, 1, 2, 3], { kind: 'remove', old: keyOf(world, 2) });
    const rest = [0, 1, 3, 4].map((index) => world.host(index));
    reach(world, rest, 1);
    // It stays for a while, for somebody may need the certificate.
    expect(world.host(2)).toMatchObject({ removed: false, up: true });
    world.idle(11_000);
    expect(world.host(2)).toMatchObject({ removed: true, up: false });
    busy(world, 5, 4);
    world.run(20_000);
    expect(commitsAgree(rest)).toBe(true);
    expect(roots(rest)).toBe(1);
    expect(batchesOf(world.host(0))).toHaveLength(8);
    expect(world.host(0).epoch.committee.members).toHaveLength(4);
  });

  it('removes none of four', () => {
    const world = worldOf(4);
    world.start();
    world.run(1_000);
    move(world, [0, 1, 2, 3], { kind: 'remove', old: keyOf(world, 2) });
    world.run(20_000);
    expect(epochs(world.hosts.slice(0, 4))).toEqual([0, 0, 0, 0]);
    expect(world.host(0).replica.status().agenda.plan).toBeUndefined();
  });
});
