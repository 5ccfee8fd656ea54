// Tests of what the state says of members: it names keys.
import { compareBytes } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LockService } from '../src/index.ts';
import { DEFAULT_QUOTAS, type Quotas } from '../src/quotas.ts';
import { CELL, Client, member, World } from './world.ts';

const serviceOf = (members: readonly PublicKey[], quotas: Partial<Quotas> = {}): LockService =>
  new LockService({
    cell: { cellId: CELL, epoch: 0, members },
    quotas: { ...DEFAULT_QUOTAS, ...quotas },
  });

test('a new epoch and convictions are seen by everyone', () => {
  const world = new World();
  const a = new Client(1);
  const members = [0, 1, 2, 3].map(member);
  world.service = serviceOf(members);
  world.open(a);
  const { notices } = world.step(0, [], { epoch: 1, evidence: [member(2)] });
  expect(notices.map((one) => one.notice)).toEqual([{ kind: 'epoch', epoch: 1 }]);
  world.step(0, [], { epoch: 1, evidence: [member(0), member(2)].sort(compareBytes) });
  expect(world.ask({ kind: 'members' })).toMatchObject({ epoch: 1, convicted: [0, 2] });
  expect(world.ask({ kind: 'status' })).toMatchObject({ commit: 3, sessions: 1, epoch: 1 });
  // Another epoch's committee has the same members in other places, and one of them no more.
  const next = serviceOf([member(2), member(4), member(1), member(3)]);
  next.restore(world.service.snapshot());
  expect(next.query({ kind: 'members' })).toMatchObject({ convicted: [0] });
  expect(next.root()).toEqual(world.service.root());
});

test('the order of the committee means nothing: whoever stands where, the same state comes of it', () => {
  const keys = [0, 1, 2, 3].map(member);
  const sessions = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 24 });
  const orders = fc.shuffledSubarray(keys, { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(sessions, orders, fc.nat({ max: 24 }), (authors, order, turn) => {
      const [world, other] = [new World(), new World()];
      world.service = serviceOf(keys, { sessionsMax: 16 });
      other.service = serviceOf(keys, { sessionsMax: 16 });
      for (const [i, author] of authors.entries()) {
        if (i === turn) {
          other.service = serviceOf(order, { sessionsMax: 16 });
          other.service.restore(world.service.snapshot());
        }
        const batch = { ...new Client(i).open(), author: member(author) };
        const evidence = i % 5 === 4 ? [member(author)] : [];
        const [a, b] = [world, other].map((one) => one.step(1, [batch], { evidence }));
        expect(b).toEqual(a);
        expect(other.service.snapshot()).toEqual(world.service.snapshot());
        expect(other.service.root()).toEqual(world.service.root());
      }
    }),
    { numRuns: 100 },
  );
});
