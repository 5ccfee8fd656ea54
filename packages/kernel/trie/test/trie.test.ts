// Tests of the trie.
import { toHex, utf8 } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256ByHand } from '../../codec/test/by-hand.ts';
import { TableTrie, Trie, valueDigest } from '../src/index.ts';
import { inPlaceOrder, type Pair, trieByHand } from './by-hand.ts';

nodeScheme();

/** A map that does what a trie does, by hand. */
class Naive {
  readonly pairs = new Map<string, Pair>();

  set(key: Uint8Array, value: Uint8Array): void {
    this.pairs.set(toHex(key), [key, value]);
  }

  get all(): readonly Pair[] {
    return [...this.pairs.values()];
  }
}

const key = fc.oneof(
  { weight: 9, arbitrary: fc.nat(15).map((n) => utf8(`k${n}`)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
);
const change = fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 8 })) });

/** A trie and its model, changed alike. */
class Both {
  readonly naive = new Naive();
  trie = Trie.empty;

  /** Undefined: the key goes. Answers what that was. */
  change(key: Uint8Array, value: Uint8Array | undefined): string {
    const was = this.naive.pairs.has(toHex(key));
    const before = { trie: this.trie, root: toHex(this.trie.root()) };
    if (value === undefined) {
      this.naive.pairs.delete(toHex(key));
      this.trie = this.trie.delete(key);
    } else {
      this.naive.set(key, value);
      this.trie = this.trie.set(key, value);
    }
    expect(this.trie.size).toBe(this.naive.pairs.size);
    expect(toHex(this.trie.root())).toBe(toHex(trieByHand(this.naive.all)));
    expect(this.trie.get(key)).toEqual(value && valueDigest(value));
    // The trie before is a value: it has not changed.
    expect(toHex(before.trie.root())).toBe(before.root);
    if (value !== undefined) return was ? 'replaced' : 'set';
    return was ? 'deleted' : 'missed';
  }
}

test('after each of 10,000 changes, the root is the one computed from nothing', () => {
  const reached = new Map<string, number>();
  const count = (what: string): void => void reached.set(what, 1 + (reached.get(what) ?? 0));
  fc.assert(
    fc.property(fc.array(change, { minLength: 100, maxLength: 120 }), (changes) => {
      const both = new Both();
      for (const { key: at, value } of changes) count(both.change(at, value ?? undefined));
      const order = inPlaceOrder(both.naive.all).map(([at]) => toHex(at));
      expect([...both.trie.entries()].map((one) => toHex(one.key))).toEqual(order);
      expect([...both.trie.entries(3)].map((one) => toHex(one.key))).toEqual(order.slice(3));
      for (const [at] of both.naive.all) count(both.change(at, undefined));
      expect(both.trie.root()).toEqual(Trie.empty.root());
    }),
    { numRuns: 100 },
  );
  const total = [...reached.values()].reduce((sum, one) => sum + one, 0);
  expect(total).toBeGreaterThanOrEqual(10_000);
  for (const what of ['set', 'replaced', 'deleted', 'missed']) {
    expect(reached.get(what)).toBeGreaterThan(100);
  }
});

test('a trie is what it holds, whatever the order in which it came', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(key, { maxLength: 40, selector: toHex }),
      fc.array(fc.nat(39), { maxLength: 40 }),
      (keys, swaps) => {
        const shuffled = [...keys];
        for (const [i, j] of swaps.entries()) {
          const [one, two] = [shuffled[i], shuffled[j]];
          if (one && two) [shuffled[i], shuffled[j]] = [two, one];
        }
        const straight = keys.reduce((trie, at) => trie.set(at, at), Trie.empty);
        const other = shuffled.reduce((trie, at) => trie.set(at, at), Trie.empty);
        expect(other.root()).toEqual(straight.root());
        const emptied = keys.reduce((trie, at) => trie.delete(at), other);
        expect(emptied.root()).toEqual(Trie.empty.root());
      },
    ),
  );
});

test('the root covers the number of keys, each key and each value', () => {
  const roots = [
    [],
    [['a', '1']],
    [['a', '2']],
    [['b', '1']],
    [
      ['a', '1'],
      ['b', '1'],
    ],
    [
      ['a', '1'],
      ['b', '2'],
    ],
    [['a1', '']],
    [['', 'a1']],
  ].map((pairs) => {
    const trie = pairs.reduce(
      (one, [at = '', value = '']) => one.set(utf8(at), utf8(value)),
      Trie.empty,
    );
    return toHex(trie.root());
  });
  expect(new Set(roots).size).toBe(roots.length);
});

test('setting what is there changes nothing, not even the trie', () => {
  const trie = Trie.empty.set(utf8('a'), utf8('1')).set(utf8('b'), utf8('2'));
  expect(trie.set(utf8('a'), utf8('1'))).toBe(trie);
  expect(trie.delete(utf8('c'))).toBe(trie);
});

test('the trie of a table is that of its rows, however many were touched in between', () => {
  const rows = new Map<string, Uint8Array>();
  const table = new TableTrie({ keyOf: utf8, read: (name) => rows.get(name) });
  for (let i = 0; i < 20_000; i++) {
    const name = `row ${sha256ByHand(utf8(String(i % 7_000)))[0]} ${i % 3_000}`;
    if (i % 5 === 4) rows.delete(name);
    else rows.set(name, utf8(String(i)));
    table.touch(name);
    if (i % 4_999 === 0) expect(table.trie().size).toBe(rows.size);
  }
  const pairs = [...rows].map(([name, value]): Pair => [utf8(name), value]);
  expect(toHex(table.root())).toBe(toHex(trieByHand(pairs)));
});
