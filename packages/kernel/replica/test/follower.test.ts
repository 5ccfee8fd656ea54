// Who is no member follows the epochs, and comes in when one names it (R31.8).
import { utf8 } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import type { Change } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage, type PeerMessage } from '../src/index.ts';
import { busy } from './traffic.ts';
import { commitsAgree, makeCell, scheme, World } from './world.ts';

const WINDOWS = { checkpointCommits: 2, supportRoundsMax: 24, horizonRounds: 30 };

function worldOf(n: number, seed = 1): World {
  return new World({
    cell: makeCell(n, WINDOWS),
    joiners: [scheme.signer(new Uint8Array(32).fill(60))],
    follows: true,
    seed,
    tuning: { logKeptBytesMin: 0, logKeptBytesMax: 1 << 30 },
    copying: { bytesMin: 1, chunkBytes: 256 },
    delayMs: (random) => 1 + random.below(4),
  });
}

const keyOf = (world: World, index: number): PublicKey =>
  world.signers[index]?.publicKey ?? expect.fail('a host of this number');

function move(world: World, movers: readonly number[], change: Change): void {
  for (const index of movers) world.event(world.host(index), { kind: 'move', change, tag: index });
}

const epochOf = (world: World, index: number): number => {
  const { follower, replica } = world.host(index);
  return (follower ?? replica).status().epoch;
};

function reach(world: World, indices: readonly number[], epoch: number): void {
  world.run(60_000, () => indices.every((index) => epochOf(world, index) === epoch));
  expect(indices.map((index) => epochOf(world, index))).toEqual(indices.map(() => epoch));
}

/** Everybody is a member at work, with one commit sequence, and has what is new. */
function works(world: World, indices: readonly number[], through: number): void {
  busy(world, 4, through);
  world.run(30_000);
  const hosts = indices.map((index) => world.host(index));
  expect(hosts.map(({ follower }) => follower)).toEqual(indices.map(() => undefined));
  expect(commitsAgree(hosts)).toBe(true);
  // What comes behind the last batch carries nothing, and nobody has to ask for it at rest.
  const carrying = world.host(through).committed.filter(({ input }) => input.batches.length > 0);
  expect(carrying.length).toBeGreaterThan(0);
  const needed = Math.max(...carrying.map(({ commit }) => commit.index));
  const tips = hosts.map(({ replica }) => replica.status().commitIndex);
  expect(tips.filter((tip) => tip < needed)).toEqual([]);
}

describe('a key that is no member yet', () => {
  it('follows, says that it is ready, and is a member of the next epoch with nobody’s help', () => {
    const world = worldOf(4);
    world.start([4]);
    busy(world, 6, 0);
    world.run(10_000);
    world.restart(4);
    world.run(5_000);
    expect(world.host(4).follower?.status()).toMatchObject({
      state: 'joining',
      epoch: 0,
      observer: { code: 'not_a_member' },
    });
    // The state of the cell is here before anybody lets it in.
    expect(world.host(4).frames.length).toBeGreaterThan(0);
    expect(epochOf(world, 0)).toBe(0);
    move(world, [0, 1, 2], { kind: 'add', key: keyOf(world, 4) });
    reach(world, [0, 1, 2, 3, 4], 1);
    works(world, [0, 1, 2, 3, 4], 4);
    expect(world.host(4).replica.status().observer).toBeUndefined();
  });

  it('comes in from an empty cell, and when it begins after q have moved for it', () => {
    const world = worldOf(4, 2);
    world.start([4]);
    move(world, [0, 1, 2], { kind: 'add', key: keyOf(world, 4) });
    world.run(2_000);
    expect(epochOf(world, 0)).toBe(0);
    world.restart(4);
    reach(world, [0, 1, 2, 3, 4], 1);
    works(world, [0, 1, 2, 3, 4], 4);
  });

  it('goes through the epochs that it is not in, and is known by those that come later', () => {
    const world = worldOf(4, 3);
    world.start([4]);
    world.restart(4);
    for (const epoch of [1, 2]) {
      move(world, [0, 1, 2], { kind: 'renew' });
      reach(world, [0, 1, 2, 3, 4], epoch);
      busy(world, 2, 0);
      world.run(10_000);
    }
    expect(world.host(4).follower?.status().state).toBe('joining');
    move(world, [1, 2, 3], { kind: 'replace', old: keyOf(world, 0), key: keyOf(world, 4) });
    reach(world, [1, 2, 3, 4], 3);
    works(world, [1, 2, 3, 4], 4);
    // And who has gone says so.
    reach(world, [0], 3);
    expect(world.host(0).follower?.status()).toMatchObject({
      state: 'leaving',
      observer: { code: 'removed' },
    });
  });

  it('that is killed at any moment of it comes in all the same', () => {
    for (let at = 0; at < 6; at++) {
      const world = worldOf(4, 10 + at);
      world.start([4]);
      world.restart(4);
      busy(world, 3, 0);
      world.run(1_000);
      move(world, [0, 1, 2], { kind: 'add', key: keyOf(world, 4) });
      world.run(at * 300);
      world.kill(4);
      world.run(300);
      world.restart(4);
      reach(world, [0, 1, 2, 3, 4], 1);
      works(world, [0, 1, 2, 3, 4], 4);
    }
  });
});

describe('a liar', () => {
  it('that shows another chain, other frames and other chunks keeps nobody out', () => {
    const world = worldOf(4, 5);
    world.start([4]);
    busy(world, 6, 0);
    world.run(5_000);
    const lies: string[] = [];
    const blockBytesMax = 1 << 20;
    world.onSend = (from, to, bytes) => {
      if (from !== 3 || to !== 4) return true;
      const message = decodeMessage(bytes, blockBytesMax);
      const lie = message.ok ? lieFor(message.value) : undefined;
      if (lie === undefined) return true;
      lies.push(lie.kind);
      const place = world.placeOf(3, world.host(4).epoch);
      world.inject(place, 4, encodeMessage(lie));
      return false;
    };
    world.restart(4);
    world.run(5_000);
    move(world, [0, 1, 2], { kind: 'add', key: keyOf(world, 4) });
    reach(world, [0, 1, 2, 4], 1);
    expect(lies.length).toBeGreaterThan(0);
    world.onSend = () => true;
    works(world, [0, 1, 2, 3, 4], 4);
  });
});

function lieFor(message: PeerMessage): PeerMessage | undefined {
  if (message.kind === 'frame' && message.offer) {
    const { frame, cert } = message.offer;
    return { ...message, offer: { cert, frame: { ...frame, index: frame.index + 100 } } };
  }
  if (message.kind === 'chunk') return { ...message, bytes: new Uint8Array(message.bytes.length) };
  return undefined;
}

describe('a guest', () => {
  const ask = (world: World, message: PeerMessage | Uint8Array): readonly string[] => {
    const bytes = message instanceof Uint8Array ? message : encodeMessage(message);
    const answers: string[] = [];
    const { replica } = world.host(0);
    const event = { kind: 'message', peer: -1, bytes, nowMs: world.nowMs } as const;
    for (const effect of replica.step(event)) {
      if (effect.kind !== 'send' || effect.peer !== -1) continue;
      const answer = decodeMessage(effect.bytes, 1 << 20);
      answers.push(answer.ok ? answer.value.kind : answer.failure.code);
    }
    return answers;
  };

  it('is answered what it may ask, and is heard in nothing else', () => {
    const world = worldOf(4, 7);
    world.start([4]);
    busy(world, 6, 0);
    world.run(10_000);
    expect(ask(world, { kind: 'getFrame', above: 0 })).toEqual(['vote', 'cert', 'frame']);
    const index = world.host(0).replica.status().frameCommit;
    expect(ask(world, { kind: 'getChunk', index: index + 1, n: 0 })).toEqual(['chunk']);
    expect(ask(world, { kind: 'getRounds', from: 1, to: 4 })).toEqual([]);
    const all = { epoch: 9, lastOwnRound: 9, highestRound: 9, commitIndex: 9, yourRound: 9 };
    expect(ask(world, { kind: 'status', ...all, ask: true })).toEqual([]);
    for (const junk of [utf8('junk'), new Uint8Array(5_000), new Uint8Array()]) {
      expect(ask(world, junk)).toEqual([]);
    }
    expect(world.host(0).count('messageRejected')).toBe(0);
  });

  it('together with all others is served no more than one member', () => {
    const world = worldOf(4, 8);
    world.start([4]);
    busy(world, 6, 0);
    world.run(10_000);
    let served = 0;
    for (let i = 0; i < 2_000; i++) {
      served += ask(world, { kind: 'getFrame', above: 0 }).filter(
        (kind) => kind === 'frame',
      ).length;
    }
    expect(served).toBeGreaterThan(10);
    expect(served).toBeLessThan(2_000);
  });
});
