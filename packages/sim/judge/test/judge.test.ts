// Histories that are known to be right and known to be wrong.
import { describe, expect, it } from 'vitest';
import {
  type Call,
  type CallOp,
  type CallOutcome,
  judge,
  judgePath,
  readHistory,
} from '../src/index.ts';

type Row = readonly [client: string, start: number, end: number, op: CallOp, outcome: CallOutcome];

const ok = (more: Omit<Extract<CallOutcome, { kind: 'ok' }>, 'kind'> = {}): CallOutcome => ({
  kind: 'ok',
  ...more,
});
const refused = (code: string): CallOutcome => ({ kind: 'refused', code });
const unknown: CallOutcome = { kind: 'unknown' };
const put = (value: string): CallOp => ({ kind: 'put', value });
const create = (value: string): CallOp => ({ kind: 'create', value });
const cas = (generation: string, value: string): CallOp => ({
  kind: 'compareAndSet',
  generation,
  value,
});
const read: CallOp = { kind: 'read' };
const remove: CallOp = { kind: 'delete' };
const acquire: CallOp = { kind: 'acquire' };
const share: CallOp = { kind: 'acquire', mode: 'shared' };
const release = (generation: string): CallOp => ({ kind: 'release', generation });
const lost = (generation: string): CallOp => ({ kind: 'lost', generation });
const renew = (generation: string): CallOp => ({ kind: 'renew', generation });
const saw = (...values: string[]): CallOutcome => ok({ values });

const calls = (rows: readonly Row[]): Call[] =>
  rows.map(([client, start, end, op, outcome]) => ({
    client,
    path: '/p',
    op,
    start,
    end,
    outcome,
  }));

const GOOD: Record<string, readonly Row[]> = {
  'reads on both sides of a write at the same time': [
    ['a', 0, 1, put('1'), ok()],
    ['a', 2, 9, put('2'), ok()],
    ['b', 3, 4, read, saw('1')],
    ['c', 5, 6, read, saw('2')],
  ],
  'a write of unknown outcome that shows much later': [
    ['a', 0, 1, put('1'), ok()],
    ['a', 2, 2, put('2'), unknown],
    ['b', 5, 6, read, saw('1')],
    ['b', 8, 9, read, saw('2')],
  ],
  'a write of unknown outcome that never shows': [
    ['a', 0, 1, put('1'), ok()],
    ['a', 2, 2, put('2'), unknown],
    ['b', 50, 60, read, saw('1')],
  ],
  'concurrent values until somebody who saw them writes over them': [
    ['a', 0, 1, create('0'), ok()],
    ['a', 2, 5, { kind: 'write', value: '1', observed: ['0'] }, ok()],
    ['b', 2, 5, { kind: 'write', value: '2', observed: ['0'] }, ok()],
    ['c', 6, 7, read, saw('2', '1')],
    ['c', 8, 9, { kind: 'write', value: '3', observed: ['1', '2'] }, ok()],
    ['a', 10, 11, read, saw('3')],
  ],
  'one of two compare-and-sets wins, the other is refused': [
    ['a', 0, 1, create('0'), ok({ generation: '1' })],
    ['a', 2, 5, cas('1', 'a'), refused('generation_mismatch')],
    ['b', 2, 5, cas('1', 'b'), ok({ generation: '3' })],
    ['a', 6, 7, read, ok({ values: ['b'], generation: '3' })],
  ],
  'a generation that a read names first': [
    ['a', 0, 1, create('0'), ok()],
    ['b', 2, 3, read, ok({ values: ['0'], generation: '4' })],
    ['b', 4, 5, cas('4', '1'), ok({ generation: '6' })],
  ],
  'a file removed and made again, with a higher generation': [
    ['a', 0, 1, create('0'), ok({ generation: '1' })],
    ['a', 2, 3, remove, ok()],
    ['b', 4, 5, read, refused('not_found')],
    ['b', 6, 7, create('1'), ok({ generation: '5' })],
    ['a', 8, 9, create('2'), refused('exists')],
  ],
  'a lock handed on': [
    ['a', 0, 1, acquire, ok({ generation: '1' })],
    ['b', 0, 9, acquire, ok({ generation: '5' })],
    ['c', 2, 3, acquire, refused('lock_held')],
    ['a', 4, 6, release('1'), ok()],
    ['b', 10, 11, release('5'), ok()],
  ],
  'a lock that its holder gave up believing in': [
    ['a', 0, 1, acquire, ok({ generation: '1' })],
    ['a', 8, 8, lost('1'), unknown],
    ['b', 2, 9, acquire, ok({ generation: '7' })],
    ['a', 12, 13, release('1'), refused('not_held')],
  ],
  'a grant that nobody heard of is in the way, and then it is not': [
    ['a', 0, 0, acquire, unknown],
    ['b', 5, 6, acquire, refused('lock_held')],
    ['b', 20, 21, acquire, ok({ generation: '4' })],
  ],
  'a lock that two share, and one alone after them': [
    ['a', 0, 1, share, ok({ generation: '1' })],
    ['b', 0, 3, share, ok({ generation: '2' })],
    ['c', 4, 5, acquire, refused('lock_held')],
    ['a', 6, 7, release('1'), ok()],
    ['b', 6, 7, release('2'), ok()],
    ['c', 8, 9, acquire, ok({ generation: '3' })],
  ],
  'a machine that changes hands and goes on where it was': [
    ['a', 0, 1, acquire, ok({ generation: '1', t: 10 })],
    ['a', 2, 3, renew('1'), ok({ t: 20 })],
    ['a', 9, 9, lost('1'), unknown],
    ['b', 8, 12, acquire, ok({ generation: '4', t: 25 })],
    ['a', 13, 14, renew('1'), refused('not_lessee')],
  ],
  'a write under a lock that is held': [
    ['a', 0, 1, create('0'), ok()],
    ['a', 2, 3, acquire, ok({ generation: '1' })],
    ['a', 4, 5, { kind: 'compareAndSet', lock: '1', value: '1' }, ok({ generation: '2' })],
  ],
};

const BAD: Record<string, readonly Row[]> = {
  'an acknowledged write that is lost': [
    ['a', 0, 1, put('1'), ok()],
    ['a', 2, 3, put('2'), ok()],
    ['b', 4, 5, read, saw('1')],
  ],
  'an acknowledged file that is not there': [
    ['a', 0, 1, create('1'), ok()],
    ['b', 4, 5, read, refused('not_found')],
  ],
  'a value that nobody wrote': [
    ['a', 0, 1, put('1'), ok()],
    ['b', 0, 5, read, saw('3')],
  ],
  'a value before it was written': [
    ['b', 0, 1, read, saw('1')],
    ['a', 2, 3, put('1'), ok()],
  ],
  'reads that go back': [
    ['a', 0, 1, put('1'), ok()],
    ['a', 2, 9, put('2'), ok()],
    ['b', 3, 4, read, saw('2')],
    ['c', 5, 6, read, saw('1')],
  ],
  'a write of unknown outcome that shows and is gone': [
    ['a', 0, 1, put('1'), ok()],
    ['a', 2, 2, put('2'), unknown],
    ['b', 3, 4, read, saw('2')],
    ['c', 5, 6, read, saw('1')],
  ],
  'two compare-and-sets on one generation': [
    ['a', 0, 1, create('0'), ok({ generation: '1' })],
    ['a', 2, 5, cas('1', 'a'), ok({ generation: '3' })],
    ['b', 2, 5, cas('1', 'b'), ok({ generation: '4' })],
  ],
  'a compare-and-set refused though nothing has moved': [
    ['a', 0, 1, create('0'), ok({ generation: '1' })],
    ['a', 2, 5, cas('1', 'a'), refused('generation_mismatch')],
  ],
  'a refused write that shows': [
    ['a', 0, 1, create('0'), ok()],
    ['b', 2, 3, create('1'), refused('exists')],
    ['b', 4, 5, read, saw('1')],
  ],
  'a concurrent value that was thrown away unseen': [
    ['a', 0, 1, create('0'), ok()],
    ['a', 2, 5, { kind: 'write', value: '1', observed: ['0'] }, ok()],
    ['b', 2, 5, { kind: 'write', value: '2', observed: ['0'] }, ok()],
    ['c', 6, 7, read, saw('2')],
  ],
  'a generation that starts again when its file does': [
    ['a', 0, 1, create('0'), ok({ generation: '2' })],
    ['a', 2, 3, remove, ok()],
    ['b', 6, 7, create('1'), ok({ generation: '1' })],
  ],
  'a file made twice': [
    ['a', 0, 5, create('0'), ok()],
    ['b', 0, 5, create('1'), ok()],
  ],
  'a file removed twice': [
    ['a', 0, 1, create('0'), ok()],
    ['a', 2, 5, remove, ok()],
    ['b', 2, 5, remove, ok()],
  ],
  'two who hold one lock': [
    ['a', 0, 1, acquire, ok({ generation: '1' })],
    ['b', 2, 3, acquire, ok({ generation: '2' })],
  ],
  'a lock granted while its last holder still believes': [
    ['a', 0, 1, acquire, ok({ generation: '1' })],
    ['b', 2, 6, acquire, ok({ generation: '5' })],
    ['a', 8, 8, lost('1'), unknown],
  ],
  'a lock granted before its holder asks for its release': [
    ['a', 0, 1, acquire, ok({ generation: '1' })],
    ['b', 2, 6, acquire, ok({ generation: '5' })],
    ['a', 8, 9, release('1'), ok()],
  ],
  'two grants of one generation': [
    ['a', 0, 1, acquire, ok({ generation: '1' })],
    ['a', 2, 3, release('1'), ok()],
    ['b', 4, 5, acquire, ok({ generation: '1' })],
  ],
  'generations that go back': [
    ['a', 0, 1, acquire, ok({ generation: '2' })],
    ['a', 2, 3, release('2'), ok()],
    ['b', 4, 5, acquire, ok({ generation: '1' })],
  ],
  'one alone beside one that shares': [
    ['a', 0, 1, share, ok({ generation: '1' })],
    ['b', 2, 3, acquire, ok({ generation: '2' })],
    ['a', 4, 5, release('1'), ok()],
  ],
  'a lock refused that nobody has': [
    ['a', 0, 1, acquire, ok({ generation: '1' })],
    ['a', 2, 3, release('1'), ok()],
    ['b', 4, 5, acquire, refused('lock_held')],
  ],
  'a release that is acknowledged twice': [
    ['a', 0, 1, acquire, ok({ generation: '1' })],
    ['a', 2, 3, release('1'), ok()],
    ['a', 4, 5, release('1'), ok()],
  ],
  'a machine with two workers': [
    ['a', 0, 1, acquire, ok({ generation: '1', t: 0 })],
    ['b', 2, 9, acquire, ok({ generation: '4', t: 5 })],
    ['a', 10, 11, renew('1'), ok({ t: 10 })],
  ],
  'a machine that goes back': [
    ['a', 0, 1, acquire, ok({ generation: '1', t: 0 })],
    ['a', 2, 3, renew('1'), ok({ t: 10 })],
    ['a', 4, 5, renew('1'), ok({ t: 5 })],
  ],
  'a write under a lock that another holds by now': [
    ['a', 0, 1, create('0'), ok()],
    ['a', 2, 3, acquire, ok({ generation: '1' })],
    ['a', 4, 4, lost('1'), unknown],
    ['b', 5, 6, acquire, ok({ generation: '2' })],
    ['a', 7, 8, { kind: 'compareAndSet', lock: '1', value: '1' }, ok()],
  ],
};

describe('a history that is right', () => {
  it.each(Object.entries(GOOD))('%s', (_, rows) => {
    expect(judgePath(calls(rows))).toMatchObject({ kind: 'linearizable', path: '/p' });
  });
});

describe('a history that is wrong', () => {
  it.each(Object.entries(BAD))('%s', (_, rows) => {
    const judged = judgePath(calls(rows));
    expect(judged.kind).toBe('contradiction');
    // What is named contradicts itself, and is no more than is there.
    if (judged.kind !== 'contradiction') return;
    expect(judged.calls.length).toBeGreaterThan(0);
    expect(judged.text).toMatch(/^\/p: no order explains/);
    expect(judged.text).toMatch(/: but /);
  });

  it('names the calls that contradict one another, and no others', () => {
    const noise = Array.from({ length: 40 }, (_, i): Row => {
      const time = 100 + 10 * i;
      return i % 2 === 0
        ? ['z', time, time + 1, put(`n${i}`), ok()]
        : ['z', time, time + 1, read, saw(`n${i - 1}`)];
    });
    const wrong: readonly Row[] = [
      ['a', 1000, 1001, put('x'), ok()],
      ['a', 1002, 1003, put('y'), ok()],
      ['b', 1004, 1005, read, saw('x')],
    ];
    const judged = judgePath(calls([...noise, ...wrong]));
    if (judged.kind !== 'contradiction') throw new Error(judged.kind);
    expect(judged.calls.every(({ client }) => client !== 'z')).toBe(true);
    expect(judged.text).toContain('b read → ok values ["x"]: but the file has "y"');
  });

  it('is wrong for the path that is wrong alone', () => {
    const good = calls(GOOD['a lock handed on'] ?? []).map((call) => ({ ...call, path: '/good' }));
    const bad = calls(BAD['two who hold one lock'] ?? []);
    expect(judge([...good, ...bad]).map(({ kind, path }) => [path, kind])).toEqual([
      ['/good', 'linearizable'],
      ['/p', 'contradiction'],
    ]);
  });

  it('is left undecided where the search would take too long', () => {
    const rows = Array.from({ length: 12 }, (_, i): Row => [`c${i}`, 0, 9, put(`${i}`), ok()]);
    const wrong: Row = ['z', 10, 11, read, saw('none')];
    expect(judgePath(calls([...rows, wrong]), { statesMax: 500 })).toMatchObject({
      kind: 'undecided',
      text: '/p: no verdict on 13 calls within 500 states',
    });
  });
});

describe('a history as clients write it', () => {
  const begun = '{"id":"a1","client":"a","path":"/p","op":{"kind":"read"},"start":1}';

  it('is calls with their answers; what has none may have been done', () => {
    const text = `${begun}\n${begun.replace('a1', 'a2')}\n{"id":"a1","end":2,"outcome":{"kind":"ok","values":[]}}\n`;
    expect(readHistory(text)).toEqual({
      calls: [
        { client: 'a', path: '/p', op: read, start: 1, end: 2, outcome: saw() },
        { client: 'a', path: '/p', op: read, start: 1, end: 1, outcome: unknown },
      ],
      unreadable: [],
    });
  });

  it('may end in mid-line, and is damaged anywhere else', () => {
    expect(readHistory(`${begun}\n{"id":"a1","en`).unreadable).toEqual([]);
    expect(readHistory(`{"id":"a1","en\n${begun}\n`).unreadable).toEqual([
      { code: 'bad_history_line', line: 1, text: '{"id":"a1","en' },
    ]);
  });
});
