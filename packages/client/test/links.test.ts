import { describe, expect, it } from 'vitest';
import { FakeCell } from './fake-cell.ts';
import { SimClient } from './sim-client.ts';

const ALL = [0, 1, 2, 3] as const;

describe('what ends a link', () => {
  it.each([4400, 4403, 4408, 4409, 1000, 1009, 1011, 4999])(
    'close code %i is no refusal, whoever says it',
    (code) => {
      const cell = new FakeCell(4);
      const client = new SimClient(cell).connect();
      client.write();
      cell.run(500);
      const call = client.write();
      for (const replica of ALL) client.disconnect(replica, code);
      cell.run(3_000);
      expect(client.answer(call)).toBeUndefined();
      client.connect();
      cell.run(4_000);
      expect(client.answer(call)).toBe('results');
    },
  );

  it.each([4401, 4404, 4426])('a refusal %i is taken back by a link only', (code) => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell);
    for (const replica of [0, 1]) client.disconnect(replica, code);
    // They are asked again, and time out this time.
    for (const replica of [0, 1]) client.disconnect(replica);
    const call = client.write();
    client.disconnect(2, code);
    expect(client.answer(call)).toBe('not_authenticated');
    client.connect(0);
    const again = client.write();
    expect(client.answer(again)).toBeUndefined();
  });

  it('a time-out says who is linked, and why the others are not', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect(2);
    client.disconnect(0, 1006, 'tls_failed: certificate has expired');
    client.disconnect(1, 1006, 'connection_refused: connect ECONNREFUSED');
    const query = { kind: 'get', path: '/a' } as const;
    const read = { kind: 'read', query, view: 'committed', replica: undefined } as const;
    const call = client.call(read, 1_000);
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
