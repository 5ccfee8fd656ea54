// Requests that cannot be encoded: each is refused, and the client goes on.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallRequest } from '../src/index.ts';
import { FakeCell } from './fake-cell.ts';
import { SimClient } from './sim-client.ts';

const LONG = `/${'x'.repeat(70_000)}`;
const read = (query: unknown, more: object = {}): unknown => {
  return { kind: 'read', query, view: 'committed', replica: undefined, ...more };
};
const acquire = { kind: 'acquire', path: '/a', mode: 'exclusive', wait: true, lockDelayMs: 0 };

const JUNK: readonly [string, unknown, string][] = [
  ['a read of no path', read({ kind: 'get', path: undefined }), 'bad_path'],
  ['a read of half a character', read({ kind: 'get', path: '/\ud800' }), 'bad_path'],
  ['a read of a byte order mark', read({ kind: 'stat', path: '\uFEFF/x' }), 'bad_path'],
  ['a read of a long path', read({ kind: 'get', path: LONG }), 'bad_path'],
  ['a page below 0', read({ kind: 'list', path: '/', after: undefined, limit: -1 }), 'bad_limit'],
  ['a session of 3 bytes', read({ kind: 'session', id: new Uint8Array(3) }), 'bad_argument'],
  ['a view there is not', read({ kind: 'members' }, { view: 'all' }), 'bad_argument'],
  ['a replica there is not', read({ kind: 'status' }, { replica: 9 }), 'bad_argument'],
  ['half a replica', read({ kind: 'status' }, { replica: 1.5 }), 'bad_argument'],
  ['ops of no kind', { kind: 'ops', ops: [{ kind: 'nonsense' }] }, 'bad_argument'],
  [
    'another anchor of the session',
    { kind: 'ops', ops: [{ kind: 'reanchor', anchor: new Uint8Array(32) }] },
    'bad_argument',
  ],
  ['no ops', { kind: 'ops', ops: undefined }, 'bad_argument'],
  ['a mode there is not', { ...acquire, mode: 'EXCLUSIVE' }, 'bad_argument'],
  ['half a ms', { ...acquire, maxWaitMs: 1.5 }, 'bad_argument'],
  ['a request of no kind', { kind: 'what' }, 'bad_argument'],
];

describe('a request that cannot be sent', () => {
  it.each(JUNK)('%s: is answered at once, and costs nobody anything', (_, request, code) => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    const before = client.write('/before');
    cell.run(3_000);
    const sent = client.sent.length;
    const bad = client.call(request as CallRequest);
    expect(client.outcomes.get(bad)).toMatchObject({
      failure: { code },
      outcome: 'not_applied',
      retryable: false,
    });
    const said = client.sent.slice(sent).map(({ message }) => message.kind);
    expect(said.filter((kind) => kind === 'read' || kind === 'submit')).toEqual([]);
    const after = client.write('/after');
    cell.run(10_000);
    expect([client.answer(before), client.answer(after)]).toEqual(['results', 'results']);
  });

  it('has a deadline that is no time: the timers of others run on', () => {
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    client.step({
      kind: 'call',
      call: 1_000,
      request: read({ kind: 'members' }) as CallRequest,
      deadlineMs: Number.NaN,
      atMs: client.nowMs(),
    });
    expect(client.outcomes.get(1_000)).toMatchObject({ failure: { code: 'bad_argument' } });
    cell.stopped = true;
    const late = client.call({ kind: 'ops', ops: [{ kind: 'cancel', seq: 1, index: 0 }] }, 500);
    cell.run(2_000);
    expect(client.outcomes.get(late)).toMatchObject({ failure: { code: 'timeout' } });
  });

  it('whatever it is: one answer, and the client goes on', () => {
    const likely = fc.oneof(
      fc.anything().map((path) => read({ kind: 'get', path })),
      fc.anything().map((limit) => read({ kind: 'list', path: '/', after: undefined, limit })),
      fc.anything().map((ops) => ({ kind: 'ops', ops })),
      fc.anything().map((op) => ({ kind: 'ops', ops: [op] })),
      fc.anything().map((lockDelayMs) => ({ ...acquire, lockDelayMs })),
      fc.anything().map((mode) => ({ ...acquire, mode })),
      fc.anything().map((op) => ({ kind: 'machine', op, hold: undefined })),
      fc.anything().map((hold) => ({ kind: 'release', hold })),
    );
    const cell = new FakeCell(4);
    const client = new SimClient(cell).connect();
    fc.assert(
      fc.property(likely, (request) => {
        const call = client.call(request as CallRequest, 100);
        cell.run(cell.nowMs + 150);
        expect(client.outcomes.has(call)).toBe(true);
      }),
    );
    const after = client.write('/after');
    cell.run(cell.nowMs + 5_000);
    expect(client.answer(after)).toBe('results');
  });
});
