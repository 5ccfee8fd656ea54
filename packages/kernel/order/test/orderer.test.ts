// Tests of the orderer on small DAGs.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Block, Dag, type Evidence, headerShape } from '@fatty/broadcast';
import {
  asDigest,
  asPublicKey,
  asSessionId,
  asSignature,
  compareBytes,
  encode,
  equalBytes,
} from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { batchId, DEFAULT_PARAMS, EMPTY_AGENDA, memberKey } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { CELL, committeeOf } from '../../broadcast/test/dags.ts';
import { commitInput, decide, Memo, Orderer, RULE_M, ruleA, sealCommit } from '../src/index.ts';
import { at, first, onAll } from './run.ts';

const four = committeeOf(4, 8, 20);
const authors = [0, 1, 2, 3];

/** `rounds` rounds in which everybody references everybody. */
function fullRounds(rounds: number, ts?: (round: number, author: number) => number): Block[][] {
  const all: Block[][] = [];
  for (let round = 1; round <= rounds; round++) {
    const below = all.at(-1) ?? [];
    const make = (author: number): Block => {
      const stamp = ts?.(round, author);
      if (round > 1) return onAll(round, author, below, stamp);
      return first(author, 4, stamp === undefined ? {} : { ts: stamp });
    };
    all.push(authors.map(make));
  }
  return all;
}

function ordererOf(blocks: readonly Block[]): { dag: Dag; orderer: Orderer } {
  const dag = new Dag(four, CELL);
  for (const block of blocks) dag.insert(block);
  return { dag, orderer: new Orderer(dag, four) };
}

describe('Orderer', () => {
  it('commits each leader two rounds later and chains the commits', () => {
    const { orderer } = ordererOf(fullRounds(6).flat());
    const commits = orderer.advance();
    expect(commits.map((commit) => commit.leader.round)).toEqual([1, 2, 3, 4]);
    expect(commits.map((commit) => commit.leader.author)).toEqual([1, 2, 3, 0]);
    expect(commits.map((commit) => commit.blocks.length)).toEqual([1, 4, 4, 4]);
    for (const [i, commit] of commits.entries()) {
      expect(commit.index).toBe(i + 1);
      expect(commit.prevDigest).toEqual(commits[i - 1]?.digest ?? CELL);
      const { digest, content, convicted, agenda, isFinal, ...core } = commit;
      expect([agenda, isFinal]).toEqual([EMPTY_AGENDA, false]);
      expect(sealCommit(core).digest).toEqual(digest);
      expect(content.length + convicted.length).toBe(core.blocks.length);
      expect(commit.blocks.at(-1)).toEqual(commit.leader);
    }
    expect(orderer.lastDecidedRound).toBe(4);
    expect(orderer.lastCommit?.index).toBe(4);
    expect(orderer.leaderOf(6)).toBe(2);
    expect(orderer.advance()).toEqual([]);
  });

  it('goes on behind the last commit of an epoch before', () => {
    const digest = asDigest(new Uint8Array(32).fill(9));
    const origin = { root: CELL, index: 500, digest, leaseClock: 400 };
    const dag = new Dag({ ...four, epoch: 3 }, CELL, origin);
    for (const block of fullRounds(5).flat()) dag.insert(block);
    const orderer = new Orderer(dag, dag.committee);
    expect([orderer.lastIndex, orderer.lastCommit]).toEqual([500, undefined]);
    const commits = orderer.advance();
    expect(commits.map(({ index }) => index)).toEqual([501, 502, 503]);
    expect(commits[0]?.prevDigest).toEqual(digest);
    // genesisTs is 1000, and the lease clock goes on from where it stood, not from there.
    expect(commits.map(({ commitTs }) => commitTs)).toEqual([1_000, 1_010, 1_020]);
    expect(commits.map(({ leaseClock }) => leaseClock)).toEqual([400, 410, 420]);
    expect(orderer.lastIndex).toBe(503);
  });

  it('tells committed blocks from waiting ones', () => {
    const rounds = fullRounds(6);
    const { orderer } = ordererOf(rounds.flat());
    orderer.advance();
    const [inCone, notYet] = [rounds[2]?.[1] as Block, rounds[4]?.[1] as Block];
    expect(orderer.isCommitted(inCone.ref)).toBe(true);
    expect(orderer.isCommitted(notYet.ref)).toBe(false);
  });

  it('stamps a commit with the lower median, never backwards, and slows the lease clock', () => {
    const jump = DEFAULT_PARAMS.leaseStepMsMax * 10;
    const stamps = (round: number, author: number): number => {
      if (author === 3) return 0;
      return 5_000 + (round >= 4 ? jump : 0) + author * 100;
    };
    const commits = ordererOf(fullRounds(8, stamps).flat()).orderer.advance();
    // The virtual blocks carry genesisTs; then the second of 0, 5000, 5100, 5200.
    const times = commits.map((commit) => commit.commitTs);
    expect(times).toEqual([1_000, 5_000, 5_000, 5_000, 5_000 + jump, 5_000 + jump]);
    const clocks = commits.map((commit) => commit.leaseClock);
    expect(clocks).toEqual([1_000, 3_000, 3_000, 3_000, 5_000, 5_000]);
  });

  it('convicts an accused author once, in the commit that first orders the evidence', () => {
    const accuse = (author: number): Evidence => {
      const sig = asSignature(new Uint8Array(64));
      const signed = { header: encode(headerShape, first(author, 4).header), sig };
      return { a: signed, b: signed };
    };
    const accusers = new Map([
      ['1/0', [accuse(3), accuse(2)]],
      ['1/2', [accuse(2)]],
      ['2/1', [accuse(2)]],
      ['3/3', [accuse(1)]],
    ]);
    const blocks = fullRounds(6)
      .flat()
      .map((block) => {
        const evidence = accusers.get(`${block.ref.round}/${block.ref.author}`) ?? [];
        return { ...block, body: { ...block.body, evidence } };
      });
    const { dag, orderer } = ordererOf(blocks);
    const inputs = orderer.advance().map((commit) => commitInput(commit, dag));
    const keys = (...accused: number[]): PublicKey[] =>
      accused.map((author) => memberKey(four, author)).sort(compareBytes);
    expect(inputs.map(({ evidence }) => evidence)).toEqual([[], keys(2, 3), keys(1), []]);
  });

  it('halts on two certified blocks in one slot, as data', () => {
    const [r0, r2, r3] = [0, 2, 3].map((author) => first(author, 4)) as [Block, Block, Block];
    const [l, m] = [first(1, 4), first(1, 4, { variant: 1 })];
    const one = [at(2, 0, [r0, l, r2]), at(2, 1, [l, r0, r2]), at(2, 2, [r2, r0, l])] as const;
    const two = [
      at(2, 1, [m, r2, r3], { variant: 1 }),
      at(2, 2, [r2, m, r3], { variant: 1 }),
      at(2, 3, [r3, m, r2]),
    ] as const;
    const c = at(3, 0, [one[0], one[1], one[2]]);
    const d = at(3, 3, [two[2], two[0], two[1]]);
    const { dag, orderer } = ordererOf([r0, r2, r3, l, m, ...one, ...two, c, d]);
    expect(orderer.advance()).toEqual([]);
    expect(orderer.halted).toEqual({ round: 1, certified: [l.ref, m.ref] });
    expect(orderer.lastDecidedRound).toBe(0);
    expect(orderer.advance()).toEqual([]);
    expect(decide(dag, four, RULE_M, 0)).toMatchObject([{ kind: 'conflict', round: 1 }]);
  });

  it('keeps no more than the window, however long it runs', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const dag = new Dag(four, CELL);
    const orderer = new Orderer(dag, four);
    const heap: number[] = [];
    let below: Block[] = authors.map((author) => first(author, 4));
    for (let round = 2; round <= 12_000; round++) {
      for (const block of below) dag.insert(block);
      below = authors.map((author) => onAll(round, author, below));
      orderer.advance();
      if (round % 6_000 !== 0) continue;
      collect();
      heap.push(process.memoryUsage().heapUsed);
    }
    expect(orderer.lastCommit?.index).toBeGreaterThan(11_990);
    expect(dag.size).toBeLessThan(4 * 25);
    expect((heap[1] as number) - (heap[0] as number)).toBeLessThan(1_000_000);
  });
});

describe('decide', () => {
  it('gives the same answer with and without a memo, from any decided slot on', () => {
    const { dag } = ordererOf(fullRounds(9).flat());
    const all = decide(dag, four, RULE_M, 0);
    const memo = new Memo();
    expect(decide(dag, four, RULE_M, 0, memo)).toEqual(all);
    expect(decide(dag, four, RULE_M, 0, memo)).toEqual(all);
    expect(decide(dag, four, RULE_M, 4)).toEqual(all.slice(4));
  });

  it('skips a slot that a quorum blames and leaves open what neither quorum reached', () => {
    const ones = authors.map((author) => first(author, 4));
    const without = (blocks: Block[], author: number): Block[] =>
      blocks.filter((block) => block.ref.author !== author);
    const twos = [0, 2, 3].map((author) => onAll(2, author, without(ones, 1)));
    const { dag } = ordererOf([...ones, ...twos]);
    expect(decide(dag, four, RULE_M, 0)).toEqual([{ kind: 'skip', round: 1, direct: true }]);
    const two = ordererOf([...ones, ...twos.slice(1)]).dag;
    expect(decide(two, four, RULE_M, 0)).toEqual([]);
  });

  it('waits for the coin in rule A, also below decided slots', () => {
    const { dag } = ordererOf(fullRounds(16).flat());
    const known = ruleA((round) => round % 3);
    expect(decide(dag, four, known, 0).length).toBe(12);
    const hidden = ruleA((round) => (round === 3 ? undefined : round % 3));
    expect(decide(dag, four, hidden, 0).map((decision) => decision.round)).toEqual([1, 2]);
  });
});

describe('commitInput', () => {
  const batchOf = (tag: number): Block['batches'][number] => {
    const core = Uint8Array.of(tag);
    const batch = {
      client: asPublicKey(new Uint8Array(32).fill(tag)),
      session: asSessionId(new Uint8Array(32).fill(tag)),
      seq: tag,
      basis: { epoch: 0, commit: 0 },
      ops: [Uint8Array.of(tag)],
    };
    const signed = { core, sig: asSignature(new Uint8Array(64)) };
    return { id: batchId(core), batch, signed, opened: [`op ${tag}`] };
  };

  it('hands over every copy, linearised, with the author that carried it', () => {
    const rounds = fullRounds(4);
    const carried: Record<number, number[]> = { 0: [2, 1], 2: [1, 3] };
    const blocks = rounds.flat().map((block) => {
      const batches = block.ref.round === 1 ? (carried[block.ref.author] ?? []).map(batchOf) : [];
      return { ...block, batches };
    });
    const { dag, orderer } = ordererOf(blocks);
    const [, second] = orderer.advance();
    if (second === undefined) return expect.fail('two commits');
    const input = commitInput(second, dag);
    expect(input).toMatchObject({ index: 2, epoch: 0, evidence: [], unsigned: [] });
    const [first, , third] = dag.committee.members;
    expect(input.batches.map(({ seq, author }) => [seq, author])).toEqual([
      [2, first],
      [1, first],
      [1, third],
      [3, third],
    ]);
    const sample = batchOf(2);
    expect(equalBytes(input.batches[0]?.id ?? asDigest(new Uint8Array(32)), sample.id)).toBe(true);
  });
});
