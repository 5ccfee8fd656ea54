// Tests of motions and of readies: every reason for which one is refused.
import { compareBytes, decode, encode } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  openStatement,
  openStatements,
  STATEMENTS_MAX,
  signedStatementShape,
  signMotion,
  signReady,
} from '../src/index.ts';
import { committeeOf, keyOf, rulesOf, signerOf, signersOf } from './cells.ts';

const committee = committeeOf(4, 2);
const rules = rulesOf(committee);
const { cellId } = rules;
const signers = signersOf(committee, ['m0', 'm1', 'm2', 'm3']);
const renew = { kind: 'renew' } as const;

const motion = (author: number, number = 1, epoch = 2) =>
  signMotion(cellId, signers[author % 4] ?? signerOf('x'), author, {
    epoch,
    number,
    change: renew,
  });

const codeOf = (bytes: Uint8Array, by = rules): string => {
  const opened = openStatement(by, bytes);
  return opened.ok ? 'ok' : opened.failure.code;
};

describe('a statement', () => {
  test('says what was signed', () => {
    expect(openStatement(rules, motion(2, 9))).toEqual({
      ok: true,
      value: { kind: 'motion', author: 2, epoch: 2, number: 9, change: renew },
    });
    const ready = signReady(cellId, signerOf('x'), { epoch: 2, index: 40 });
    const value = { kind: 'ready', epoch: 2, index: 40, key: keyOf('x') };
    expect(openStatement(rules, ready)).toEqual({ ok: true, value });
  });

  test('is of a member, of this epoch and cell, and signed', () => {
    expect(codeOf(motion(4))).toBe('not_a_member');
    expect(codeOf(motion(1, 1, 1))).toBe('wrong_epoch');
    expect(codeOf(motion(1, 1, 3))).toBe('wrong_epoch');
    const other = signMotion(cellId, signerOf('x'), 1, { epoch: 2, number: 1, change: renew });
    expect(codeOf(other)).toBe('bad_signature');
    expect(codeOf(motion(1), rulesOf(committeeOf(5, 2)))).toBe('bad_signature');
    const gone = { kind: 'remove', old: keyOf('x') } as const;
    const unknown = signMotion(cellId, signers[0] ?? signerOf('x'), 0, {
      epoch: 2,
      number: 1,
      change: gone,
    });
    expect(codeOf(unknown)).toBe('unknown_member');
    const member = signers[0] ?? signerOf('x');
    expect(codeOf(signReady(cellId, member, { epoch: 2, index: 1 }))).toBe('already_member');
    expect(codeOf(signReady(cellId, signerOf('x'), { epoch: 1, index: 1 }))).toBe('wrong_epoch');
    expect(codeOf(Uint8Array.of(1, 2))).toBe('malformed');
    expect(codeOf(Uint8Array.of(0))).toBe('wrong_shape');
    expect(codeOf(new Uint8Array(513))).toBe('too_large');
  });

  test('that is changed anywhere is refused, and read again it is the same bytes', () => {
    const ready = signReady(cellId, signerOf('x'), { epoch: 2, index: 40 });
    for (const bytes of [motion(3, 77), ready]) {
      const back = decode(signedStatementShape, bytes, 512);
      expect(back.ok && encode(signedStatementShape, back.value)).toEqual(bytes);
      const flip = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }));
      fc.assert(
        fc.property(flip, ([at, by]) => {
          const changed = Uint8Array.from(bytes);
          changed[at] = (changed[at] ?? 0) ^ by;
          expect(codeOf(changed)).not.toBe('ok');
        }),
      );
    }
  });

  test('stands in a block in one order, a bounded number of them', () => {
    const two = [motion(0), motion(1)].sort(compareBytes);
    const code = (all: readonly Uint8Array[]): string => {
      const opened = openStatements(rules, all);
      return opened.ok ? 'ok' : opened.failure.code;
    };
    expect(code(two)).toBe('ok');
    expect(code([...two].reverse())).toBe('statements_unsorted');
    expect(code([motion(0), motion(0)])).toBe('statements_unsorted');
    expect(code([motion(9)])).toBe('not_a_member');
    const many = Array.from({ length: STATEMENTS_MAX + 1 }, (_, i) => motion(0, i));
    expect(code([...many].sort(compareBytes))).toBe('too_many_statements');
    expect(code([...many].sort(compareBytes).slice(1))).toBe('ok');
  });
});
