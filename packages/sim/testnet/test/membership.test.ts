// Tests of what is held against the end of an epoch.
import { standIn } from '@fatty/codec';
import { type Change, nextCommittee } from '@fatty/protocol';
import { expect, it } from 'vitest';
import { type MembershipFacts, membershipChange } from '../src/checkers/membership.ts';
import { type Cell, makeCell, smallWindows } from '../src/world/cell.ts';
import type { RolledEpoch } from '../src/world/roll.ts';

const QUORUM = 4;

function keyOf({ signers }: Cell, host: number) {
  return signers[host]?.publicKey ?? expect.fail('a host of this number');
}

/** What the end of the first epoch of five made of its members, when these changes were made. */
function ended(make: (cell: Cell) => readonly Change[], facts: Partial<MembershipFacts> = {}) {
  const cell = makeCell(5, standIn(), smallWindows(5), 2);
  const { roll, committee } = cell;
  const before = roll.newest;
  const next = nextCommittee(committee, make(cell), committee.genesisTs + 1);
  if (!next.ok) throw new Error(next.failure.code);
  const origin = { ...before.origin, index: 9 };
  expect(roll.learn({ committee: next.value, origin })).toBe(true);
  const all = { movers: () => QUORUM, isReady: () => true, isLiar: () => false, ...facts };
  return membershipChange(before, roll.newest as RolledEpoch, all);
}

const adds = (cell: Cell): readonly Change[] => [{ kind: 'add', key: keyOf(cell, 5) }];
const removes = (cell: Cell): readonly Change[] => [{ kind: 'remove', old: keyOf(cell, 2) }];
const replaces = (cell: Cell): readonly Change[] => [
  { kind: 'replace', old: keyOf(cell, 2), key: keyOf(cell, 6) },
];

it('takes what a quorum of ready ones and of motions made', () => {
  expect(ended(adds)).toMatchObject({ added: [5], removed: [], flaws: [] });
  expect(ended(removes)).toMatchObject({ added: [], removed: [2], kicked: [], flaws: [] });
  expect(ended(replaces)).toMatchObject({ added: [6], removed: [2], kicked: [], flaws: [] });
});

it('sees who came without being ready, or without the motions of q', () => {
  expect(ended(adds, { isReady: () => false }).flaws).toEqual(['r5 came and was not ready']);
  expect(ended(adds, { movers: () => QUORUM - 1 }).flaws).toEqual(['r5 came without 4 motions']);
});

it('sees who went without motions, unless evidence may have put it out', () => {
  const few = { movers: () => QUORUM - 1 };
  expect(ended(removes, few)).toMatchObject({ kicked: [2], flaws: ['r2 went, and nobody lied'] });
  expect(ended(removes, { ...few, isLiar: () => true })).toMatchObject({ kicked: [2], flaws: [] });
});

it('sees that an epoch began in two ways, and knows hosts by their keys in all of them', () => {
  const cell = makeCell(4, standIn(), smallWindows(4), 1);
  const { roll, committee } = cell;
  const next = nextCommittee(committee, [{ kind: 'add', key: keyOf(cell, 4) }], 9);
  if (!next.ok) throw new Error(next.failure.code);
  const origin = { ...roll.newest.origin, index: 9 };
  expect(roll.learn({ committee: next.value, origin })).toBe(true);
  expect(roll.learn({ committee: next.value, origin })).toBe(false);
  expect(roll.learn({ committee: next.value, origin: { ...origin, index: 8 } })).toBeUndefined();
  for (const [place, key] of next.value.members.entries()) {
    const host = roll.hostOf(1, place) ?? -1;
    expect(cell.signers[host]?.publicKey).toEqual(key);
    expect(roll.placeOf(1, host)).toBe(place);
  }
});
