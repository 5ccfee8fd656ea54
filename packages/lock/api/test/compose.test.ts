// Tests of what applications may hand over.
import { DEFAULT_PARAMS } from '@fatty/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { composeOp, composeOps, composeQuery, decodeOp, encodeOp } from '../src/index.ts';
import { OPS, QUERIES } from './samples.ts';

const LONG = `/${'x'.repeat(70_000)}`;
const throwing = {
  kind: 'get',
  get path(): string {
    throw new Error('mine');
  },
};

function codeOfOp(op: unknown): string {
  const composed = composeOp(op, DEFAULT_PARAMS);
  return composed.ok ? 'ok' : composed.failure.code;
}

describe('an op of a caller', () => {
  test.each(Object.values(OPS))('$kind has the bytes it always had', (op) => {
    expect(composeOp(op, DEFAULT_PARAMS)).toEqual({ ok: true, value: encodeOp(op) });
  });

  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'bad_argument'],
    ['an unknown kind', { kind: 'nonsense' }, 'bad_argument'],
    ['a kind of every object', { kind: 'constructor' }, 'bad_argument'],
    ['fields missing', { kind: 'create', path: '/x' }, 'bad_argument'],
    ['no path', { ...OPS.create, path: undefined }, 'bad_path'],
    ['half a character', { ...OPS.create, path: '/\ud800' }, 'bad_path'],
    ['a byte order mark', { ...OPS.create, path: '\uFEFF/x' }, 'bad_path'],
    ['a long path', { ...OPS.create, path: LONG }, 'bad_path'],
    ['a deep path', { ...OPS.create, path: '/a'.repeat(33) }, 'bad_path'],
    ['content null', { ...OPS.create, content: null }, 'bad_argument'],
    ['content of text', { ...OPS.create, content: 'text' }, 'bad_argument'],
    ['another node kind', { ...OPS.create, node: 'dir' }, 'bad_argument'],
    ['another mode', { ...OPS.acquire, mode: 'EXCLUSIVE' }, 'bad_argument'],
    ['half a ms', { ...OPS.acquire, maxWaitMs: 1.5 }, 'bad_argument'],
    ['no number', { ...OPS.acquire, lockDelayMs: Number.NaN }, 'bad_argument'],
    ['a delay below 0', { ...OPS.acquire, lockDelayMs: -1 }, 'bad_lock_delay'],
    ['a wait beyond 32 bits', { ...OPS.acquire, maxWaitMs: 2 ** 40 }, 'bad_wait'],
    [
      'a generation below 0',
      { ...OPS.compareAndSet, generation: { commit: -1, index: 0 } },
      'bad_argument',
    ],
    ['a generation as text', { ...OPS.compareAndSet, generation: '1.0' }, 'bad_argument'],
    ['much content', { ...OPS.create, content: new Uint8Array(300_000) }, 'content_too_large'],
    ['an entry below 0', { ...OPS.post, entry: -1n }, 'bad_entry'],
    ['an entry beyond the field', { ...OPS.post, entry: 2n ** 252n }, 'bad_entry'],
    ['an id of text', { ...OPS.declareMachine, programId: 'x' }, 'bad_argument'],
    [
      'nine proofs',
      { ...OPS.takeMachine, proofs: Array(9).fill(new Uint8Array(1)) },
      'bad_argument',
    ],
    ['an object that throws', throwing, 'bad_argument'],
  ])('with %s', (_, op, code) => {
    expect(codeOfOp(op)).toBe(code);
  });

  test('says which field, and quotes it', () => {
    const composed = composeOp({ ...OPS.acquire, maxWaitMs: '5s' }, DEFAULT_PARAMS);
    expect(composed).toMatchObject({
      failure: { expected: 'maxWaitMs: a whole number', actual: '"5s"' },
    });
    const path = composeOp({ ...OPS.acquire, path: '/db/\ud800' }, DEFAULT_PARAMS);
    expect(path).toMatchObject({ failure: { actual: 'a lone surrogate in /db/\uFFFD' } });
  });

  test('never throws, and what passes can be decoded', () => {
    const names = ['path', 'content', 'mode', 'maxWaitMs', 'lockDelayMs', 'dots', 'proofs', 's'];
    const spoiled = fc
      .tuple(fc.constantFrom(...Object.values(OPS)), fc.constantFrom(...names), fc.anything())
      .map(([op, name, value]) => ({ ...op, [name]: value }));
    fc.assert(
      fc.property(fc.oneof(fc.anything(), spoiled), (op) => {
        const composed = composeOp(op, DEFAULT_PARAMS);
        if (composed.ok) expect(decodeOp(composed.value).ok).toBe(true);
        else expect(composed.failure.code).toMatch(/^[a-z_]+$/);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the ops of a batch', () => {
  const { removeSubtree: op } = OPS;
  test.each<[string, unknown, string]>([
    ['no list', 'ops', 'bad_argument'],
    ['an iterable', new Set([op]), 'bad_argument'],
    ['none', [], 'empty_batch'],
    ['too many', Array(257).fill(op), 'too_many_ops'],
    ['too much work', Array(5).fill(op), 'too_heavy'],
    ['more than memory', Array(2 ** 31), 'too_many_ops'],
    ['a hole', Array(2), 'bad_argument'],
  ])('%s', (_, ops, code) => {
    expect(composeOps(ops, DEFAULT_PARAMS)).toMatchObject({ failure: { code } });
  });

  test('the one at fault is named', () => {
    const composed = composeOps([op, { ...op, path: 'x' }], DEFAULT_PARAMS);
    expect(composed).toMatchObject({ failure: { code: 'bad_path', expected: /^op 1: / } });
  });
});

describe('a query of a caller', () => {
  test.each(Object.values(QUERIES))('$kind is copied', (query) => {
    expect(composeQuery(query)).toEqual({ ok: true, value: query });
  });

  test.each<[string, unknown, string]>([
    ['no path', { kind: 'get', path: undefined }, 'bad_path'],
    ['half a character', { kind: 'stat', path: '/\ud800' }, 'bad_path'],
    ['a byte order mark', { kind: 'lock', path: '\uFEFF/x' }, 'bad_path'],
    ['a long path', { kind: 'get', path: LONG }, 'bad_path'],
    ['an empty page', { kind: 'list', path: '/', after: undefined, limit: 0 }, 'bad_limit'],
    ['a page below 0', { kind: 'list', path: '/', after: undefined, limit: -1 }, 'bad_limit'],
    [
      'a page beyond 32 bits',
      { kind: 'list', path: '/', after: undefined, limit: 2 ** 32 },
      'bad_limit',
    ],
    ['half a page', { kind: 'list', path: '/', after: undefined, limit: 1.5 }, 'bad_argument'],
    ['half a name', { kind: 'list', path: '/', after: '\ud800', limit: 1 }, 'bad_argument'],
    ['three bytes of an id', { kind: 'session', id: new Uint8Array(3) }, 'bad_argument'],
    ['an unknown kind', { kind: 'what' }, 'bad_argument'],
    ['an object that throws', throwing, 'bad_argument'],
  ])('with %s', (_, query, code) => {
    expect(composeQuery(query)).toMatchObject({ failure: { code } });
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (kind, path) => {
        expect(composeQuery({ kind, path }).ok).toBe(false);
        composeQuery({ kind: 'list', path: '/', after: kind, limit: path });
      }),
    );
  });
});
