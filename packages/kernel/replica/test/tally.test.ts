// Tests of how many votes are kept.
import type { Signature } from '@fatty/interface';
import { expect, it } from 'vitest';
import { type CastVote, Tally, VOTES_KEPT } from '../src/frames/tally.ts';
import { makeCell } from './cell.ts';

const { committee } = makeCell(4);

const castAt = (index: number): CastVote => {
  const core = Uint8Array.of(index);
  return { index, signed: { author: 2, core, sig: new Uint8Array(64) as Signature } };
};

it('of each member the newest are kept, however many come', () => {
  const tally = new Tally(committee);
  for (let index = 1; index <= 5 * VOTES_KEPT; index++) tally.add(castAt(index));
  const known = Array.from({ length: 5 * VOTES_KEPT }, (_, i) => castAt(i + 1)).filter((cast) =>
    tally.isKnown(cast),
  );
  expect(known.map(({ index }) => index)).toEqual(
    Array.from({ length: VOTES_KEPT }, (_, i) => 4 * VOTES_KEPT + i + 1),
  );
});
