// Answers about batches that nobody sent are suspected, and count for nothing.
import { describe, expect, it } from 'vitest';
import { type Behaviour, FakeCell } from './fake-cell.ts';
import { SimClient } from './sim-client.ts';

describe('a gateway', () => {
  it('that answers a batch nobody sent is suspected, and counts for nothing', () => {
    const liar: Behaviour = {
      delayMs: 0,
      lie: (message) => {
        if (message.kind !== 'receipt') return message;
        const batch = message.batch.slice() as typeof message.batch;
        batch[0] = (batch[0] ?? 0) ^ 1;
        return { ...message, batch };
      },
    };
    const cell = new FakeCell(4, { 2: liar });
    const client = new SimClient(cell).connect();
    const calls = [client.write(), client.write('/b')];
    cell.run(5_000);
    for (const call of calls) expect(client.answer(call)).toBe('results');
    expect(client.suspects.length).toBeGreaterThan(0);
    for (const { replica, failure } of client.suspects) {
      expect([replica, failure.code]).toEqual([2, 'wrong_receipt']);
    }
  });

  it('alone with the truth is not believed over liars without receipts', () => {
    const liar: Behaviour = {
      lie: (message) =>
        message.kind === 'receipt'
          ? { ...message, batch: new Uint8Array(32) as typeof message.batch }
          : message,
    };
    const cell = new FakeCell(4, { 0: liar, 1: liar, 2: liar });
    const client = new SimClient(cell).connect();
    const call = client.write();
    cell.run(10_000);
    expect(client.answer(call)).toBeUndefined();
    expect(new Set(client.suspects.map((one) => one.replica))).toEqual(new Set([0, 1, 2]));
  });
});

it('an op that fits no batch is refused before anything is sent', () => {
  const cell = new FakeCell(4);
  const { opBytesMax } = cell.cell.committee.params.limits;
  const client = new SimClient(cell).connect();
  const call = client.call({
    kind: 'ops',
    ops: [
      {
        kind: 'renewMachine',
        path: '/m',
        nonce: { commit: 1, index: 0 },
        outputs: 0,
        inbox: 0,
        proofs: [new Uint8Array(opBytesMax / 2), new Uint8Array(opBytesMax / 2)],
      },
    ],
  });
  cell.run(1_000);
  expect(client.outcomes.get(call)).toMatchObject({ failure: { code: 'op_too_large' } });
  expect(client.sent.filter(({ message }) => message.kind === 'submit')).toEqual([]);
});
