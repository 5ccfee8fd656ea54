// Tests of blocks of an epoch that begins behind another (R9, R31).
import { genesisOrigin } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { checkBlock, Dag, trusting, virtualRef } from '../src/index.ts';
import { Cell } from './signed.ts';

const cell = new Cell();

describe('a block of a later epoch', () => {
  const root = new Uint8Array(32).fill(7);
  const origin = { ...genesisOrigin(cell.cellId, cell.committee), root, index: 40 };
  const later = { ...cell.rules, origin };
  const parents = [0, 1, 2, 3].map((author) => virtualRef(root, author));

  it.each([
    ['live', later],
    ['from the own log', trusting(later)],
  ] as const)('stands on the virtual blocks of its own epoch and on no others, %s', (_, rules) => {
    const [own, old] = [cell.bytes(0, { parents }), cell.bytes(0)];
    expect(checkBlock(own, rules).kind).toBe('accept');
    expect(checkBlock(old, rules)).toMatchObject({ kind: 'reject', code: 'parent_not_virtual' });
    expect(checkBlock(own, cell.rules)).toMatchObject({
      kind: 'reject',
      code: 'parent_not_virtual',
    });
    expect(checkBlock(old, cell.rules).kind).toBe('accept');
  });

  it('is named in the DAG as its rules name it', () => {
    expect(new Dag(cell.committee, cell.cellId, origin).virtual).toEqual(parents);
  });
});
