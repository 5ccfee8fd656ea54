// What of the queue goes into an own block: within every limit, and no batch before its predecessor.
import { CLIENT_KEYS_MAX } from '@fatty/broadcast';
import { toHex, utf8 } from '@fatty/codec';
import { BLOCK_WEIGHT_MAX, type Committee } from '@fatty/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Candidate, pack, placeOf, sizeOf } from '../src/clients/packing.ts';
import { Client, makeCell } from './cell.ts';
import { carried } from './forge.ts';

const cell = makeCell(4);
const { params } = cell.committee;
const limits = { ...params.limits, blockOpsMax: 8, blockProofsMax: 3 };
const committee: Committee = { ...cell.committee, params: { ...params, limits } };
const BYTES_MAX = 2_000;

interface Wish {
  readonly client: number;
  readonly ops: number;
  readonly proofs: number;
  readonly weight: number;
  readonly isLeft: boolean;
  /** The client has signed another batch for the seq of its last one. */
  readonly isTwin: boolean;
}

function candidates(wishes: readonly Wish[]): readonly Candidate[] {
  const clients = new Map<number, Client>();
  return wishes.map(({ client: who, ops, proofs, weight, isLeft, isTwin }, at) => {
    const client = clients.get(who) ?? new Client(cell, `client ${who}`);
    clients.set(who, client);
    if (isTwin && client.seq > 0) client.seq -= 1;
    const batch = carried(client.batch(Array.from({ length: ops }, (_, k) => utf8(`${at} ${k}`))));
    return { id: toHex(batch.id), carried: batch, cost: { proofs, weight }, isLeft };
  });
}

const wish = (clients: number): fc.Arbitrary<Wish> =>
  fc.record({
    client: fc.nat(clients - 1),
    ops: fc.integer({ min: 1, max: 4 }),
    proofs: fc.nat(4),
    weight: fc.integer({ min: 1, max: BLOCK_WEIGHT_MAX }),
    isLeft: fc.nat(5).map((one) => one === 0),
    isTwin: fc.nat(5).map((one) => one === 0),
  });

const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);

it('packs within every limit', () => {
  fc.assert(
    fc.property(fc.array(wish(6), { maxLength: 14 }), (wishes) => {
      const all = candidates(wishes);
      const packed = pack(all, committee, BYTES_MAX);
      const [first] = all;
      if (first && !first.isLeft && first.cost.proofs <= limits.blockProofsMax) {
        expect(packed[0]).toBe(first);
      }
      const of = (what: (one: Candidate) => number): number => sum(packed.map(what));
      expect(of((one) => sizeOf(one.carried))).toBeLessThanOrEqual(BYTES_MAX);
      expect(of((one) => one.carried.batch.ops.length)).toBeLessThanOrEqual(limits.blockOpsMax);
      expect(of((one) => one.cost.proofs)).toBeLessThanOrEqual(limits.blockProofsMax);
      expect(of((one) => one.cost.weight)).toBeLessThanOrEqual(BLOCK_WEIGHT_MAX);
      expect(new Set(packed.map((one) => placeOf(one.carried))).size).toBe(packed.length);
    }),
  );
});

it('packs no batch of a session beyond one that is left out, unless that is a twin', () => {
  fc.assert(
    fc.property(fc.array(wish(3), { maxLength: 14 }), (wishes) => {
      const all = candidates(wishes);
      const packed = new Set(pack(all, committee, BYTES_MAX));
      const held = new Set<string>();
      const places = new Set<string>();
      for (const one of all) {
        const session = toHex(one.carried.batch.session);
        if (packed.has(one)) {
          expect(held.has(session) || one.isLeft).toBe(false);
          places.add(placeOf(one.carried));
        } else if (!places.has(placeOf(one.carried))) held.add(session);
      }
    }),
  );
});

it('packs batches of so many clients and no more, and goes on with those that are in', () => {
  const light = { ops: 1, proofs: 0, weight: 1, isLeft: false, isTwin: false };
  const wishes = Array.from({ length: CLIENT_KEYS_MAX + 2 }, (_, client) => ({ client, ...light }));
  const all = candidates([...wishes, { client: 0, ...light }]);
  const many = { ...committee, params: { ...params, limits: { ...limits, blockOpsMax: 512 } } };
  const packed = pack(all, many, 1 << 20);
  expect(packed).toEqual([...all.slice(0, CLIENT_KEYS_MAX), ...all.slice(-1)]);
});
