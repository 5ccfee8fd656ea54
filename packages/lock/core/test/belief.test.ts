// T4 and T5 of TIME.md, kind by kind: what begins, what ends and what extends a hold.
import type { Op } from '@fatty/api';
import { describe, expect, it } from 'vitest';

import { type Behaviour, FakeCell, kindOf } from './fake-cell.ts';
import { SimClient } from './sim-client.ts';

const LEASE_MS = 12_000;

/** A replica that says nothing of these kinds. */
function withholds(...kinds: readonly string[]): Behaviour {
  return { lie: (message) => (kinds.includes(kindOf(message)) ? undefined : message) };
}

function all(cell: FakeCell, behaviour: Behaviour): void {
  for (const replica of cell.behaviours.keys()) cell.behaviours[replica] = behaviour;
}

function two(cell: FakeCell, behaviour: Behaviour): void {
  Object.assign(cell.behaviours, { 0: behaviour, 1: behaviour });
}

const beliefs = (client: SimClient): number => client.core.beliefs(client.nowMs()).length;

/**
 * The first holds, the second waits. Nothing is committed for 14 s, so both are in jeopardy and the
 * first gives up. Then commits go on, and two of four clocks stay silent: no proof comes.
 */
function inJeopardy(...withheld: readonly string[]): {
  cell: FakeCell;
  waiter: SimClient;
  call: number;
} {
  const cell = new FakeCell(4);
  const holder = new SimClient(cell).connect();
  const waiter = new SimClient(cell).connect();
  const held = holder.acquire();
  cell.run(500);
  const call = waiter.acquire();
  cell.run(1_000);
  cell.stopped = true;
  cell.run(15_000);
  expect(holder.lost.get(held)).toMatchObject({ code: 'in_jeopardy' });
  expect(waiter.states.at(-1)).toBe('jeopardy');
  cell.stalledMs = 12_000;
  all(cell, withholds(...withheld));
  two(cell, withholds('nowReading', ...withheld));
  cell.stopped = false;
  return { cell, waiter, call };
}

describe('a grant that comes while nothing can be proved', () => {
  it.each(['a notice', 'an audit'])('%s: waits for the proof, then gives up and cancels', (way) => {
    const { cell, waiter, call } = inJeopardy(...(way === 'an audit' ? ['granted'] : []));
    for (let at = 15_000; at < 30_000; at += 50) {
      cell.run(at);
      expect(beliefs(waiter)).toBe(0);
      expect(waiter.answer(call)).not.toBe('held');
    }
    expect(waiter.states.at(-1)).toBe('jeopardy');
    const [, tenure] = cell.tenures;
    expect(tenure?.fromMs).toBeLessThan(17_000);
    expect(tenure?.toMs).toBeLessThan(25_000);
    expect(waiter.failure(call)).toMatchObject({
      failure: { code: 'in_jeopardy' },
      outcome: 'applied',
    });
    expect(cell.holderOf('/lock')).toBeUndefined();
    expect(waiter.lost.size).toBe(0);
  });

  it('answers when the proof comes in time', () => {
    const { cell, waiter, call } = inJeopardy();
    cell.run(17_000);
    expect(cell.tenures).toHaveLength(2);
    expect(waiter.answer(call)).toBeUndefined();
    all(cell, {});
    cell.run(18_000);
    expect(waiter.states.at(-1)).toBe('safe');
    expect(waiter.answer(call)).toBe('held');
    expect(beliefs(waiter)).toBe(1);
    expect(waiter.lost.size).toBe(0);
  });

  it('a receipt: likewise', () => {
    const { cell, waiter } = inJeopardy();
    const next = waiter.acquire('/other');
    cell.run(17_000);
    expect(cell.holderOf('/other')).toBeDefined();
    expect(waiter.answer(next)).toBeUndefined();
    cell.run(25_000);
    expect(waiter.failure(next)).toMatchObject({ failure: { code: 'in_jeopardy' } });
    expect(cell.holderOf('/other')).toBeUndefined();
  });

  it('a machine: not taken before it is proved', () => {
    const { cell, waiter } = inJeopardy();
    const proven = { path: '/m', nonce: undefined, outputs: 0, inbox: 0 };
    const op = { kind: 'takeMachine', ...proven, proofs: [new Uint8Array(10)] } as const;
    const call = waiter.call({ kind: 'machine', op, hold: undefined });
    cell.run(16_000);
    expect(waiter.answer(call)).toBeUndefined();
    cell.run(25_000);
    expect(waiter.failure(call)).toMatchObject({ failure: { code: 'in_jeopardy' } });
  });
});

describe('a loss that nobody hears of', () => {
  function robbed(...withheld: readonly string[]): { cell: FakeCell; client: SimClient } {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    const held = client.acquire();
    cell.run(2_000);
    expect(client.answer(held)).toBe('held');
    all(cell, withholds('lost', ...withheld));
    cell.seize('/lock');
    return { cell, client };
  }

  it('does not end when renewals go on: the gap in the numbers is audited first', () => {
    const { cell, client } = robbed();
    cell.run(2_000 + LEASE_MS / 2);
    expect([...client.lost.values()]).toMatchObject([{ code: 'lock_lost' }]);
    expect(client.states.at(-1)).toBe('connected');
  });

  it('and the lease is not extended while the session cannot be read', () => {
    const { cell, client } = robbed('readResult');
    // The cell keeps the path free until the expiry that the session had.
    for (let at = 2_000; at < 60_000; at += 100) {
      cell.run(at);
      if (at >= 2_000 + LEASE_MS) expect(beliefs(client)).toBe(0);
    }
    expect(client.states.at(-1)).toBe('connected');
    expect([...client.lost.values()]).toMatchObject([{ code: 'in_jeopardy' }]);
  });

  it('renewals without a gap go on extending', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.acquire();
    const other = client.acquire('/other');
    cell.run(2_000);
    cell.seize('/other');
    cell.run(120_000);
    expect(beliefs(client)).toBe(1);
    expect([...client.lost.keys()]).toEqual([other]);
  });
});

describe('what its holder ends is not believed from the call on', () => {
  const dot = { session: new Uint8Array(32) as never, seq: 0, index: 0 };
  const removal = { kind: 'remove', path: '/d/lock', dots: [dot] } as const;
  const txn = { kind: 'txn', compares: [], success: [], failure: [] } as const;
  const ways: readonly (readonly [string, Op])[] = [
    ['a node removed under its own lock', { kind: 'remove', path: '/d/lock', dots: [dot] }],
    ['a node removed in a transaction', { ...txn, success: [removal] }],
    ['one that a transaction may remove', { ...txn, failure: [removal] }],
    ['a subtree around it', { kind: 'removeSubtree', path: '/d' }],
    ['a release among other ops', { kind: 'release', path: '/d/lock', lockGen: undefined }],
    ['the end of the session', { kind: 'closeSession' }],
  ];

  it.each(ways)('%s', (_, op) => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    const held = client.acquire('/d/lock');
    cell.run(500);
    client.call({ kind: 'ops', ops: [op] });
    expect(beliefs(client)).toBe(0);
    expect(client.lost.get(held)).toMatchObject({ code: 'lock_released' });
    cell.run(1_000);
    expect(cell.holderOf('/d/lock')).toBeUndefined();
  });

  it('a close that nobody answers', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    const held = client.acquire();
    cell.run(500);
    cell.stopped = true;
    client.close();
    expect(beliefs(client)).toBe(0);
    expect(client.lost.get(held)).toMatchObject({ code: 'lock_released' });
  });

  it('also what is still on its way', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.write();
    cell.run(500);
    const call = client.acquire('/d/lock');
    client.call({ kind: 'ops', ops: [{ kind: 'removeSubtree', path: '/d' }] });
    for (let at = 500; at < 1_500; at += 5) {
      cell.run(at);
      expect(beliefs(client)).toBe(0);
    }
    expect(client.failure(call)).toMatchObject({ failure: { code: 'lock_released' } });
    expect(cell.holderOf('/d/lock')).toBeUndefined();
  });

  it('not what others hold, nor what is beside it', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.acquire();
    client.acquire('/lock2/a');
    cell.run(500);
    client.call({ kind: 'ops', ops: [{ kind: 'removeSubtree', path: '/lock2' }] });
    expect(client.core.beliefs(client.nowMs())).toMatchObject([{ path: '/lock' }]);
  });
});

it('an acquire that waits while its session ends belongs to the next one', () => {
  const cell = new FakeCell(4);
  const client = new SimClient(cell).connect();
  // The cell has rested for an hour. The session opens on a clock proof from before, which does not
  // prove it; no other comes, so the acquire waits. After so long it asks for later epochs first.
  cell.nowMs += 3_600_000;
  const call = client.acquire();
  cell.at(22, () => {
    cell.stalledMs = 3_598_000;
    all(cell, withholds('nowReading'));
  });
  cell.run(3_600_700);
  const { session } = client.core.status;
  if (session === undefined) throw new Error('a session');
  cell.notify(Buffer.from(session).toString('hex'), {
    kind: 'sessionExpired',
    position: { commit: 1, index: 0 },
  });
  all(cell, {});
  cell.run(3_605_000);
  expect(client.states).toEqual(['none', 'opening', 'expired', 'opening', 'connected']);
  expect(client.answer(call)).toBe('held');
  expect(beliefs(client)).toBe(1);
  client.call({ kind: 'release', hold: call });
  cell.run(3_606_000);
  expect(cell.holderOf('/lock')).toBeUndefined();
});

it('asks for a fresh proof when the clocks of its host have jumped, and loses nothing by that', () => {
  const cell = new FakeCell(4);
  const client = new SimClient(cell).connect();
  client.acquire();
  cell.run(4_500);
  const [before] = client.core.beliefs(client.nowMs());
  const asked = client.count('now');
  // The next question by itself would come more than three seconds later.
  client.skipMs += 2_000;
  client.step({ kind: 'jumped', atMs: client.nowMs() });
  expect(client.count('now')).toBe(asked + 4);
  expect(beliefs(client)).toBe(1);
  cell.run(4_600);
  const [after] = client.core.beliefs(client.nowMs());
  // Counted from the jump: the cell's clocks have not moved with ours.
  expect((after?.untilMs ?? 0) - (before?.untilMs ?? 0)).toBeGreaterThanOrEqual(2_000);
  // A jump past the deadline ends it in the same turn: nobody can tell it from a long sleep.
  client.skipMs += 60_000;
  client.step({ kind: 'jumped', atMs: client.nowMs() });
  expect(beliefs(client)).toBe(0);
  expect(client.lost.size).toBe(1);
});
