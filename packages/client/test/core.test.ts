import { encodeNotice, encodeResult, type GatewayMessage, type NoticeBody } from '@fatty/api';
import type { SessionId } from '@fatty/interface';
import { describe, expect, it } from 'vitest';
import { type Behaviour, FakeCell, SimClient } from './fake-cell.ts';

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

  it('believes a refusal at f+1 only, and fills the seq it left', () => {
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
    expect(client.failure(refused)).toMatchObject({
      failure: { code: 'wrong_program' },
      outcome: 'not_applied',
    });
    for (const i of [0, 1, 2, 3]) cell.behaviours[i] = {};
    const after = client.write();
    cell.run(10_000);
    expect(client.answer(after)).toBe('results');
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
    for (const replica of [0, 1]) client.disconnect(replica, 4401);
    expect(client.answer(call)).toBeUndefined();
    client.disconnect(3, 4401);
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

describe('reads', () => {
  it('believes f+1 equal answers, whatever f say', () => {
    const liar: Behaviour = {
      delayMs: 0,
      lie: (message) =>
        message.kind === 'readResult' && message.answer.kind === 'value'
          ? {
              ...message,
              answer: {
                ...message.answer,
                siblings: message.answer.siblings.map((one) => ({
                  ...one,
                  content: new Uint8Array(9),
                })),
              },
            }
          : message,
    };
    const cell = new FakeCell(4, { 1: liar });
    const client = new SimClient(cell).connect(1);
    client.connect(0, 2, 3);
    client.write('/a', 'truth');
    cell.run(1_000);
    const read = client.call({
      kind: 'read',
      query: { kind: 'get', path: '/a' },
      view: 'committed',
      replica: undefined,
    });
    cell.run(3_000);
    const outcome = client.outcomes.get(read);
    expect(outcome).toMatchObject({ kind: 'answer', answer: { kind: 'value' } });
    if (outcome?.kind !== 'answer' || outcome.answer.kind !== 'value') throw new Error('no value');
    expect(new TextDecoder().decode(outcome.answer.siblings[0]?.content)).toBe('truth');
    expect(outcome.replicas).not.toContain(1);
  });

  it('reads its own writes: no answer older than a believed receipt counts', () => {
    const stale: Behaviour = {
      lie: (message) => (message.kind === 'readResult' ? { ...message, commit: 0 } : message),
    };
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write();
    cell.run(1_000);
    cell.behaviours[client.gateway()] = stale;
    const query = { kind: 'get', path: '/a' } as const;
    const read = client.call({ kind: 'read', query, view: 'committed', replica: undefined });
    cell.run(3_000);
    expect(client.answer(read)).toBe('answer');
    expect(client.suspects.map((one) => one.failure.code)).toContain('stale_answer');
    const alone = client.call({ kind: 'read', query, view: 'committed', replica: 2 });
    cell.run(4_000);
    expect(client.outcomes.get(alone)).toMatchObject({ replicas: [2] });
  });
});

describe('sessions', () => {
  it('stays connected for an hour, past the end of its first chain', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell, { chainLength: 64 }).connect();
    const held = client.acquire();
    cell.run(3_600_000);
    expect(client.answer(held)).toBe('held');
    expect(client.lost.size).toBe(0);
    expect(client.states).toEqual(['none', 'opening', 'connected']);
    expect(cell.applied.filter((one) => one.kind === 'reanchor').length).toBeGreaterThan(5);
  });

  it('asks a second gateway for a keep-alive when the first is slow', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write();
    cell.run(1_000);
    cell.behaviours[client.gateway()] = { swallows: true };
    cell.run(60_000);
    expect(client.states).toEqual(['none', 'opening', 'connected']);
    const keepers = client.sent.filter((one) => one.message.kind === 'keepAlive');
    expect(new Set(keepers.map((one) => one.replica)).size).toBeGreaterThan(1);
  });

  it('goes to jeopardy when nothing can be proved, loses its locks there, and comes back safe', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    const held = client.acquire();
    cell.run(1_000);
    cell.stopped = true;
    cell.run(20_000);
    expect(client.states.at(-1)).toBe('jeopardy');
    expect(client.lost.get(held)).toMatchObject({ code: 'in_jeopardy' });
    expect(client.core.beliefs(client.nowMs())).toEqual([]);
    // The lease clock stood still with the commits: nobody else got the lock meanwhile.
    cell.stalledMs = 19_000;
    cell.stopped = false;
    cell.run(30_000);
    expect(client.states).toEqual(['none', 'opening', 'connected', 'jeopardy', 'safe']);
    expect(cell.holderOf('/lock')).toBeUndefined();
  });

  it('opens in a cell that has rested for an hour: the first clock proof is older than its offset', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    cell.nowMs += 3_600_000;
    const call = client.write();
    const { commitDelayMs } = cell;
    cell.at(10 + commitDelayMs, () => {
      cell.stalledMs = 3_598_000;
    });
    cell.run(3_602_000);
    expect(client.answer(call)).toBe('results');
    cell.run(3_700_000);
    expect(client.states).toEqual(['none', 'opening', 'connected']);
  });

  it('expires after the grace period, answers what was in flight `unknown`, and opens a new one', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell, { graceMs: 45_000 }).connect();
    client.write();
    cell.run(1_000);
    cell.stopped = true;
    const call = client.write();
    cell.run(70_000);
    expect(client.states.slice(-2)).toEqual(['jeopardy', 'expired']);
    expect(client.failure(call)).toMatchObject({
      failure: { code: 'session_expired' },
      outcome: 'unknown',
    });
    cell.stopped = false;
    const again = client.write();
    cell.run(75_000);
    expect(client.answer(again)).toBe('results');
  });

  it('learns of its expiry from f+1 replicas and from no fewer', () => {
    const body = { kind: 'sessionExpired', position: { commit: 1, index: 0 } } as const;
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write();
    cell.run(1_000);
    const session = client.core.status.session;
    if (session === undefined) throw new Error('no session');
    const lie = (replica: number): void => cell.say(replica, 0, notice(session, body));
    lie(0);
    cell.run(1_100);
    expect(client.states).not.toContain('expired');
    lie(1);
    cell.run(1_200);
    expect(client.states).toContain('expired');
  });
});

describe('locks', () => {
  it('hands over, and tells the one who lost it', () => {
    const cell = new FakeCell(4);
    const one = new SimClient(cell).connect();
    const two = new SimClient(cell).connect();
    const first = one.acquire();
    cell.run(500);
    const second = two.acquire();
    cell.run(1_000);
    expect(two.answer(second)).toBeUndefined();
    cell.seize('/lock');
    cell.run(1_500);
    expect(one.lost.get(first)).toMatchObject({ code: 'lock_lost', actual: 'node_removed' });
    expect(two.answer(second)).toBe('held');
    expect(one.failure(one.call({ kind: 'release', hold: first })).failure.code).toBe('lock_lost');
  });

  it('finds grants and losses whose notices were all lost', () => {
    const deaf: Behaviour = {
      lie: (message) => {
        const grant = message.kind === 'notice' && message.body.length > 30;
        return grant ? undefined : message;
      },
    };
    const cell = new FakeCell(4);
    const one = new SimClient(cell).connect();
    const two = new SimClient(cell).connect();
    const first = one.acquire();
    const second = two.acquire();
    cell.run(1_000);
    for (const i of [0, 1, 2, 3]) cell.behaviours[i] = deaf;
    cell.seize('/lock');
    cell.run(10_000);
    expect([one.answer(first), two.answer(second)].sort()).toEqual(['held', 'held']);
    one.disconnect(0);
    one.connect(0);
    cell.run(20_000);
    expect(one.lost.size + two.lost.size).toBe(1);
  });

  it('tries without waiting', () => {
    const cell = new FakeCell(4);
    const one = new SimClient(cell).connect();
    const two = new SimClient(cell).connect();
    one.acquire();
    cell.run(500);
    const call = two.acquire('/lock', false);
    cell.run(1_000);
    expect(two.failure(call)).toMatchObject({
      failure: { code: 'lock_held' },
      outcome: 'not_applied',
    });
  });

  it('does not believe in a released lock from the release on', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    const held = client.acquire();
    cell.run(500);
    expect(client.core.beliefs(client.nowMs())).toHaveLength(1);
    client.call({ kind: 'release', hold: held });
    expect(client.core.beliefs(client.nowMs())).toEqual([]);
    cell.run(1_000);
    expect(client.lost.size).toBe(0);
  });

  it('loses a machine that is not renewed within its period, keeps one that is', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    const proven = { path: '/m', nonce: undefined, outputs: 0, proofs: [new Uint8Array(10)] };
    const take = { kind: 'takeMachine', ...proven } as const;
    const renew = { kind: 'renewMachine', ...proven } as const;
    const hold = client.call({ kind: 'machine', op: take, hold: undefined });
    cell.run(300);
    expect(client.answer(hold)).toBe('results');
    for (let i = 0; i < 10; i++) {
      client.call({ kind: 'machine', op: renew, hold });
      cell.run(300 + 300 * i);
      expect(client.core.beliefs(client.nowMs())).toMatchObject([{ hold, mode: 'machine' }]);
    }
    cell.run(10_000);
    expect(client.lost.get(hold)).toMatchObject({ code: 'in_jeopardy' });
  });
});

function notice(session: SessionId, body: NoticeBody): GatewayMessage {
  return { kind: 'notice', session, commit: 5, body: encodeNotice(body) };
}
