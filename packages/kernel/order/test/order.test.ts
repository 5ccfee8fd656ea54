// Tests of the orderer against the oracle, on random DAGs with equivocators.
import { Dag } from '@fatty/broadcast';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CELL, Random, randomDag, randomView } from '../../broadcast/test/dags.ts';
import type { Ordered } from '../src/index.ts';
import { NaiveOrder } from './naive.ts';
import { run } from './run.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe('Orderer on random equivocating DAGs', () => {
  it('does what R16–R20 say, whatever the order of arrival', () => {
    const reached = { commits: 0, blocks: 0, gaps: 0 };
    const check = (seed: number): void => {
      const generated = randomDag(seed);
      const random = new Random(seed + 1);
      const view = randomView(generated, random, random.between(20, 100));
      const commits = run(view, new Dag(generated.committee, CELL), 0, random);
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
        const last = commits[i - 1];
        if (last && commit.leader.round > last.leader.round + 3) reached.gaps++;
      }
      reached.commits += commits.length;
    };
    fc.assert(fc.property(seeds, check), { numRuns: 300 });
    expect(reached.commits).toBeGreaterThan(400);
    expect(reached.blocks).toBeGreaterThan(2_000);
    expect(reached.gaps).toBeGreaterThan(20);
  });

  it('keeps commit time inside the honest range of the round it is read from (S11)', () => {
    let moved = 0;
    const check = (seed: number): void => {
      const { blocks, committee, liars } = randomDag(seed);
      const commits = run(blocks, new Dag(committee, CELL), 30, new Random(seed));
      let last = committee.genesisTs;
      for (const { leader, commitTs } of commits) {
        expect(commitTs).toBeGreaterThanOrEqual(last);
        const stamps = blocks
          .filter(({ ref }) => ref.round === leader.round - 1 && !liars.has(ref.author))
          .map((block) => block.header.ts);
        if (commitTs > last) {
          moved++;
          expect(commitTs).toBeGreaterThanOrEqual(Math.min(...stamps));
          expect(commitTs).toBeLessThanOrEqual(Math.max(...stamps));
        }
        last = commitTs;
      }
    };
    fc.assert(fc.property(seeds, check), { numRuns: 200 });
    expect(moved).toBeGreaterThan(300);
  });

  it('answers the same step by step as at once, while old blocks fall away', () => {
    let dropped = 0;
    const check = (seed: number): void => {
      const generated = randomDag(seed);
      const whole = new Dag(generated.committee, CELL);
      const atOnce = run(generated.blocks, whole, 0, new Random(seed));
      const dag = new Dag(generated.committee, CELL);
      const random = new Random(seed + 1);
      const stepwise: readonly Ordered[] = run(randomView(generated, random, 100), dag, 60, random);
      expect(stepwise).toEqual(atOnce);
      expect(dag.horizon).toBe(atOnce.at(-1)?.horizon ?? 0);
      dropped += generated.blocks.length - dag.size;
    };
    fc.assert(fc.property(seeds, check), { numRuns: 150 });
    expect(dropped).toBeGreaterThan(1_000);
  });
});
