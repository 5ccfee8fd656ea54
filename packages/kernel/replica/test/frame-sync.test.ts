// A replica that needs blocks which are gone comes back by a frame (R29).
import { asDigest, decode, toHex } from '@fatty/codec';
import { describe, expect, it } from 'vitest';
import { storedFrameShape } from '../src/frames/stored.ts';
import { decodeMessage, encodeMessage, type PeerMessage } from '../src/index.ts';
import { busy } from './traffic.ts';
import { type Host, makeCell, World } from './world.ts';

const WINDOWS = { checkpointCommits: 2, supportRoundsMax: 8, horizonRounds: 12 };
const CHUNK = 512;
/** The one that is away. */
const AWAY = 3;

type Message<K extends PeerMessage['kind']> = Extract<PeerMessage, { kind: K }>;

function messageOf(bytes: Uint8Array): PeerMessage | undefined {
  const message = decodeMessage(bytes, bytes.length);
  return message.ok ? message.value : undefined;
}

/** Replica 3 is away until the others have let go of what it needs. */
function asleep(seed = 1, lost = false, params = {}, chunkBytes = CHUNK): World {
  const world = new World({
    cell: makeCell(4, { ...WINDOWS, ...params }),
    seed,
    tuning: { logKeptBytesMin: 0, logKeptBytesMax: 0 },
    copying: { bytesMin: 1, chunkBytes },
  });
  world.start();
  busy(world, 3);
  world.run(60_000);
  world.kill(AWAY);
  busy(world, 20, 1);
  world.run(60_000);
  const away = world.host(AWAY);
  for (const host of world.honest) {
    expect(host.replica.status().horizon).toBeGreaterThan(away.replica.status().round);
    expect(host.dropped).toBeGreaterThan(0);
    // What is deleted from the log is gone from the index, too, after a restart.
    world.kill(host.index);
    host.kv.clear();
    world.restart(host.index);
  }
  world.run(10_000);
  if (lost) Object.assign(away, { log: [], frames: [], mark: undefined });
  away.kv.clear();
  return world;
}

const rootOf = (host: Host): string => toHex(host.replica.machine.root());
const isLevel = (world: World): boolean => {
  const [first] = world.hosts;
  return world.hosts.every((host) => host.commitIndex === first?.commitIndex);
};

describe('who has slept past two frames', () => {
  it('comes back by a frame as a full member: its own next block is committed', () => {
    for (const seed of [1, 2, 3]) {
      const world = asleep(seed);
      const away = world.host(AWAY);
      world.restart(AWAY);
      world.run(60_000, () => isLevel(world) && away.replica.status().vouched);
      expect(away.count('frameSynced')).toBe(1);
      expect(rootOf(away)).toBe(rootOf(world.host(0)));
      const before = away.commitIndex;
      busy(world, 8, AWAY);
      world.run(60_000);
      expect(away.replica.status()).toMatchObject({ observer: undefined, fetching: undefined });
      const own = world
        .host(0)
        .committed.filter(({ commit }) => commit.index > before)
        .flatMap(({ commit }) => commit.blocks.filter(({ author }) => author === AWAY));
      expect(own.length).toBeGreaterThan(0);
      expect(new Set(world.hosts.map(rootOf)).size).toBe(1);
    }
  });

  it('and has lost its disk follows and serves, and signs nothing', () => {
    const world = asleep(1, true);
    const away = world.host(AWAY);
    world.restart(AWAY);
    world.run(60_000, () => isLevel(world));
    expect(away.count('frameSynced')).toBe(1);
    busy(world, 8, 1);
    world.run(60_000);
    expect(new Set(world.hosts.map(rootOf)).size).toBe(1);
    expect(away.replica.status().observer?.code).toBe('log_behind_mark');
    expect(away.replica.status().round).toBe(0);
  });

  it('asks for no frame while the others have what it needs', () => {
    const world = new World({ cell: makeCell(4, WINDOWS), tuning: { logKeptBytesMin: 0 } });
    world.start();
    busy(world, 3);
    world.run(60_000);
    world.kill(AWAY);
    busy(world, 40, 1);
    world.run(60_000);
    world.restart(AWAY);
    world.run(60_000);
    expect(isLevel(world)).toBe(true);
    expect(world.host(AWAY).count('syncStarted')).toBeGreaterThan(0);
    expect(world.host(AWAY).count('frameSyncStarted')).toBe(0);
  });

  /** Replica 3 has never been there; the others have every block. */
  function without(): World {
    const world = new World({
      cell: makeCell(4, WINDOWS),
      tuning: { logKeptBytesMin: 1 << 30 },
      copying: { bytesMin: 1, chunkBytes: CHUNK },
    });
    world.start([AWAY]);
    busy(world, 40, 1);
    world.run(60_000);
    for (const { dropped } of world.honest) expect(dropped).toBe(0);
    return world;
  }

  it('and has nothing yet fetches a frame, though the others have every block, and no blocks meanwhile', () => {
    const world = without();
    let ranges = 0;
    world.onSend = (from, _to, bytes) => {
      const isFetching = world.host(AWAY).replica.status().fetching !== undefined;
      if (from === AWAY && isFetching && messageOf(bytes)?.kind === 'getRounds') ranges += 1;
      return true;
    };
    world.restart(AWAY);
    world.run(60_000, () => isLevel(world));
    expect(ranges).toBe(0);
    const away = world.host(AWAY);
    expect([away.count('frameSynced'), away.replica.status().observer]).toEqual([1, undefined]);
    expect(new Set(world.hosts.map(rootOf)).size).toBe(1);
    // Whoever had something comes by blocks, as long as there are some.
    world.kill(AWAY);
    busy(world, 40, 1);
    world.run(60_000);
    world.restart(AWAY);
    world.run(60_000);
    expect([isLevel(world), away.count('frameSynced')]).toEqual([true, 1]);
  });

  it('and has nothing yet comes by blocks when nothing of the frame comes', () => {
    const world = without();
    world.onSend = (_from, to, bytes) => to !== AWAY || messageOf(bytes)?.kind !== 'chunk';
    world.restart(AWAY);
    world.run(60_000, () => isLevel(world));
    expect(world.host(AWAY).count('frameSyncStarted')).toBeGreaterThan(0);
    expect([isLevel(world), world.host(AWAY).count('frameSynced')]).toEqual([true, 0]);
  });

  it('is itself again whenever its process dies on the way, after every single event', () => {
    let reached = 0;
    for (let isOver = false; !isOver; reached++) {
      // Few chunks, so that the events are few.
      const world = asleep(1, false, {}, 16 * CHUNK);
      const away = world.host(AWAY);
      world.restart(AWAY);
      world.run(60_000, () => away.count('frameSyncStarted') > 0);
      const at = world.steps + reached;
      world.run(60_000, () => away.count('frameSynced') > 0 || world.steps >= at);
      isOver = away.count('frameSynced') > 0;
      world.kill(AWAY);
      world.restart(AWAY);
      world.run(60_000, () => isLevel(world));
      busy(world, 6, AWAY);
      world.run(60_000);
      expect(away.replica.status()).toMatchObject({ observer: undefined, diverged: undefined });
      expect(new Set(world.hosts.map(rootOf)).size).toBe(1);
    }
    expect(reached).toBeGreaterThan(5);
  });
});

/** What replica 0 makes of an answer for who is away; undefined: silence. */
type Lie = (message: Message<'frame'> | Message<'chunk'>) => PeerMessage | undefined;

const bent = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 1);
const inFrame =
  (change: (frame: NonNullable<Message<'frame'>['offer']>) => Message<'frame'>['offer']): Lie =>
  (message) => {
    if (message.kind !== 'frame' || message.offer === undefined) return message;
    return { ...message, offer: change(message.offer) };
  };
const inChunks =
  (change: (chunk: Message<'chunk'>, count: number) => PeerMessage | undefined): Lie =>
  (message) =>
    message.kind === 'chunk' ? change(message, 0) : message;

const other = asDigest(new Uint8Array(32).fill(7));

/** Each with the code of the offence; undefined: silence is none. */
const LIES: Readonly<Record<string, readonly [Lie, string | undefined]>> = {
  'a forged height': [
    inFrame(({ frame, cert }) => ({ frame: { ...frame, index: frame.index + 1_000 }, cert })),
    'wrong_frame',
  ],
  'forged members': [
    inFrame(({ frame, cert }) => ({ frame, cert: { ...cert, sigs: [...cert.sigs].reverse() } })),
    'bad_signature',
  ],
  'fewer members than a quorum': [
    inFrame(({ frame, cert }) => ({
      frame,
      cert: { ...cert, bitmap: Uint8Array.of(1), sigs: cert.sigs.slice(0, 1) },
    })),
    'no_quorum',
  ],
  'a payload of its own': [
    inFrame(({ frame, cert }) => ({
      frame: { ...frame, copy: frame.copy && { ...frame.copy, chunks: [other] } },
      cert,
    })),
    'wrong_frame',
  ],
  'a wrong chunk': [inChunks((chunk) => ({ ...chunk, bytes: bent(chunk.bytes) })), 'wrong_chunk'],
  'a short chunk': [
    inChunks((chunk) => ({ ...chunk, bytes: chunk.bytes.slice(1) })),
    'wrong_chunk',
  ],
  'more than a chunk': [
    inChunks((chunk) => ({ ...chunk, bytes: new Uint8Array(64 * CHUNK) })),
    'wrong_chunk',
  ],
  'a chunk that was not asked for': [
    inChunks((chunk) => ({ ...chunk, n: chunk.n + 1_000 })),
    'wrong_chunk',
  ],
  'silence in mid-transfer': [
    inChunks(({ n, ...rest }) => (n === 0 ? { n, ...rest } : undefined)),
    undefined,
  ],
  'silence from the beginning': [() => undefined, undefined],
};

describe('who is asked for a frame and sends', () => {
  for (const [name, [lie, code]] of Object.entries(LIES)) {
    it(`${name} costs time and nothing else`, () => {
      const world = asleep(2);
      const away = world.host(AWAY);
      world.onSend = (from, to, bytes) => {
        const message = from === 0 && to === AWAY ? messageOf(bytes) : undefined;
        if (message?.kind !== 'frame' && message?.kind !== 'chunk') return true;
        const said = lie(message);
        if (said) world.inject(0, AWAY, encodeMessage(said));
        return false;
      };
      world.restart(AWAY);
      world.run(60_000, () => isLevel(world) && away.replica.status().vouched);
      expect(away.count('frameSynced')).toBe(1);
      expect(new Set(world.hosts.map(rootOf)).size).toBe(1);
      expect(away.replica.status().observer).toBeUndefined();
      if (code !== undefined) expect(away.count('messageRejected', code)).toBeGreaterThan(0);
      expect(
        away.notes.filter(({ what, peer }) => what === 'messageRejected' && peer !== 0),
      ).toEqual([]);
    });
  }

  for (const [name, code] of [
    ['an old frame', 'stale_frame'],
    ['a frame of another cell', 'bad_signature'],
  ] as const) {
    it(`${name} costs time and nothing else`, () => {
      const world = asleep(2);
      const away = world.host(AWAY);
      const from = code === 'stale_frame' ? away : asleep(2, false, { leaseMs: 9_000 }).host(0);
      const offer = offerOf(from);
      world.onSend = (sender, to, bytes) => {
        const message = sender === 0 && to === AWAY ? messageOf(bytes) : undefined;
        if (message?.kind !== 'frame') return true;
        world.inject(0, AWAY, encodeMessage({ ...message, offer }));
        return false;
      };
      world.restart(AWAY);
      world.run(60_000, () => isLevel(world) && away.replica.status().vouched);
      expect(away.count('messageRejected', code)).toBe(1);
      expect(away.count('frameSynced')).toBe(1);
      expect(new Set(world.hosts.map(rootOf)).size).toBe(1);
    });
  }
});

/** Of a frame that nobody else has. */
const HOLDS: Readonly<Record<string, (chunk: Message<'chunk'>) => PeerMessage | undefined>> = {
  'is silent about it': () => undefined,
  'has nothing of it': (chunk) => ({ ...chunk, bytes: new Uint8Array() }),
  'is silent after one chunk': (chunk) => (chunk.n === 0 ? chunk : undefined),
};

describe('who alone offers the newest frame', () => {
  for (const [name, lie] of Object.entries(HOLDS)) {
    it(`and ${name} keeps nobody from the frame of the others`, () => {
      const world = asleep(2);
      const away = world.host(AWAY);
      // The honest have not come to the newest one yet.
      for (const index of [1, 2]) {
        const host = world.host(index);
        world.kill(index);
        host.frames = host.frames.slice(0, -1);
        host.kv.clear();
        world.restart(index);
      }
      world.run(10_000);
      expect(world.host(1).frames.at(-1)?.index).toBeLessThan(
        world.host(0).frames.at(-1)?.index ?? 0,
      );
      world.onSend = (from, to, bytes) => {
        const message = from === 0 && to === AWAY ? messageOf(bytes) : undefined;
        if (message?.kind !== 'chunk') return true;
        const said = lie(message);
        if (said) world.inject(from, to, encodeMessage(said));
        return false;
      };
      world.restart(AWAY);
      world.run(120_000, () => isLevel(world) && away.replica.status().vouched);
      expect(away.count('frameSynced')).toBe(1);
      expect(new Set(world.hosts.map(rootOf)).size).toBe(1);
    });
  }
});

/** The newest frame on the disk of a replica. */
function offerOf({ frames }: Host): Message<'frame'>['offer'] {
  const head = frames.at(-1)?.head ?? new Uint8Array();
  const stored = decode(storedFrameShape, head, head.length);
  if (!stored.ok) throw new Error('a frame was kept');
  const { frame, cert } = stored.value;
  return { frame, cert };
}
