import { type Block, Dag } from '@fatty/broadcast';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bareBlock, CELL, committeeOf, Random, randomDag, randomView } from '../../broadcast/test/dags.ts';
import { Orderer, type Ordered } from '../src/index.ts';
import { NaiveOrder } from './naive.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

export function run(blocks: readonly Block[], dag: Dag, everyPercent: number, random: Random): Ordered[] {
  const orderer = new Orderer(dag, dag.committee);
  const commits: Ordered[] = [];
  for (const block of blocks) {
    dag.insert(block);
    if (random.chance(everyPercent)) commits.push(...orderer.advance());
  }
  commits.push(...orderer.advance());
  return commits;
}

describe('Orderer', () => {
  it('does what R16–R20 say, whatever the order of arrival', () => {
    const reached = { commits: 0, blocks: 0, gaps: 0 };
    const check = (seed: number): void => {
      const generated = randomDag(seed);
      const random = new Random(seed + 1);
      // Rounds ascend in the whole set; a shuffled view may bring blocks that are already too low.
      const view = random.chance(50) ? generated.blocks : randomView(generated, random, 70);
      const dag = new Dag(generated.committee, CELL);
      const commits = run(view, dag, 0, random);
      const expected = new NaiveOrder(view, generated.committee).commits();
      expect(commits.length).toBe(expected.length);
      for (const [i, commit] of commits.entries()) {
        const want = expected[i] as (typeof expected)[number];
        expect(commit.leader).toEqual(want.leader.ref);
        expect(commit.content).toEqual(want.blocks);
        expect(commit.blocks).toEqual(want.blocks.map((block) => block.ref));
        const { commitTs, leaseClock, horizon } = want;
        expect(commit).toMatchObject({ index: i + 1, commitTs, leaseClock, horizon });
        reached.blocks += commit.blocks.length;
        if (i > 0 && commit.leader.round > (commits[i - 1] as Ordered).leader.round + 3) reached.gaps++;
      }
      reached.commits += commits.length;
    };
    fc.assert(fc.property(seeds, check), { numRuns: 200 });
    expect(reached.commits).toBeGreaterThan(300);
    expect(reached.blocks).toBeGreaterThan(1_500);
    expect(reached.gaps).toBeGreaterThan(20);
  });
});
