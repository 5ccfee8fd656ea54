// Tests of single-decree Paxos, step by step, and of its judge.
import { describe, expect, it } from 'vitest';
import {
  type Effect,
  Paxos,
  PaxosJudge,
  type PaxosMessage,
  type PaxosState,
} from '../src/index.ts';

type Done = readonly Effect<PaxosMessage, PaxosState>[];

const heard = (from: number, message: PaxosMessage) => ({ kind: 'heard', from, message }) as const;

const sent = (effects: Done): PaxosMessage[] =>
  effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));

describe('an acceptor', () => {
  it('has its promise and its vote on disk before it says so', () => {
    const acceptor = new Paxos(0, 3, undefined);
    const promised = acceptor.step(heard(1, { kind: 'prepare', ballot: 4 }));
    expect(promised).toEqual([
      { kind: 'save', state: { promised: 4, vote: undefined } },
      { kind: 'send', to: 1, message: { kind: 'promise', ballot: 4, vote: undefined } },
    ]);
    const voted = acceptor.step(heard(1, { kind: 'accept', ballot: 4, value: 'x' }));
    const vote = { ballot: 4, value: 'x' };
    expect(voted[0]).toEqual({ kind: 'save', state: { promised: 4, vote } });
    expect(sent(voted)).toContainEqual({ kind: 'accepted', ...vote });
  });

  it('keeps its promise in its next life', () => {
    const vote = { ballot: 4, value: 'x' };
    const acceptor = new Paxos(0, 3, { promised: 8, vote });
    expect(sent(acceptor.step(heard(1, { kind: 'accept', ballot: 7, value: 'y' })))).toEqual([
      { kind: 'refused', ballot: 7, promised: 8 },
    ]);
    expect(sent(acceptor.step(heard(2, { kind: 'prepare', ballot: 11 })))).toEqual([
      { kind: 'promise', ballot: 11, vote },
    ]);
  });
});

describe('a proposer', () => {
  it('proposes the newest vote that it is told of, and its own value only when there is none', () => {
    const proposer = new Paxos(0, 5, undefined);
    const [first] = sent(proposer.step({ kind: 'asked', value: 'mine' }));
    const ballot = first?.kind === 'prepare' ? first.ballot : -1;
    expect(ballot % 5).toBe(0);
    proposer.step(heard(1, { kind: 'promise', ballot, vote: { ballot: 2, value: 'old' } }));
    const vote = { ballot: 3, value: 'new' };
    const asked = sent(proposer.step(heard(2, { kind: 'promise', ballot, vote })));
    expect(asked).toContainEqual({ kind: 'accept', ballot, value: 'new' });
  });

  it('never uses a ballot of its last life again', () => {
    const first = new Paxos(1, 3, undefined).step({ kind: 'asked', value: 'x' });
    const saved = first.flatMap((effect) => (effect.kind === 'save' ? [effect.state] : [])).at(-1);
    const second = new Paxos(1, 3, saved).step({ kind: 'asked', value: 'y' });
    const ballots = [first, second].map((done) => sent(done).find((one) => 'ballot' in one));
    expect(ballots[0]).not.toEqual(ballots[1]);
  });
});

describe('the judge', () => {
  const accusations: string[] = [];
  const judge = (): PaxosJudge => {
    accusations.length = 0;
    return new PaxosJudge(
      ({ rule }) => void accusations.push(rule),
      () => undefined,
      3,
    );
  };
  const accepted = (ballot: number, value: string): PaxosMessage => ({
    kind: 'accepted',
    ballot,
    value,
  });

  it('objects to two chosen values, and to one that nobody asked for', () => {
    const one = judge();
    one.asked('x');
    one.sent(0, 1, accepted(3, 'x'));
    one.sent(1, 0, accepted(3, 'x'));
    expect(accusations).toEqual([]);
    one.sent(1, 0, accepted(5, 'y'));
    one.sent(2, 0, accepted(5, 'y'));
    expect(accusations).toEqual(['one value', 'a value of a client']);
  });

  it('objects to a vote below a promise, and to who learns what is not chosen', () => {
    const one = judge();
    one.sent(0, 1, { kind: 'promise', ballot: 7, vote: undefined });
    one.sent(0, 1, accepted(4, 'x'));
    one.decided(2, 0, 'x');
    expect(accusations).toEqual(['a promise is kept', 'learned what is chosen']);
  });
});
