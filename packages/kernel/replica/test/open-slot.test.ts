// Rest with the leader's slot open, and what is handed over to that leader (PROTOCOL.md, Decisions).

import { Dag } from '@fatty/broadcast';
import { asSignature, decode, equalBytes, toHex } from '@fatty/codec';
import { type SignedBatch, signedBatchShape } from '@fatty/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HANDED_BYTES_MAX, HANDED_MAX } from '../src/boundary/messages.ts';
import { DEFAULT_TUNING, encodeMessage } from '../src/index.ts';
import { bareMachine } from './bare-machine.ts';
import { Follower, MESSAGE_MAX, read } from './forge.ts';
import {
  batchesOf,
  Client,
  commitsAgree,
  listAlgorithm,
  makeCell,
  scheme,
  World,
} from './world.ts';

/** Rounds and times of ops that one client sends one after the other. */
function closedLoop(world: World, gatewayOf: (k: number) => number, ops: number, restMs: number) {
  const client = new Client(world.options.cell, 'c');
  const tookMs: number[] = [];
  const roundOf = (): number => Math.max(...world.honest.map((h) => h.replica.status().round));
  world.submit(gatewayOf(0), client.op('first'));
  world.run(60);
  const before = roundOf();
  for (let k = 1; k <= ops; k++) {
    const host = world.host(gatewayOf(k));
    const fromMs = world.nowMs;
    world.submit(host.index, client.op(`${k}`));
    const isAnswered = (): boolean => batchesOf(host).some(({ seq }) => seq === k);
    world.run(20_000, isAnswered);
    expect(isAnswered()).toBe(true);
    tookMs.push(world.nowMs - fromMs);
    world.idle(restMs);
  }
  return { rounds: (roundOf() - before) / ops, tookMs };
}

describe('an op from rest', () => {
  it('takes three rounds; three steps through the leader of the open slot, four through others', () => {
    const world = new World({ cell: makeCell(4) });
    world.start();
    const { rounds, tookMs } = closedLoop(world, () => 0, 40, 30);
    expect(rounds).toBeLessThan(3.2);
    // A step is a datasync and a delay of 1 ms each; the last delay of the four is the hand-over.
    expect(Math.max(...tookMs)).toBeLessThanOrEqual(8);
    expect(Math.min(...tookMs)).toBeLessThanOrEqual(6);
    expect(commitsAgree(world.hosts)).toBe(true);
  });

  it('waits for no pause, however unevenly the others came to rest', () => {
    const cell = makeCell(4);
    const context = { cellId: cell.cellId, epoch: 0, members: cell.committee.members };
    const world = new World({
      cell,
      delayMs: (random) => 1 + random.below(random.below(8) === 0 ? 24 : 6),
      syncMs: (random) => 1 + random.below(6),
      machine: () => Object.assign(bareMachine(listAlgorithm, context), { needsTime: () => true }),
    });
    world.start();
    const { tookMs } = closedLoop(world, (k) => k % 4, 300, 17);
    expect(Math.max(...tookMs)).toBeLessThan(DEFAULT_TUNING.followRoundMs / 2);
    expect(world.hosts.map((host) => host.count('leaderTimeout'))).toEqual([0, 0, 0, 0]);
  });

  it('waits for nobody who commits a moment later than the others', () => {
    for (const seed of [1, 2, 3]) {
      const world = new World({
        cell: makeCell(4),
        seed,
        delayMs: (random) => 1 + random.below(random.below(8) === 0 ? 24 : 6),
        syncMs: (random) => 1 + random.below(6),
      });
      world.start();
      const { tookMs } = closedLoop(world, () => 0, 150, 0);
      expect(Math.max(...tookMs)).toBeLessThan(DEFAULT_TUNING.followRoundMs / 2);
      expect(world.hosts.map((host) => host.count('leaderTimeout'))).toEqual([0, 0, 0, 0]);
    }
  });

  it('that the leader swallows costs a time-out, and is carried by its gateway, once', () => {
    const world = new World({ cell: makeCell(4) });
    let swallowed = 0;
    world.onSend = (_from, to, bytes) => {
      if (to !== 2 || read(bytes).kind !== 'handOver') return true;
      swallowed++;
      return false;
    };
    world.start();
    const { tookMs } = closedLoop(world, (k) => [0, 1, 3][k % 3] ?? 0, 40, 30);
    expect(swallowed).toBeGreaterThan(1);
    const timeoutMs = 2 * DEFAULT_TUNING.deltaMs;
    expect(Math.max(...tookMs)).toBeGreaterThanOrEqual(timeoutMs);
    expect(Math.max(...tookMs)).toBeLessThan(2 * timeoutMs);
    const seqs = batchesOf(world.host(0)).map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: 41 }, (_, k) => k));
  });
});

describe('a liar alone', () => {
  it('makes nobody go faster than the pause allows, however it wakes and runs ahead', () => {
    const cell = makeCell(4);
    const world = new World({ cell });
    const liar = new Follower(world, 3, new Dag(cell.committee, cell.cellId).virtual);
    world.start();
    world.submit(0, new Client(cell, 'c').op('a'));
    world.run(1_000);
    const before = world.host(0).replica.status().round;
    const forMs = 10_000;
    let wakes = 0;
    const nag = (): void => {
      for (const { index, replica } of world.honest) {
        const { highestRound } = replica.status();
        for (const round of [highestRound - 1, highestRound, highestRound + 1]) {
          world.inject(3, index, encodeMessage({ kind: 'handOver', round, batches: [] }));
          wakes++;
        }
      }
      if (wakes < forMs) world.after(5, nag);
    };
    nag();
    world.idle(forMs);
    const rounds = world.host(0).replica.status().round - before;
    expect(liar.made).toBeGreaterThan(20);
    expect(rounds).toBeGreaterThan(10);
    expect(rounds).toBeLessThanOrEqual((2 * forMs) / DEFAULT_TUNING.followRoundMs);
  });
});

describe('what a peer hands over', () => {
  afterEach(() => void vi.restoreAllMocks());

  function signed(bytes: Uint8Array): SignedBatch {
    const opened = decode<SignedBatch>(signedBatchShape, bytes, MESSAGE_MAX);
    if (!opened.ok) throw new Error(opened.failure.code);
    return opened.value;
  }

  /** A resting cell, its open round, and who leads it. */
  function resting() {
    const cell = makeCell(4);
    const world = new World({ cell });
    world.start();
    world.submit(0, new Client(cell, 'c').op('a'));
    // Not for long: after a long rest the leader's first block carries nothing.
    world.run(60);
    const round = Math.max(...world.hosts.map((host) => host.replica.status().round));
    const leader = round % 4;
    const hand = (batches: readonly SignedBatch[], at = round): void => {
      world.inject(
        (leader + 1) % 4,
        leader,
        encodeMessage({ kind: 'handOver', round: at, batches }),
      );
      world.run(60);
    };
    return { cell, world, round, host: world.host(leader), hand };
  }

  it('is carried by the leader it was meant for, in that round alone', () => {
    const { cell, host, hand, round } = resting();
    const client = new Client(cell, 'd');
    client.seq = 1;
    hand([signed(client.op('late'))], round - 1);
    expect(batchesOf(host)).toHaveLength(1);
    hand([signed(client.op('b'))]);
    expect(batchesOf(host)).toHaveLength(2);
  });

  it('is no opening: those are charged to the author of the block', () => {
    const { cell, host, hand } = resting();
    hand([signed(new Client(cell, 'd').op('b'))]);
    expect(batchesOf(host)).toHaveLength(1);
  });

  it('is an offence when its signature is bad or it is too large, and the rest is left unread', () => {
    const { cell, host, hand } = resting();
    const client = new Client(cell, 'd');
    client.seq = 1;
    const good = signed(client.op('b'));
    const looks = vi.spyOn(scheme, 'accepts');
    const bad = { ...good, sig: asSignature(new Uint8Array(64)) };
    hand([bad, good]);
    expect(host.count('messageRejected', 'bad_batch_signature')).toBe(1);
    expect(
      looks.mock.calls.filter(([key]) => equalBytes(key, client.signer.publicKey)),
    ).toHaveLength(1);
    expect(batchesOf(host)).toHaveLength(1);
  });

  it('is an offence when it is larger than what anybody hands over', () => {
    const { cell, host, hand } = resting();
    const client = new Client(cell, 'd');
    client.seq = 1;
    hand([signed(client.batch([new Uint8Array(HANDED_BYTES_MAX)]))]);
    expect(host.count('messageRejected', 'too_large')).toBe(1);
    expect(batchesOf(host)).toHaveLength(1);
  });

  it('is taken within a share: what is over is carried by whoever gave it', () => {
    const { cell, host, hand, round, world } = resting();
    const client = new Client(cell, 'd');
    client.seq = 1;
    const all = Array.from({ length: HANDED_MAX + 5 }, (_, k) => signed(client.op(`${k}`)));
    const from = (round + 1) % 4;
    for (const batches of [all.slice(0, HANDED_MAX), all.slice(HANDED_MAX)]) {
      world.inject(from, host.index, encodeMessage({ kind: 'handOver', round, batches }));
    }
    hand([]);
    const taken = new Set(batchesOf(host).map(({ id }) => toHex(id)));
    expect(taken.size).toBe(1 + HANDED_MAX);
  });
});
