// Which commits are checkpoints (R27).
import { asDigest } from '@fatty/codec';
import { type Ordered, sealCommit } from '@fatty/order';
import { CHUNKS_MAX, chunkDigestOf, EMPTY_AGENDA } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { type Checkpoint, Checkpoints } from '../src/frames/checkpoints.ts';
import { makeCell } from './world.ts';

const digest = asDigest(new Uint8Array(32));
const { committee } = makeCell(4);
const K = committee.params.checkpointCommits;

const copying = { bytesMin: 300, chunkBytes: 64 };
/** Its state has so many bytes as told. */
const machineOf = (bytes: number) => ({ snapshot: () => new Uint8Array(bytes) });
const machine = machineOf(1);

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
    bytes: new Uint8Array(100),
    header: { ts: commitTs },
    batches: ops ? [1] : [],
    unsigned: [],
    body: { evidence: [], statements: [] },
  };
  return { ...commit, content: [block], convicted: [], agenda: EMPTY_AGENDA } as unknown as Ordered;
}

/** The checkpoints among commits that each carry something (`+`), tell (`!`) or nothing (`.`), `stepMs` apart. */
function checkpoints(carried: string, stepMs: number, first = 1): readonly number[] {
  const points = new Checkpoints({ committee, copying, machine });
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

describe('a checkpoint is a copy point (R28)', () => {
  /** Of commits of 100 bytes each, all of them checkpoints. */
  function copyPoints(points: Checkpoints, from: number, to: number): readonly Checkpoint[] {
    return Array.from({ length: to - from + 1 }, (_, i) => {
      const checkpoint = points.committed(ordered(from + i, 250 * (from + i), true));
      return checkpoint ?? [];
    })
      .flat()
      .filter(({ frame }) => frame.copy !== undefined);
  }
  const points = (bytes: number) =>
    new Checkpoints({ committee, copying, machine: machineOf(bytes) });
  const at = (checkpoints: readonly Checkpoint[]) => checkpoints.map(({ frame }) => frame.index);

  it('when so much was committed since the last one, and twice what the state took', () => {
    expect(at(copyPoints(points(1), 1, 10))).toEqual([3, 6, 9]);
    expect(at(copyPoints(points(250), 1, 14))).toEqual([3, 8, 13]);
  });

  it('for who goes on behind one as for who has seen everything', () => {
    const whole = copyPoints(points(250), 1, 30);
    for (const [i, { frame }] of whole.entries()) {
      const later = points(250);
      const known = Array.from({ length: frame.index }, (_, at) => at + 1);
      later.resume(
        frame,
        known.map((index) => ordered(index, 250 * index, true)),
      );
      expect(copyPoints(later, frame.index + 1, 30)).toEqual(whole.slice(i + 1));
    }
    expect(whole.length).toBeGreaterThan(4);
  });

  it('names its payload, chunk by chunk', () => {
    for (const { frame, payload } of copyPoints(points(250), 1, 30)) {
      const { copy } = frame;
      if (copy === undefined || payload === undefined) throw new Error('a copy point');
      expect(payload.length).toBe(copy.commitsBytes + copy.stateBytes);
      const chunks = copy.chunks.map((_, i) => payload.subarray(i * 64, (i + 1) * 64));
      expect(chunks.map(chunkDigestOf)).toEqual(copy.chunks);
      expect(chunks.at(-1)?.length).toBeGreaterThan(0);
    }
  });

  it('unless a frame cannot name all the chunks: it has none then, and the next is as far', () => {
    const huge = new Checkpoints({
      committee,
      copying: { bytesMin: 300, chunkBytes: 1 },
      machine: machineOf(CHUNKS_MAX),
    });
    expect(copyPoints(huge, 1, 30)).toEqual([]);
  });
});
