// What is said of a batch that was sent, refused, lost or forgotten (R32a).
import {
  encodeClientMessage,
  encodeResult,
  errorResult,
  type Op,
  receiptBytesMax,
} from '@fatty/api';
import { RECEIPT_BYTES_KEPT } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { type Behaviour, FakeCell } from './fake-cell.ts';
import { SimClient } from './sim-client.ts';

const ALL = [0, 1, 2, 3] as const;
const refusal = (code: string) => ({ code, expected: 'x', actual: 'y' });

function everywhere(cell: FakeCell, behaviour: Behaviour): void {
  for (const i of ALL) cell.behaviours[i] = behaviour;
}

/** A cell of four with a client whose session is open. */
function warm(): { cell: FakeCell; client: SimClient } {
  const cell = new FakeCell(4);
  const client = new SimClient(cell).connect();
  const first = client.write('/warm');
  cell.run(1_000);
  expect(client.answer(first)).toBe('results');
  return { cell, client };
}

const writesIn = (cell: FakeCell): number =>
  cell.applied.filter(({ kind }) => kind === 'write').length;

/** Every batch it sent, as it sent them. */
function sent(client: SimClient): Uint8Array[] {
  return client.sent.flatMap(({ message }) =>
    message.kind === 'submit' ? [encodeClientMessage(message)] : [],
  );
}

const renewal: Op = {
  kind: 'renewMachine',
  path: '/m',
  nonce: undefined,
  outputs: 0,
  inbox: 0,
  proofs: [new Uint8Array(9)],
};

describe('what is said of a batch that was sent', () => {
  it('`unknown` when so many replicas refuse the key that nothing can be believed', () => {
    const { cell, client } = warm();
    const call = client.write();
    cell.run(1_010);
    const late = client.write();
    for (const i of ALL) client.refuse(i);
    const unsent = client.write();
    cell.run(1_500);
    expect(writesIn(cell)).toBeGreaterThan(1);
    const failure = { code: 'not_authenticated' };
    expect(client.failure(call)).toMatchObject({ failure, outcome: 'unknown' });
    expect(client.failure(late)).toMatchObject({ failure, outcome: 'unknown' });
    expect(client.failure(unsent)).toMatchObject({ failure, outcome: 'not_applied' });
  });

  it('`applied` when f+1 gateways say that it was, whose receipt is gone; and it is sent no more', () => {
    const { cell, client } = warm();
    const call = client.write();
    cell.run(1_010);
    for (const i of ALL) client.disconnect(i);
    cell.run(1_200);
    expect(writesIn(cell)).toBe(2);
    everywhere(cell, { refuses: refusal('already_applied') });
    client.connect();
    cell.run(3_000);
    expect(client.failure(call)).toMatchObject({
      failure: { code: 'already_applied' },
      outcome: 'applied',
      retryable: false,
    });
    const before = client.count('submit');
    cell.run(60_000);
    expect(client.count('submit')).toBe(before);
  });

  it.each([
    ['names its batch without its results', []],
    ['has forgotten it', [encodeResult(errorResult('receipt_forgotten', 'seq from 9', 'seq 1'))]],
  ])('`applied` when a believed receipt %s', (_, results) => {
    const { cell, client } = warm();
    everywhere(cell, { lie: (one) => (one.kind === 'receipt' ? { ...one, results } : one) });
    const call = client.write();
    cell.run(2_000);
    expect(client.failure(call)).toMatchObject({
      failure: { code: 'receipt_forgotten' },
      outcome: 'applied',
    });
  });

  it('`unknown` of a copy that was committed after its session had ended', () => {
    const { cell, client } = warm();
    const unknown = encodeResult(errorResult('session_unknown', 'a live session', 'none'));
    // Applied, and its receipt lost; a liar has it committed once more, when the session is over.
    everywhere(cell, {
      lie: (one) =>
        one.kind === 'receipt' ? { ...one, results: one.results.map(() => unknown) } : one,
    });
    const call = client.write();
    cell.run(2_000);
    expect(writesIn(cell)).toBe(2);
    expect(client.failure(call)).toMatchObject({ outcome: 'unknown' });
    expect(client.states).toContain('expired');
  });

  it('nothing on the word of gateways that know no such session: the session itself is read', () => {
    const { cell, client } = warm();
    everywhere(cell, { refuses: refusal('session_unknown') });
    const call = client.write();
    cell.run(1_400);
    expect(client.answer(call)).toBeUndefined();
    expect(client.states).not.toContain('expired');
    everywhere(cell, {});
    cell.run(5_000);
    expect(client.answer(call)).toBe('results');
  });

  it('`unknown`, soon, when the session is gone indeed', () => {
    const { cell, client } = warm();
    everywhere(cell, { lie: (one) => (one.kind === 'notice' ? undefined : one) });
    cell.expireAll();
    everywhere(cell, { refuses: refusal('session_unknown') });
    const call = client.write();
    cell.run(2_000);
    expect(client.failure(call)).toMatchObject({ outcome: 'unknown' });
    expect(client.states).toContain('expired');
  });
});

describe('a batch that f+1 gateways refuse', () => {
  it('is `applied` when a liar among them passed it on before the no-op', () => {
    const { cell, client } = warm();
    everywhere(cell, { refuses: refusal('wrong_program') });
    const call = client.write('/a', 'late');
    cell.run(1_200);
    const own = sent(client).at(2);
    cell.behaviours[2] = {};
    if (own !== undefined) cell.receive(2, 0, own);
    cell.run(3_000);
    expect(client.answer(call)).toBe('results');
    expect(writesIn(cell)).toBe(2);
  });

  it('is replaced also when the gateways give different reasons', () => {
    const { cell, client } = warm();
    cell.behaviours[0] = { refuses: refusal('stale_t') };
    for (const i of [1, 2, 3]) cell.behaviours[i] = { refuses: refusal(`wrong_${i}`) };
    const call = client.write();
    cell.run(1_500);
    everywhere(cell, {});
    cell.run(5_000);
    expect(client.failure(call)).toMatchObject({ outcome: 'not_applied' });
    expect(client.answer(client.write())).toBeUndefined();
    cell.run(6_000);
    expect(writesIn(cell)).toBe(2);
  });

  it('takes no other call along: what gateways refuse by state travels alone', () => {
    const { cell, client } = warm();
    // Without a link all three wait, and would share a batch.
    for (const i of ALL) client.disconnect(i);
    const before = client.write('/a');
    const renew = client.call({ kind: 'machine', op: renewal, hold: undefined });
    const after = client.write('/b');
    everywhere(cell, { refuses: refusal('stale_t'), refusesOnly: 'renewMachine' });
    client.connect();
    cell.run(4_000);
    expect([client.answer(before), client.answer(after)]).toEqual(['results', 'results']);
    expect(client.failure(renew)).toMatchObject({
      failure: { code: 'stale_t' },
      outcome: 'not_applied',
    });
  });
});

describe('the window', () => {
  it('never reaches back further than the cell keeps receipts, whatever was answered in between', () => {
    const { cell, client } = warm();
    let isLossy = true;
    everywhere(cell, {
      lie: (one) => (isLossy && one.kind === 'receipt' && one.seq === 2 ? undefined : one),
    });
    const calls = [];
    for (let i = 0; i < 200; i++) {
      calls.push(client.write(`/w-${i}`));
      cell.run(cell.nowMs + 30);
    }
    const seqs = cell.applied.map(({ seq }) => seq);
    expect(Math.max(...seqs)).toBeLessThanOrEqual(2 + 63);
    isLossy = false;
    cell.run(cell.nowMs + 60_000);
    expect(calls.map((call) => client.answer(call))).toEqual(calls.map(() => 'results'));
  });
});

describe('the window in bytes', () => {
  it('is no larger than what the cell keeps, and opens again when the oldest batch is answered', () => {
    const { cell, client } = warm();
    let isLossy = true;
    everywhere(cell, {
      lie: (one) => (isLossy && one.kind === 'receipt' && one.seq === 2 ? undefined : one),
    });
    const op = { kind: 'write', path: '/a', content: new Uint8Array(), observed: [] } as const;
    const calls = Array.from({ length: 30 }, () =>
      client.call({ kind: 'ops', ops: Array(256).fill(op) }),
    );
    cell.run(2_000);
    const ahead = new Set(cell.applied.map(({ seq }) => seq)).size - 2;
    expect(ahead).toBe(Math.floor(RECEIPT_BYTES_KEPT / receiptBytesMax(256)));
    isLossy = false;
    cell.run(30_000);
    expect(calls.map((call) => client.answer(call))).toEqual(calls.map(() => 'results'));
  });
});

describe('the time to try again', () => {
  it('is not that of batches that were lost', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell, { opsPerBatchMax: 1 }).connect();
    client.write();
    cell.run(1_000);
    everywhere(cell, { swallows: true });
    const lost = Array.from({ length: 30 }, () => client.write());
    cell.run(6_000);
    everywhere(cell, {});
    cell.run(20_000);
    expect(lost.map((call) => client.answer(call))).toEqual(lost.map(() => 'results'));
    everywhere(cell, { swallows: true });
    const next = client.write();
    cell.run(20_100);
    everywhere(cell, {});
    cell.run(22_500);
    expect(client.answer(next)).toBe('results');
  });

  it('is no later for tries that gateways brought forward by putting a batch off', () => {
    const { cell, client } = warm();
    cell.commitDelayMs = 500;
    for (let i = 0; i < 5; i++) {
      client.write();
      cell.run(cell.nowMs + 1_000);
    }
    const sinceMs = cell.nowMs;
    everywhere(cell, { refuses: refusal('overloaded') });
    const call = client.write();
    cell.run(sinceMs + 1_200);
    everywhere(cell, { swallows: true });
    cell.run(sinceMs + 3_000);
    everywhere(cell, {});
    cell.run(sinceMs + 8_000);
    expect(client.answer(call)).toBe('results');
  });

  it('is later each time that gateways put a batch off, and soon when they do so no more', () => {
    const { cell, client } = warm();
    const sinceMs = cell.nowMs;
    everywhere(cell, { refuses: refusal('overloaded') });
    const call = client.write();
    cell.run(sinceMs + 20_000);
    const tries = client.sent.filter(({ atMs, message }) => {
      return atMs >= sinceMs && message.kind === 'submit';
    });
    expect(tries.length).toBeGreaterThan(6);
    expect(tries.length).toBeLessThan(30);
    everywhere(cell, {});
    cell.run(sinceMs + 25_000);
    expect(client.answer(call)).toBe('results');
  });

  it('comes when a later batch is answered: the receipt of the one before is lost', () => {
    const { cell, client } = warm();
    let isLossy = true;
    everywhere(cell, { lie: (one) => (isLossy && one.kind === 'receipt' ? undefined : one) });
    const sinceMs = cell.nowMs;
    const first = client.write();
    // After four tries: the next one is four seconds away at least.
    cell.run(sinceMs + 11_400);
    isLossy = false;
    const second = client.write();
    cell.run(sinceMs + 11_600);
    expect([first, second].map((call) => client.answer(call))).toEqual([undefined, 'results']);
    cell.run(sinceMs + 12_500);
    expect(client.answer(first)).toBe('results');
  });
});

describe('a release', () => {
  it('goes out even when its caller stops waiting: nobody believes in the hold any more', () => {
    const { cell, client } = warm();
    const held = client.acquire();
    cell.run(1_500);
    expect(client.answer(held)).toBe('held');
    for (const i of ALL) client.disconnect(i);
    const release = client.call({ kind: 'release', hold: held });
    client.abort(release);
    expect(client.failure(release)).toMatchObject({ outcome: 'unknown' });
    client.connect();
    cell.run(3_000);
    expect(cell.holderOf('/lock')).toBeUndefined();
  });

  it('follows an acquire that was granted and whose receipt is gone', () => {
    const { cell, client } = warm();
    everywhere(cell, {
      lie: (one) =>
        one.kind === 'notice' || one.kind === 'readResult'
          ? undefined
          : one.kind === 'receipt' && one.seq === 2
            ? { ...one, results: [] }
            : one,
    });
    const call = client.acquire();
    cell.run(3_000);
    expect(client.failure(call)).toMatchObject({ outcome: 'applied' });
    expect(cell.holderOf('/lock')).toBeUndefined();
  });
});
