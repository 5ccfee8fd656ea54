// A life that begins behind a frame, and what of the log may go then (R28).
import { decode, encode, equalBytes, toHex } from '@fatty/codec';
import { chunkDigestOf } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { encodeStored, type StoredFrame, storedFrameShape } from '../src/frames/stored.ts';
import { decodeMessage, type Replica, signerMarkShape } from '../src/index.ts';
import { busy } from './traffic.ts';
import { type Host, type Logged, makeCell, World } from './world.ts';

const WINDOWS = { checkpointCommits: 2, supportRoundsMax: 8, horizonRounds: 12 };
const OFTEN = { logKeptBytesMin: 0 };
const COPYING = { bytesMin: 1, chunkBytes: 512 };

interface Disk {
  readonly log: readonly Logged[];
  readonly wholeLog: readonly Logged[];
  readonly frames: Host['frames'];
  readonly mark: Uint8Array | undefined;
}

const diskOf = ({ log, wholeLog, frames, mark }: Host): Disk => ({
  log: [...log],
  wholeLog: [...wholeLog],
  frames: [...frames],
  mark,
});

/** A world of four with traffic; `see` is called after every change of the disk of replica 0. */
function run(seed: number, see: (world: World, host: Host) => void, ops = 25): World {
  const world = new World({
    cell: makeCell(4, WINDOWS),
    seed,
    tuning: OFTEN,
    copying: COPYING,
    delayMs: (random) => 1 + random.below(4),
    syncMs: (random) => 1 + random.below(5),
  });
  world.start();
  busy(world, ops);
  const host = world.host(0);
  let last = '';
  world.run(60_000, () => {
    const now = `${host.wholeLog.length} ${host.log.length} ${host.frames.at(-1)?.index}`;
    if (now !== last) see(world, host);
    last = now;
    return false;
  });
  return world;
}

/** What of a replica others, clients and the disk depend on. */
const COMPARED = [
  'commitIndex',
  'commitTs',
  'leaseClock',
  'decidedRound',
  'completeRound',
  'highestRound',
  'horizon',
  'blocks',
  'bodyBytes',
  'uncommitted',
  'round',
  'observer',
] as const;

function summaryOf(replica: Replica) {
  const status = replica.status();
  return {
    status: COMPARED.map((name) => [name, status[name]]),
    root: toHex(replica.machine.root()),
    state: toHex(replica.machine.snapshot()),
  };
}

function begun(world: World, { log, mark }: Pick<Disk, 'log' | 'mark'>, frame?: Disk['frames'][0]) {
  const replica = world.fresh(0);
  if (frame !== undefined) expect(replica.resume(frame.head, frame.payload).ok).toBe(true);
  replica.restore(log, mark);
  replica.step({ kind: 'start', nowMs: world.nowMs });
  return replica;
}

describe('a replica behind a frame', () => {
  it('is what it would be had it replayed everything, whenever the power goes', () => {
    let compared = 0;
    let shortened = 0;
    for (const seed of [1, 2]) {
      let moments = 0;
      run(seed, (world, host) => {
        if (moments++ % 2 > 0) return;
        const disk = diskOf(host);
        const whole = summaryOf(begun(world, { log: disk.wholeLog, mark: disk.mark }));
        for (const frame of disk.frames) {
          expect(summaryOf(begun(world, disk, frame))).toEqual(whole);
          compared++;
        }
        if (disk.log.length < disk.wholeLog.length) shortened++;
      });
    }
    expect(compared).toBeGreaterThan(100);
    expect(shortened).toBeGreaterThan(40);
  });

  it('goes on as the other would: the same blocks lead it to the same commits', () => {
    const disks: Disk[] = [];
    const world = run(4, (_, host) => disks.push(diskOf(host)));
    const end = diskOf(world.host(0));
    for (const disk of disks.filter((_, i) => i % 7 === 0)) {
      const rest = end.wholeLog.slice(disk.wholeLog.length);
      const whole = world.fresh(0);
      whole.restore(end.wholeLog, end.mark);
      for (const frame of disk.frames) {
        const replica = world.fresh(0);
        expect(replica.resume(frame.head, frame.payload).ok).toBe(true);
        replica.restore([...disk.log, ...rest], end.mark);
        expect(summaryOf(replica)).toEqual(summaryOf(whole));
      }
    }
  });

  it('signs on, and its blocks are committed', () => {
    const world = run(5, () => undefined);
    const before = world.host(0).commitIndex;
    expect(world.host(0).dropped).toBeGreaterThan(0);
    for (const index of [0, 1, 2, 3]) world.kill(index);
    for (const index of [0, 1, 2, 3]) world.restart(index);
    busy(world, 10, 2);
    world.run(60_000);
    for (const host of world.hosts) {
      expect(host.replica.status()).toMatchObject({ observer: undefined, diverged: undefined });
      expect(host.commitIndex).toBeGreaterThan(before + 5);
      const own = host.committed.flatMap(({ commit }) =>
        commit.index > before ? commit.blocks.filter(({ author }) => author === host.index) : [],
      );
      expect(own.length).toBeGreaterThan(0);
    }
    expect(new Set(world.hosts.map(({ replica }) => toHex(replica.machine.root()))).size).toBe(1);
  });

  it('has its own block though the segment with it is gone', () => {
    const world = new World({
      cell: makeCell(4, WINDOWS),
      copying: COPYING,
      tuning: { ...OFTEN, logKeptBytesMax: 0 },
    });
    world.start();
    busy(world, 3);
    world.run(60_000);
    // Nobody vouches for its next life: it follows, and signs nothing.
    world.onSend = (_from, to, bytes) => {
      const message = decodeMessage(bytes, bytes.length);
      return to !== 3 || !message.ok || message.value.kind !== 'status';
    };
    world.kill(3);
    world.restart(3);
    busy(world, 30, 1);
    world.run(60_000);
    const host = world.host(3);
    const { round, horizon } = host.replica.status();
    expect(horizon).toBeGreaterThan(round);
    expect(host.dropped).toBeGreaterThan(0);
    world.kill(3);
    world.restart(3);
    expect(host.replica.status()).toMatchObject({ round, observer: undefined });
  });
});

describe('what members have signed', () => {
  it('is known behind a frame though the log that told of it is gone, and so a word for them is true (R26)', () => {
    const world = new World({
      cell: makeCell(4, WINDOWS),
      copying: COPYING,
      tuning: { ...OFTEN, logKeptBytesMax: 0 },
    });
    world.start();
    busy(world, 3);
    world.run(60_000);
    const { round } = world.host(3).replica.status();
    expect(round).toBeGreaterThan(0);
    world.kill(3);
    busy(world, 40, 1);
    world.run(60_000);
    for (const index of [0, 1, 2]) {
      expect(world.host(index).replica.status().horizon).toBeGreaterThan(round);
      expect(world.host(index).dropped).toBeGreaterThan(0);
      world.kill(index);
      world.restart(index);
    }
    const said: number[] = [];
    world.onSend = (_from, to, bytes) => {
      const message = decodeMessage(bytes, bytes.length);
      if (to === 3 && message.ok && message.value.kind === 'status')
        said.push(message.value.yourRound);
      return true;
    };
    // Its folder is lost: who vouches for it now lets it sign on a chain that is not its own.
    Object.assign(world.host(3), { log: [], frames: [], mark: undefined });
    world.restart(3);
    world.run(10_000);
    expect(said.length).toBeGreaterThan(2);
    expect(Math.min(...said)).toBe(round);
    expect(world.host(3).replica.status().vouched).toBe(false);
  });

  it('stops who has less of its own than the state: it must not sign on top of that', () => {
    const world = run(8, () => undefined);
    const host = world.host(0);
    const newest = host.frames.at(-1);
    const stored = newest && decode(storedFrameShape, newest.head, newest.head.length);
    if (!newest || !stored?.ok) throw new Error('a frame was kept');
    const head = encodeStored({ ...stored.value, own: new Uint8Array() });
    const bare = begun(world, { log: [], mark: undefined }, { ...newest, head });
    expect(bare.status().observer?.code).toBe('log_behind_mark');
    const { round } = stored.value.frame.authors[0] ?? { round: 0 };
    const mark = encode(signerMarkShape, { epoch: 0, round, durable: round, commitIndex: 0 });
    expect(begun(world, { log: [], mark }, newest).status().observer).toBeUndefined();
    const unmarked = begun(world, { log: [], mark: undefined }, newest);
    expect(unmarked.status().observer?.code).toBe('mark_lost');
  });
});

describe('a frame', () => {
  const world = run(6, () => undefined);
  const host = world.host(0);
  const newest = host.frames.at(-1);
  if (newest === undefined) throw new Error('a frame was kept');

  const codeOf = (index: number, head: Uint8Array, payload: Uint8Array): string => {
    const replica = world.fresh(index);
    const empty = toHex(replica.machine.snapshot());
    const resumed = replica.resume(head, payload);
    if (resumed.ok) return 'ok';
    expect(toHex(replica.machine.snapshot())).toBe(empty);
    // Nothing of it is left: the whole log still leads to the end.
    replica.restore(world.host(index).wholeLog, world.host(index).mark);
    expect(replica.status().commitIndex).toBeGreaterThanOrEqual(newest.index);
    return resumed.failure.code;
  };

  const opened = decode(storedFrameShape, newest.head, newest.head.length);
  const commitsBytes = (opened.ok && opened.value.frame.copy?.commitsBytes) || 0;

  const bent = (change: (stored: StoredFrame) => Partial<StoredFrame>): Uint8Array => {
    const stored = decode(storedFrameShape, newest.head, newest.head.length);
    if (!stored.ok) throw new Error(stored.failure.code);
    return encodeStored({ ...stored.value, ...change(stored.value) });
  };

  it('is taken only whole, as it was certified, and by whose it is', () => {
    const { head, payload } = newest;
    expect(codeOf(0, head, payload)).toBe('ok');
    expect(codeOf(0, head, payload.slice(1))).toBe('wrong_state');
    expect(codeOf(0, head.slice(1), payload)).not.toBe('ok');
    expect(codeOf(1, head, payload)).toBe('foreign_log');
    // The first byte of the last commit's lease clock, and the last of the state.
    for (const [at, code] of [
      [commitsBytes - 8, 'wrong_frame'],
      [payload.length - 1, 'wrong_state'],
    ] as const) {
      const other = payload.slice();
      other[at] = (other[at] ?? 0) ^ 1;
      expect(codeOf(0, head, other)).toBe(code);
    }
    const frame = bent((one) => ({ frame: { ...one.frame, convicted: [2] } }));
    expect(codeOf(0, frame, payload)).toBe('wrong_frame');
    const bare = bent((one) => ({ frame: { ...one.frame, copy: undefined } }));
    expect(codeOf(0, bare, payload)).toBe('wrong_frame');
    const few = bent(({ cert }) => ({ cert: { ...cert, sigs: cert.sigs.slice(1) } }));
    expect(codeOf(0, few, payload)).toBe('bad_bitmap');
  });

  it('is one thing on all replicas, but for whose it is', () => {
    const frames = world.hosts.flatMap((one) => one.frames);
    const seen = new Map<number, Uint8Array>();
    for (const { index, head, payload } of frames) {
      const stored = decode(storedFrameShape, head, head.length);
      if (!stored.ok) throw new Error(stored.failure.code);
      const { frame, links } = stored.value;
      const common = { frame, links, author: 0, own: new Uint8Array() };
      const cert = { core: Uint8Array.of(), bitmap: Uint8Array.of(), sigs: [] };
      const bytes = encode(storedFrameShape, { ...common, cert });
      expect(equalBytes(seen.get(index) ?? bytes, bytes)).toBe(true);
      seen.set(index, bytes);
      const chunks = frame.copy?.chunks ?? [];
      expect(chunks.length).toBe(Math.ceil(payload.length / 512));
      for (const [i, digest] of chunks.entries()) {
        const chunk = payload.subarray(i * 512, (i + 1) * 512);
        expect(equalBytes(chunkDigestOf(chunk), digest)).toBe(true);
      }
    }
    expect(frames.length).toBeGreaterThan(seen.size);
  });
});

describe('the log', () => {
  it('is deleted behind the older of two frames only, and not while a member needs it', () => {
    let checked = 0;
    const world = run(
      7,
      (_, host) => {
        const [older] = host.frames.length === 2 ? host.frames : [];
        const gone = host.wholeLog.length - host.log.length;
        if (older === undefined) expect(gone).toBe(0);
        else if (gone > 0) checked++;
      },
      40,
    );
    expect(checked).toBeGreaterThan(50);
    for (const host of world.hosts) expect(host.dropped).toBeGreaterThan(5);
  });

  it('stays for a member that is away, as far as the disk is to bear it', () => {
    for (const [logKeptBytesMax, isDropped] of [
      [1 << 30, false],
      [20_000, true],
    ] as const) {
      const world = new World({
        cell: makeCell(4, WINDOWS),
        copying: COPYING,
        tuning: { ...OFTEN, logKeptBytesMax },
      });
      world.start();
      busy(world, 3);
      world.run(60_000);
      const before = world.host(0).dropped;
      world.kill(3);
      busy(world, 60, 1);
      world.run(60_000);
      expect(world.host(0).dropped > before).toBe(isDropped);
      if (isDropped) continue;
      world.restart(3);
      world.run(60_000);
      expect(world.host(3).commitIndex).toBe(world.host(0).commitIndex);
      busy(world, 20, 2);
      world.run(60_000);
      expect(world.host(0).dropped).toBeGreaterThan(before);
    }
  });
});
