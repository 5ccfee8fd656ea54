// What blocks say about the next epoch is part of their validity (R4, R30).
import { compareBytes } from '@fatty/codec';
import { STATEMENTS_MAX, type Statement, signMotion, signReady } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { type Block, type Checked, checkBlock, signBlock } from '../src/index.ts';
import { Cell } from './signed.ts';

const cell = new Cell();
const check = (bytes: Uint8Array): Checked => checkBlock(bytes, cell.rules);

function accepted(bytes: Uint8Array): Block {
  const checked = check(bytes);
  if (checked.kind !== 'accept') return expect.fail(JSON.stringify(checked));
  return checked.block;
}

describe('what is said about the next epoch (R30)', () => {
  const motion = (author: number, number: number): Uint8Array =>
    signMotion(cell.cellId, cell.signer(author), author, {
      epoch: 0,
      number,
      change: { kind: 'renew' },
    });
  const joiner = cell.scheme.signer(new Uint8Array(32).fill(77));
  const ready = signReady(cell.cellId, joiner, { epoch: 0, index: 3 });
  const sorted = (...all: Uint8Array[]): Uint8Array[] => all.sort(compareBytes);
  const saying = (statements: Uint8Array[]): Checked => check(cell.bytes(2, {}, { statements }));

  it('comes opened, and whoever carries it', () => {
    const statements = sorted(motion(0, 1), motion(1, 1), ready);
    const block = accepted(cell.bytes(2, {}, { statements }));
    expect(block.statements.map(({ kind }) => kind)).toEqual(['ready', 'motion', 'motion']);
    expect(block.body.statements).toEqual(statements);
    const carried = statements.map((bytes, i) => ({
      bytes,
      statement: block.statements[i] as Statement,
    }));
    const content = { batches: [], unsigned: [], evidence: [], statements: carried };
    expect(signBlock(cell.header(2), content, cell.signer(2))).toEqual(block);
  });

  it('may stand in a sealed block', () => {
    const sealed = cell.bytes(2, { seal: true }, { statements: [motion(0, 1)] });
    expect(check(sealed).kind).toBe('accept');
  });

  it('is bounded in number before a signature is checked', () => {
    const most = sorted(...Array.from({ length: STATEMENTS_MAX }, (_, i) => motion(0, i)));
    expect(saying(most).kind).toBe('accept');
    const verify = (...args: Parameters<typeof cell.scheme.verify>): boolean => {
      expect(args[0]).toEqual(cell.signer(2).publicKey);
      return cell.scheme.verify(...args);
    };
    const over = cell.bytes(2, {}, { statements: sorted(...most, motion(1, 1)) });
    const rules = { ...cell.rules, scheme: { ...cell.scheme, verify } };
    expect(checkBlock(over, rules)).toMatchObject({ code: 'too_many_statements', author: 2 });
  });

  it.each<[string, Uint8Array[]]>([
    ['statements_unsorted', [motion(0, 1), motion(0, 1)]],
    ['statements_unsorted', sorted(motion(0, 1), motion(1, 1)).reverse()],
    ['wrong_shape', [Uint8Array.of(1)]],
    ['bad_signature', [motion(0, 1).with(-1, 0).with(-2, 1)]],
    ['already_member', [signReady(cell.cellId, cell.signer(1), { epoch: 0, index: 3 })]],
    ['wrong_epoch', [signReady(cell.cellId, joiner, { epoch: 1, index: 3 })]],
    [
      'unknown_member',
      [
        signMotion(cell.cellId, cell.signer(0), 0, {
          epoch: 0,
          number: 1,
          change: { kind: 'remove', old: joiner.publicKey },
        }),
      ],
    ],
  ])('%s: shuns the author of the block', (code, statements) => {
    expect(saying(statements)).toMatchObject({ kind: 'reject', code, author: 2 });
  });
});
