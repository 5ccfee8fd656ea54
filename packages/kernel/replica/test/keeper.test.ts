// When a frame is kept, and what goes then (R28).
import { asDigest } from '@fatty/codec';
import { type Commit, sealCommit } from '@fatty/order';
import { EMPTY_AGENDA } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { Outbox } from '../src/boundary/outbox.ts';
import { Keeper } from '../src/frames/keeper.ts';
import { DEFAULT_TUNING } from '../src/index.ts';
import { makeCell } from './world.ts';

const digest = asDigest(new Uint8Array(32));
const CORE = Uint8Array.of(1);

function commitAt(index: number, horizon: number): Commit {
  const leader = { round: index, author: 0, digest };
  const times = { commitTs: 1, leaseClock: 1 };
  return sealCommit({ index, prevDigest: digest, leader, blocks: [leader], ...times, horizon });
}

/** A keeper for which every checkpoint is a copy point; the log's last write has number `token`. */
class Bench {
  readonly out = new Outbox();
  readonly dag = { highestRound: 0 };
  readonly persistence = { lastToken: 0, own: undefined, expedite: () => void this.expedited++ };
  expedited = 0;
  readonly keeper: Keeper;

  constructor(logKeptBytesMax = 0, logKeptBytesMin = 0) {
    this.keeper = new Keeper({
      committee: makeCell(4).committee,
      dag: this.dag,
      departure: { from: () => this.out.push({ kind: 'reopen' }) },
      links: [],
      me: 0,
      out: this.out,
      persistence: this.persistence,
      tuning: { ...DEFAULT_TUNING, logKeptBytesMin, logKeptBytesMax },
    });
  }

  reach(index: number, horizon = 0): void {
    const commit = commitAt(index, horizon);
    const authors = [{ round: 0, ts: 0 }];
    const names = { commitDigest: commit.digest, firstCommit: index };
    const epoch = { epoch: 0, agenda: EMPTY_AGENDA, end: undefined, copy: undefined };
    const frame = { ...epoch, index, ...names, convicted: [], authors };
    this.keeper.reached({ commit, frame, payload: Uint8Array.of(9) }, CORE, 0);
  }

  certify(index: number, core = CORE): void {
    this.keeper.certified(index, { core, bitmap: Uint8Array.of(7), sigs: [] });
  }

  /** From this round on the index is to have blocks. */
  indexFrom = 0;

  /** What is asked of the disk. */
  asked(): readonly string[] {
    return this.out.take().flatMap((effect) => {
      if (effect.kind === 'storeFrame') return [`store ${effect.index}`];
      if (effect.kind !== 'dropLog') return [];
      this.indexFrom = effect.fromRound;
      return [`drop below ${effect.below}`];
    });
  }

  keep(index: number, horizon: number): void {
    this.reach(index, horizon);
    this.certify(index);
    this.keeper.stored(index);
  }
}

describe('a frame is kept', () => {
  it('on a certificate of its very vote', () => {
    const bench = new Bench();
    bench.reach(4);
    bench.certify(6);
    bench.certify(4, Uint8Array.of(2));
    expect(bench.asked()).toEqual([]);
    bench.certify(4);
    bench.certify(4);
    expect(bench.asked()).toEqual(['store 4']);
    expect(bench.keeper.keptIndex).toBe(0);
    bench.keeper.stored(4);
    expect(bench.keeper.keptIndex).toBe(4);
  });

  it('when the log has what it follows from, and not before', () => {
    const bench = new Bench();
    bench.persistence.lastToken = 3;
    bench.reach(4);
    bench.certify(4);
    bench.keeper.written(2);
    expect(bench.asked()).toEqual([]);
    expect(bench.expedited).toBeGreaterThan(0);
    bench.keeper.written(3);
    expect(bench.asked()).toEqual(['store 4']);
  });

  it('not before, though the log is on disk', () => {
    const bench = new Bench();
    bench.reach(4, 1);
    bench.keeper.written(9);
    expect(bench.asked()).toEqual([]);
    bench.certify(4);
    expect(bench.asked()).toEqual(['store 4']);
  });
});

describe('the log goes', () => {
  function logged(bench: Bench): void {
    for (const [segment, round] of [5, 10, 15, 20].entries()) {
      bench.dag.highestRound = round;
      bench.keeper.logged(segment + 1, 100);
    }
  }

  it('behind the older of two frames, and not behind one', () => {
    const bench = new Bench();
    logged(bench);
    bench.keep(4, 16);
    expect(bench.asked()).toEqual(['store 4']);
    bench.keep(8, 18);
    expect(bench.asked()).toEqual(['store 8', 'drop below 4']);
    expect(bench.indexFrom).toBe(16);
  });

  it('no further than the older horizon, and the segment in use stays', () => {
    const bench = new Bench();
    logged(bench);
    bench.keep(4, 11);
    bench.keep(8, 99);
    expect(bench.asked()).toEqual(['store 4', 'store 8', 'drop below 3']);
    bench.keep(12, 99);
    expect(bench.asked()).toEqual(['store 12', 'drop below 4']);
  });

  it('and leaves as much as is kept for whoever has lost its disk', () => {
    const bench = new Bench(0, 150);
    logged(bench);
    bench.keep(4, 99);
    bench.keep(8, 99);
    expect(bench.asked()).toEqual(['store 4', 'store 8', 'drop below 3']);
  });

  it('as far as every other member has come, unless it is too much', () => {
    const bench = new Bench(1_000);
    logged(bench);
    for (const [member, horizon] of [
      [1, 12],
      [2, 7],
      [3, 99],
    ] as const) {
      bench.keeper.heard(member, horizon);
    }
    bench.keep(4, 16);
    bench.keep(8, 16);
    expect(bench.asked()).toEqual(['store 4', 'store 8', 'drop below 2']);
    bench.keeper.logged(9, 2_000);
    bench.keep(12, 16);
    expect(bench.asked()).toEqual(['store 12', 'drop below 4']);
  });
});
