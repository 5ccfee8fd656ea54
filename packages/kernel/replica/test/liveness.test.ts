// Tests of rounds that go on.
import { Dag } from '@fatty/broadcast';
import { toHex } from '@fatty/codec';
import { describe, expect, it } from 'vitest';
import { DEFAULT_TUNING } from '../src/index.ts';
import { bareMachine } from './bare-machine.ts';
import { Follower, forge, inventedRef } from './forge.ts';
import {
  batchesOf,
  Client,
  commitsAgree,
  listAlgorithm,
  makeCell,
  START_MS,
  World,
} from './world.ts';

const SMALL = { supportRoundsMax: 20, horizonRounds: 40 };

/** Closed loop: each client submits its next op when the last one is committed at its gateway. */
function drive(
  world: World,
  gateways: readonly number[],
  perClient: number,
  forMs: number,
): number {
  const clients = gateways.map((to, i) => ({
    to,
    client: new Client(world.options.cell, `d${i}`),
  }));
  const from = world.nowMs;
  const seen = new Map<number, number>();
  for (const { to, client } of clients) world.submit(to, client.op('0'));
  const done = (): boolean => clients.every(({ client }) => client.seq > perClient);
  world.run(forMs, () => {
    for (const to of new Set(gateways)) {
      const host = world.host(to);
      for (let i = seen.get(to) ?? host.committed.length - 1; i < host.committed.length; i++) {
        for (const receipt of host.committed[i]?.applied.receipts ?? []) {
          const mine = clients.find(
            ({ client }) => toHex(client.session) === toHex(receipt.session),
          );
          if (mine?.to !== to || receipt.seq !== mine.client.seq - 1) continue;
          if (mine.client.seq <= perClient) world.submit(to, mine.client.op(`${mine.client.seq}`));
          else mine.client.seq++;
        }
      }
      seen.set(to, host.committed.length);
    }
    return done();
  });
  return done() ? world.nowMs - from : Number.POSITIVE_INFINITY;
}

describe('a replica that does not take part (R22, L5)', () => {
  it('when its link is down, costs no timeout and less than half the rate', () => {
    const healthy = new World({ cell: makeCell(4) });
    healthy.start();
    const before = drive(healthy, [0, 1, 2], 30, 60_000);
    const world = new World({ cell: makeCell(4) });
    world.start();
    drive(world, [0, 1, 2], 3, 10_000);
    world.kill(3);
    const after = drive(world, [0, 1, 2], 30, 60_000);
    expect(after).toBeLessThan(2 * before);
    for (const host of world.honest) expect(host.count('leaderTimeout')).toBe(0);
  });

  it('when it is silent on a good link, costs a bounded number of timeouts', () => {
    const world = new World({ cell: makeCell(4), loses: (_random, from) => from === 3 });
    world.start();
    expect(drive(world, [0, 1, 2], 40, 60_000)).toBeLessThan(4_000);
    expect(world.host(0).replica.status().round).toBeGreaterThan(100);
    for (const host of world.honest.slice(0, 3)) {
      expect(host.count('leaderTimeout')).toBeLessThanOrEqual(3);
    }
  });
});

it('nothing is lost on a network that loses, repeats and reorders (L1)', () => {
  for (let seed = 1; seed <= 4; seed++) {
    const cell = makeCell(4);
    const world = new World({
      cell,
      seed,
      delayMs: (random) => 1 + random.below(40),
      loses: (random) => world.nowMs < START_MS + 6_000 && random.below(100) < 20,
    });
    world.onSend = (from, to, bytes) => {
      if (world.random.below(100) < 10) world.inject(from, to, bytes);
      return true;
    };
    world.start();
    const client = new Client(cell, 'c');
    for (let k = 0; k < 20; k++) {
      world.submit(k % 4, client.op(`${k}`), k);
      world.run(400);
    }
    expect(world.run(120_000), `rest, seed ${seed}`).toBe(true);
    expect(commitsAgree(world.hosts)).toBe(true);
    const roots = new Set(world.hosts.map((host) => toHex(host.replica.machine.root())));
    expect(roots.size).toBe(1);
    expect(new Set(batchesOf(world.host(0)).map(({ seq }) => seq)).size).toBe(20);
  }
});

describe('catch-up (R12, L4)', () => {
  function lag(fresh: boolean): World {
    const cell = makeCell(4, SMALL);
    const world = new World({ cell });
    world.start(fresh ? [3] : []);
    if (!fresh) {
      drive(world, [3], 3, 10_000);
      world.kill(3);
    }
    expect(drive(world, [0, 1, 2], 60, 60_000)).toBeLessThan(60_000);
    expect(world.host(0).replica.status().horizon).toBeGreaterThan(60);
    world.restart(3);
    world.run(5_000);
    return world;
  }

  for (const fresh of [false, true]) {
    it(`from ${fresh ? 'nothing' : 'a log'} past the others' horizon, then takes part again`, () => {
      const world = lag(fresh);
      const host = world.host(3);
      expect(host.count('syncStarted')).toBeGreaterThan(0);
      expect(host.count('syncEnded')).toBe(host.count('syncStarted'));
      expect(host.replica.machine.root()).toEqual(world.host(0).replica.machine.root());
      expect(drive(world, [3, 0], 5, 20_000)).toBeLessThan(2_000);
      expect(world.run(20_000)).toBe(true);
      expect(commitsAgree(world.hosts)).toBe(true);
      expect(host.replica.status().observer).toBeUndefined();
    });
  }

  it('also when a liar invents its own parent below the others horizon', () => {
    const cell = makeCell(7, { supportRoundsMax: 14, horizonRounds: 16 });
    // It is to stay, and to go on.
    const world = new World({ cell, tuning: { movesRemovals: false } });
    const virtual = new Dag(cell.committee, cell.cellId).virtual;
    const liar = new Follower(world, 6, virtual);
    let invented = 0;
    liar.twist = (round, parents) => {
      const horizon = world.host(0).replica.status().horizon;
      if (horizon < 10 || round % 10 !== 0) return undefined;
      invented++;
      const own = inventedRef(6, horizon - 1, `${round}`);
      const block = forge(cell, 6, round, [own, ...parents.slice(1)], { ts: world.nowMs });
      return new Map(world.honest.map((host) => [host.index, block]));
    };
    world.start([5]);
    drive(world, [0, 1, 2], 20, 60_000);
    const accepted = world
      .host(0)
      .notes.filter((n) => n.what === 'accepted' && n.ref?.author === 6);
    expect(invented).toBeGreaterThan(5);
    expect(accepted.length).toBeGreaterThan(20);
    world.restart(5);
    world.run(2_000);
    expect(drive(world, [0, 5], 3, 20_000)).toBeLessThan(5_000);
    world.run(1_000);
    expect(world.host(5).replica.machine.root()).toEqual(world.host(0).replica.machine.root());
    expect(world.host(5).count('syncEnded')).toBeGreaterThan(0);
    expect(commitsAgree(world.honest)).toBe(true);
  });

  it('memory stays bounded while the log grows (S18)', () => {
    const world = new World({ cell: makeCell(4, SMALL) });
    world.start();
    drive(world, [0, 1, 2, 3], 100, 60_000);
    world.run(10_000);
    const { blocks, round, uncommitted, delivered, waiting, wanted } = world
      .host(0)
      .replica.status();
    expect(round).toBeGreaterThan(300);
    expect(blocks).toBeLessThan(4 * (SMALL.horizonRounds + 10));
    expect([uncommitted, delivered, waiting, wanted]).toEqual([0, 0, 0, 0]);
  });
});

describe('rest', () => {
  it('nothing is scheduled at rest, and an op wakes everyone', () => {
    const world = new World({ cell: makeCell(4) });
    world.start();
    expect(world.run(10_000)).toBe(true);
    expect(world.hosts.every((host) => host.replica.status().round === 0)).toBe(true);
    const client = new Client(world.options.cell, 'c');
    world.submit(2, client.op('a'));
    expect(world.run(10_000)).toBe(true);
    for (const host of world.hosts) {
      expect(batchesOf(host)).toHaveLength(1);
      expect(host.timers.size).toBe(0);
    }
    const rounds = world.hosts.map((host) => host.replica.status().round);
    const open = Math.max(...rounds);
    // One slot stays open: the leader's of the last round.
    expect(rounds).toEqual(rounds.map((_, i) => (i === open % 4 ? open - 1 : open)));
  });

  it('an op after a long rest is stamped with the time, not with the rest', () => {
    const world = new World({ cell: makeCell(4) });
    world.start();
    const client = new Client(world.options.cell, 'c');
    for (const [k, restMs] of [1_000, 100, 10_000, 200].entries()) {
      world.idle(restMs);
      const fromMs = world.nowMs;
      world.submit(k, client.op('a'));
      world.run(1_000);
      const commit = world.host(0).committed.findLast(({ input }) => input.batches.length > 0);
      const isLong = restMs > DEFAULT_TUNING.restMsMax;
      const oldest = isLong ? fromMs : fromMs - restMs - 100;
      expect(commit?.input.batches.map(({ seq }) => seq)).toEqual([k]);
      expect(commit?.commit.commitTs).toBeGreaterThanOrEqual(oldest);
    }
  });

  it('the heartbeat keeps time while the state needs it, and stops after', () => {
    const cell = makeCell(4);
    const context = { cellId: cell.cellId, epoch: 0, members: cell.committee.members };
    let needs = true;
    const world = new World({
      cell,
      machine: () => Object.assign(bareMachine(listAlgorithm, context), { needsTime: () => needs }),
    });
    world.start();
    world.submit(0, new Client(cell, 'c').op('a'));
    world.run(1_000);
    const rounds = world.host(0).replica.status().round;
    for (let k = 0; k < 20; k++) {
      world.run(500);
      const { commitTs } = world.host(1).replica.status();
      expect(world.nowMs - commitTs).toBeLessThan(1_600);
    }
    const perSecond = (world.host(0).replica.status().round - rounds) / 10;
    expect(perSecond).toBeGreaterThan(1);
    expect(perSecond).toBeLessThan(20);
    needs = false;
    expect(world.run(10_000)).toBe(true);
  });
});

describe('an equivocator', () => {
  it('is accepted in halves, convicted by evidence, and splits nothing', () => {
    const cell = makeCell(4);
    const world = new World({ cell });
    const virtual = new Dag(cell.committee, cell.cellId).virtual;
    const liar = new Follower(world, 3, virtual);
    const sent = new Map<string, string>();
    liar.twist = (round, parents) => {
      const halves = [0, 1].map((half) =>
        forge(cell, 3, round, parents, { ts: world.nowMs + half }),
      );
      for (const half of halves) sent.set(toHex(half.ref.digest), `${round}`);
      return new Map(
        world.honest.map(({ index }) => [index, halves[index % 2] ?? halves[0]]),
      ) as never;
    };
    world.start();
    expect(drive(world, [0, 1, 2], 30, 60_000)).toBeLessThan(60_000);
    world.run(1_000);
    expect(sent.size).toBeGreaterThan(3);
    expect(commitsAgree(world.honest)).toBe(true);
    const convicted = world.honest.map((host) =>
      host.committed.flatMap(({ input }) => input.evidence),
    );
    const [key] = cell.committee.members.slice(3);
    expect(convicted).toEqual([[key], [key], [key]]);
    for (const host of world.honest) expect(host.count('equivocation')).toBeGreaterThan(0);
    for (const host of world.honest) expect(host.halts).toEqual([]);
  });
});
