// Tests of a directory's children.
import { compareBytes, toHex, utf8 } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Children } from '../src/index.ts';

interface Child {
  readonly name: Uint8Array;
  readonly value: number;
}

const nameOf = (n: number): Uint8Array => utf8(`n${n}`);
const shown = (children: Children<Child>, after?: Uint8Array): string[] =>
  Array.from(children.from(after), ({ name, value }) => `${toHex(name)} ${value}`);

/** The same, kept in an unsorted map and sorted when it is looked at. */
function sortedOf(plain: ReadonlyMap<number, number>, after?: Uint8Array): string[] {
  return [...plain]
    .map(([n, value]) => ({ name: nameOf(n), value }))
    .filter(({ name }) => after === undefined || compareBytes(name, after) > 0)
    .sort((a, b) => compareBytes(a.name, b.name))
    .map(({ name, value }) => `${toHex(name)} ${value}`);
}

function perform(children: Children<Child>, plain: Map<number, number>, steps: Step[]): void {
  for (const { from, count, stride, drop, value } of steps) {
    for (let i = 0; i < count; i++) {
      const n = (from + i * stride) % 2_000;
      if (drop) expect(children.delete(nameOf(n))).toBe(plain.delete(n));
      else {
        children.set({ name: nameOf(n), value });
        plain.set(n, value);
      }
    }
  }
}

interface Step {
  readonly from: number;
  readonly count: number;
  readonly stride: number;
  readonly drop: boolean;
  readonly value: number;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    from: fc.nat(1_999),
    count: fc.constantFrom(1, 3, 400, 900),
    stride: fc.constantFrom(1, 7, 1_999),
    drop: fc.boolean(),
    value: fc.nat(9),
  }),
  { maxLength: 8 },
);

describe('the children of a directory', () => {
  it('are what a map is that is sorted whenever it is looked at; forks go their own way', () => {
    let large = 0;
    fc.assert(
      fc.property(steps, steps, fc.nat(1_999), (first, second, place) => {
        const [base, plain] = [new Children<Child>(), new Map<number, number>()];
        perform(base, plain, first);
        const [fork, other] = [new Children(base), new Map(plain)];
        perform(fork, other, second);
        const [again, third] = [new Children(fork), new Map(other)];
        perform(again, third, first);
        for (const [children, model] of [
          [base, plain],
          [fork, other],
          [again, third],
        ] as const) {
          expect(shown(children)).toEqual(sortedOf(model));
          expect(shown(children, nameOf(place))).toEqual(sortedOf(model, nameOf(place)));
          expect(children.size).toBe(model.size);
          expect(children.get(nameOf(place))?.value).toBe(model.get(place));
          expect(children.first).toBe([...children][0]);
        }
        if (other.size > 600) large++;
      }),
      { numRuns: 60 },
    );
    expect(large).toBeGreaterThan(5);
  });

  it('are found, changed and paged with few looks, however many there are', () => {
    let looks = 0;
    const children = new Children<Child>();
    const child = (n: number): Child => ({
      get name() {
        looks++;
        return nameOf(n);
      },
      value: n,
    });
    for (let i = 0; i < 30_000; i++) children.set(child((i * 7_919) % 30_000));
    const during = (act: () => unknown): number => {
      looks = 0;
      act();
      return looks;
    };
    for (const n of [0, 15_000, 29_999]) {
      expect(during(() => children.get(nameOf(n)))).toBeLessThan(40);
      expect(during(() => children.delete(nameOf(n)))).toBeLessThan(80);
      expect(during(() => children.set(child(n)))).toBeLessThan(40);
      expect(during(() => children.from(nameOf(n)).next())).toBeLessThan(40);
    }
    expect(during(() => new Children(children).set(child(40_000)))).toBeLessThan(40);
  });
});
