// Tests of Raft, step by step, and of its judge.
import { describe, expect, it } from 'vitest';
import {
  type Effect,
  type Entry,
  Raft,
  RaftJudge,
  type RaftMessage,
  type RaftState,
} from '../src/index.ts';

type Done = readonly Effect<RaftMessage, RaftState>[];

const heard = (from: number, message: RaftMessage) => ({ kind: 'heard', from, message }) as const;
const rang = (timer: string) => ({ kind: 'rang', timer }) as const;

const sent = (effects: Done): RaftMessage[] =>
  effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));
const savedBy = (effects: Done): RaftState | undefined =>
  effects.flatMap((effect) => (effect.kind === 'save' ? [effect.state] : [])).at(-1);
const decidedBy = (effects: Done): string[] =>
  effects.flatMap((effect) => (effect.kind === 'decided' ? [effect.value] : []));

const entries = (...all: readonly (readonly [number, string])[]): readonly Entry[] =>
  all.map(([term, value]) => ({ term, value }));

const ask = (term: number, lastIndex: number, lastTerm: number): RaftMessage => ({
  kind: 'requestVote',
  term,
  lastIndex,
  lastTerm,
});

/** Leads three processes in term 3 with this log behind it. */
function leaderOf(log: readonly Entry[]): Raft {
  const leader = new Raft(0, 3, { term: 2, votedFor: 0, log });
  leader.step(rang('election'));
  leader.step(heard(1, { kind: 'vote', term: 3, isGranted: true }));
  return leader;
}

describe('a vote', () => {
  it('is on disk with its term, and is kept in the next life', () => {
    const voter = new Raft(1, 3, undefined);
    const done = voter.step(heard(0, ask(5, 0, 0)));
    expect(savedBy(done)).toEqual({ term: 5, votedFor: 0, log: [] });
    const again = new Raft(1, 3, savedBy(done));
    expect(sent(again.step(heard(2, ask(5, 9, 4))))).toEqual([
      { kind: 'vote', term: 5, isGranted: false },
    ]);
    expect(sent(again.step(heard(0, ask(5, 0, 0))))).toMatchObject([{ isGranted: true }]);
  });

  it('goes to nobody whose log has less', () => {
    const voter = new Raft(1, 3, {
      term: 4,
      votedFor: undefined,
      log: entries([1, 'a'], [4, 'b']),
    });
    expect(sent(voter.step(heard(0, ask(5, 7, 3))))).toMatchObject([{ isGranted: false }]);
    expect(sent(voter.step(heard(0, ask(6, 1, 4))))).toMatchObject([{ isGranted: false }]);
    expect(sent(voter.step(heard(0, ask(7, 2, 4))))).toMatchObject([{ isGranted: true }]);
  });
});

describe('a leader', () => {
  it('commits nothing of an older term by counting who has it (figure 8 of the paper)', () => {
    const leader = leaderOf(entries([1, 'old']));
    const has = (from: number, index: number): string[] =>
      decidedBy(leader.step(heard(from, { kind: 'appended', term: 3, isTaken: true, index })));
    expect([...has(1, 1), ...has(2, 1)]).toEqual([]);
    // With an entry of its own term on a majority, all before it is committed as well.
    expect(has(2, 2)).toEqual(['old', '']);
  });
});

describe('a follower', () => {
  const append = (more: Partial<Extract<RaftMessage, { kind: 'append' }>>): RaftMessage => ({
    kind: 'append',
    term: 3,
    prevIndex: 1,
    prevTerm: 1,
    entries: [],
    committed: 0,
    ...more,
  });

  it('drops a suffix that contradicts the leader, and keeps one that old news does not mention', () => {
    const log = entries([1, 'a'], [2, 'b'], [2, 'c']);
    const follower = new Raft(1, 3, { term: 2, votedFor: undefined, log });
    expect(savedBy(follower.step(heard(0, append({ entries: log.slice(1, 2) }))))).toMatchObject({
      log,
    });
    const done = follower.step(heard(0, append({ entries: entries([3, 'd']) })));
    expect(savedBy(done)?.log).toEqual(entries([1, 'a'], [3, 'd']));
    const old = follower.step(
      heard(0, append({ prevIndex: 0, prevTerm: 0, entries: log.slice(0, 1) })),
    );
    expect([savedBy(old), sent(old)]).toEqual([
      undefined,
      [{ kind: 'appended', term: 3, isTaken: true, index: 1 }],
    ]);
  });

  it('commits no further than it has heard of this leader', () => {
    const log = entries([1, 'a'], [2, 'b']);
    const follower = new Raft(1, 3, { term: 2, votedFor: undefined, log });
    expect(decidedBy(follower.step(heard(0, append({ committed: 2 }))))).toEqual(['a']);
  });
});

describe('the judge', () => {
  const judge = (...logs: readonly (readonly Entry[])[]) => {
    const rules: string[] = [];
    const one = new RaftJudge(
      ({ rule }) => void rules.push(rule),
      () => undefined,
    );
    for (const [i, log] of logs.entries()) one.saved(i, { term: 3, votedFor: 1, log });
    return { one, rules };
  };
  const beat = (term: number): RaftMessage => ({
    kind: 'append',
    term,
    prevIndex: 0,
    prevTerm: 0,
    entries: [],
    committed: 0,
  });

  it('objects to two leaders of a term, and to two votes in one', () => {
    const { one, rules } = judge([], []);
    one.sent(0, 1, beat(3));
    one.sent(1, 0, beat(3));
    one.sent(0, 1, { kind: 'vote', term: 3, isGranted: true });
    one.sent(0, 2, { kind: 'vote', term: 3, isGranted: true });
    expect(rules).toEqual(['election safety', 'a vote is on disk', 'one vote per term']);
  });

  it('objects to logs that agree on a term and not on what is before', () => {
    expect(judge(entries([1, 'a'], [2, 'b']), entries([2, 'a'], [2, 'b'])).rules).toEqual([
      'log matching',
    ]);
  });

  it('objects to a leader that lacks what was committed, and to two values in a slot', () => {
    const { one, rules } = judge(entries([1, 'a']), []);
    one.asked('a');
    one.sent(0, 1, beat(2));
    one.decided(0, 1, 'a');
    one.sent(1, 0, beat(3));
    one.asked('b');
    one.decided(1, 1, 'b');
    expect(rules).toEqual(['leader completeness', 'one value per slot']);
  });

  it('objects to a term that is not on disk', () => {
    const { one, rules } = judge([]);
    one.sent(0, 1, ask(4, 0, 0));
    expect(rules).toEqual(['a term is on disk']);
  });
});
