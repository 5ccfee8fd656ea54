// Tests of the ORSWOT, against the set by definition.
import { decode, encode, toHex } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CausalContext,
  causalContext,
  compareDots,
  type Dot,
  dotKey,
  Orswot,
  type OrswotOp,
  orswot,
} from '../src/index.ts';

const actorOf = (n: number): Uint8Array => Uint8Array.of(n);
const memberOf = (n: number): Uint8Array => Uint8Array.of(100 + n);

/** What one of three replicas does next: adds, removes what it sees, or learns another's state. */
interface Step {
  readonly replica: number;
  readonly kind: 'add' | 'remove' | 'learn';
  readonly member: number;
  readonly other: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  replica: fc.nat(2),
  kind: fc.constantFrom('add', 'add', 'remove', 'learn'),
  member: fc.nat(2),
  other: fc.nat(2),
});
const history = fc.array(step, { maxLength: 25 });

interface Run {
  readonly replicas: readonly Orswot[];
  /** Ops in the order of their making: a causal order. */
  readonly ops: readonly OrswotOp[];
}

function run(steps: readonly Step[]): Run {
  const replicas = [Orswot.EMPTY, Orswot.EMPTY, Orswot.EMPTY];
  const ops: OrswotOp[] = [];
  for (const { replica, kind, member, other } of steps) {
    const own = replicas[replica] as Orswot;
    if (kind === 'learn') {
      replicas[replica] = own.merge(replicas[other] as Orswot);
      continue;
    }
    const name = memberOf(member);
    const op = kind === 'add' ? own.add(actorOf(replica), name) : own.remove(name);
    ops.push(op);
    replicas[replica] = own.apply(op);
  }
  return { replicas, ops };
}

const hex = (set: Orswot): string => toHex(encode(orswot, set));
const allOf = (replicas: readonly Orswot[]): Orswot =>
  replicas.reduce((a, b) => a.merge(b), Orswot.EMPTY);

/** The set by definition: adds that no remove names. Shares nothing with the code under test. */
function model(ops: readonly OrswotOp[]): string[] {
  const removed = new Set(ops.flatMap((op) => (op.kind === 'remove' ? op.dots.map(dotKey) : [])));
  const live = ops.filter((op) => op.kind === 'add' && !removed.has(dotKey(op.dot)));
  return [...new Set(live.map((op) => toHex(op.member)))].sort();
}

const members = (set: Orswot): string[] => set.entries().map((entry) => toHex(entry.member));

describe('Orswot by state', () => {
  it('merges associatively, commutatively, idempotently', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const [a, b, c] = run(steps).replicas as [Orswot, Orswot, Orswot];
        expect(hex(a.merge(b))).toBe(hex(b.merge(a)));
        expect(hex(a.merge(b).merge(c))).toBe(hex(a.merge(b.merge(c))));
        expect(hex(a.merge(a))).toBe(hex(a));
        expect(hex(a.merge(b).merge(b))).toBe(hex(a.merge(b)));
      }),
      { numRuns: 300 },
    );
  });

  it('is the adds that no remove saw', () => {
    let conflicts = 0;
    fc.assert(
      fc.property(history, (steps) => {
        const { replicas, ops } = run(steps);
        expect(members(allOf(replicas))).toEqual(model(ops));
        const set = new Set(replicas.map((one) => members(one).join()));
        if (set.size > 1) conflicts++;
      }),
      { numRuns: 300 },
    );
    expect(conflicts).toBeGreaterThan(70);
  });

  it('lets the add win over a concurrent remove', () => {
    const both = Orswot.EMPTY.apply(Orswot.EMPTY.add(actorOf(1), memberOf(1)));
    const added = both.apply(both.add(actorOf(2), memberOf(1)));
    const removed = both.apply(both.remove(memberOf(1)));
    expect(removed.has(memberOf(1))).toBe(false);
    expect(added.merge(removed).dotsOf(memberOf(1))).toEqual([{ actor: actorOf(2), counter: 1 }]);
  });

  it('keeps nothing of what was removed', () => {
    let set = Orswot.EMPTY;
    const sizes: number[] = [];
    for (let i = 0; i < 100; i++) {
      set = set.apply(set.add(actorOf(1), memberOf(i)));
      set = set.apply(set.remove(memberOf(i)));
      sizes.push(encode(orswot, set).length);
    }
    expect(set.entries()).toEqual([]);
    expect(Math.max(...sizes)).toBeLessThan(12);
  });
});

describe('Orswot by ops', () => {
  it('reaches the merged state in any order that respects readiness, with repeats', () => {
    let reordered = 0;
    fc.assert(
      fc.property(history, fc.array(fc.nat(), { minLength: 60, maxLength: 60 }), (steps, picks) => {
        const { replicas, ops } = run(steps);
        const pending = [...ops, ...ops.slice(0, 5)];
        let set = Orswot.EMPTY;
        for (const pick of picks) {
          const ready = pending.filter((op) => set.ready(op));
          const op = ready[pick % Math.max(ready.length, 1)];
          if (op === undefined) break;
          if (op !== pending[0]) reordered++;
          pending.splice(pending.indexOf(op), 1);
          set = set.apply(op);
        }
        expect(pending).toEqual([]);
        expect(hex(set)).toBe(hex(allOf(replicas)));
      }),
      { numRuns: 300 },
    );
    expect(reordered).toBeGreaterThan(100);
  });

  it('is not ready for a remove of an unseen add', () => {
    const add = Orswot.EMPTY.add(actorOf(1), memberOf(1));
    const remove = Orswot.EMPTY.apply(add).remove(memberOf(1));
    expect(Orswot.EMPTY.ready(remove)).toBe(false);
    expect(Orswot.EMPTY.apply(add).ready(remove)).toBe(true);
  });
});

describe('bytes', () => {
  it('come back as they went', () => {
    fc.assert(
      fc.property(history, (steps) => {
        for (const set of run(steps).replicas) {
          const bytes = encode(orswot, set);
          const back = decode(orswot, bytes, bytes.length);
          expect(back.ok && hex(back.value)).toBe(hex(set));
        }
      }),
    );
  });

  it.each([
    ['an actor without dots', [], [{ actor: actorOf(1), upTo: 0, beyond: [] }]],
    ['a dot beyond that is next', [], [{ actor: actorOf(1), upTo: 1, beyond: [2] }]],
    ['an actor twice', [], [1, 2].map((upTo) => ({ actor: actorOf(1), upTo, beyond: [] }))],
    ['a live dot that was never seen', [[1, 1]], []],
    ['a member without dots', [[1]], []],
    ['dots out of order', [[1, 2, 1]], [{ actor: actorOf(1), upTo: 2, beyond: [] }]],
  ] as const)('refuse %s', (_, entries, seen) => {
    const dots = (counters: readonly number[]): Dot[] =>
      counters.map((counter) => ({ actor: actorOf(1), counter }));
    const forged = {
      entries: () =>
        entries.map(([member, ...counters]) => ({
          member: memberOf(member),
          dots: dots(counters),
        })),
      context: { entries: () => seen },
    } as unknown as Orswot;
    const bytes = encode(orswot, forged);
    const read = decode(orswot, bytes, bytes.length);
    expect(read.ok || read.failure.code).toBe('not_canonical');
  });
});

describe('CausalContext', () => {
  const dots = fc.array(
    fc.record({ actor: fc.nat(2).map(actorOf), counter: fc.integer({ min: 1, max: 9 }) }),
    { maxLength: 20 },
  );

  it('is a set of dots, however they came', () => {
    fc.assert(
      fc.property(dots, dots, (first, second) => {
        const build = (list: readonly Dot[]): CausalContext =>
          list.reduce((context, one) => context.add(one), CausalContext.EMPTY);
        const joined = build(first).merge(build(second));
        const all = new Set([...first, ...second].map(dotKey));
        for (const actor of [0, 1, 2].map(actorOf)) {
          for (let counter = 1; counter <= 10; counter++) {
            expect(joined.has({ actor, counter })).toBe(all.has(dotKey({ actor, counter })));
          }
          expect(joined.has(joined.next(actor))).toBe(false);
        }
        const sorted = [...first, ...second].sort(compareDots);
        expect(encode(causalContext, build(sorted))).toEqual(encode(causalContext, joined));
      }),
    );
  });
});
