// What a state root says of the receipts of a session, and what it costs.
import { createHash } from 'node:crypto';
import { useSha256 } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { hashByHand, plainOf } from '../../codec/test/by-hand.ts';
import { reference } from '../../codec/test/reference.ts';
import { DEFAULT_SESSION_LIMITS, type Hosted } from '../src/index.ts';
import { listOf, sessionRootsByHand } from './roots-by-hand.ts';
import { Chain, Client, World } from './world.ts';

afterEach(() => {
  nodeScheme();
});

/** The root from the bytes of a snapshot alone. */
function rootByHand(machine: Hosted): Uint8Array {
  const [state = [], head = [], tables] = listOf(plainOf(machine.snapshot()));
  const [sessions, graves, floors] = listOf(tables);
  const algorithm = new Chain();
  algorithm.restore(state as Uint8Array);
  const roots = sessionRootsByHand(sessions, graves, floors);
  return hashByHand('hosted', reference([algorithm.root(), head, ...roots]));
}

/** `\xfc` makes an answer that is lost, so that results are of two sizes. */
const batch = fc.record({
  client: fc.integer({ min: 0, max: 1 }),
  ops: fc.array(fc.constantFrom('op', 'op', '\u00fc'), { minLength: 1, maxLength: 4 }),
  isAsked: fc.constantFrom(true, false, false, false),
});

test('it is always the one computed from nothing, also round the places and where results had to go', () => {
  const seen = { emptied: 0, forgotten: 0 };
  fc.assert(
    fc.property(fc.array(batch, { minLength: 150, maxLength: 200 }), (batches) => {
      const limits = { ...DEFAULT_SESSION_LIMITS, receiptBytesPerSessionMax: 3_000 };
      const world = new World({ limits });
      const clients = [new Client(0), new Client(1)] as const;
      world.run(clients.map((client) => client.open()));
      for (const { client, ops, isAsked } of batches) {
        world.run([(clients[client as 0 | 1] ?? clients[0]).batch(ops)]);
        if (isAsked) expect(world.machine.root()).toEqual(rootByHand(world.machine));
      }
      const copy = world.machine.fresh();
      copy.restore(world.machine.snapshot());
      expect(copy.root()).toEqual(world.machine.root());
      expect(copy.root()).toEqual(rootByHand(copy));
      for (const { receipts } of listOfSessions(world)) {
        seen.emptied += receipts.filter(({ results }) => results.length === 0).length;
        seen.forgotten += (receipts[0]?.seq ?? 0) > 0 ? 1 : 0;
      }
    }),
    { numRuns: 6 },
  );
  expect(seen.emptied).toBeGreaterThan(0);
  expect(seen.forgotten).toBeGreaterThan(0);
});

interface Kept {
  readonly seq: number;
  readonly results: readonly unknown[];
}

function listOfSessions(world: World): readonly { readonly receipts: readonly Kept[] }[] {
  const [, , tables] = listOf(plainOf(world.machine.snapshot()));
  return listOf(listOf(tables)[0]).map((row) => ({
    receipts: listOf(listOf(row).at(-1)).map((one) => {
      const [seq, , , results] = listOf(one);
      return { seq: Number(seq), results: listOf(results) };
    }),
  }));
}

/** Hashes, and bytes of them, while something is done. */
function hashed(what: () => void): { readonly hashes: number; readonly bytes: number } {
  const count = { hashes: 0, bytes: 0 };
  const sha = (input: Uint8Array): Buffer => {
    count.hashes += 1;
    count.bytes += input.length;
    return createHash('sha256').update(input).digest();
  };
  useSha256(
    (input) => Uint8Array.from(sha(input)),
    (input) => sha(input).toString('latin1'),
  );
  [count.hashes, count.bytes] = [0, 0];
  what();
  return count;
}

test.each([3_000_000, 3_000])(
  'an op costs as much with 64 receipts as with one (%i bytes kept)',
  (max) => {
    const limits = { ...DEFAULT_SESSION_LIMITS, receiptBytesPerSessionMax: max };
    const [world, client] = [new World({ limits }), new Client(1)];
    world.run([client.open()]);
    const costs = Array.from({ length: 150 }, () => {
      world.run([client.batch(['op'])]);
      return hashed(() => world.machine.root());
    });
    const most = (of: 'hashes' | 'bytes', some: typeof costs): number =>
      Math.max(...some.map((one) => one[of]));
    const late = costs.slice(70);
    // Of a receipt whose results have to go, one hash and that of its group.
    expect(most('hashes', late)).toBeLessThanOrEqual(most('hashes', costs.slice(1, 3)) + 2);
    expect(most('bytes', late)).toBeLessThan(2_000);
  },
);
