// A machine is taken only when its lease can be proved (TIME.md, T5).
import type { Op } from '@fatty/api';
import { expect, it } from 'vitest';
import { type Behaviour, FakeCell } from './fake-cell.ts';
import { SimClient } from './sim-client.ts';

const mute: Behaviour = {
  lie: (message) => (message.kind === 'nowReading' ? undefined : message),
};

function machineOp(kind: 'takeMachine' | 'renewMachine'): Extract<Op, { kind: typeof kind }> {
  const proofs = [new Uint8Array(9)];
  return { kind, path: '/m', nonce: undefined, outputs: 0, inbox: 0, proofs } as Extract<
    Op,
    { kind: typeof kind }
  >;
}

const take = (client: SimClient, kind: 'takeMachine' | 'renewMachine', timeoutMs: number): number =>
  client.call({ kind: 'machine', op: machineOp(kind), hold: undefined }, timeoutMs);

const applied = (cell: FakeCell): number =>
  cell.applied.filter(({ kind }) => kind === 'takeMachine' || kind === 'renewMachine').length;

/** A session that is open and proved; from then on two of four clocks are silent. */
function begun(): { cell: FakeCell; client: SimClient } {
  const cell = new FakeCell(4);
  const client = new SimClient(cell).connect();
  client.write();
  cell.run(1_000);
  expect(client.states.at(-1)).toBe('connected');
  cell.behaviours[0] = mute;
  cell.behaviours[1] = mute;
  return { cell, client };
}

it.each(['takeMachine', 'renewMachine'] as const)(
  '%s waits for clock readings: no lease is begun that nobody can believe',
  (kind) => {
    const { cell, client } = begun();
    client.disconnect(1, 'connection_refused: nobody there');
    const call = take(client, kind, 3_000);
    cell.run(5_000);
    expect(applied(cell)).toBe(0);
    expect(client.failure(call)).toMatchObject({ outcome: 'not_applied', retryable: true });
    expect(client.failure(call).failure).toEqual({
      code: 'timeout',
      expected: 'a believed answer in time',
      actual:
        'timeout, 2 of 3 clock readings; 3 of 4 replicas linked (0, 2, 3); ' +
        '1: connection_refused: nobody there',
    });
  },
);

it('goes out as soon as they are there, and holds', () => {
  const { cell, client } = begun();
  const call = take(client, 'takeMachine', 8_000);
  cell.run(3_000);
  expect(client.answer(call)).toBeUndefined();
  cell.behaviours[1] = {};
  // Asked again a twelfth of a lease later.
  for (let ms = 0; ms < 1_100 && client.answer(call) === undefined; ms += 10) {
    cell.run(cell.nowMs + 10);
  }
  expect(client.answer(call)).toBe('results');
  expect(client.lost.size).toBe(0);
  expect(client.core.beliefs(client.nowMs())).toMatchObject([{ hold: call }]);
});

it('is proved by a reading of after its commit, where the cell had rested before', () => {
  const { cell, client } = begun();
  cell.behaviours[0] = {};
  cell.behaviours[1] = {};
  // The lease clock stood still for three times the machine's period since the last reading.
  cell.stalledMs += 3_000;
  const call = take(client, 'takeMachine', 8_000);
  cell.run(1_300);
  expect(client.answer(call)).toBe('results');
  expect(client.core.beliefs(client.nowMs())).toMatchObject([{ hold: call }]);
});

it('gives up in time to try again, and nothing was sent', () => {
  const { cell, client } = begun();
  const call = take(client, 'takeMachine', 60_000);
  cell.run(6_000);
  expect(client.failure(call)).toMatchObject({
    failure: {
      code: 'in_jeopardy',
      actual: expect.stringMatching(/^2 of 3 clock readings; 4 of 4/),
    },
    outcome: 'not_applied',
    retryable: true,
  });
  cell.behaviours[0] = {};
  cell.run(9_000);
  expect(applied(cell)).toBe(0);
});

it('taken back before any reading came, it was never sent', () => {
  const { cell, client } = begun();
  const call = take(client, 'takeMachine', 8_000);
  client.abort(call);
  expect(client.failure(call)).toMatchObject({ outcome: 'not_applied' });
  cell.behaviours[0] = {};
  cell.run(9_000);
  expect(applied(cell)).toBe(0);
});

it('a lease that ends for want of readings says so', () => {
  const cell = new FakeCell(4);
  const client = new SimClient(cell, { leaseMs: 4_000 }).connect();
  const call = client.acquire();
  cell.run(1_000);
  expect(client.answer(call)).toBe('held');
  for (const replica of [0, 1, 2, 3]) cell.behaviours[replica] = { ...mute, swallows: true };
  cell.run(8_000);
  expect(client.lost.get(call)).toMatchObject({
    code: 'in_jeopardy',
    actual: '0 of 3 clock readings; 4 of 4 replicas linked (0, 1, 2, 3)',
  });
});
