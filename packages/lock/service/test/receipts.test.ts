// Tests of receipts that are kept.
import { encodeOp, type Op, receiptBytesMax } from '@fatty/api';
import { RECEIPT_BYTES_KEPT, RECEIPTS_KEPT } from '@fatty/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Client, op, type Sent, World } from './world.ts';

/** Every op of it ends in an error or in a result, as `dice` has it. */
function opsOf(count: number, dice: number): readonly Uint8Array[] {
  const kinds: readonly ((i: number) => Op)[] = [
    (i) => op.file(`/f-${dice}-${i}`, 'x'),
    (i) => op.file('/taken', String(i)),
    (i) => op.file(`/${'ä'.repeat(100)}/${i}`, 'no parent'),
    (i) => ({ kind: 'release', path: `/f-${i}`, lockGen: undefined }),
    () => ({ kind: 'tryAcquire', path: '/taken', mode: 'exclusive', lockDelayMs: 0 }),
  ];
  return Array.from({ length: count }, (_, i) => {
    const make = kinds[dice % kinds.length] ?? ((): Op => op.dir('/d'));
    return encodeOp(make(i));
  });
}

const windowOf = fc.array(
  fc.record({ ops: fc.integer({ min: 1, max: 256 }), dice: fc.integer({ min: 0, max: 99 }) }),
  { minLength: 1, maxLength: 100 },
);

test('a window that keeps the rule is answered in full, whatever its ops answer', () => {
  fc.assert(
    fc.property(windowOf, (sizes) => {
      const world = new World();
      const client = new Client(1);
      world.open(client);
      const sent: { batch: Sent; bytes: number }[] = [];
      for (const { ops, dice } of sizes) {
        const batch = client.raw(opsOf(ops, dice));
        world.step(10, [batch]);
        sent.push({ batch, bytes: receiptBytesMax(ops) });
      }
      let bytes = 0;
      for (const { batch, bytes: more } of sent.toReversed().slice(0, RECEIPTS_KEPT)) {
        bytes += more;
        if (bytes > RECEIPT_BYTES_KEPT) break;
        expect(world.service.receiptOf(batch)?.results).toHaveLength(batch.ops.length);
      }
      for (const { batch } of sent.slice(-RECEIPTS_KEPT)) {
        expect(world.service.receiptOf(batch)).toMatchObject({ batch: batch.id, seq: batch.seq });
      }
    }),
    { numRuns: 25 },
  );
});

test('when the cell is full of receipts, everybody keeps an even share of those that are there', () => {
  const world = new World({ receiptBytesMax: 40_000 });
  const clients = [1, 2, 3, 4].map((i) => new Client(i));
  const sent = clients.map((client) => {
    const batches = [client.open()];
    for (let k = 0; k < 30; k++) batches.push(client.raw(opsOf(8, 5 * k)));
    return batches;
  });
  for (const batches of sent) for (const batch of batches) world.step(1, [batch]);
  const full = sent.map(
    (batches) => batches.filter((one) => world.service.receiptOf(one)?.results.length).length,
  );
  // 10,000 bytes are some 15 receipts of these.
  expect(Math.min(...full)).toBeGreaterThanOrEqual(8);
  for (const batch of sent.flat()) expect(world.service.receiptOf(batch)?.batch).toEqual(batch.id);
});
