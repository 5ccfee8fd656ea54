// Links that end: refusals, reasons, reads that were under way.
import type { Answer } from '@fatty/api';
import { describe, expect, it } from 'vitest';
import { FakeCell } from './fake-cell.ts';
import { SimClient } from './sim-client.ts';

const ALL = [0, 1, 2, 3] as const;

function readOf(client: SimClient, timeoutMs: number, replica?: number): number {
  const query = { kind: 'get', path: '/a' } as const;
  return client.call({ kind: 'read', query, view: 'committed', replica }, timeoutMs);
}

describe('what ends a link', () => {
  it('is no refusal, whatever is said of it: what is sent waits for the next link', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write();
    cell.run(500);
    const call = client.write();
    for (const replica of ALL) client.disconnect(replica, 'refuses us (4401): not admitted');
    cell.run(3_000);
    expect(client.answer(call)).toBeUndefined();
    client.connect();
    cell.run(4_000);
    expect(client.answer(call)).toBe('results');
  });

  it('is taken back by a link only, when it was a refusal', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell);
    for (const replica of [0, 1]) client.refuse(replica);
    // They are asked again, and time out this time.
    for (const replica of [0, 1]) client.disconnect(replica);
    const call = client.write();
    client.refuse(2);
    expect(client.answer(call)).toBe('not_authenticated');
    client.connect(0);
    const again = client.write();
    expect(client.answer(again)).toBeUndefined();
  });

  it('a time-out says who is linked, and why the others are not', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect(2);
    client.disconnect(0, 'tls_failed: certificate has expired');
    client.disconnect(1, 'connection_refused: connect ECONNREFUSED');
    const call = readOf(client, 1_000);
    cell.run(2_000);
    expect(client.failure(call).failure).toEqual({
      code: 'timeout',
      expected: 'a believed answer in time',
      actual:
        'timeout, 1 of 4 replicas linked (2); 0: tls_failed: certificate has expired; ' +
        '1: connection_refused: connect ECONNREFUSED; 3: not reached yet',
    });
  });
});

describe('a read in flight when a replica dies', () => {
  /** What a replica answers from its own point in time, until `untilMs`. */
  const apart = (cell: FakeCell, replica: number, untilMs: number): void => {
    cell.behaviours[replica] = {
      lie: (one) => {
        if (one.kind !== 'readResult' || cell.nowMs >= untilMs) return one;
        const answer: Answer = {
          kind: 'error',
          code: 'not_found',
          expected: '/a',
          actual: String(replica),
          waitMs: undefined,
        };
        return { ...one, answer };
      },
    };
  };

  const begun = (): { cell: FakeCell; client: SimClient } => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write('/a', 'x');
    cell.run(1_000);
    return { cell, client };
  };

  it.each(ALL)('costs it no time-out while the others disagree: replica %i', (dead) => {
    const { cell, client } = begun();
    cell.behaviours[dead] = { lie: () => undefined };
    for (const replica of ALL) if (replica !== dead) apart(cell, replica, 1_060);
    const read = readOf(client, 12_000);
    cell.run(1_020);
    client.disconnect(dead);
    cell.run(1_300);
    expect(client.answer(read)).toBe('answer');
  });

  it('asks others at once, and whoever comes back', () => {
    const { cell, client } = begun();
    for (const replica of ALL) cell.behaviours[replica] = { lie: () => undefined };
    const read = readOf(client, 12_000);
    const asked = (): number[] =>
      client.sent.filter(({ message }) => message.kind === 'read').map(({ replica }) => replica);
    const [first, second] = asked();
    if (first === undefined || second === undefined) throw new Error('nobody was asked');
    client.disconnect(first);
    expect(asked()).toHaveLength(3);
    client.disconnect(second);
    expect(new Set(asked())).toEqual(new Set(ALL));
    for (const replica of ALL) cell.behaviours[replica] = {};
    for (const replica of ALL) client.disconnect(replica);
    cell.run(4_000);
    client.connect(first);
    client.connect(second);
    cell.run(4_030);
    expect(client.outcomes.get(read)).toMatchObject({ kind: 'answer' });
  });

  it('a question for one replica is put again when its link is back', () => {
    const { cell, client } = begun();
    const read = readOf(client, 12_000, 2);
    client.disconnect(2);
    cell.run(3_000);
    expect(client.answer(read)).toBeUndefined();
    client.connect(2);
    cell.run(3_030);
    expect(client.outcomes.get(read)).toMatchObject({ kind: 'answer', replicas: [2] });
  });

  it('gateways that are busy are not asked thirty times a second', () => {
    const { cell, client } = begun();
    for (const replica of ALL) {
      cell.behaviours[replica] = {
        lie: (one) =>
          one.kind === 'readResult'
            ? {
                kind: 'error',
                request: one.request,
                failure: { code: 'slow_down', expected: 'x', actual: 'y' },
              }
            : one,
      };
    }
    readOf(client, 30_000);
    cell.run(11_000);
    expect(client.count('read')).toBeLessThan(40);
  });
});
