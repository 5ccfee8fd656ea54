// Tests of what one key can use up, and of replayed openings.
import { DEFAULT_PARAMS } from '@fatty/protocol';
import { expect, test } from 'vitest';
import { LockService } from '../src/index.ts';
import { DEFAULT_QUOTAS } from '../src/quotas.ts';
import { CELL, Client, keyOf, member, type Sent, World } from './world.ts';

const code = (value: unknown): unknown => (value as { code?: string }).code;

/** A cell of four with small limits. */
function small(quotas: Partial<typeof DEFAULT_QUOTAS>, basisCommitsMax = 1_000): World {
  const members = Array.from({ length: 4 }, (_, i) => keyOf(100 + i).publicKey);
  const world = new World();
  world.service = new LockService({
    cell: { cellId: CELL, epoch: 0, members },
    params: { ...DEFAULT_PARAMS, basisCommitsMax },
    quotas: { ...DEFAULT_QUOTAS, ...quotas },
  });
  return world;
}

test('one key cannot use up the sessions of any gateway, by what it keeps open', () => {
  const world = small({ sessionsMax: 32 });
  const open = (key: number, nonce: number, author: number): unknown =>
    code(world.run({ ...new Client(key, nonce).open(), author: member(author) })[0]);
  let nonce = 0;
  for (const author of [0, 1, 2, 3]) {
    const greedy = Array.from({ length: 9 }, () => open(1, nonce++, author));
    expect(greedy.filter((one) => one === undefined)).toHaveLength(2);
    expect(new Set(greedy.slice(2))).toEqual(new Set(['gateway_full']));
  }
  for (const author of [0, 1, 2, 3]) {
    for (let k = 0; k < 6; k++) expect(open(10 + 6 * author + k, 0, author)).toBeUndefined();
  }
});

test('nor by what it opens and ends; it is refused nothing that it signs on a newer commit', () => {
  const world = small({ gravesMax: 64 });
  const live = (key: number, nonce: number, author: number, basis = world.commit): unknown => {
    const client = new Client(key, nonce % 256, { basis });
    return code(world.run({ ...client.open({ kind: 'closeSession' }), author: member(author) })[0]);
  };
  for (let nonce = 0; nonce < 200; nonce++) {
    const restored = world.service.fresh();
    restored.restore(world.service.snapshot());
    expect(restored.root()).toEqual(world.service.root());
    world.service = restored;
    expect(live(1, nonce, nonce % 4)).toBeUndefined();
  }
  for (const author of [0, 1, 2, 3]) expect(live(2 + author, 0, author)).toBeUndefined();
});

test('many sessions ended on one commit leave a key that signs on a newer one', () => {
  const world = small({ gravesMax: 64 });
  const basis = 0;
  const outcomes = Array.from({ length: 12 }, (_, nonce) => {
    const client = new Client(1, nonce, { basis });
    return code(world.run(client.open({ kind: 'closeSession' }))[0]);
  });
  expect(outcomes.slice(0, 5)).toEqual(Array(5));
  expect(new Set(outcomes.slice(5))).toEqual(new Set(['stale_basis']));
  expect(code(world.open(new Client(1, 99, { basis: 1 }))[0])).toBeUndefined();
  expect(code(world.open(new Client(2, 0, { basis }))[0])).toBeUndefined();
});

test('no opening is replayed where graves have made room for a floor', () => {
  const world = small({ gravesMax: 32 }, 40);
  const sent: Sent[] = [];
  for (let nonce = 0; nonce < 120; nonce++) {
    const client = new Client(1 + (nonce % 2), nonce, { basis: Math.max(0, world.commit - 3) });
    sent.push(client.open({ kind: 'closeSession' }));
    world.run(sent.at(-1) as Sent);
    for (const batch of sent) {
      expect(['session_reused', 'stale_basis']).toContain(
        code(world.run({ ...batch, author: member(nonce % 4) })[0]),
      );
    }
    if (nonce % 10 !== 0) continue;
    const restored = world.service.fresh();
    restored.restore(world.service.snapshot());
    expect(restored.root()).toEqual(world.service.root());
    world.service = restored;
  }
});
