// Tests of the namespace's delivered view.
import { toHex } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Tree } from '../src/index.ts';
import { at, file, id, newTree, path } from './worlds.ts';

describe('the delivered view', () => {
  type Op =
    | { readonly kind: 'create'; readonly name: number; readonly who: number; readonly seq: number }
    | { readonly kind: 'remove'; readonly name: number; readonly dots: readonly Op[] }
    | { readonly kind: 'write'; readonly who: number; readonly seq: number };

  const apply = (to: Tree<number>, op: Op): void => {
    if (op.kind === 'create') {
      to.create(path(`/${op.name}`), id(op.who, op.seq), file(op.who), undefined);
    } else if (op.kind === 'remove') {
      const ids = op.dots.map((dot) => (dot.kind === 'create' ? id(dot.who, dot.seq) : id(0, 0)));
      to.remove(path(`/${op.name}`), ids);
    } else {
      const node = to.lookup(path('/shared'));
      if (node === undefined) throw new Error('no /shared');
      const bytes = Uint8Array.of(op.who, op.seq);
      to.setContent(node, { id: id(op.who, op.seq), bytes, replaces: [], stamp: undefined });
    }
  };

  const start = (): Tree<number> => {
    const fresh = newTree();
    fresh.create(path('/shared'), id(9, 0), file(9), at(1));
    fresh.create(path('/0'), id(9, 1), file(9), at(1));
    return fresh;
  };

  it('is the same in every order that puts a remove after the creates it names', () => {
    const plan = fc.array(
      fc.record({
        kind: fc.constantFrom('create', 'remove', 'write'),
        name: fc.nat(2),
        who: fc.nat(3),
      }),
      { maxLength: 14 },
    );
    let removed = 0;
    fc.assert(
      fc.property(plan, fc.array(fc.nat(), { minLength: 14, maxLength: 14 }), (list, picks) => {
        const ops: Op[] = [];
        list.forEach(({ kind, name, who }, seq) => {
          const dots = ops.filter(
            (op) => op.kind === 'create' && op.name === name && (op.seq + seq) % 3 > 0,
          );
          if (kind === 'remove') ops.push({ kind, name, dots });
          else if (kind === 'create') ops.push({ kind, name, who, seq });
          else if (kind === 'write') ops.push({ kind, who, seq });
        });
        removed += ops.filter((op) => op.kind === 'remove' && op.dots.length > 0).length;
        const straight = start();
        for (const op of ops) apply(straight, op);
        const shuffled = start();
        const pending = [...ops];
        for (const pick of picks) {
          const ready = pending.filter(
            (op) => op.kind !== 'remove' || !op.dots.some((dot) => pending.includes(dot)),
          );
          const op = ready[pick % Math.max(ready.length, 1)];
          if (op === undefined) break;
          pending.splice(pending.indexOf(op), 1);
          apply(shuffled, op);
        }
        expect(pending).toEqual([]);
        expect(toHex(shuffled.root())).toBe(toHex(straight.root()));
        expect(shuffled.snapshot()).toEqual(straight.snapshot());
      }),
      { numRuns: 500 },
    );
    expect(removed).toBeGreaterThan(40);
  });
});
