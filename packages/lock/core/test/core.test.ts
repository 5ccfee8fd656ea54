// The core as a whole: batches, grants, refusals, closing.
import { encodeResult } from '@fatty/api';
import { describe, expect, it } from 'vitest';
import { type Behaviour, FakeCell } from './fake-cell.ts';
import { SimClient } from './sim-client.ts';

describe('submitting', () => {
  it('opens a session on the first op, answers at f+1, and orders by seq', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    const calls = Array.from({ length: 100 }, () => client.write());
    cell.run(5_000);
    for (const call of calls) expect(client.answer(call)).toBe('results');
    expect(client.states).toEqual(['none', 'opening', 'connected']);
    const writes = cell.applied.filter((one) => one.kind === 'write');
    expect(writes).toHaveLength(100);
  });

  it('does not believe f receipts', () => {
    const silent: Behaviour = {
      lie: (message) => (message.kind === 'receipt' ? undefined : message),
    };
    const cell = new FakeCell(4, { 0: silent, 1: silent, 2: silent });
    const client = new SimClient(cell).connect();
    const call = client.write();
    cell.run(20_000);
    expect(cell.applied.length).toBeGreaterThan(0);
    expect(client.answer(call)).toBeUndefined();
  });

  it('does not let a lying gateway forge a result', () => {
    const forged = encodeResult({ kind: 'written', generation: { commit: 9_999, index: 0 } });
    const liar: Behaviour = {
      delayMs: 0,
      lie: (message) =>
        message.kind === 'receipt'
          ? { ...message, results: message.results.map(() => forged) }
          : message,
    };
    const cell = new FakeCell(4, { 2: liar });
    const client = new SimClient(cell).connect();
    const call = client.write();
    cell.run(5_000);
    const outcome = client.outcomes.get(call);
    expect(outcome?.kind === 'results' && outcome.results[0]).not.toMatchObject({
      generation: { commit: 9_999 },
    });
    expect(client.answer(call)).toBe('results');
  });

  it('fails over from a gateway that swallows, resends in order, and nothing is applied twice', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell, { batchesInFlightMax: 8, opsPerBatchMax: 1 }).connect();
    const warm = client.write();
    cell.run(1_000);
    expect(client.answer(warm)).toBe('results');
    const first = client.gateway();
    cell.behaviours[first] = { swallows: true };
    const calls = Array.from({ length: 40 }, (_, i) => client.write(`/f${i}`));
    cell.run(20_000);
    for (const call of calls) expect(client.answer(call)).toBe('results');
    expect(client.gateway()).not.toBe(first);
    const seen = cell.applied.filter((one) => one.kind === 'write').length;
    expect(seen).toBe(41);
    expect(cell.applied.filter((one) => one.kind === 'openSession')).toHaveLength(1);
  });

  it('resends at once when the gateway hangs up', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write();
    cell.run(1_000);
    const gateway = client.gateway();
    cell.behaviours[gateway] = { swallows: true };
    const call = client.write();
    cell.run(1_050);
    expect(client.answer(call)).toBeUndefined();
    client.disconnect(gateway);
    cell.run(1_200);
    expect(client.answer(call)).toBe('results');
  });

  it('goes on at once when links come back after none were left, however long it took', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write();
    cell.run(1_000);
    const underWay = client.write();
    for (const replica of [0, 1, 2, 3]) client.disconnect(replica);
    const queued = client.write();
    cell.run(9_000);
    expect([underWay, queued].map((call) => client.answer(call))).toEqual([undefined, undefined]);
    client.connect(1, 2, 3);
    cell.run(9_100);
    expect([underWay, queued].map((call) => client.answer(call))).toEqual(['results', 'results']);
  });

  it('is not put to sleep by a timer that fires early', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell, { earlyMs: 7 }).connect();
    client.write();
    cell.run(60_000);
    expect(client.states).toEqual(['none', 'opening', 'connected']);
    expect(client.count('unsigned')).toBeGreaterThan(10);
  });

  it('sends four batches at once; what comes meanwhile shares the next, and a signature', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write();
    cell.run(500);
    const before = client.count('submit');
    const calls = Array.from({ length: 20 }, (_, i) => client.write(`/f${i}`));
    expect(client.count('submit') - before).toBe(4);
    cell.run(3_000);
    for (const call of calls) expect(client.answer(call)).toBe('results');
    expect(client.count('submit') - before).toBe(5);
  });

  it('lets a batch without room for more go at once, whatever is under way', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell, { opsPerBatchMax: 3 }).connect();
    client.write();
    cell.run(500);
    const before = client.count('submit');
    const calls = Array.from({ length: 4 + 3 * 5 + 1 }, (_, i) => client.write(`/f${i}`));
    expect(client.count('submit') - before).toBe(4 + 5);
    cell.run(3_000);
    for (const call of calls) expect(client.answer(call)).toBe('results');
    expect(client.count('submit') - before).toBe(4 + 5 + 1);
  });

  it('keeps 64 batches in flight at most and answers `overloaded` beyond its queue', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell, {
      batchesInFlightMax: 500,
      callsQueuedMax: 100,
      opsPerBatchMax: 1,
    });
    client.connect();
    const first = client.write();
    cell.run(500);
    expect(client.answer(first)).toBe('results');
    const before = client.count('submit');
    const calls = Array.from({ length: 101 }, () => client.write());
    expect(client.count('submit') - before).toBe(64);
    expect(client.answer(calls[100] as number)).toBe('overloaded');
    cell.run(3_000);
    for (const call of calls.slice(0, 100)) expect(client.answer(call)).toBe('results');
  });

  it('believes no refusal: says `not_applied` when the no-op that f+1 led to has filled the seq', () => {
    const refuses = { code: 'wrong_program', expected: 'x', actual: 'y' };
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    const warm = client.write();
    cell.run(500);
    expect(client.answer(warm)).toBe('results');
    cell.behaviours[0] = { refuses };
    const passed = [client.write(), client.write()];
    cell.run(1_500);
    for (const call of passed) expect(client.answer(call)).toBe('results');
    for (const i of [0, 1, 2, 3]) cell.behaviours[i] = { refuses };
    const refused = client.write();
    cell.run(1_600);
    expect(client.answer(refused)).toBeUndefined();
    for (const i of [0, 1, 2, 3]) cell.behaviours[i] = {};
    const after = client.write();
    cell.run(10_000);
    expect(client.failure(refused)).toMatchObject({
      failure: { code: 'wrong_program' },
      outcome: 'not_applied',
    });
    expect(client.answer(after)).toBe('results');
  });

  it.each(['overloaded', 'own_key_heard'])('asks others when gateways answer `%s`', (code) => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write();
    cell.run(500);
    const full = [0, 1, 2, 3];
    for (const i of full) cell.behaviours[i] = { refuses: { code, expected: 'x', actual: 'y' } };
    const call = client.write();
    cell.run(2_000);
    expect(client.answer(call)).toBeUndefined();
    cell.behaviours[3] = {};
    cell.run(20_000);
    expect(client.answer(call)).toBe('results');
  });

  it('sends a batch again whose receipts were lost, however many after it are answered', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write();
    cell.run(500);
    let isLossy = true;
    for (const i of [0, 1, 2, 3]) {
      cell.behaviours[i] = { lie: (message) => (isLossy ? undefined : message) };
    }
    const old = client.write();
    cell.run(600);
    isLossy = false;
    for (let at = 600; at <= 12_000; at += 300) {
      client.write();
      cell.run(at);
    }
    expect(client.answer(old)).toBe('results');
  });

  it('refuses bad form before anything is signed', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    const op = { kind: 'write', path: '/a', content: new Uint8Array(), observed: [] } as const;
    const codes = [
      client.call({ kind: 'ops', ops: [] }),
      client.call({ kind: 'ops', ops: Array(257).fill(op) }),
      client.call({ kind: 'ops', ops: [{ ...op, path: 'a' }] }),
      client.call({ kind: 'ops', ops: [{ ...op, content: new Uint8Array(300_000) }] }),
      client.call({ kind: 'ops', ops: Array(4).fill({ ...op, content: new Uint8Array(250_000) }) }),
    ].map((call) => client.answer(call));
    expect(codes).toEqual([
      'empty_batch',
      'too_many_ops',
      'bad_path',
      'content_too_large',
      'too_large',
    ]);
    expect(client.count('submit')).toBe(0);
  });
});

describe('answers about time-outs and aborts', () => {
  it('tells not_applied from unknown', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell);
    const queued = client.call({ kind: 'ops', ops: [{ kind: 'closeSession' }] }, 1_000);
    cell.run(2_000);
    expect(client.failure(queued)).toMatchObject({
      failure: { code: 'timeout' },
      outcome: 'not_applied',
    });
    client.connect();
    const warm = client.write();
    cell.run(3_000);
    expect(client.answer(warm)).toBe('results');
    cell.stopped = true;
    const sent = client.call(
      {
        kind: 'ops',
        ops: [{ kind: 'write', path: '/a', content: new Uint8Array(), observed: [] }],
      },
      1_000,
    );
    cell.run(5_000);
    expect(client.failure(sent)).toMatchObject({
      failure: { code: 'timeout' },
      outcome: 'unknown',
    });
  });

  it('takes an aborted wait back at the cell', () => {
    const cell = new FakeCell(4);
    const holder = new SimClient(cell).connect();
    const waiter = new SimClient(cell).connect();
    const third = new SimClient(cell).connect();
    const held = holder.acquire();
    cell.run(500);
    expect(holder.answer(held)).toBe('held');
    const wait = waiter.acquire();
    cell.run(1_000);
    const next = third.acquire();
    cell.run(1_500);
    waiter.abort(wait);
    expect(waiter.failure(wait)).toMatchObject({
      failure: { code: 'aborted' },
      outcome: 'unknown',
    });
    cell.run(2_000);
    holder.call({ kind: 'release', hold: held });
    cell.run(3_000);
    expect(third.answer(next)).toBe('held');
    expect(cell.tenures).toHaveLength(2);
  });

  it('fails everything as not_authenticated when fewer than f+1 replicas take the client', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell);
    const call = client.write();
    for (const replica of [0, 1]) client.refuse(replica);
    expect(client.answer(call)).toBeUndefined();
    client.refuse(3);
    expect(client.answer(call)).toBe('not_authenticated');
  });

  it('says `closed` after close, ends waits, and frees the locks at once', () => {
    const cell = new FakeCell(4);
    const one = new SimClient(cell).connect();
    const two = new SimClient(cell).connect();
    const held = one.acquire();
    cell.run(500);
    const wait = two.acquire();
    const other = two.acquire('/other');
    cell.run(1_000);
    two.close();
    expect(two.answer(wait)).toBe('closed');
    expect(two.answer(other)).toBe('held');
    expect(two.answer(two.write())).toBe('closed');
    cell.run(2_000);
    expect(two.closed).toBe(true);
    expect(cell.sessions).toBe(1);
    expect(cell.holderOf('/other')).toBeUndefined();
    expect(one.answer(held)).toBe('held');
  });
});
