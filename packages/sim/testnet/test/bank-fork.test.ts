// Tests of a bank's owner that pays on two branches.
import { Bank, type Transfer } from '@fatty/bank';
import { type Block, compareRefs, Dag } from '@fatty/broadcast';
import { asPublicKey, asSessionId } from '@fatty/codec';
import type { Source } from '@fatty/interface';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CELL, Random, randomDag, randomView } from '../../../kernel/broadcast/test/dags.ts';
import { Naive } from '../../../kernel/broadcast/test/naive.ts';

const owner = (n: number) => asPublicKey(new Uint8Array(32).fill(n + 1));
const source = (author: number): Source => ({
  client: owner(author),
  session: asSessionId(new Uint8Array(32).fill(author)),
  seq: 0,
  index: 0,
  author: owner(author),
  basis: { epoch: 0, commit: 0 },
});

/**
 * What a liar puts into a block: the next number of the branch, to a receiver that hangs on the
 * block, so that two branches contradict each other.
 */
function payment(block: Block, naive: Naive, members: number): Transfer {
  const number = naive.ownChain(block).length;
  const other = 1 + ((block.ref.digest[0] as number) % (members - 1));
  return { number, to: (block.ref.author + other) % members, amount: 1n, deps: [] };
}

/** The delivered view (R21a): lowest block first, over balances that are enough for everything. */
function fold(
  delivered: readonly Block[],
  payments: ReadonlyMap<Block, Transfer>,
  n: number,
): Bank {
  const bank = new Bank(Array.from({ length: n }, (_, i) => ({ owner: owner(i), balance: 99n })));
  for (const block of [...delivered].sort((a, b) => compareRefs(a.ref, b.ref))) {
    bank.deliver(source(block.ref.author), payments.get(block) as Transfer);
  }
  return bank;
}

describe('a liar that pays on two branches of its chain', () => {
  it('has only one of them in the delivered view, which takes back no payment', () => {
    const reached = { forks: 0, grown: 0, supportedTwice: 0 };
    const check = (seed: number): void => {
      const generated = randomDag(seed);
      const { blocks, committee, liars } = generated;
      const n = committee.members.length;
      const naive = new Naive(blocks, committee);
      const payments = new Map(blocks.map((block) => [block, payment(block, naive, n)]));
      const dag = new Dag(committee, CELL);
      const delivered: Block[] = [];
      const received = Array.from({ length: n }, () => 99n);
      for (const block of randomView(generated, new Random(seed), 100)) {
        const news = dag.insert(block).delivered.map((ref) => dag.get(ref) as Block);
        delivered.push(...news.filter(({ ref }) => liars.has(ref.author)));
        if (news.length === 0) continue;
        const bank = fold(delivered, payments, n);
        for (let to = 0; to < n; to++) {
          if (liars.has(to)) continue;
          // The honest pay nothing here, so what they were shown never shrinks.
          expect(bank.balance(to)).toBeGreaterThanOrEqual(received[to] as bigint);
          if (bank.balance(to) > (received[to] as bigint)) reached.grown++;
          received[to] = bank.balance(to);
        }
      }
      const ofLiars = blocks.filter(({ ref }) => liars.has(ref.author));
      for (const liar of liars) {
        const own = ofLiars.filter(({ ref }) => ref.author === liar);
        if (!naive.areChain(own)) reached.forks++;
        const supported = own.filter((block) => naive.isSupported(block));
        const numbers = supported.map((block) => payments.get(block)?.number);
        if (new Set(numbers).size < numbers.length) reached.supportedTwice++;
      }
    };
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), check), { numRuns: 120 });
    expect(reached.forks).toBeGreaterThan(60);
    expect(reached.grown).toBeGreaterThan(100);
    // Support alone would have delivered two payments of one number.
    expect(reached.supportedTwice).toBeGreaterThan(5);
  });
});
