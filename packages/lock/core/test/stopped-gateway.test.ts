// A gateway that stands still with its links open costs no call its deadline and no lease.
import type { Op } from '@fatty/api';
import { describe, expect, it } from 'vitest';
import type { CoreConfig } from '../src/index.ts';
import { FakeCell } from './fake-cell.ts';
import { SimClient } from './sim-client.ts';

const write: Op = { kind: 'write', path: '/a', content: new Uint8Array(), observed: [] };

/** A client that has begun: its session is open, and its gateway known. */
function begun(
  n = 4,
  startDelayMs = 20,
  options: Partial<CoreConfig> = {},
): { cell: FakeCell; client: SimClient } {
  const cell = new FakeCell(n);
  const client = new SimClient(cell, { leaseMs: 12_000, ...options }).connect();
  cell.commitDelayMs = startDelayMs;
  for (let i = 0; i < 3; i++) {
    client.write();
    cell.run(cell.nowMs + 2 * startDelayMs + 200);
  }
  cell.commitDelayMs = 20;
  cell.run(cell.nowMs + 3_000);
  for (let i = 0; i < 4; i++) {
    client.write();
    cell.run(cell.nowMs + 100);
  }
  expect([...client.outcomes.values()].map(({ kind }) => kind)).toEqual(Array(7).fill('results'));
  return { cell, client };
}

/** Stops with its links open: it takes what comes and says nothing. */
function stop(cell: FakeCell, replica: number): void {
  cell.behaviours[replica] = { swallows: true, lie: () => undefined };
}

const gatewaysOf = (client: SimClient, sinceMs: number, kind: 'submit' | 'unsigned'): number[] =>
  client.sent
    .filter(({ atMs, message }) => atMs >= sinceMs && message.kind === kind)
    .map(({ replica }) => replica);

describe('a gateway that is stopped with its link open', () => {
  it('costs a call the usual latency a few times, not the slowest answers of the start', () => {
    const { cell, client } = begun(4, 1_500);
    stop(cell, client.gateway());
    const call = client.write();
    cell.run(cell.nowMs + 1_000);
    expect(client.answer(call)).toBe('results');
  });

  it.each([100, 300, 450])('costs no call its deadline, if that is %i ms away', (timeoutMs) => {
    const { cell, client } = begun();
    stop(cell, client.gateway());
    const atMs = cell.nowMs;
    const call = client.call({ kind: 'ops', ops: [write] }, timeoutMs);
    cell.run(atMs + timeoutMs / 2 - 1);
    expect(gatewaysOf(client, atMs, 'submit')).toHaveLength(1);
    cell.run(atMs + timeoutMs);
    expect(client.answer(call)).toBe('results');
    expect(new Set(gatewaysOf(client, atMs, 'submit')).size).toBe(2);
  });

  it('f of them stopped, the same: f + 1 gateways get what is urgent', () => {
    const { cell, client } = begun(7);
    const first = client.gateway();
    stop(cell, first);
    stop(cell, (first + 1) % 7);
    const atMs = cell.nowMs;
    const call = client.call({ kind: 'ops', ops: [write] }, 400);
    cell.run(atMs + 400);
    expect(client.answer(call)).toBe('results');
    expect(new Set(gatewaysOf(client, atMs, 'submit')).size).toBe(3);
  });

  it('what is urgent takes along what it depends on: batches before it', () => {
    const { cell, client } = begun();
    stop(cell, client.gateway());
    const before = client.write('/before');
    const call = client.call({ kind: 'ops', ops: [write] }, 300);
    cell.run(cell.nowMs + 300);
    expect([before, call].map((one) => client.answer(one))).toEqual(['results', 'results']);
  });

  it('costs no renewal its lease, whatever time its call was given', () => {
    const { cell, client } = begun();
    const take = {
      kind: 'takeMachine',
      path: '/m',
      nonce: undefined,
      outputs: 0,
      inbox: 0,
    } as const;
    const proofs = [new Uint8Array(9)];
    const hold = client.call({ kind: 'machine', op: { ...take, proofs }, hold: undefined });
    cell.run(cell.nowMs + 100);
    expect(client.answer(hold)).toBe('results');
    // The lease of the fake cell lasts a second, of which clocks may take half.
    stop(cell, client.gateway());
    const op = { ...take, proofs, kind: 'renewMachine' } as const;
    const renewal = client.call({ kind: 'machine', op, hold }, 30_000);
    cell.run(cell.nowMs + 350);
    expect(client.answer(renewal)).toBe('results');
    expect(client.lost.size).toBe(0);
  });

  it('keep-alives go to f + 1 gateways at their first repetition, and at once when it is late', () => {
    const { cell, client } = begun(7);
    const atMs = cell.nowMs;
    cell.run(atMs + 2_000);
    const first = client.gateway();
    stop(cell, first);
    stop(cell, (first + 1) % 7);
    const sinceMs = cell.nowMs;
    cell.run(sinceMs + 6_000);
    const [shown, ...repeated] = gatewaysOf(client, sinceMs, 'unsigned');
    expect(shown).toBe(first);
    expect(new Set(repeated.slice(0, 3)).size).toBe(3);
    expect(client.states).not.toContain('jeopardy');
  });

  it('is in a hurry until its deadline, not after it', () => {
    const { cell, client } = begun();
    cell.stopped = true;
    const atMs = cell.nowMs;
    const calls = Array.from({ length: 5 }, () =>
      client.call({ kind: 'ops', ops: [write] }, 2_000),
    );
    cell.run(atMs + 2_000);
    expect(calls.map((call) => client.answer(call))).toEqual(Array(5).fill('timeout'));
    const before = gatewaysOf(client, atMs, 'submit').length;
    cell.run(atMs + 30_000);
    // Its place in the order must be filled all the same: at the pace of any other batch.
    const after = gatewaysOf(client, atMs, 'submit').length - before;
    expect(after).toBeGreaterThan(0);
    expect(after).toBeLessThan(60);
  });

  it('does not hold up what gathers behind calls that it leaves unanswered', () => {
    const { cell, client } = begun();
    stop(cell, client.gateway());
    const patient = Array.from({ length: 4 }, () =>
      client.call({ kind: 'ops', ops: [write] }, 30_000),
    );
    const urgent = client.call({ kind: 'ops', ops: [write] }, 150);
    cell.run(cell.nowMs + 149);
    expect(client.answer(urgent)).toBe('results');
    for (const call of patient) expect(client.answer(call)).toBe('results');
  });

  it('takes a whole window along once, not once for each batch in it', () => {
    const { cell, client } = begun(4, 20, { opsPerBatchMax: 1 });
    stop(cell, client.gateway());
    const atMs = cell.nowMs;
    for (let i = 0; i < 20; i++) {
      client.call({ kind: 'ops', ops: [write] }, 400);
      cell.run(atMs + 2 * (i + 1));
    }
    cell.run(atMs + 399);
    const counts = gatewaysOf(client, atMs, 'submit').length;
    expect(counts).toBeGreaterThanOrEqual(3 * 20);
    expect(counts).toBeLessThan(4 * 20);
  });

  it('a call that was urgent before any link was there goes out as urgent when one is', () => {
    const { cell, client } = begun();
    const call = client.call({ kind: 'ops', ops: [write] }, 2_000);
    for (const replica of [0, 1, 2, 3]) client.disconnect(replica);
    cell.run(cell.nowMs + 1_500);
    stop(cell, 2);
    client.connect(2).connect(0, 1, 3);
    cell.run(cell.nowMs + 490);
    expect(client.gateway()).not.toBe(2);
    expect(client.answer(call)).toBe('results');
  });
});

describe('clock readings over a slow network', () => {
  it('count when they come after the next question was put', () => {
    const cell = new FakeCell(4);
    for (const replica of [0, 1, 2, 3]) cell.behaviours[replica] = { delayMs: 1_400 };
    const client = new SimClient(cell, { leaseMs: 12_000 }).connect();
    const call = client.write();
    cell.run(12_000);
    expect(client.answer(call)).toBe('results');
    expect(client.states.at(-1)).toBe('connected');
  });
});
