// Tests of the forms of ops, paths and queries.
import { readFileSync } from 'node:fs';
import { asCellId, fromUtf8, standIn, utf8 } from '@fatty/codec';
import { DEFAULT_PARAMS, nowMessage, sessionIdOf, signNow } from '@fatty/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkOp,
  comparePaths,
  comparePositions,
  decodeGatewayMessage,
  decodeResult,
  ERRORS,
  encodeGatewayMessage,
  encodeResult,
  errorEntry,
  errorReference,
  errorResult,
  explain,
  isErrorCode,
  joinPath,
  type Op,
  parentPath,
  splitPath,
  splitWritable,
  standingOf,
  tokenOf,
} from '../src/index.ts';
import { OPS } from './samples.ts';

const check = (op: Op): string => {
  const verdict = checkOp(op, DEFAULT_PARAMS);
  return verdict.kind === 'accept' ? 'accept' : verdict.code;
};

describe('failures', () => {
  test('whatever they quote, a gateway can say them and a client can read them', () => {
    const anything = fc
      .array(fc.oneof(fc.nat(0xffff), fc.constantFrom(0xfeff, 0xd83d)), { maxLength: 1200 })
      .map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(anything, anything, (expected, actual) => {
        const failure = { code: 'bad_path', expected, actual };
        const bytes = encodeGatewayMessage({ kind: 'error', request: 1, failure });
        expect(decodeGatewayMessage(bytes, 1 << 16)).toMatchObject({ ok: true });
        expect(decodeResult(encodeResult(errorResult('bad_path', expected, actual))).ok).toBe(true);
      }),
    );
  });

  test('a path cut in the middle of a character is quoted all the same', () => {
    const split = splitPath(`${'a'.repeat(39)}😀`);
    expect(split).toMatchObject({ ok: false, failure: { actual: `${'a'.repeat(39)}\uFFFD` } });
  });
});

describe('paths', () => {
  test.each<[unknown, string]>([
    [undefined, 'undefined'],
    ['', 'an empty one'],
    ['\uFEFF/x', 'a byte order mark before /x'],
    ['/\uD800', 'a lone surrogate in /\uFFFD'],
    ['/a//b', 'an empty segment in /a//b'],
    [`/${'x'.repeat(9_000)}`, `9001 characters from /${'x'.repeat(99)}`],
  ])('what is wrong with %j is said', (path, actual) => {
    expect(splitPath(path)).toMatchObject({ failure: { code: 'bad_path', actual } });
  });

  test.each([
    ['', 'bad_path'],
    ['a', 'bad_path'],
    ['/a/', 'bad_path'],
    ['//a', 'bad_path'],
    ['/a/../b', 'bad_path'],
    ['/./a', 'bad_path'],
    ['/a\0b', 'bad_path'],
    ['/\uD800', 'bad_path'],
    ['/a/\uFEFFb', 'bad_path'],
    [`/${'a'.repeat(256)}`, 'bad_path'],
    [`/${'é'.repeat(128)}`, 'bad_path'],
    [`${'/a'.repeat(33)}`, 'bad_path'],
    ['/', 'bad_path'],
    ['/.sys', 'reserved_path'],
    ['/.sys/members', 'reserved_path'],
  ])('%j is refused with %s', (path, code) => {
    expect(splitWritable(path)).toMatchObject({ ok: false, failure: { code } });
  });

  test('the root and the reserved names can be read', () => {
    expect(splitPath('/')).toEqual({ ok: true, value: [] });
    expect(splitPath('/.sys/limits')).toEqual({ ok: true, value: ['.sys', 'limits'] });
  });

  test('the longest path fits', () => {
    const path = `/${'é'.repeat(127)}x`.repeat(32);
    expect(splitWritable(path).ok).toBe(true);
  });

  test('join undoes split, and parents are prefixes', () => {
    const segment = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
      .filter((s) => !s.includes('/') && splitPath(`/${s}`).ok);
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), (segments) => {
        const path = joinPath(segments);
        expect(splitPath(path)).toEqual({ ok: true, value: segments });
        expect(parentPath(path)).toBe(joinPath(segments.slice(0, -1)));
        expect(fromUtf8(utf8(path))).toBe(path);
      }),
    );
  });

  test('order is by bytes, where UTF-16 order differs', () => {
    const [astral, high] = ['/\u{10000}', '/\uFFFD'];
    expect(astral < high).toBe(true);
    expect(comparePaths(astral, high)).toBeGreaterThan(0);
  });
});

describe('form', () => {
  test.each(Object.values(OPS))('$kind is accepted', (op) => {
    expect(check(op)).toBe('accept');
  });

  const big = new Uint8Array(DEFAULT_PARAMS.limits.fileBytesMax + 1);
  test.each<[string, Op]>([
    ['bad_lease', { ...OPS.openSession, leaseMs: 3_999 }],
    ['bad_lease', { ...OPS.openSession, leaseMs: 60_001 }],
    ['bad_wait', { ...OPS.acquire, maxWaitMs: 24 * 3_600_000 + 1 }],
    ['bad_lock_delay', { ...OPS.acquire, lockDelayMs: 60_001 }],
    ['bad_lock_delay', { ...OPS.tryAcquire, lockDelayMs: 60_001 }],
    ['bad_lock_delay', { ...OPS.declareMachine, lockDelayMs: 60_001 }],
    ['content_too_large', { ...OPS.create, content: big }],
    ['content_too_large', { ...OPS.write, content: big }],
    ['content_too_large', { ...OPS.compareAndSet, content: big }],
    ['not_a_file', { ...OPS.create, node: 'directory' }],
    ['no_expectation', { ...OPS.compareAndSet, generation: undefined }],
    ['no_dots', { ...OPS.remove, dots: [] }],
    ['bad_path', { ...OPS.createSequential, path: `/${'x'.repeat(229)}` }],
    ['not_a_file', { ...OPS.createSequential, node: 'directory' }],
    ['bad_path', { ...OPS.txn, compares: [{ kind: 'exists', path: 'x', exists: true }] }],
    ['content_too_large', { ...OPS.txn, success: [{ ...OPS.write, content: big }] }],
    ['no_dots', { ...OPS.txn, failure: [{ ...OPS.remove, dots: [] }] }],
    ['reserved_path', { ...OPS.txn, failure: [{ ...OPS.write, path: '/.sys/x' }] }],
    ['bad_period', { ...OPS.declareMachine, periodMs: 999 }],
    ['bad_period', { ...OPS.declareMachine, periodMs: 3_600_001 }],
    ['bad_outputs', { ...OPS.declareMachine, outputs: 31 }],
    [
      'bad_policy',
      { ...OPS.declareMachine, policy: { ...OPS.declareMachine.policy, bitsMin: 95 } },
    ],
    [
      'bad_policy',
      { ...OPS.declareMachine, policy: { ...OPS.declareMachine.policy, collisionBitsMin: 79 } },
    ],
    ['no_proof', { ...OPS.takeMachine, proofs: [] }],
    ['no_proof', { ...OPS.renewMachine, proofs: [] }],
    ['bad_outputs', { ...OPS.renewMachine, outputs: 31 }],
    ['bad_inbox', { ...OPS.renewMachine, outputs: 0, inbox: 32 }],
    ['bad_inbox', { ...OPS.takeMachine, outputs: 30, inbox: 2 }],
    ['bad_inbox', { ...OPS.declareMachine, inbox: { window: 31, neglect: 'shown' } }],
    ['bad_inbox', { ...OPS.declareMachine, inbox: { window: 0, neglect: 'shown' } }],
    ['bad_entry', { ...OPS.post, entry: 0n }],
  ])('%s', (code, op) => {
    expect(check(op)).toBe(code);
  });

  test('every op with a path refuses a bad one and a reserved one', () => {
    for (const op of Object.values(OPS)) {
      if (!('path' in op)) continue;
      expect(check({ ...op, path: 'db' })).toBe('bad_path');
      expect(check({ ...op, path: '/.sys/x' })).toBe('reserved_path');
    }
  });
});

describe('errors', () => {
  test('each code is stable snake_case with a sentence', () => {
    for (const [code, { text, retryable, outcome }] of ERRORS) {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(text).toMatch(/^[A-Z].*\.$/);
      expect(outcome === 'applied' && retryable).toBe(false);
      expect(isErrorCode(code) && standingOf(code)).toEqual({ retryable, outcome });
    }
  });

  test('the reference in the README is the table', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    expect(readme).toContain(errorReference());
    for (const kind of Object.keys(OPS)) expect(readme).toContain(`| \`${kind}\` |`);
  });

  test('a code of another package explains itself as final', () => {
    expect(isErrorCode('policy_bits')).toBe(false);
    for (const found of [errorEntry('policy_bits'), standingOf('policy_bits')])
      expect(found).toMatchObject({ retryable: false, outcome: 'not_applied' });
  });

  test('a result is explained by the table', () => {
    expect(explain(errorResult('lock_held', 'a free lock', 'held'))).toEqual({
      code: 'lock_held',
      expected: 'a free lock',
      actual: 'held',
      retryable: true,
      outcome: 'not_applied',
    });
  });

  test('an error can always be written, however long its texts', () => {
    const wide = fc
      .array(fc.constantFrom('a', 'é', '✓', '\u{10000}'), { maxLength: 300 })
      .map((all) => all.join(''));
    fc.assert(
      fc.property(wide, (text) => {
        const written = encodeResult(errorResult('not_found', text, text));
        expect(decodeResult(written).ok).toBe(true);
      }),
    );
  });
});

test('fencing tokens compare as the grants they are of, and show commit and index', () => {
  const position = fc.record({ commit: fc.maxSafeNat(), index: fc.nat(0xffff_ffff) });
  fc.assert(
    fc.property(position, position, (a, b) => {
      const [left, right] = [tokenOf(a), tokenOf(b)];
      expect(left < right).toBe(comparePositions(a, b) < 0);
      expect(left === right).toBe(comparePositions(a, b) === 0);
      expect(left.split('.').map(Number)).toEqual([a.commit, a.index]);
    }),
  );
  expect(tokenOf({ commit: 9, index: 0 }) < tokenOf({ commit: 10, index: 0 })).toBe(true);
  expect(tokenOf({ commit: 23, index: 4 })).toBe('0000000000000023.0000000004');
});

test('a session belongs to its key and nonce', () => {
  const scheme = standIn();
  const [a, b] = [1, 2].map((n) => scheme.signer(new Uint8Array(32).fill(n)).publicKey);
  const nonce = new Uint8Array(16);
  if (!a || !b) throw new Error('two keys');
  const basis = { epoch: 0, commit: 7 };
  const own = sessionIdOf(a, nonce, basis);
  expect(sessionIdOf(a, nonce, { ...basis })).toEqual(own);
  expect(sessionIdOf(b, nonce, basis)).not.toEqual(own);
  expect(sessionIdOf(a, new Uint8Array(16).fill(1), basis)).not.toEqual(own);
  expect(sessionIdOf(a, nonce, { epoch: 0, commit: 8 })).not.toEqual(own);
  expect(sessionIdOf(a, nonce, { epoch: 1, commit: 7 })).not.toEqual(own);
});

test('a clock reading is signed for one cell and one nonce', () => {
  const scheme = standIn();
  const signer = scheme.signer(new Uint8Array(32));
  const cell = asCellId(new Uint8Array(32).fill(1));
  const other = asCellId(new Uint8Array(32).fill(2));
  const reading = { nonce: new Uint8Array(16), ts: 5, commit: 4, leaseClock: 3, offset: 2 };
  const message = signNow(cell, signer, reading);
  if (message.kind !== 'nowReading') throw new Error('a reading');
  const holds = (bytes: Uint8Array): boolean => scheme.verify(signer.publicKey, bytes, message.sig);
  expect(holds(nowMessage(cell, reading))).toBe(true);
  expect(holds(nowMessage(other, reading))).toBe(false);
  expect(holds(nowMessage(cell, { ...reading, leaseClock: 4 }))).toBe(false);
});
