// Tests of hosts whose clocks somebody sets (R12a).
import type { Op } from '@fatty/api';
import { standIn } from '@fatty/codec';
import { describe, expect, it } from 'vitest';
import { HoldChecker } from '../src/checkers/holds.ts';
import { watch } from '../src/checkers/index.ts';
import { lockService } from '../src/staging/service.ts';
import { SessionClient } from '../src/staging/session.ts';
import { stage } from '../src/staging/stage.ts';
import { makeCell, smallWindows } from '../src/world/cell.ts';
import { CALM_NETWORK, QUICK_DISK, QUICK_VERIFIER } from '../src/world/faults.ts';
import type { World } from '../src/world/world.ts';

const HOUR_MS = 3_600_000;
const ALL = [0, 1, 2, 3];
const LEASE_MS = 8_000;

const acquire: Op = {
  kind: 'acquire',
  path: '/master',
  mode: 'exclusive',
  maxWaitMs: undefined,
  lockDelayMs: 0,
};
const create: Op = {
  kind: 'create',
  path: '/master',
  node: 'file',
  mode: 'shared',
  ephemeral: false,
  exclusive: false,
  content: new Uint8Array(),
};

/** Four replicas of the lock service under every checker, S11 and S13 among them. */
function cellOf(skewMsMax = 0): World {
  const cell = makeCell(4, standIn(), smallWindows(4));
  const seen = watch({ cell, liars: new Set(), skewMsMax });
  const { world } = stage({
    cell,
    liars: new Map(),
    seed: 11,
    network: CALM_NETWORK,
    disk: QUICK_DISK,
    machine: (context) => ({ machine: lockService(context) }),
    verifier: { ...QUICK_VERIFIER, silentPerMille: 0 },
    checkers: [...seen.checkers, new HoldChecker(() => undefined)],
  });
  return world;
}

/** Sets the wall clocks of hosts. */
function setBy(world: World, hosts: readonly number[], byMs: number): void {
  for (const index of hosts) {
    const host = world.hosts[index];
    if (host) host.steppedMs += byMs;
  }
}

/** Stops a process for a while; its host's clock is what it is. */
function bounce(world: World, index: number, forMs: number): void {
  world.crash(index, false);
  world.after(forMs, () => world.restart(index));
}

interface Waiter {
  readonly world: World;
  /** When the second client got the lock of the first, who died at `diedMs`; elapsed ms. */
  readonly granted: () => number | undefined;
  readonly diedMs: number;
}

/** A holder falls asleep at 3 s, somebody waits, and `mishap` happens to the clocks. */
function deadHolder(mishap: (world: World) => void, aheadMs = 0): Waiter {
  const world = cellOf(HOUR_MS);
  setBy(world, ALL, aheadMs);
  world.start([]);
  let grantedMs: number | undefined;
  world.after(500, () => {
    const holder = new SessionClient(world, 'c0', 0, LEASE_MS);
    const waiter = new SessionClient(world, 'c1', 1, LEASE_MS);
    holder.send([create, acquire]);
    world.after(1_000, () => waiter.send([acquire]));
    waiter.onNotice = ({ kind }) => {
      if (kind === 'granted') grantedMs = world.elapsedMs;
    };
    world.after(2_500, () => holder.sleep());
    world.after(2_600, () => mishap(world));
  });
  world.run(3 * LEASE_MS, () => grantedMs !== undefined);
  expect(world.violations).toEqual([]);
  return { world, granted: () => grantedMs, diedMs: 3_000 };
}

/** In time: the lease, what a clock loses by slewing, and rounds. */
function expectInTime({ granted, diedMs }: Waiter, lateMsMax = 1_500): void {
  expect(granted()).toBeGreaterThan(diedMs + LEASE_MS / 2);
  expect(granted()).toBeLessThan(diedMs + LEASE_MS + lateMsMax);
}

describe('clocks that somebody sets (R12a)', () => {
  it('four hosts set back by an hour: commits and the expiry of a dead holder go on in time', () => {
    expectInTime(deadHolder((world) => setBy(world, ALL, -HOUR_MS)));
  });

  it('a cell that began an hour ahead and is corrected goes on in time', () => {
    expectInTime(deadHolder((world) => setBy(world, ALL, -HOUR_MS), HOUR_MS));
  });

  it('its replicas may be restarted, one after another or all at once', () => {
    const rolling = deadHolder((world) => {
      setBy(world, ALL, -HOUR_MS);
      for (const index of ALL) world.after(1 + 1_500 * index, () => bounce(world, index, 1_000));
    });
    expectInTime(rolling);
    const together = deadHolder((world) => {
      setBy(world, ALL, -HOUR_MS);
      for (const index of ALL) world.after(1, () => bounce(world, index, 500 + 700 * index));
    });
    // While all are down no time passes for the cell.
    expectInTime(together, 5_000);
  });

  it('half the hosts set back and half not: the cell has one time', () => {
    expectInTime(deadHolder((world) => setBy(world, [0, 1], -HOUR_MS)));
  });

  it('hosts that were suspended together go on with the time that their walls agree on', () => {
    const woken = deadHolder((world) => setBy(world, ALL, HOUR_MS));
    expectInTime(woken);
    const now = woken.world.nowMs;
    expect(woken.world.hosts.every((host) => host.clockMs > now + HOUR_MS - 1_000)).toBe(true);
  });
});

describe('one host whose clock is far ahead (R12a)', () => {
  /** Rounds of the victim's blocks in commits, by when they were committed; and the cell's time. */
  function watchVictim(world: World, victim: number): { rounds: number[]; late: number[] } {
    const seen = { rounds: [] as number[], late: [] as number[] };
    world.onObservation((observation) => {
      if (observation.kind !== 'committed' || observation.by !== 0) return;
      seen.late.push(observation.commit.commitTs - world.nowMs);
      for (const ref of observation.commit.blocks)
        if (ref.author === victim) seen.rounds.push(ref.round);
    });
    return seen;
  }

  it.each([
    ['boots ahead', true],
    ['is set forward at work', false],
  ])('takes part when it %s, when it is corrected, and after a restart', (_, boots) => {
    const world = cellOf();
    const seen = watchVictim(world, 3);
    if (boots) setBy(world, [3], 2 * HOUR_MS);
    world.start([]);
    const parts: number[] = [];
    const mark = (): void => void parts.push(seen.rounds.length);
    world.after(500, () => {
      const client = new SessionClient(world, 'c0', 0, 4_000);
      client.send([create]);
    });
    if (!boots) world.after(2_000, () => setBy(world, [3], 2 * HOUR_MS));
    world.after(6_000, mark);
    world.after(6_100, () => setBy(world, [3], -2 * HOUR_MS));
    world.after(10_000, mark);
    world.after(10_100, () => bounce(world, 3, 500));
    world.after(11_500, mark);
    world.after(16_000, mark);
    world.run(17_000);
    expect(world.violations).toEqual([]);
    const gains = parts.map((count, i) => count - (parts[i - 1] ?? 0));
    expect(gains.every((gain) => gain > 0)).toBe(true);
    expect(Math.max(...seen.late)).toBeLessThanOrEqual(0);
  });
});
