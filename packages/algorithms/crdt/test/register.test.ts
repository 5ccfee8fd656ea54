// Tests of the register.
import { decode, encode, toHex } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dotKey, MvRegister, mvRegister, type RegisterOp } from '../src/index.ts';

const steps = fc.array(
  fc.record({ replica: fc.nat(2), learn: fc.boolean(), other: fc.nat(2), value: fc.nat(255) }),
  { maxLength: 20 },
);
type Steps = typeof steps extends fc.Arbitrary<infer T> ? T : never;

function run(list: Steps): { replicas: readonly MvRegister[]; ops: readonly RegisterOp[] } {
  const replicas = [MvRegister.EMPTY, MvRegister.EMPTY, MvRegister.EMPTY];
  const ops: RegisterOp[] = [];
  for (const { replica, learn, other, value } of list) {
    const own = replicas[replica] as MvRegister;
    if (learn) {
      replicas[replica] = own.merge(replicas[other] as MvRegister);
      continue;
    }
    const op = own.write(Uint8Array.of(replica), Uint8Array.of(value));
    ops.push(op);
    replicas[replica] = own.apply(op);
  }
  return { replicas, ops };
}

const hex = (register: MvRegister): string => toHex(encode(mvRegister, register));

describe('MvRegister', () => {
  it('merges associatively, commutatively, idempotently', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const [a, b, c] = run(list).replicas as [MvRegister, MvRegister, MvRegister];
        expect(hex(a.merge(b))).toBe(hex(b.merge(a)));
        expect(hex(a.merge(b).merge(c))).toBe(hex(a.merge(b.merge(c))));
        expect(hex(a.merge(a))).toBe(hex(a));
      }),
    );
  });

  it('holds exactly the writes that no write saw, by ops or by state', () => {
    let siblings = 0;
    fc.assert(
      fc.property(steps, fc.array(fc.nat(), { minLength: 20, maxLength: 20 }), (list, picks) => {
        const { replicas, ops } = run(list);
        const merged = replicas.reduce((a, b) => a.merge(b));
        const replaced = new Set(ops.flatMap((op) => op.replaces.map(dotKey)));
        const want = ops.map((op) => dotKey(op.written)).filter((one) => !replaced.has(one));
        expect(merged.values.map(dotKey).sort()).toEqual(want.sort());
        if (merged.values.length > 1) siblings++;
        const pending = [...ops];
        let register = MvRegister.EMPTY;
        for (const pick of picks) {
          const ready = pending.filter((op) => register.ready(op));
          const op = ready[pick % Math.max(ready.length, 1)];
          if (op === undefined) break;
          pending.splice(pending.indexOf(op), 1);
          register = register.apply(op).apply(op);
        }
        expect(hex(register)).toBe(hex(merged));
      }),
      { numRuns: 300 },
    );
    expect(siblings).toBeGreaterThan(50);
  });

  it('comes back from bytes, and only from canonical ones', () => {
    const one = MvRegister.EMPTY.apply(MvRegister.EMPTY.write(Uint8Array.of(1), Uint8Array.of(9)));
    const bytes = encode(mvRegister, one);
    const back = decode(mvRegister, bytes, 100);
    expect(back.ok && hex(back.value)).toBe(hex(one));
    const unseen = encode(mvRegister, {
      values: one.values,
      context: MvRegister.EMPTY.context,
    } as MvRegister);
    expect(decode(mvRegister, unseen, 100)).toMatchObject({ failure: { code: 'not_canonical' } });
  });
});
