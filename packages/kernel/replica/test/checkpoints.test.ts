// Which commits are checkpoints (R27).
import { asDigest } from '@fatty/codec';
import { type Ordered, sealCommit } from '@fatty/order';
import { EMPTY_AGENDA } from '@fatty/protocol';
import { expect, it } from 'vitest';
import { Checkpoints } from '../src/frames/checkpoints.ts';
import { makeCell } from './world.ts';

const digest = asDigest(new Uint8Array(32));
const { committee } = makeCell(4);
const K = committee.params.checkpointCommits;

/** Commit `index`, `atMs` after the genesis; `ops`: it carries something. */
function ordered(index: number, atMs: number, ops: boolean): Ordered {
  const ref = { round: index, author: 0, digest };
  const commitTs = committee.genesisTs + atMs;
  const commit = sealCommit({
    index,
    prevDigest: digest,
    leader: ref,
    blocks: [ref],
    commitTs,
    leaseClock: commitTs,
    horizon: 0,
  });
  const block = {
    ref,
    header: { ts: commitTs },
    batches: ops ? [1] : [],
    unsigned: [],
    body: { evidence: [], statements: [] },
  };
  return { ...commit, content: [block], convicted: [], agenda: EMPTY_AGENDA } as unknown as Ordered;
}

/** The checkpoints among commits that each carry something (`+`), tell (`!`) or nothing (`.`), `stepMs` apart. */
function checkpoints(carried: string, stepMs: number, first = 1): readonly number[] {
  const points = new Checkpoints(committee);
  return Array.from(carried).flatMap((one, i) => {
    const index = first + i;
    return points.committed(ordered(index, stepMs * (i + 1), one === '+'), one === '!')
      ? [index]
      : [];
  });
}

it('is every K-th commit, whatever it carries', () => {
  expect(checkpoints('.'.repeat(2 * K), 1)).toEqual([K, 2 * K]);
  expect(checkpoints('+'.repeat(2 * K), 1)).toEqual([K, 2 * K]);
});

it('is none where nothing is uncovered', () => {
  expect(checkpoints('.....', 1_000)).toEqual([]);
  expect(checkpoints('+....', 1_000)).toEqual([1]);
});

it('covers what ends by the clock alone', () => {
  expect(checkpoints('...!..', 100)).toEqual([4]);
  expect(checkpoints('+!.', 40)).toEqual([3]);
});

it('is one 250 ms after the last while all carry something', () => {
  expect(checkpoints('++++++++', 100)).toEqual([3, 6]);
});

it('is one that carries nothing, 50 ms after the last: at rest, and not for each op of a client', () => {
  expect(checkpoints('+.', 100)).toEqual([2]);
  expect(checkpoints('+..+..+..', 10)).toEqual([5]);
});
