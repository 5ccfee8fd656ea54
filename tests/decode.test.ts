// Every shape of wire and disk: the strict reader against the oracle.
import * as api from '@fatty/api';
import * as bank from '@fatty/bank';
import * as broadcast from '@fatty/broadcast';
import { type Shape, u53 } from '@fatty/codec';
import * as crdt from '@fatty/crdt';
import * as order from '@fatty/order';
import * as protocol from '@fatty/protocol';
import { expect, test } from 'vitest';
import * as felt from '../packages/cairo/air/src/felt/shape.ts';
import * as envelope from '../packages/cairo/verify/src/proof/envelope.ts';
import * as network from '../packages/edge/network/src/messages.ts';
import { rngOf } from '../packages/kernel/codec/test/random-values.ts';
import { compareAround, type Tally } from '../packages/kernel/codec/test/same-answers.ts';
import * as replica from '../packages/kernel/replica/src/boundary/messages.ts';
import * as persistence from '../packages/kernel/replica/src/signing/persistence.ts';

const isShape = (value: unknown): value is Shape<unknown> =>
  typeof value === 'object' && value !== null && 'readFrom' in value && 'toItem' in value;

/** Every shape that these modules show, and two that they make. */
const SHAPES: readonly (readonly [string, Shape<unknown>])[] = [
  ...Object.entries({
    api,
    bank,
    broadcast,
    crdt,
    envelope,
    felt,
    network,
    order,
    persistence,
    protocol,
    replica,
  }).flatMap(([room, module]) =>
    Object.entries(module).flatMap(([name, value]: [string, unknown]) =>
      isShape(value) ? [[`${room}.${name}`, value] as const] : [],
    ),
  ),
  ['crdt.snapshotShape', crdt.snapshotShape(u53) as Shape<unknown>],
];

/** How many values of each shape, and per value a dozen ways to spoil its bytes. */
const VALUES = 60;

test('every shape of the wire and of the disk is read as the decoder reads that writes all again', () => {
  const totals: Tally = new Map();
  const unmade: string[] = [];
  for (const [at, [name, shape]] of SHAPES.entries()) {
    const tally: Tally = new Map();
    for (let k = 0; k < VALUES; k++) {
      compareAround(`${name}, ${k}`, shape, rngOf(at * VALUES + k), tally);
    }
    if ((tally.get('ok') ?? 0) < VALUES / 4) unmade.push(name);
    for (const [code, count] of tally) totals.set(code, (totals.get(code) ?? 0) + count);
  }
  expect(SHAPES.length).toBeGreaterThan(30);
  expect(unmade).toEqual([]);
  for (const code of ['ok', 'malformed', 'wrong_shape', 'not_canonical']) {
    expect(totals.get(code) ?? 0, code).toBeGreaterThan(1000);
  }
});
