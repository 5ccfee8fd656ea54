// Whose batches go into an own block: a client with a backlog delays itself, and others by one batch.
import { equalBytes, toHex, utf8 } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pack } from '../src/clients/packing.ts';
import { Turns } from '../src/clients/turns.ts';
import { Client, makeCell } from './cell.ts';
import { carried } from './forge.ts';
import { batchesOf, World } from './world.ts';

const cell = makeCell(4);
type Queued = readonly [string, ReturnType<typeof carried>];

function batchOf(client: Client, ops: number): Queued {
  const { seq } = client;
  const batch = carried(client.batch(Array.from({ length: ops }, (_, k) => utf8(`${seq} ${k}`))));
  return [toHex(batch.id), batch];
}

describe('turns', () => {
  it('serve a client that came last before the second batch of each that came before', () => {
    const turns = new Turns();
    const queue: Queued[] = [];
    const enter = (client: Client, ops: number): void => {
      const one = batchOf(client, ops);
      turns.enter(one[1], ops);
      queue.push(one);
    };
    const floods = Array.from({ length: 8 }, (_, k) => new Client(cell, `flood ${k}`));
    for (let k = 0; k < 16; k++) for (const client of floods) enter(client, 100);
    const late = new Client(cell, 'late');
    enter(late, 1);
    const place = turns
      .inOrder(queue)
      .findIndex(([, { batch }]) => equalBytes(batch.client, late.signer.publicKey));
    expect(place).toBe(floods.length);
  });

  it('empty the queue, and let none overtake its predecessor', () => {
    const wish = fc.record({ client: fc.nat(3), ops: fc.integer({ min: 1, max: 8 }) });
    fc.assert(
      fc.property(fc.array(fc.array(wish, { maxLength: 6 }), { maxLength: 8 }), (blocks) => {
        const limits = { ...cell.committee.params.limits, blockOpsMax: 8 };
        const params = { ...cell.committee.params, limits };
        const committee = { ...cell.committee, params };
        const clients = Array.from({ length: 4 }, (_, k) => new Client(cell, `client ${k}`));
        const turns = new Turns();
        let queue: Queued[] = [];
        const takenSeqs = new Map<string, number>();
        const takeBlock = (): number => {
          const candidates = turns.inOrder(queue).map(([id, one]) => {
            return { id, carried: one, cost: { proofs: 0, weight: 1 }, isLeft: false };
          });
          const packed = pack(candidates, committee, 1 << 20);
          for (const { id, carried: one } of packed) {
            const session = toHex(one.batch.session);
            expect(one.batch.seq).toBe((takenSeqs.get(session) ?? -1) + 1);
            takenSeqs.set(session, one.batch.seq);
            turns.reached(one);
            turns.leave(one);
            queue = queue.filter(([other]) => other !== id);
          }
          return packed.length;
        };
        for (const wishes of blocks) {
          for (const { client, ops } of wishes) {
            const from = clients[client];
            if (from === undefined) continue;
            const one = batchOf(from, ops);
            turns.enter(one[1], ops);
            queue.push(one);
          }
          if (queue.length > 0) expect(takeBlock()).toBeGreaterThan(0);
        }
        while (queue.length > 0) expect(takeBlock()).toBeGreaterThan(0);
        for (const client of clients) expect(turns.of(client.signer.publicKey).batches).toBe(0);
      }),
    );
  });
});

describe('a client that floods', () => {
  it('is in one block with whoever comes after it', () => {
    const world = new World({ cell });
    world.start();
    world.run(5);
    const flood = new Client(cell, 'flood');
    const ops = Array.from({ length: 200 }, (_, k) => utf8(`${k}`));
    for (let k = 0; k < 20; k++) world.submit(0, flood.batch(ops));
    const late = new Client(cell, 'late').op('late');
    const id = toHex(carried(late).id);
    world.submit(0, late);
    world.run(60_000);
    const order = batchesOf(world.host(0)).map((one) => toHex(one.id));
    expect(order.indexOf(id)).toBeGreaterThanOrEqual(0);
    expect(order.indexOf(id)).toBeLessThanOrEqual(6);
  });

  it('leaves room in the queue for others', () => {
    const world = new World({ cell, verify: () => undefined, tuning: { queueBytesMax: 100_000 } });
    world.start();
    world.run(5);
    const flood = new Client(cell, 'flood');
    for (let k = 0; k < 40; k++) world.submit(0, flood.batch([new Uint8Array(5_000)]), k);
    const before = world.host(0).refused.length;
    expect(before).toBeGreaterThan(0);
    world.submit(0, new Client(cell, 'late').op('late'), 99);
    expect(world.host(0).refused.map(({ tag }) => tag)).not.toContain(99);
  });
});
