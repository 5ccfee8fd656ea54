// The commit rule, exhaustively in the small: every view of every DAG agrees with the whole.
import { describe, expect, it } from 'vitest';
import { committeeOf } from '../../broadcast/test/dags.ts';
import { RULE_M } from '../src/index.ts';
import { type Reached, type Scope, SmallScope } from './small-scope.ts';

const committee = committeeOf(4, 4, 8);
/** The slot is in round 1, its first anchor in round 4, the certificates of that in round 6. */
const ROUNDS = 6;
const explore = (liar: number | undefined, other: Partial<Scope> = {}): Reached =>
  new SmallScope({ committee, rule: RULE_M, liar, rounds: ROUNDS, ...other }).run();

describe('Rule M on all DAGs of four members up to r + 5', () => {
  it.each([
    ['nobody', undefined, 800],
    ['the leader', 1, 700],
    ['the leader of its anchor', 0, 1_500],
    ['somebody else', 2, 700],
  ])('decides a slot alike in every view when %s equivocates', (_, liar, situationsMin) => {
    const { fork, fates, situations, views } = explore(liar);
    expect(fork).toBeUndefined();
    expect(situations).toBeGreaterThan(situationsMin);
    expect(views).toBeGreaterThan(20 * situationsMin);
    const ends = new Set([...fates.keys()].map((fate) => fate.split(' ')[0]));
    expect(ends).toEqual(new Set(['commit', 'skip', 'undecided']));
  });

  it('forks when an anchor may be one round lower, even among the honest', () => {
    const rule = { ...RULE_M, anchorFloor: 2 };
    const { fork } = explore(undefined, { rule, rounds: ROUNDS - 1, tellsCertifiers: true });
    expect(fork).toContain('skip');
    expect(fork).toContain('commit');
  });
});
