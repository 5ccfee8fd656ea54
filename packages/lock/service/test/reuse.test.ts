// Tests of nonces, bases and seqs that are used again.
import { encodeOp, type Op } from '@fatty/api';
import { toHex } from '@fatty/codec';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Client, op, World } from './world.ts';

const WINDOW = 4;

const path = fc.constantFrom('/a', '/b', '/a/x', '/a/y');
const anyOp: fc.Arbitrary<Op> = fc.oneof(
  path.map((at) => op.file(at, 'x')),
  path.map((at) => op.dir(at)),
  path.map((at) => op.file(at, 'e', { ephemeral: true })),
  path.map((at) => op.write(at, 'w')),
  path.map((at) => op.acquire(at)),
  path.map((at) => op.release(at)),
  path.map((at): Op => ({ kind: 'removeSubtree', path: at })),
  fc.constant<Op>({ kind: 'closeSession' }),
);

/** One commit: batches of clients that may claim any nonce, basis and seq they like. */
const batch = fc.record({
  who: fc.integer({ min: 1, max: 2 }),
  nonce: fc.integer({ min: 0, max: 1 }),
  /** The basis that the session id is made of, and the one the batch shows, back from now. */
  named: fc.integer({ min: -1, max: WINDOW + 2 }),
  shown: fc.option(fc.integer({ min: -1, max: WINDOW + 2 }), { freq: 8 }),
  seq: fc.integer({ min: 0, max: 2 }),
  open: fc.boolean(),
  ops: fc.array(anyOp, { minLength: 1, maxLength: 3 }),
});
const commit = fc.record({
  advance: fc.constantFrom(0, 0, 3_000, 13_000),
  batches: fc.array(batch, { maxLength: 3 }),
});

test('no interleaving of reused nonces makes apply throw, opens an id twice, or parts a copy', () => {
  let opened = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.array(commit, { minLength: 5, maxLength: 40 }), (commits) => {
      const world = new World({}, { basisCommitsMax: WINDOW });
      const born = new Map<string, string>();
      for (const { advance, batches } of commits) {
        const now = world.commit;
        const sent = batches.map(({ who, nonce, named, shown, seq, open, ops }) => {
          const client = new Client(who, nonce, { basis: Math.max(0, now - named) });
          const all = open ? [client.opening(), ...ops] : ops;
          const basis = shown === null ? client.basis : Math.max(0, now - shown);
          return client.raw(all.map(encodeOp), open ? 0 : seq, basis);
        });
        const { raw, results } = world.step(advance, sent);
        for (const [i, receipt] of raw.receipts.entries()) {
          const first = results[i]?.[0];
          if (first?.kind === 'error') refused++;
          if (first?.kind !== 'sessionOpened') continue;
          opened++;
          // A replay is answered with the receipt of the one opening there was.
          const id = toHex(receipt.session);
          const at = JSON.stringify(first.position);
          expect(born.get(id) ?? at).toBe(at);
          born.set(id, at);
        }
        const copy = world.service.fresh();
        copy.restore(world.service.snapshot());
        expect(copy.root()).toEqual(world.service.root());
      }
    }),
    { numRuns: 150 },
  );
  expect(opened).toBeGreaterThan(200);
  expect(refused).toBeGreaterThan(100);
});

test('a nonce used again names another session, whose dots are its own', () => {
  const world = new World({}, { basisCommitsMax: 10 });
  const first = new Client(1);
  world.open(first, op.file('/a', 'one'));
  world.one(first, { kind: 'closeSession' });
  for (let i = 0; i < 12; i++) world.step(0);
  const second = new Client(1, 0, { basis: world.commit });
  expect(second.nonce).toEqual(first.nonce);
  expect(second.session).not.toEqual(first.session);
  world.open(second, op.file('/b', 'two'));
  expect(world.one(second, op.write('/a', 'three'))).toMatchObject({ kind: 'written' });
  // The old id, on the new basis as on its own, opens nothing.
  expect(world.run(first.raw([encodeOp(first.opening())], 0, world.commit))).toMatchObject([
    { code: 'session_unknown' },
  ]);
  expect(world.run(first.raw([encodeOp(first.opening())], 0))).toMatchObject([
    { code: 'stale_basis' },
  ]);
});
