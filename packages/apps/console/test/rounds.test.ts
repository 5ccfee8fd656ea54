// The picture of the protocol.
import { describe, expect, it } from 'vitest';
import { lanesOf, ROUNDS_DRAWN_MAX, readRounds } from '../src/model/rounds.ts';

const block = (stage: string, more: object = {}): object => {
  return { stage, late: false, twice: false, ...more };
};
const answer = {
  replica: 2,
  epoch: 0,
  rounds: [
    { round: 7, leaders: [0], blocks: [block('committed'), block('missing')] },
    {
      round: 8,
      leaders: [],
      blocks: [block('delivered', { late: true }), block('made', { twice: true })],
    },
    { round: 9, leaders: [], blocks: [block('awaited')] },
  ],
};

describe('the answer of a replica about its rounds', () => {
  it('becomes a lane for each replica, in words as well', () => {
    const seen = readRounds(answer);
    expect(seen?.replica).toBe(2);
    const lanes = seen === undefined ? [] : lanesOf(seen, 2);
    expect(lanes.map(({ squares }) => squares.map(({ stage }) => stage))).toEqual([
      ['committed', 'delivered', 'awaited'],
      ['missing', 'made', 'awaited'],
    ]);
    expect(lanes[0]?.squares[0]?.words).toBe('round 7, replica 0: committed, leader of a commit');
    expect(lanes.map(({ words }) => words)).toEqual([
      'replica 0, of 3 rounds: 1 committed, 1 delivered, 1 late',
      'replica 1, of 3 rounds: 1 made, 1 missing, 1 signed twice',
    ]);
  });

  it('is bounded by the newest rounds', () => {
    const rounds = Array.from({ length: 80 }, (_, round) => ({ round, leaders: [], blocks: [] }));
    const seen = readRounds({ replica: 0, rounds });
    expect(seen?.rounds).toHaveLength(ROUNDS_DRAWN_MAX);
    expect(seen?.rounds.at(-1)?.round).toBe(79);
  });

  it.each([
    undefined,
    null,
    'text',
    {},
    { rounds: 7 },
    { rounds: [null] },
    { rounds: [{ round: 1, leaders: [] }] },
    { rounds: [{ round: 1, leaders: [], blocks: [{ stage: 'eaten' }] }] },
    { rounds: [{ round: 1, leaders: [], blocks: [null] }] },
  ])('that is something else is no picture: %j', (value) => {
    expect(readRounds(value)).toBeUndefined();
  });
});
