// What a replica tells of its newest rounds.
import type { ReplicaEffect } from '@fatty/replica';
import { describe, expect, it } from 'vitest';
import { ROUNDS_SHOWN_MAX, RoundLedger, type RoundsShown } from '../src/round-ledger.ts';

type Ref = Extract<ReplicaEffect, { kind: 'delivered' }>['ref'];

const ref = (round: number, author: number, fill = 1): Ref =>
  ({ round, author, digest: new Uint8Array(32).fill(fill) }) as Ref;
const made = (epoch: number, ...refs: Ref[]): ReplicaEffect => {
  return {
    kind: 'index',
    blocks: refs.map((one) => ({ epoch, ref: one, bytes: new Uint8Array() })),
  };
};
const delivered = (one: Ref): ReplicaEffect => ({ kind: 'delivered', ref: one });
const committed = (epoch: number, leader: Ref, ...blocks: Ref[]): ReplicaEffect =>
  ({ kind: 'committed', commit: { leader, blocks }, input: { epoch } }) as unknown as ReplicaEffect;

const ledgerOf = (...effects: ReplicaEffect[]): RoundLedger => {
  const ledger = new RoundLedger();
  for (const effect of effects) ledger.effect(effect);
  return ledger;
};
const stages = ({ rounds }: RoundsShown): string[] =>
  rounds.map(({ blocks }) => blocks.map(({ stage }) => stage[0]).join(''));

describe('the newest rounds', () => {
  it('tell how far each block has come', () => {
    const ledger = ledgerOf(
      made(0, ref(1, 0), ref(1, 1), ref(1, 2)),
      delivered(ref(1, 1)),
      delivered(ref(1, 0)),
      committed(0, ref(1, 0), ref(1, 0)),
      made(0, ref(2, 0)),
      made(0, ref(3, 0)),
    );
    // m: made, but the last of round 1, which is missing by now.
    expect(stages(ledger.shown(0, 4))).toEqual(['cdmm', 'maaa', 'maaa']);
    const [first] = ledger.shown(0, 4).rounds;
    expect(first?.blocks.map(({ stage }) => stage)).toEqual([
      'committed',
      'delivered',
      'made',
      'missing',
    ]);
    expect(first?.leaders).toEqual([0]);
  });

  it('do not take back what is committed', () => {
    const ledger = ledgerOf(
      made(0, ref(1, 0)),
      committed(0, ref(1, 0), ref(1, 0)),
      delivered(ref(1, 0)),
    );
    expect(stages(ledger.shown(0, 1))).toEqual(['c']);
  });

  it('call late what came when others were two rounds on, and nothing else', () => {
    const ledger = ledgerOf(
      made(0, ref(1, 0), ref(2, 0), ref(2, 1), ref(3, 0)),
      made(0, ref(1, 1)),
    );
    const late = ledger.shown(0, 2).rounds.map(({ blocks }) => blocks.map((one) => one.late));
    expect(late).toEqual([
      [false, true],
      [false, false],
      [false, false],
    ]);
  });

  it('say who signed two blocks of a round', () => {
    const twice = ledgerOf(made(0, ref(1, 0, 1), ref(1, 0, 2))).shown(0, 1).rounds[0];
    expect(twice?.blocks[0]?.twice).toBe(true);
    const same = ledgerOf(made(0, ref(1, 0, 1), ref(1, 0, 1))).shown(0, 1).rounds[0];
    expect(same?.blocks[0]?.twice).toBe(false);
  });

  it('are so many, whatever comes', () => {
    const ledger = ledgerOf();
    for (let round = 1; round <= 500; round++) ledger.effect(made(0, ref(round, 0)));
    ledger.effect(made(0, ref(3, 1)));
    ledger.effect(made(0, ref(10_000, 0)));
    const { rounds } = ledger.shown(0, 2);
    expect(rounds).toHaveLength(ROUNDS_SHOWN_MAX);
    expect(rounds.at(-1)?.round).toBe(10_000);
    expect(rounds[0]?.blocks[0]?.stage).toBe('missing');
  });

  it('are those of one epoch', () => {
    const ledger = ledgerOf(made(0, ref(9, 0)), made(1, ref(1, 0)), made(0, ref(10, 0)));
    ledger.effect(committed(0, ref(1, 0), ref(1, 0)));
    expect(stages(ledger.shown(1, 1))).toEqual(['m']);
    expect(ledger.shown(0, 1)).toEqual({ epoch: 0, rounds: [] });
  });

  it('are none before there is a block', () => {
    expect(ledgerOf().shown(0, 4)).toEqual({ epoch: 0, rounds: [] });
  });
});
