// Tests of multi-Paxos, step by step, and of its judge.
import { describe, expect, it } from 'vitest';
import {
  type Effect,
  MultiPaxos,
  MultiPaxosJudge,
  type MultiPaxosMessage,
  type MultiPaxosState,
  NOTHING,
  type SlotVote,
} from '../src/index.ts';

type Done = readonly Effect<MultiPaxosMessage, MultiPaxosState>[];

const heard = (from: number, message: MultiPaxosMessage) =>
  ({ kind: 'heard', from, message }) as const;

const sent = (effects: Done): MultiPaxosMessage[] =>
  effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));

const vote = (slot: number, ballot: number, value: string): SlotVote => ({ slot, ballot, value });

describe('an acceptor', () => {
  it('has promise and vote on disk before it says so', () => {
    const acceptor = new MultiPaxos(0, 3, undefined);
    const [promised] = acceptor.step(heard(1, { kind: 'prepare', ballot: 4, from: 1 })).slice(-2);
    expect(promised).toEqual({ kind: 'save', state: { promised: 4, votes: [] } });
    const voted = acceptor.step(heard(1, { kind: 'accept', ballot: 4, slot: 2, value: 'x' }));
    expect(voted.slice(-2)).toEqual([
      { kind: 'save', state: { promised: 4, votes: [vote(2, 4, 'x')] } },
      { kind: 'send', to: 1, message: { kind: 'accepted', ballot: 4, slot: 2 } },
    ]);
  });
});

describe('a new leader', () => {
  it('proposes again the newest vote of each slot, and nothing where there is none', () => {
    const leader = new MultiPaxos(0, 3, { promised: 4, votes: [vote(3, 4, 'c')] });
    const [first] = sent(leader.step({ kind: 'rang', timer: 'election' }));
    const ballot = first?.kind === 'prepare' ? first.ballot : -1;
    const votes = [vote(1, 5, 'a'), vote(3, 2, 'older')];
    const done = leader.step(heard(1, { kind: 'promise', ballot, votes }));
    const proposed = sent(done).flatMap((one) => (one.kind === 'accept' ? [one] : []));
    expect(new Map(proposed.map(({ slot, value }) => [slot, value]))).toEqual(
      new Map([
        [1, 'a'],
        [2, NOTHING],
        [3, 'c'],
      ]),
    );
  });
});

describe('the judge', () => {
  it('objects to two chosen values of a slot, and to a vote below a promise', () => {
    const rules: string[] = [];
    const judge = new MultiPaxosJudge(
      ({ rule }) => void rules.push(rule),
      () => undefined,
      3,
    );
    judge.asked('x');
    for (const process of [0, 1]) judge.saved(process, { promised: 3, votes: [vote(1, 3, 'x')] });
    judge.decided(0, 1, 'x');
    expect(rules).toEqual([]);
    for (const process of [1, 2]) judge.saved(process, { promised: 4, votes: [vote(1, 4, 'y')] });
    judge.sent(1, 0, { kind: 'promise', ballot: 9, votes: [] });
    judge.sent(1, 0, { kind: 'accepted', ballot: 4, slot: 1 });
    judge.decided(0, 2, 'x');
    expect(rules).toEqual(['one value per slot', 'a promise is kept', 'learned what is chosen']);
  });
});
