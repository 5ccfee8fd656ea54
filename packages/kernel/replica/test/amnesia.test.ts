// Tests of a replica that has forgotten something (R26).
import { Dag, refKey } from '@fatty/broadcast';
import { encode, type Signer } from '@fatty/codec';
import type { LogRecord } from '@fatty/interface';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_TUNING,
  decodeMark,
  Replica,
  type ReplicaStatus,
  signerMarkShape,
} from '../src/index.ts';
import { bareMachine } from './bare-machine.ts';
import { forge, onTop, push, read, vouch } from './forge.ts';
import { open, watch } from './watch.ts';
import {
  batchesOf,
  Client,
  commitsAgree,
  listAlgorithm,
  makeCell,
  scheme,
  World,
} from './world.ts';

const VICTIM = 1;

/** What was on the victim's disk at a moment, and what it had sent. */
interface Moment {
  readonly atMs: number;
  readonly records: number;
  readonly mark: Uint8Array | undefined;
  /** Highest own round that had left. */
  readonly sent: number;
  /** When the own block of that round was durable. */
  readonly sentAtMs: number;
}

interface History {
  readonly world: World;
  readonly moments: readonly Moment[];
  readonly log: readonly LogRecord[];
}

/** A cell under traffic with pauses of random lengths, and the victim's disk after every event. */
function history(seed: number): History {
  const world = new World({
    cell: makeCell(4),
    seed,
    syncMs: (random) => 1 + random.below(4),
    delayMs: (random) => 1 + random.below(8),
  });
  const moments: Moment[] = [];
  const victim = world.host(VICTIM);
  let sent = { round: 0, atMs: 0 };
  const look = (): void => {
    const { round } = victim.replica.status();
    if (round > sent.round) sent = { round, atMs: world.nowMs };
    const { log, mark } = victim;
    const { nowMs: atMs } = world;
    moments.push({ atMs, records: log.length, mark, sent: sent.round, sentAtMs: sent.atMs });
  };
  world.start();
  const client = new Client(world.options.cell, 'h');
  for (let k = 0; k < 12; k++) {
    world.submit(world.random.below(4), client.op(`${k}`));
    const pauseMs = world.random.below(2) === 0 ? world.random.below(30) : 150;
    for (let ms = 0; ms < pauseMs; ms++) {
      world.idle(1);
      look();
    }
  }
  return { world, moments, log: victim.log };
}

function ownRoundsIn(world: World, records: readonly LogRecord[]): readonly number[] {
  return records.flatMap(({ type, body }) => {
    const ref = type === 1 ? open(world.options.cell, body).ref : undefined;
    return ref?.author === VICTIM ? [ref.round] : [];
  });
}

/** What a replica makes of its disk before it has met anybody. */
function startAlone(
  { world, log }: History,
  records: number,
  mark: Uint8Array | undefined,
): ReplicaStatus {
  const { committee, cellId, signers } = world.options.cell;
  const context = { cellId, epoch: 0, members: committee.members };
  const signer = signers[VICTIM] as Signer;
  const machine = bareMachine(listAlgorithm, context);
  const replica = new Replica({ committee, cellId, me: VICTIM, scheme, signer, machine });
  replica.restore(log.slice(0, records), mark);
  replica.step({ kind: 'start', nowMs: world.nowMs });
  return replica.status();
}

describe('the mark and an older log (R26)', () => {
  it('the log is refused when it lacks what was sent, but for the last block for 10 ms', () => {
    const seen = { refused: 0, oneBlock: 0, window: 0, whole: 0 };
    for (let seed = 1; seed <= 12; seed++) {
      const past = history(seed);
      const { moments, world } = past;
      for (let k = 0; k < 60; k++) {
        const at = world.random.below(moments.length);
        const after = moments[at] as Moment;
        // Half of the copies are nearly new.
        const back = world.random.below(k % 2 === 0 ? 60 : at + 1);
        const before = moments[Math.max(0, at - back)] as Moment;
        const held = Math.max(0, ...ownRoundsIn(world, past.log.slice(0, before.records)));
        const status = startAlone(past, before.records, after.mark);
        if (held >= after.sent) {
          seen.whole++;
          expect(status.observer, `${seed}/${k}: nothing is lost`).toBeUndefined();
          continue;
        }
        const own = ownRoundsIn(world, past.log).filter((round) => round <= after.sent);
        const isLast = held === (own.at(-2) ?? 0);
        // The mark that says so is due after the delay, and takes a datasync after another.
        const dueMs = after.sentAtMs + DEFAULT_TUNING.markDelayMs + 2 * 4;
        if (isLast && after.atMs <= dueMs) {
          seen.window++;
          continue;
        }
        if (isLast) seen.oneBlock++;
        seen.refused++;
        const name = `${seed}/${k}: log to ${held}, sent to ${after.sent}`;
        expect(status.observer?.code, name).toBe('log_behind_mark');
      }
    }
    expect(Object.values(seen).every((count) => count > 0)).toBe(true);
    expect(seen.oneBlock).toBeGreaterThan(5);
    expect(seen.refused).toBeGreaterThan(200);
  });

  it('a log with own blocks and no mark beside it has lost the mark; of a first block alone it may be missing', () => {
    const past = history(2);
    const counts = { lost: 0, may: 0 };
    // The first moments, and some of the later ones.
    for (const { records } of past.moments.filter((_, i) => i < 24 || i % 32 === 0)) {
      const own = ownRoundsIn(past.world, past.log.slice(0, records)).length;
      const { observer } = startAlone(past, records, undefined);
      expect(observer?.code, `${own} own blocks`).toBe(own < 2 ? undefined : 'mark_lost');
      counts[own < 2 ? 'may' : 'lost']++;
    }
    expect(counts.lost).toBeGreaterThan(5);
    expect(counts.may).toBeGreaterThan(0);
  });

  it('after a start the mark says that the last own block is durable, before anything is signed', () => {
    const { world, moments } = history(3);
    const victim = world.host(VICTIM);
    const fresh = moments.find(({ sent }) => sent >= 3) as Moment;
    world.kill(VICTIM);
    victim.mark = fresh.mark;
    const marks: (number | undefined)[] = [];
    world.onPersist = (host, { records, mark }) => {
      if (host.index === VICTIM && mark) marks.push(records.length);
    };
    world.restart(VICTIM);
    expect(marks).toEqual([0]);
    world.run(100);
    const again = startAlone({ world, moments, log: victim.log }, fresh.records, victim.mark);
    expect(again.observer?.code).toBe('log_behind_mark');
  });

  it('is never taken back, though log and commits end before what it was written for', () => {
    const { world } = history(4);
    const victim = world.host(VICTIM);
    const { round } = victim.replica.status();
    world.kill(VICTIM);
    // The power went while a block three rounds up was written; the store refuses a lower mark.
    const cut = { epoch: 0, round: round + 3, durable: round, commitIndex: 1_000 };
    victim.mark = encode(signerMarkShape, cut);
    world.restart(VICTIM);
    const up = new Client(world.options.cell, 'up');
    for (const op of ['1', '2']) {
      world.submit(VICTIM, up.op(op));
      world.run(1_000);
    }
    const later = decodeMark(victim.mark);
    expect(victim.replica.status().round).toBeGreaterThan(round + 3);
    expect(later.ok && later.value.durable).toBe(victim.replica.status().round);
  });

  it('is left alone by an observer, or the next start would know nothing', () => {
    const { world } = history(6);
    const victim = world.host(VICTIM);
    world.kill(VICTIM);
    const unreadable = Uint8Array.of(1);
    victim.mark = unreadable;
    world.restart(VICTIM);
    world.run(1_000);
    world.event(victim, { kind: 'stop' });
    world.run(100);
    expect(victim.replica.status().observer?.code).toBe('wrong_shape');
    expect(victim.mark).toEqual(unreadable);
  });

  it('is written once more when the process ends in order', () => {
    const { world } = history(5);
    const victim = world.host(VICTIM);
    const before = victim.replica.status().round;
    const client = new Client(world.options.cell, 'last');
    world.submit(VICTIM, client.op('1'));
    // Right after a block of its own has left, while others are at work.
    const gone = (): boolean =>
      victim.replica.status().round > before && victim.writes.length === 0;
    world.run(1_000, gone);
    expect(gone()).toBe(true);
    const log = victim.log.slice();
    world.event(victim, { kind: 'stop' });
    expect(victim.writes).toHaveLength(1);
    world.run(5, () => victim.writes.length === 0);
    const lost = log.findLastIndex(({ type, body }) => {
      return type === 1 && open(world.options.cell, body).ref.author === VICTIM;
    });
    const status = startAlone({ world, moments: [], log }, lost, victim.mark);
    expect(status.observer?.code).toBe('log_behind_mark');
  });
});

describe('no second block for a round that may have been sent (S1)', () => {
  /** Log and mark of any two moments, or none, and traffic that goes on. */
  function relive(seed: number, logAt: number | undefined, markAt: number | undefined): World {
    const { world, moments } = history(seed);
    const seen = watch(world);
    const victim = world.host(VICTIM);
    // What left in the first life counts: the watch saw none of it.
    for (const { type, body } of victim.log) {
      if (type !== 1) continue;
      const { ref } = open(world.options.cell, body);
      if (ref.author === VICTIM) seen.slots.set(`${VICTIM}/${ref.round}`, refKey(ref));
    }
    world.kill(VICTIM);
    const at = (share: number): Moment => moments[Math.floor(share * moments.length)] as Moment;
    victim.log = logAt === undefined ? [] : victim.log.slice(0, at(logAt).records);
    victim.mark = markAt === undefined ? undefined : at(markAt).mark;
    world.idle(20);
    const client = new Client(world.options.cell, 'again');
    world.submit(0, client.op('0'));
    world.restart(VICTIM);
    for (let k = 1; k < 8; k++) {
      // Also to the victim, and before it has heard anything.
      world.submit(k % 2 === 0 ? 0 : VICTIM, new Client(world.options.cell, `v${k}`).op('x'));
      world.run(world.random.below(30));
    }
    world.run(3_000);
    expect(seen.broken.filter((one) => one.startsWith('S1'))).toEqual([]);
    expect(commitsAgree(world.hosts)).toBe(true);
    return world;
  }

  it('whatever copies of log and mark it is given', () => {
    const share = fc.option(fc.double({ min: 0, max: 0.999, noNaN: true }), { nil: undefined });
    const seen = { observer: 0, signs: 0 };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999 }), share, share, (seed, logAt, markAt) => {
        const world = relive(seed, logAt, markAt);
        if (world.host(VICTIM).replica.status().observer) seen.observer++;
        else seen.signs++;
      }),
      {
        numRuns: 24,
        examples: [
          [7, 0.999, 0.999],
          [7, undefined, undefined],
          [7, 0.4, 0.4],
        ],
      },
    );
    expect(seen.observer).toBeGreaterThan(10);
    expect(seen.signs).toBeGreaterThan(0);
  });
});

describe('a replica without a past asks for it (R26)', () => {
  it('a fresh cell starts at once, with f of it down', () => {
    for (const [n, down] of [
      [4, [3]],
      [7, [2, 5]],
    ] as const) {
      const world = new World({ cell: makeCell(n) });
      world.start(down);
      world.submit(0, new Client(world.options.cell, 'c').op('1'));
      const has = (): boolean => batchesOf(world.host(0)).length === 1;
      world.run(60, has);
      expect(has()).toBe(true);
    }
  });

  /** Replica 0 with nothing on its disk and three peers whose every word is forged. */
  function forgetful(): { world: World; asked: string[]; b: ReturnType<typeof forge> } {
    const cell = makeCell(4);
    const world = new World({ cell });
    const asked: string[] = [];
    for (const peer of [1, 2, 3]) world.liars.set(peer, () => undefined);
    world.onSend = (_from, to, bytes) => {
      const message = read(bytes);
      if (message.kind === 'status' && message.ask) asked.push(`status of ${to}`);
      if (message.kind === 'getRounds') asked.push(`${message.from} of ${to}`);
      return true;
    };
    world.start();
    const virtual = new Dag(cell.committee, cell.cellId).virtual.map((ref) => ({ ref }));
    const b = forge(cell, 0, 1, onTop(0, virtual), { ts: world.nowMs + 1 });
    world.submit(0, new Client(cell, 'c').op('1'));
    return { world, asked, b };
  }

  it('signs nothing before q - 1 others have answered, and asks who is silent again', () => {
    const { world, asked } = forgetful();
    const host = world.host(0);
    vouch(world, 0, [2]);
    vouch(world, 0, [2]);
    world.run(5_000);
    expect(host.count('proposed')).toBe(0);
    expect(host.replica.status().vouched).toBe(false);
    expect(asked.filter((one) => one === 'status of 1').length).toBeGreaterThan(2);
    expect(asked.filter((one) => one === 'status of 2').length).toBeLessThan(
      asked.filter((one) => one === 'status of 1').length,
    );
    vouch(world, 0, [3]);
    world.run(50);
    expect(host.replica.status().vouched).toBe(true);
    expect(host.count('proposed')).toBe(1);
  });

  it('a peer that shows a block of the own key makes an observer that refuses clients', () => {
    const { world, asked, b } = forgetful();
    const host = world.host(0);
    vouch(world, 0, [1]);
    vouch(world, 0, [3], 1);
    vouch(world, 0, [2]);
    world.run(20);
    world.inject(3, 0, push(b));
    world.run(5_000);
    expect(host.count('proposed')).toBe(0);
    expect(asked).toContain('1 of 3');
    expect(host.replica.status().observer?.code).toBe('own_key_heard');
    world.submit(0, new Client(world.options.cell, 'd').op('1'), 7);
    expect(host.refused.at(-1)).toMatchObject({ tag: 7, failure: { code: 'own_key_heard' } });
  });

  it('a peer that claims to know one and never shows it costs a bounded time', () => {
    const { world, asked } = forgetful();
    const host = world.host(0);
    for (const round of [9, 10, 9]) vouch(world, 0, [3], round);
    vouch(world, 0, [1, 2]);
    world.run(DEFAULT_TUNING.claimWaitMs - 10);
    expect(host.count('proposed')).toBe(0);
    expect(asked).toContain('9 of 3');
    world.run(20);
    expect(host.count('proposed')).toBe(1);
    expect(host.replica.status().observer).toBeUndefined();
  });

  it('a word taken back counts no more', () => {
    const { world } = forgetful();
    vouch(world, 0, [1]);
    world.run(5);
    vouch(world, 0, [1], 4);
    vouch(world, 0, [2]);
    world.run(DEFAULT_TUNING.claimWaitMs + 100);
    expect(world.host(0).count('proposed')).toBe(0);
  });
});
