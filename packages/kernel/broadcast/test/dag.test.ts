// Tests of support, delivery and the horizon on random DAGs.
import { asDigest } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Block, compareRefs, Dag, hasSkipped, type Ref, virtualRef } from '../src/index.ts';
import {
  bareBlock,
  CELL,
  committeeOf,
  indexed,
  Random,
  type RandomDag,
  randomDag,
  randomView,
} from './dags.ts';
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

const chosen = (blocks: readonly Block[], author: number): readonly Block[] =>
  blocks.filter((block) => block.header.author === author);

describe('an author that leaves its chain (R14, R15)', () => {
  it('has no two blocks delivered that are not on one chain', () => {
    const reached = { kept: 0, forked: 0, prevented: 0 };
    const check = (seed: number): void => {
      const { blocks, committee, liars } = randomDag(seed);
      const naive = new Naive(blocks, committee);
      const dag = new Dag(committee, CELL);
      insertAll(dag, blocks);
      for (const liar of liars) {
        const delivered = chosen(blocks, liar).filter((block) => dag.delivered(block.ref));
        const whole = new Set(delivered.flatMap((block) => naive.ownChain(block)));
        expect(naive.areChain([...whole])).toBe(true);
        if (naive.areChain(chosen(blocks, liar))) continue;
        reached.forked++;
        if (delivered.length > 0) reached.kept++;
        const supported = chosen(blocks, liar).filter((block) => naive.isSupported(block));
        if (!naive.areChain(supported.flatMap((b) => naive.ownChain(b)))) reached.prevented++;
      }
    };
    fc.assert(fc.property(seeds, check), { numRuns: 150 });
    expect(reached.forked).toBeGreaterThan(80);
    expect(reached.kept).toBeGreaterThan(20);
    expect(reached.prevented).toBeGreaterThan(10);
  });

  it('costs the honest nothing: what q of them support is delivered', () => {
    let delivered = 0;
    let skips = 0;
    const check = (seed: number): void => {
      const { blocks, committee, liars } = randomDag(seed);
      const naive = new Naive(blocks, committee);
      const dag = new Dag(committee, CELL);
      insertAll(dag, blocks);
      for (const block of blocks) {
        const { author, round, parents } = block.header;
        if (liars.has(author)) continue;
        if ((parents[0] as Ref).round < round - 1) skips++;
        expect(dag.delivered(block.ref)).toBe(naive.isSupported(block));
        if (dag.delivered(block.ref)) delivered++;
      }
    };
    fc.assert(fc.property(seeds, check), { numRuns: 60 });
    expect(delivered).toBeGreaterThan(1_000);
    expect(skips).toBeGreaterThan(30);
  });

  it('is shown by evidence in every view that has two branches of it, and nobody else is', () => {
    const reached = { slots: 0, skips: 0 };
    const check = (seed: number): void => {
      const generated = randomDag(seed);
      const random = new Random(seed);
      const view = randomView(generated, random, random.between(20, 100));
      const naive = new Naive(view, generated.committee);
      const byDigest = indexed(view);
      const dag = new Dag(generated.committee, CELL);
      const accused = new Set<number>();
      for (const { evidence } of view.map((block) => dag.insert(block))) {
        if (evidence === undefined) continue;
        // A bare block's header bytes are its digest.
        const [a, b] = [evidence.a, evidence.b].map(({ header }) => byDigest.get(header as never));
        const [low, high] = [a?.header, b?.header];
        if (low === undefined || high === undefined) return expect.fail('two held blocks');
        expect(low.author).toBe(high.author);
        if (low.round === high.round) reached.slots++;
        else reached.skips++;
        expect(low.round === high.round || hasSkipped(high, low)).toBe(true);
        accused.add(low.author);
      }
      for (const author of generated.committee.members.keys()) {
        expect(accused.has(author)).toBe(!naive.areChain(chosen(view, author)));
      }
    };
    fc.assert(fc.property(seeds, check), { numRuns: 150 });
    expect(reached.slots).toBeGreaterThan(50);
    expect(reached.skips).toBeGreaterThan(50);
  });
});

/** Six rounds in which 0, 1 and 2 see everything, and 3 stands twice on its first block. */
function forkedRounds(): Block[] {
  const digest = (round: number, author: number) =>
    asDigest(new Uint8Array(32).fill(8 * round + author));
  const rows: Block[][] = [[0, 1, 2, 3].map((author) => block(1, author, []))];
  const first = rows[0]?.[3] as Block;
  const last = new Map([[3, first]]);
  function block(round: number, author: number, parents: readonly Block[]): Block {
    const virtual = [0, 1, 2, 3].map((other) => virtualRef(CELL, other));
    const refs = round === 1 ? virtual : parents.map(({ ref }) => ref);
    const rank = ({ author: other }: Ref): number => (other === author ? -1 : other);
    refs.sort((a, b) => rank(a) - rank(b));
    return bareBlock({ round, author }, refs, digest(round, author), 1_000);
  }
  for (let round = 2; round <= 9; round++) {
    const below = rows.at(-1) as Block[];
    const row = [0, 1, 2].map((author) => block(round, author, below));
    const own = round === 4 ? first : last.get(3);
    if (round % 2 === 0 && own) {
      const others = below.filter(({ ref }) => ref.author !== 3);
      last.set(3, block(round, 3, [own, ...others]));
      row.push(last.get(3) as Block);
    }
    rows.push(row);
  }
  return rows.flat();
}

describe('horizon', () => {
  it('lets no chain forget a fork that it has seen', () => {
    const blocks = forkedRounds();
    const [second, , sixth] = blocks.filter(({ ref }) => ref.author === 3).slice(1);
    const run = (raisedAfter: number): { dag: Dag; convicted: boolean } => {
      const dag = new Dag(committeeOf(4, 8, 20), CELL);
      let convicted = false;
      for (const block of blocks) {
        if (dag.insert(block).evidence) convicted = true;
        if (block.ref.round === raisedAfter) dag.raiseHorizon(2);
      }
      return { dag, convicted };
    };
    const unraised = run(99);
    expect(unraised.dag.delivered((second as Block).ref)).toBe(true);
    expect(unraised.dag.delivered((sixth as Block).ref)).toBe(false);
    expect(run(6).dag.delivered((sixth as Block).ref)).toBe(false);
    // Raised before anybody saw the second branch: the first is settled and out of sight.
    const early = run(3);
    expect(early.dag.delivered((sixth as Block).ref)).toBe(true);
    expect([unraised.convicted, early.convicted]).toEqual([true, false]);
  });

  it('changes no support, no vote for the honest, and hides forks only below itself', () => {
    let compared = 0;
    let forked = 0;
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
        const [less, more] = [whole.delivered(block.ref), cut.delivered(block.ref)];
        expect(generated.liars.has(block.header.author) ? less && !more : less !== more).toBe(
          false,
        );
        for (const slot of slots(generated)) {
          if (slot.round <= cut.horizon) continue;
          compared++;
          expect(cut.support(block.ref, slot)).toEqual(whole.support(block.ref, slot));
        }
      }
      const naive = new Naive(generated.blocks, generated.committee);
      for (const author of generated.liars) {
        const above = chosen(generated.blocks, author).filter((b) => cut.delivered(b.ref));
        const chain = new Set(above.flatMap((block) => naive.ownChain(block)));
        expect(naive.areChain([...chain].filter((b) => b.header.round > cut.horizon))).toBe(true);
        if (!naive.areChain(chosen(generated.blocks, author))) forked++;
      }
    };
    fc.assert(fc.property(seeds, check), { numRuns: 60 });
    expect(forked).toBeGreaterThan(20);
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
