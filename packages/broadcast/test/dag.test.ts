import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Block, compareRefs, Dag, type Ref } from '../src/index.ts';
import { CELL, Random, type RandomDag, randomDag, randomView } from './dags.ts';
import { Naive } from './naive.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

function insertAll(dag: Dag, blocks: readonly Block[]): Ref[] {
  return blocks.flatMap((block) => dag.insert(block).delivered);
}

function sorted(refs: readonly Ref[]): readonly Ref[] {
  return [...refs].sort(compareRefs);
}

function slots(dag: RandomDag): { author: number; round: number }[] {
  const rounds = Math.max(...dag.blocks.map((block) => block.header.round));
  return dag.committee.members.flatMap((_, author) =>
    Array.from({ length: rounds }, (_, i) => ({ author, round: i + 1 })),
  );
}

describe('support (R14)', () => {
  it('is the first block of the slot, depth first in stored order, whatever came when', () => {
    const reached = { equivocating: 0, bottom: 0, far: 0 };
    const check = (seed: number): void => {
      const generated = randomDag(seed);
      const random = new Random(seed);
      const view = randomView(generated, random, 60);
      const dag = new Dag(generated.committee, CELL);
      insertAll(dag, view);
      const naive = new Naive(view, generated.committee);
      if (generated.equivocations > 0) reached.equivocating++;
      for (const x of random.shuffled(view).slice(0, 12)) {
        for (const slot of slots(generated)) {
          if (slot.round >= x.header.round) continue;
          const expected = naive.support(x, slot);
          if (!expected) reached.bottom++;
          if (expected && slot.round < x.header.round - 1) reached.far++;
          expect(dag.support(x.ref, slot)).toEqual(expected?.ref);
        }
      }
    };
    fc.assert(fc.property(seeds, check), { numRuns: 150 });
    expect(reached.equivocating).toBeGreaterThan(50);
    expect(reached.bottom).toBeGreaterThan(500);
    expect(reached.far).toBeGreaterThan(5_000);
  });

  it('never changes along a chain', () => {
    const check = (seed: number): void => {
      const generated = randomDag(seed);
      const dag = new Dag(generated.committee, CELL);
      insertAll(dag, generated.blocks);
      for (const block of generated.blocks) {
        const own = block.header.parents[0] as Ref;
        for (const slot of slots(generated)) {
          const before = dag.support(own, slot);
          if (before) expect(dag.support(block.ref, slot)).toEqual(before);
        }
      }
    };
    fc.assert(fc.property(seeds, check), { numRuns: 30 });
  });
});

describe('delivery (R15)', () => {
  it('is exact, announced once, at most one block per slot, in any order of arrival', () => {
    const reached = { delivered: 0, undelivered: 0, sealed: 0 };
    const check = (seed: number): void => {
      const generated = randomDag(seed);
      const view = randomView(generated, new Random(seed), 100);
      const naive = new Naive(view, generated.committee);
      const expected = view.filter((block) => naive.isDelivered(block)).map((block) => block.ref);
      const dag = new Dag(generated.committee, CELL);
      const announced = insertAll(dag, view);
      expect(sorted(announced)).toEqual(sorted(expected));
      for (const block of view) {
        expect(dag.delivered(block.ref)).toBe(expected.includes(block.ref));
      }
      const places = new Set(expected.map(({ round, author }) => `${round}/${author}`));
      expect(places.size).toBe(expected.length);
      reached.delivered += expected.length;
      reached.undelivered += view.length - expected.length;
      if (view.some((block) => block.header.seal)) reached.sealed++;
    };
    fc.assert(fc.property(seeds, check), { numRuns: 100 });
    expect(reached.delivered).toBeGreaterThan(1_000);
    expect(reached.undelivered).toBeGreaterThan(500);
    expect(reached.sealed).toBeGreaterThan(2);
  });
});

describe('horizon', () => {
  it('changes no support and no vote above itself', () => {
    let compared = 0;
    const check = (seed: number): void => {
      const generated = randomDag(seed);
      const whole = new Dag(generated.committee, CELL);
      const cut = new Dag(generated.committee, CELL);
      const random = new Random(seed);
      for (const block of generated.blocks) {
        if (random.chance(15)) cut.raiseHorizon(block.header.round - random.between(2, 6));
        if (block.header.round <= cut.horizon) continue;
        whole.insert(block);
        cut.insert(block);
      }
      for (const block of generated.blocks) {
        if (block.header.round <= cut.horizon) continue;
        expect(cut.delivered(block.ref)).toBe(whole.delivered(block.ref));
        for (const slot of slots(generated)) {
          if (slot.round <= cut.horizon) continue;
          compared++;
          expect(cut.support(block.ref, slot)).toEqual(whole.support(block.ref, slot));
        }
      }
    };
    fc.assert(fc.property(seeds, check), { numRuns: 60 });
    expect(compared).toBeGreaterThan(5_000);
  });

  it('drops what it passes and counts what is held', () => {
    const { blocks, committee } = randomDag(5, { n: 4, rounds: 20, v: 3, gapExtra: 1 });
    const dag = new Dag(committee, CELL);
    insertAll(dag, blocks);
    expect(dag.size).toBe(blocks.length);
    dag.raiseHorizon(12);
    dag.raiseHorizon(3);
    const above = blocks.filter((block) => block.header.round > 12);
    expect(dag.horizon).toBe(12);
    expect(dag.size).toBe(above.length);
    for (const block of blocks) expect(dag.has(block.ref)).toBe(block.header.round > 12);
    const low = blocks[0] as Block;
    expect(dag.insert(low)).toEqual({ added: false, delivered: [] });
    expect(above.every((block) => dag.missingParents(block).length === 0)).toBe(true);
  });
});
