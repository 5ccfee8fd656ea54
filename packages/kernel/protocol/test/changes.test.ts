// Tests of the next committee as a function of the old one and of a set of changes.
import { compareBytes, decode, ed25519, encode, toHex } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CellParams,
  type Change,
  changeShape,
  checkChange,
  checkParams,
  compareChanges,
  DEFAULT_LIMITS,
  DEFAULT_PARAMS,
  faultsMax,
  fitting,
  joinerOf,
  leaverOf,
  MEMBERS_MAX,
  nextCommittee,
  quorum,
} from '../src/index.ts';
import { committeeOf, keyOf, scheme } from './cells.ts';

const add = (name: string): Change => ({ kind: 'add', key: keyOf(name) });
const remove = (name: string): Change => ({ kind: 'remove', old: keyOf(name) });
const replace = (old: string, name: string): Change => ({
  kind: 'replace',
  old: keyOf(old),
  key: keyOf(name),
});
const params = (some: Partial<CellParams>): Change => ({
  kind: 'params',
  params: { ...DEFAULT_PARAMS, ...some },
});
const renew: Change = { kind: 'renew' };

const codeOf = (n: number, changes: readonly Change[]): string => {
  const next = nextCommittee(committeeOf(n), changes, 5_000);
  return next.ok ? 'ok' : next.failure.code;
};

describe('the next committee', () => {
  test('has the changes, counts the epoch, and begins where the old one ends', () => {
    const old = committeeOf(7);
    const changes = [add('x'), replace('m1', 'y'), remove('m2'), params({ leaseMs: 9_000 })];
    const next = nextCommittee(old, changes, 5_000);
    if (!next.ok) throw new Error(next.failure.code);
    expect(next.value).toMatchObject({ epoch: 1, genesisTs: 5_000, params: { leaseMs: 9_000 } });
    const names = ['m0', 'm3', 'm4', 'm5', 'm6', 'x', 'y'];
    expect(next.value.members).toEqual(names.map(keyOf).sort(compareBytes));
  });

  test('is refused for each reason there is', () => {
    expect(codeOf(4, [renew])).toBe('ok');
    expect(codeOf(4, [remove('m0')])).toBe('too_few_members');
    expect(codeOf(4, [remove('m0'), add('x')])).toBe('ok');
    expect(codeOf(4, [remove('m0'), remove('m1'), add('x'), add('y')])).toBe('too_many_removed');
    expect(codeOf(7, [remove('m0'), remove('m1')])).toBe('ok');
    expect(codeOf(7, [remove('m0'), replace('m1', 'x'), replace('m2', 'y')])).toBe(
      'too_many_removed',
    );
    expect(codeOf(4, [add('x'), replace('m0', 'x')])).toBe('changed_twice');
    expect(codeOf(7, [remove('m0'), replace('m0', 'x')])).toBe('changed_twice');
    expect(codeOf(4, [params({ leaseMs: 1 }), params({ leaseMs: 2 })])).toBe('changed_twice');
    expect(codeOf(4, [params({ supportRoundsMax: 7 })])).toBe('bad_windows');
    expect(codeOf(4, [params({ horizonRounds: 400 })])).toBe('bad_windows');
    const many = Array.from({ length: MEMBERS_MAX - 3 }, (_, i) => add(`x${i}`));
    expect(codeOf(4, many)).toBe('too_many_members');
    expect(codeOf(4, [params({ supportRoundsMax: 8 }), add('x')])).toBe('bad_windows');
  });

  test('who replaces a member costs no quorum: at n = 4 one can be replaced, not two', () => {
    const next = nextCommittee(committeeOf(4), [replace('m3', 'x')], 5_000);
    expect(next.ok && quorum(next.value)).toBe(3);
    expect(codeOf(4, [replace('m3', 'x'), replace('m2', 'y')])).toBe('too_many_removed');
  });

  const names = fc.constantFrom('x0', 'x1', 'x2', 'm0', 'm1', 'm2', 'm3', 'm4');
  const someChange: fc.Arbitrary<Change> = fc.oneof(
    names.map(add),
    names.map(remove),
    fc.tuple(names, names).map(([a, b]) => replace(a, b)),
    fc.integer({ min: 1, max: 20 }).map((v) => params({ supportRoundsMax: v })),
    fc.constant(renew),
  );

  test('of what is wanted, what fits is a function of the set, and fits', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 10 }),
        fc.array(someChange, { maxLength: 12 }),
        fc.infiniteStream(fc.nat()),
        (n, some, random) => {
          const old = committeeOf(n);
          const meant = some.filter((one) => checkChange(old, one, scheme) === undefined);
          const names = new Set(meant.map((one) => toHex(encode(changeShape, one))));
          const wanted = meant.filter((one) => names.delete(toHex(encode(changeShape, one))));
          const fit = fitting(old, wanted);
          const shuffled = wanted
            .map((one) => ({ one, at: random.next().value ?? 0 }))
            .sort((a, b) => a.at - b.at)
            .map(({ one }) => one);
          expect(fitting(old, shuffled)).toEqual(fit);
          const next = nextCommittee(old, fit, 5_000);
          expect(next.ok).toBe(true);
          if (!next.ok) return;
          expect(next.value.members.length).toBeGreaterThanOrEqual(4);
          const gone = old.members.filter((key) => !next.value.members.includes(key));
          expect(gone.length).toBeLessThanOrEqual(faultsMax(old));
          // None of the others could have been taken as well.
          for (const one of wanted) {
            if (fit.includes(one)) continue;
            const before = fit.filter((other) => compareChanges(other, one) < 0);
            expect(nextCommittee(old, [...before, one], 5_000).ok).toBe(false);
          }
        },
      ),
    );
  });

  test('changes have one encoding and one order', () => {
    fc.assert(
      fc.property(someChange, someChange, (a, b) => {
        expect(decode(changeShape, encode(changeShape, a), 384)).toEqual({ ok: true, value: a });
        expect(Math.sign(compareChanges(a, b))).toBe(-Math.sign(compareChanges(b, a)) + 0);
        const isSame = toHex(encode(changeShape, a)) === toHex(encode(changeShape, b));
        expect(compareChanges(a, b) === 0).toBe(isSame);
      }),
    );
    expect([joinerOf(add('x')), leaverOf(add('x'))]).toEqual([keyOf('x'), undefined]);
  });
});

describe('a change by itself', () => {
  const old = committeeOf(4);
  const code = (change: Change): string => checkChange(old, change, scheme)?.code ?? 'ok';

  test('is of members and keys that can be meant', () => {
    expect(code(add('x'))).toBe('ok');
    expect(code(add('m1'))).toBe('already_member');
    expect(code(replace('m1', 'm2'))).toBe('already_member');
    expect(code(replace('m1', 'm1'))).toBe('already_member');
    expect(code(replace('x', 'y'))).toBe('unknown_member');
    expect(code(remove('x'))).toBe('unknown_member');
    expect(code(renew)).toBe('ok');
    const small = { kind: 'add', key: new Uint8Array(32) } as unknown as Change;
    expect(checkChange(old, small, ed25519())?.code).toBe('bad_key');
  });

  test('of parameters leaves a cell that can run', () => {
    const limits = (some: Partial<typeof DEFAULT_LIMITS>) => ({
      limits: { ...DEFAULT_LIMITS, ...some },
    });
    const bad: readonly Partial<CellParams>[] = [
      { checkpointCommits: 0 },
      { leaseMs: 0 },
      { leaseStepMsMax: 0 },
      { periodMsMin: 0 },
      { periodMsMin: 2, periodMsMax: 1 },
      limits({ opBytesMax: 0 }),
      limits({ opBytesMax: DEFAULT_LIMITS.batchBytesMax + 1 }),
      limits({ batchBytesMax: DEFAULT_LIMITS.blockBytesMax }),
      limits({ blockBytesMax: 4 * 1024 * 1024 + 1 }),
      limits({ batchOpsMax: 0 }),
      limits({ batchOpsMax: DEFAULT_LIMITS.blockOpsMax + 1 }),
      limits({ blockOpsMax: 513 }),
    ];
    expect(checkParams(DEFAULT_PARAMS)).toBeUndefined();
    for (const some of bad) expect(code(params(some)), JSON.stringify(some)).toBe('bad_params');
  });
});
