// A member that slept through the end of its epoch, and of others (R31.7).
import { toHex } from '@fatty/codec';
import type { Change } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { encodeMessage, type PeerMessage } from '../src/index.ts';
import { read } from './forge.ts';
import { busy } from './traffic.ts';
import { commitsAgree, type Host, makeCell, scheme, World } from './world.ts';

const WINDOWS = { checkpointCommits: 2, supportRoundsMax: 8, horizonRounds: 12 };
const RENEW: Change = { kind: 'renew' };
const AWAY = 3;
const OTHERS = [0, 1, 2];

/** `keeps`: members keep all of their logs for those that are behind, or nothing. */
function worldOf(n: number, seed: number, keeps = false): World {
  return new World({
    cell: makeCell(n, WINDOWS),
    joiners: [scheme.signer(new Uint8Array(32).fill(60))],
    follows: true,
    seed,
    tuning: { logKeptBytesMin: keeps ? 1 << 28 : 0, logKeptBytesMax: keeps ? 1 << 28 : 0 },
    copying: { bytesMin: 1, chunkBytes: 256 },
    delayMs: (random) => 1 + random.below(4),
  });
}

const statusOf = ({ follower, replica }: Host) => (follower ?? replica).status();
const epochOf = (world: World, index: number): number => statusOf(world.host(index)).epoch;

function move(world: World, movers: readonly number[], change: Change): void {
  for (const index of movers) world.event(world.host(index), { kind: 'move', change, tag: index });
}

/** Ends epochs until the members are in this one. */
function renew(world: World, epoch: number, members: readonly number[] = OTHERS): void {
  while (epochOf(world, members[0] ?? 0) < epoch) {
    const next = epochOf(world, members[0] ?? 0) + 1;
    busy(world, 8);
    world.run(3_000);
    move(world, members, RENEW);
    world.run(60_000, () => members.every((index) => epochOf(world, index) === next));
    expect(members.map((index) => epochOf(world, index))).toEqual(members.map(() => next));
    // Some commits of the new epoch, and its frames.
    busy(world, 8, 1);
    world.run(5_000);
  }
}

/** A cell whose member {@link AWAY} fell asleep in the first epoch, and which is in this one since. */
function slept(seed: number, epochs: number, keeps = false): World {
  const world = worldOf(4, seed, keeps);
  world.start([4]);
  busy(world, 3);
  world.run(5_000);
  world.kill(AWAY);
  renew(world, epochs);
  return world;
}

/** It is a member at work, of one mind with the others: what it says gets committed. */
function isBack(world: World, epoch: number): void {
  const away = world.host(AWAY);
  const isThere = (): boolean => !away.follower && away.replica.status().epoch === epoch;
  world.run(120_000, isThere);
  expect(statusOf(away)).toMatchObject({ epoch, observer: undefined });
  busy(world, 4, AWAY);
  world.run(30_000);
  const four = [...OTHERS, AWAY].map((index) => world.host(index));
  expect(new Set(four.map(({ replica }) => toHex(replica.machine.root()))).size).toBe(1);
  expect(commitsAgree(four)).toBe(true);
  const own = away.committed.flatMap(({ commit }) => commit.blocks);
  const me = world.placeOf(AWAY, away.epoch);
  expect(own.filter(({ author }) => author === me).length).toBeGreaterThan(0);
}

describe('a member that slept through epochs whose log is gone', () => {
  for (const epochs of [1, 3, 6]) {
    it(`comes back behind the newest frame: ${epochs}`, () => {
      const world = slept(1, epochs);
      world.restart(AWAY);
      isBack(world, epochs);
      // One frame, however many epochs there were.
      expect(world.host(AWAY).count('frameSynced')).toBe(1);
    });
  }

  it('says so meanwhile, and refuses clients', () => {
    const world = slept(2, 3);
    // It hears of the later epoch, and gets no frame.
    world.onSend = (_from, to, bytes) => to !== AWAY || read(bytes).kind !== 'frame';
    world.restart(AWAY);
    world.run(10_000);
    const away = world.host(AWAY);
    expect(statusOf(away)).toMatchObject({
      state: 'catchingUp',
      epoch: 3,
      observer: { code: 'behind' },
    });
    world.submit(AWAY, new Uint8Array(1), 7);
    expect(away.refused.at(-1)).toMatchObject({ tag: 7, failure: { code: 'reopening' } });
    world.onSend = () => true;
    isBack(world, 3);
  });

  it('asks any one of the others', () => {
    for (const only of OTHERS) {
      const world = slept(3, 2);
      world.onSend = (from, to) => to !== AWAY || from === only;
      world.restart(AWAY);
      const away = world.host(AWAY);
      world.run(60_000, () => !away.follower && away.replica.status().epoch === 2);
      expect(statusOf(away).epoch).toBe(2);
      expect(away.frames.length).toBeGreaterThan(0);
      world.onSend = () => true;
      world.kill(AWAY);
      world.restart(AWAY);
      isBack(world, 2);
    }
  });

  it('is itself again whenever its process dies on the way', () => {
    for (let at = 0; at < 6; at++) {
      const world = slept(4, 3);
      for (let life = 0; life < 4; life++) {
        world.restart(AWAY);
        world.run(1 + at * 8 + life * 15);
        world.kill(AWAY, at % 2);
      }
      world.restart(AWAY);
      isBack(world, 3);
    }
  });
});

describe('a member that slept through the end of one epoch', () => {
  it('gets the rest of it as blocks, as long as somebody has them', () => {
    const world = slept(6, 1, true);
    world.restart(AWAY);
    isBack(world, 1);
    expect(world.host(AWAY).count('frameSynced')).toBe(0);
    const indices = world.host(AWAY).committed.map(({ commit }) => commit.index);
    expect(indices.every((index, i) => i === 0 || index <= (indices[i - 1] ?? 0) + 1)).toBe(true);
  });
});

describe('a folder from before', () => {
  it('signs nothing in an epoch in which its key has signed what it does not know', () => {
    const world = worldOf(4, 7);
    world.start([4]);
    busy(world, 3);
    world.run(5_000);
    const away = world.host(AWAY);
    const { log, frames, mark } = away;
    const backup = { log: [...log], frames: [...frames], mark };
    renew(world, 3, [...OTHERS, AWAY]);
    busy(world, 4, AWAY);
    world.run(10_000);
    const { round } = away.replica.status();
    expect(round).toBeGreaterThan(0);
    world.kill(AWAY);
    Object.assign(away, backup);
    const said = new Map<number, string>();
    world.onSend = (from, _to, bytes) => {
      const message = read(bytes);
      if (from === AWAY && message.kind === 'push') said.set(said.size, toHex(message.block));
      return true;
    };
    world.restart(AWAY);
    busy(world, 4);
    world.run(60_000);
    const status = statusOf(away);
    expect(status.epoch).toBe(3);
    expect(status.observer?.code).toMatch(/log_behind_mark|own_key_heard/);
    expect(said.size).toBe(0);
    // It follows all the same.
    expect(status.commitIndex).toBe(world.host(0).replica.status().commitIndex);
  });
});

type Links = Extract<PeerMessage, { kind: 'links' }>['links'];

describe('a liar', () => {
  /** Links as they are, with a change of each. */
  const bent = (links: Links, change: (link: Links[number]) => Links[number]) =>
    encodeMessage({ kind: 'links', links: links.map(change) });

  it('moves nobody by links that do not hold, nor by the claim of an epoch', () => {
    const world = slept(8, 3);
    const { links } = world.host(0).epoch;
    world.onSend = (from, to) => to !== AWAY && from !== AWAY;
    world.restart(AWAY);
    const away = world.host(AWAY);
    const claim = { epoch: 9, lastOwnRound: 900, highestRound: 900, commitIndex: 900 };
    const status = { kind: 'status' as const, ...claim, yourRound: 900, ask: false };
    const lies = [
      encodeMessage(status),
      encodeMessage({ kind: 'links', links: links.slice(1) }),
      bent(links, ({ frame, cert }) => ({
        frame,
        cert: { ...cert, sigs: [...cert.sigs].reverse() },
      })),
      bent(links, ({ frame, cert }) => ({ frame: { ...frame, index: frame.index + 1 }, cert })),
      // The first holds, the second is a copy of it under another number.
      encodeMessage({
        kind: 'links',
        links: links.slice(0, 1).flatMap((one) => [{ ...one, frame: { ...one.frame, epoch: 1 } }]),
      }),
    ];
    for (const lie of lies) {
      world.inject(1, AWAY, lie);
      world.run(2_000);
      expect(away.follower).toBeUndefined();
      expect(away.replica.status()).toMatchObject({ epoch: 0, observer: undefined });
      expect(away.replica.links).toEqual([]);
    }
    // Another one tells the truth.
    world.inject(2, AWAY, encodeMessage({ kind: 'links', links }));
    world.run(2_000);
    expect(away.follower?.status().epoch).toBe(3);
    world.onSend = () => true;
    world.kill(AWAY);
    world.restart(AWAY);
    isBack(world, 3);
  });

  it('that offers a frame of an epoch that is over brings nobody to go on in that one', () => {
    const world = slept(9, 2);
    const stale = world.host(2).frames.at(-1);
    const offer = stale && offered(world, stale.index);
    renew(world, 4);
    world.onSend = (from, to, bytes) => {
      if (from !== 2 || to !== AWAY || read(bytes).kind !== 'frame') return true;
      const lie: PeerMessage = { kind: 'frame', fromRound: 1, offer };
      world.inject(world.placeOf(2, world.host(AWAY).epoch), AWAY, encodeMessage(lie));
      return false;
    };
    world.restart(AWAY);
    isBack(world, 4);
  });

  it('that offers a frame that nobody has signed, and sends nothing of it, keeps nobody out', () => {
    const world = slept(10, 2);
    let lies = 0;
    world.onSend = (from, to, bytes) => {
      const message = read(bytes);
      if (from !== 2 || to !== AWAY || message.kind === 'links') return true;
      if (message.kind === 'chunk') return false;
      if (message.kind !== 'frame' || message.offer === undefined) return true;
      lies += 1;
      const { frame, cert } = message.offer;
      const offer = { frame: { ...frame, index: frame.index + 1_000 }, cert };
      const place = world.placeOf(2, world.host(AWAY).epoch);
      world.inject(place, AWAY, encodeMessage({ ...message, offer }));
      return false;
    };
    world.restart(AWAY);
    isBack(world, 2);
    expect(lies).toBeGreaterThan(0);
  });
});

/** What the third replica offers of this frame. */
function offered(world: World, index: number): Extract<PeerMessage, { kind: 'frame' }>['offer'] {
  let offer: Extract<PeerMessage, { kind: 'frame' }>['offer'];
  const before = world.onSend;
  world.onSend = (from, _to, bytes) => {
    const message = read(bytes);
    if (from === 2 && message.kind === 'frame') offer ??= message.offer;
    return true;
  };
  world.inject(0, 2, encodeMessage({ kind: 'getFrame', above: index - 1 }));
  world.run(1_000);
  world.onSend = before;
  expect(offer?.frame.index).toBe(index);
  return offer;
}
