// Test helper: makes DAGs by hand and feeds them to an orderer.
import { type Block, type Dag, type Ref, virtualRef } from '@fatty/broadcast';
import { asDigest } from '@fatty/codec';
import { bareBlock, CELL, type Random } from '../../broadcast/test/dags.ts';
import { type Ordered, Orderer } from '../src/index.ts';

/** Inserts, advancing after `percent` of the blocks and at the end. */
export function run(
  blocks: readonly Block[],
  dag: Dag,
  percent: number,
  random: Random,
): readonly Ordered[] {
  const orderer = new Orderer(dag, dag.committee);
  const commits: Ordered[] = [];
  for (const block of blocks) {
    dag.insert(block);
    if (random.chance(percent)) commits.push(...orderer.advance());
  }
  commits.push(...orderer.advance());
  return commits;
}

/** Hand-made DAGs: `at(round, author, parents)`; `variant` tells equivocations apart. */
export function at(
  round: number,
  author: number,
  parents: readonly Block[],
  { variant = 0, ts = 1_000 + 10 * round }: { variant?: number; ts?: number } = {},
): Block {
  const digest = new Uint8Array(32);
  new DataView(digest.buffer).setUint32(0, round);
  digest[4] = author;
  digest[5] = variant;
  const refs = parents.map((parent) => parent.ref);
  return bareBlock({ round, author }, refs, asDigest(digest), ts);
}

/** A block of round 1 on the virtual blocks of all `n` members, own first. */
export function first(
  author: number,
  n: number,
  options: { variant?: number; ts?: number } = {},
): Block {
  const block = at(1, author, [], options);
  const others = Array.from({ length: n }, (_, i) => i).filter((i) => i !== author);
  const parents: Ref[] = [author, ...others].map((i) => virtualRef(CELL, i));
  return bareBlock({ round: 1, author }, parents, block.ref.digest, block.header.ts);
}

/** Own block first, then the others of the round by author: what an honest member signs. */
export function onAll(round: number, author: number, below: readonly Block[], ts?: number): Block {
  const own = below.filter((block) => block.ref.author === author);
  const others = below.filter((block) => block.ref.author !== author);
  return at(round, author, [...own, ...others], ts === undefined ? {} : { ts });
}
