// The order on twenty thousand random DAGs, against the oracle.
import { type Block, Dag, type Ref, refKey, type Vertex } from '@fatty/broadcast';
import { nodeScheme } from '@fatty/codec/node';
import { decide, linearise, type Ordered, Orderer, RULE_M, type Rule, ruleA } from '@fatty/order';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  CELL,
  Random,
  type RandomDag,
  randomDag,
  randomView,
} from '../../packages/kernel/broadcast/test/dags.ts';
import { sweep } from './check.ts';

/** A view run by the real code: insert, sometimes advance, advance once more at the end. */
interface Seen {
  readonly commits: readonly Ordered[];
  readonly delivered: readonly Ref[];
}

function see(generated: RandomDag, blocks: readonly Block[], advanceEvery: number): Seen {
  const dag = new Dag(generated.committee, CELL);
  const orderer = new Orderer(dag, generated.committee);
  const commits: Ordered[] = [];
  const delivered: Ref[] = [];
  for (const [i, block] of blocks.entries()) {
    delivered.push(...dag.insert(block).delivered);
    if (advanceEvery > 0 && i % advanceEvery === 0) commits.push(...orderer.advance());
  }
  commits.push(...orderer.advance());
  expect(orderer.halted).toBeUndefined();
  return { commits, delivered };
}

/** A view without garbage collection, for rules that are not shipped. */
function whole(generated: RandomDag, blocks: readonly Block[]): Dag {
  const dag = new Dag(generated.committee, CELL);
  for (const block of blocks) dag.insert(block);
  return dag;
}

/** What each decided slot came to, as text. */
function fates(dag: Dag, rule: Rule): string[] {
  return decide(dag, dag.committee, rule, 0).map((decision) =>
    decision.kind === 'commit' ? refKey(decision.leader.ref) : decision.kind,
  );
}

/** S3, S4: one is a prefix of the other. */
function conflict(a: readonly string[], b: readonly string[]): boolean {
  return a.some((fate, i) => i < b.length && b[i] !== fate);
}

function digests(seen: Seen): string[] {
  return seen.commits.map((commit) => refKey({ ...commit.leader, digest: commit.digest }));
}

const slotOf = (ref: Ref): string => `${ref.author}/${ref.round}`;

/** S2: slots where two different blocks were delivered, in any of the views. */
function deliveredTwice(views: readonly Seen[]): number {
  const bySlot = new Map<string, string>();
  let twice = 0;
  for (const ref of views.flatMap((seen) => seen.delivered)) {
    const first = bySlot.get(slotOf(ref)) ?? refKey(ref);
    bySlot.set(slotOf(ref), first);
    if (first !== refKey(ref)) twice++;
  }
  return twice;
}

/**
 * S8: delivered blocks that can no longer be committed. Votes end at round B + V, so a leader above
 * that must have taken the block along.
 */
function lost(
  delivered: readonly Ref[],
  committed: ReadonlySet<string>,
  lastLeader: number,
  v: number,
): number {
  const due = delivered.filter((ref) => ref.round + v + 1 <= lastLeader);
  return due.filter((ref) => !committed.has(refKey(ref))).length;
}

function lostBy(seen: Seen, views: readonly Seen[], generated: RandomDag): number {
  const committed = new Set(seen.commits.flatMap((commit) => commit.blocks.map(refKey)));
  const lastLeader = seen.commits.at(-1)?.leader.round ?? 0;
  const delivered = views.flatMap((view) => view.delivered);
  return lost(delivered, committed, lastLeader, generated.committee.params.supportRoundsMax);
}

/** Mutant: the horizon of a commit comes from its own leader instead of the commit before. */
function lostWithOwnHorizon(generated: RandomDag, delivered: readonly Ref[]): number {
  const dag = whole(generated, generated.blocks);
  const { horizonRounds, supportRoundsMax } = generated.committee.params;
  const committed = new Set<Vertex>();
  let lastLeader = 0;
  for (const decision of decide(dag, dag.committee, RULE_M, 0)) {
    if (decision.kind !== 'commit') continue;
    lastLeader = decision.round;
    const horizon = Math.max(0, lastLeader - horizonRounds);
    const blocks = linearise(decision.leader, horizon, (vertex) => committed.has(vertex));
    for (const vertex of blocks) committed.add(vertex);
  }
  const keys = new Set([...committed].map((vertex) => refKey(vertex.ref)));
  return lost(delivered, keys, lastLeader, supportRoundsMax);
}

const LOW_FLOOR: Rule = { ...RULE_M, name: 'M with anchor floor r + 2', anchorFloor: 2 };

function coinOf(seed: number, n: number): Rule {
  return ruleA((round) => new Random(seed * 1_000 + round).below(n));
}

const DAGS = sweep(20_000);

describe(`order and delivery on ${DAGS} random equivocating DAGs`, () => {
  beforeAll(() => {
    nodeScheme();
  });

  it('every view commits a prefix of one sequence, delivers a slot once, loses nothing', () => {
    const reached = {
      seven: 0,
      equivocating: 0,
      skips: 0,
      indirectCommits: 0,
      indirectSkips: 0,
      commits: 0,
      partial: 0,
      behind: 0,
      gaps: 0,
      delivered: 0,
      judged: 0,
    };
    for (let seed = 1; seed <= DAGS; seed++) {
      const generated = randomDag(seed);
      const random = new Random(seed);
      const full = see(generated, generated.blocks, 0);
      const some = see(generated, randomView(generated, random, random.between(5, 60)), 1);
      const most = see(generated, randomView(generated, random, 90), random.between(1, 9));
      const views = [full, some, most];
      const order = digests(full);
      for (const view of [some, most]) {
        const seen = digests(view);
        // Whatever a part of the DAG decides, the whole decides too, with equal bytes.
        if (seen.length > order.length || conflict(seen, order)) expect.fail(`S4, seed ${seed}`);
        if (seen.length > 0) reached.partial++;
        if (seen.length < order.length) reached.behind++;
      }
      if (deliveredTwice(views) > 0) expect.fail(`S2, seed ${seed}`);
      if (lostBy(full, views, generated) > 0) expect.fail(`S8, seed ${seed}`);
      if (generated.committee.members.length === 7) reached.seven++;
      if (generated.equivocations > 0) reached.equivocating++;
      reached.commits += full.commits.length;
      reached.delivered += full.delivered.length;
      const rounds = full.commits.map((commit) => commit.leader.round);
      const { horizonRounds } = generated.committee.params;
      if (rounds.some((r, i) => r - (rounds[i - 1] ?? r) > horizonRounds)) reached.gaps++;
      if (seed % 10 === 0) {
        const dag = whole(generated, generated.blocks);
        for (const { kind, ...rest } of decide(dag, dag.committee, RULE_M, 0)) {
          if (kind === 'skip') reached.skips++;
          if ('direct' in rest && !rest.direct && kind === 'skip') reached.indirectSkips++;
          if ('direct' in rest && !rest.direct && kind === 'commit') reached.indirectCommits++;
        }
        // S10: garbage collection on the way changes no decision.
        const leaders = fates(dag, RULE_M).filter((fate) => fate !== 'skip');
        expect(full.commits.map((commit) => refKey(commit.leader))).toEqual(leaders);
        reached.judged++;
      }
    }
    // A property that nothing happened to proves nothing.
    expect(reached.seven).toBeGreaterThan(DAGS / 5);
    expect(reached.equivocating).toBeGreaterThan(DAGS / 2);
    expect(reached.gaps).toBeGreaterThan(DAGS / 100);
    expect(reached.commits).toBeGreaterThan(DAGS * 3);
    expect(reached.delivered).toBeGreaterThan(DAGS * 20);
    expect(reached.partial).toBeGreaterThan(DAGS);
    expect(reached.behind).toBeGreaterThan(DAGS / 10);
    expect(reached.judged).toBe(DAGS / 10);
    expect(reached.skips).toBeGreaterThan(reached.judged);
    expect(reached.indirectSkips).toBeGreaterThan(reached.judged / 2);
    expect(reached.indirectCommits).toBeGreaterThan(reached.judged / 4);
  });

  it('rule A agrees with itself on the same DAGs', () => {
    let commits = 0;
    for (let seed = 1; seed <= DAGS; seed += 10) {
      const generated = randomDag(seed);
      const random = new Random(seed);
      const rule = coinOf(seed, generated.committee.members.length);
      const all = fates(whole(generated, generated.blocks), rule);
      const some = fates(whole(generated, randomView(generated, random, 40)), rule);
      expect(conflict(some, all)).toBe(false);
      commits += all.filter((fate) => fate !== 'skip').length;
    }
    expect(commits).toBeGreaterThan(DAGS / 10);
  });

  it('an anchor floor of r + 2 forks', () => {
    let forks = 0;
    for (let seed = 1; seed <= DAGS && forks < 3; seed++) {
      const generated = randomDag(seed);
      const random = new Random(seed);
      const all = fates(whole(generated, generated.blocks), LOW_FLOOR);
      const some = fates(whole(generated, randomView(generated, random, 30)), LOW_FLOOR);
      if (conflict(some, all)) forks++;
    }
    expect(forks).toBe(3);
  });

  it('a horizon from the current leader loses delivered blocks', () => {
    let losses = 0;
    for (let seed = 1; seed <= DAGS && losses < 3; seed++) {
      const generated = randomDag(seed);
      const { delivered } = see(generated, generated.blocks, 0);
      if (lostWithOwnHorizon(generated, delivered) > 0) losses++;
    }
    expect(losses).toBe(3);
  });
});
