// Tests of proofs.
import { encode, packDigest, toHex, utf8 } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkKey,
  checkPage,
  checkRun,
  cut,
  type Page,
  proveKey,
  provePage,
  type Run,
  Trie,
  valueDigest,
} from '../src/index.ts';
import { Inner, Leaf, packedValue, rootOf, Stub } from '../src/node.ts';
import { pageShape } from '../src/page.ts';
import { type Proof, type ProofNode, proofShape, prune } from '../src/proof.ts';
import { inPlaceOrder, type Pair } from './by-hand.ts';

nodeScheme();

const KEY_BYTES_MAX = 64;
const PAGE_BYTES_MAX = 1 << 20;

const name = (n: number): Uint8Array => utf8(`name ${n}`);
const contentOf = (key: Uint8Array): Uint8Array => utf8(`value of ${toHex(key)}`);

function trieOf(count: number): Trie {
  let trie = Trie.empty;
  for (let n = 0; n < count; n++) trie = trie.set(name(n), contentOf(name(n)));
  return trie;
}

/** Every neighbour of these bytes at one bit. */
function* flips(bytes: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const other = bytes.slice();
    other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
    yield other;
  }
}

describe('a proof about a key', () => {
  test('shows the value of each key that is there, and the absence of any other', () => {
    fc.assert(
      fc.property(fc.nat(80), fc.nat(200), (count, asked) => {
        const trie = trieOf(count);
        const key = name(asked);
        const shown = checkKey(trie.root(), key, proveKey(trie, key), KEY_BYTES_MAX);
        const value = asked < count ? valueDigest(contentOf(key)) : undefined;
        expect(shown).toEqual({ ok: true, value });
      }),
    );
  });

  test.each([0, 1, 2, 3, 20])('of a trie of %i fails with any of its bits changed', (count) => {
    const trie = trieOf(count);
    for (const asked of [0, 999]) {
      const proof = proveKey(trie, name(asked));
      for (const other of flips(proof)) {
        expect(checkKey(trie.root(), name(asked), other, KEY_BYTES_MAX).ok).toBe(false);
      }
    }
  });

  test('is about its own root alone', () => {
    const trie = trieOf(10);
    const later = trie.set(name(3), utf8('other'));
    const shown = checkKey(later.root(), name(3), proveKey(trie, name(3)), KEY_BYTES_MAX);
    expect(shown).toMatchObject({ ok: false, failure: { code: 'wrong_root' } });
  });

  test('is not about a key whose way it leaves out', () => {
    const trie = trieOf(50);
    const codes = new Set<string>();
    for (let asked = 1; asked < 100; asked++) {
      const shown = checkKey(trie.root(), name(asked), proveKey(trie, name(0)), KEY_BYTES_MAX);
      // The way of a key that is there leads to its leaf and to no other.
      if (asked < 50) expect(shown.ok).toBe(false);
      if (!shown.ok) codes.add(shown.failure.code);
    }
    expect([...codes]).toEqual(['bad_trie_proof']);
  });

  test('is no longer than a key can make it', () => {
    const trie = trieOf(3);
    const proof = proveKey(trie, name(0));
    expect(checkKey(trie.root(), name(0), new Uint8Array(1 << 20), KEY_BYTES_MAX)).toMatchObject({
      failure: { code: 'too_large' },
    });
    expect(proof.length).toBeLessThan(300);
  });
});

/** A proof that is not one, made of a good one. */
function spoilt(trie: Trie, spoil: (nodes: ProofNode[]) => void): Proof {
  const nodes: ProofNode[] = [...proofOf(trie)];
  spoil(nodes);
  return nodes;
}

function proofOf(trie: Trie): Proof {
  const nodes: ProofNode[] = [];
  const { top } = trie;
  const visit = (node: NonNullable<typeof top>): void => {
    if ('bit' in node) {
      nodes.push({ kind: 'inner', bit: node.bit });
      visit(node.left);
      visit(node.right);
    } else if ('key' in node) {
      nodes.push({ kind: 'leaf', key: node.key, value: valueDigest(contentOf(node.key)) });
    }
  };
  if (top) visit(top);
  return nodes;
}

describe('what is no part of a trie is refused', () => {
  const trie = trieOf(6);
  const rootStub: ProofNode = { kind: 'stub', count: 6, digest: trie.root() };
  const lies: Record<string, (nodes: ProofNode[]) => void> = {
    'a stub in place of all': (nodes) => nodes.splice(0, nodes.length, rootStub),
    'a stub of another count in place of all': (nodes) =>
      nodes.splice(0, nodes.length, { ...rootStub, count: 7 }),
    'nothing in place of all': (nodes) => (nodes.length = 0),
    'a node too few': (nodes) => nodes.pop(),
    'a node too many': (nodes) => nodes.push(rootStub),
    'a bit twice on one way': (nodes) => {
      const [top] = nodes;
      const at = nodes.findIndex((node, i) => i > 0 && node.kind === 'inner');
      if (top) nodes[at] = top;
    },
    'an empty stub': (nodes) => {
      nodes[nodes.length - 1] = { ...rootStub, count: 0 };
    },
  };
  for (const [what, spoil] of Object.entries(lies)) {
    test(what, () => {
      const proof = spoilt(trie, spoil);
      const values = proof.flatMap((node) => (node.kind === 'leaf' ? [contentOf(node.key)] : []));
      const outcomes = [
        checkKey(trie.root(), name(0), encode(proofShape, proof), KEY_BYTES_MAX),
        checkPage(trie.root(), pageBytes(proof, values), PAGE_BYTES_MAX),
      ];
      for (const shown of outcomes) {
        expect(shown.ok).toBe(false);
        if (!shown.ok) expect(['bad_trie_proof', 'wrong_root']).toContain(shown.failure.code);
      }
    });
  }

  const leaf = (n: number): Leaf => new Leaf(name(n), packedValue(contentOf(name(n))));
  const nothing = new Stub(0, packDigest(valueDigest(utf8('nothing'))));
  test.each([
    ['bits out of order', new Inner(3, new Inner(3, leaf(0), leaf(1)), leaf(2))],
    ['bits out of order', new Inner(3, leaf(0), new Inner(2, leaf(1), leaf(2)))],
    ['an empty stub', new Inner(3, leaf(0), nothing)],
  ])('%s, even where the root covers it', (actual, top) => {
    const proof = encode(proofShape, prune(top, 0, top.count));
    expect(checkKey(rootOf(top), name(0), proof, KEY_BYTES_MAX)).toMatchObject({
      failure: { code: 'bad_trie_proof', actual },
    });
  });

  test('two stubs side by side, whose counts could be shifted', () => {
    const small = trieOf(2);
    const [left, right] = [...proofOf(small)].slice(1).map((leaf): ProofNode => {
      if (leaf.kind !== 'leaf') throw new Error('a leaf');
      const alone = Trie.empty.set(leaf.key, contentOf(leaf.key));
      return { kind: 'stub', count: 1, digest: alone.root() };
    });
    const [top] = proofOf(small);
    if (!top || !left || !right) throw new Error('an inner node and two leaves');
    const page = pageBytes([top, left, right], []);
    expect(checkPage(small.root(), page, PAGE_BYTES_MAX)).toMatchObject({
      failure: { code: 'bad_trie_proof', actual: 'two stubs in place of one' },
    });
  });
});

function pageBytes(proof: Proof, values: readonly Uint8Array[]): Uint8Array {
  return encode(pageShape, { proof, values });
}

describe('a page', () => {
  test('shows its entries, their place and how many there are; all of them, in one or in parts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), fc.nat(119), fc.nat(130), (count, a, b) => {
        const trie = trieOf(count);
        const pairs = inPlaceOrder(
          Array.from({ length: count }, (_, n): Pair => [name(n), contentOf(name(n))]),
        ).map(([key, value]) => ({ key, value }));
        const from = a % count;
        const whole: Run = { from: 0, count };
        for (const run of [whole, { from, count: 1 + (b % (count - from)) }]) {
          const page = provePage(trie, run, contentOf);
          const shown = checkPage(trie.root(), page, PAGE_BYTES_MAX);
          const entries = pairs.slice(run.from, run.from + run.count);
          expect(shown).toEqual({ ok: true, value: { from: run.from, entries, total: count } });
          expect(checkRun(trie.root(), run, page, PAGE_BYTES_MAX)).toEqual(shown);
        }
      }),
    );
  });

  test('of no entries is that of the empty trie alone', () => {
    const page = provePage(Trie.empty, { from: 0, count: 0 }, contentOf);
    const all = { ok: true, value: { from: 0, entries: [], total: 0 } };
    expect(checkPage(Trie.empty.root(), page, PAGE_BYTES_MAX)).toEqual(all);
    const trie = trieOf(3);
    expect(checkPage(trie.root(), page, PAGE_BYTES_MAX)).toMatchObject({
      failure: { code: 'wrong_root' },
    });
    expect(() => provePage(trie, { from: 0, count: 0 }, contentOf)).toThrow(RangeError);
    expect(() => provePage(trie, { from: 2, count: 2 }, contentOf)).toThrow(RangeError);
  });

  test.each([1, 2, 3, 7])('of a trie of %i fails with any of its bits changed', (count) => {
    const trie = trieOf(count);
    for (const run of [
      { from: 0, count },
      { from: count - 1, count: 1 },
    ]) {
      for (const other of flips(provePage(trie, run, contentOf))) {
        expect(checkPage(trie.root(), other, PAGE_BYTES_MAX).ok).toBe(false);
      }
    }
  });

  test('with an entry left out, in between or at an end, is seen through', () => {
    const trie = trieOf(8);
    const nodes = proofOf(trie);
    const leaves = nodes.filter((node) => node.kind === 'leaf');
    const codes: string[] = [];
    for (const [i, leaf] of leaves.entries()) {
      const alone = Trie.empty.set(leaf.key, contentOf(leaf.key));
      const stub: ProofNode = { kind: 'stub', count: 1, digest: alone.root() };
      const shown = nodes.map((node) => (node === leaf ? stub : node));
      const values = leaves.filter((one) => one !== leaf).map((one) => contentOf(one.key));
      const checked = checkPage(trie.root(), pageBytes(shown, values), PAGE_BYTES_MAX);
      // At an end it is a shorter page, and says so: fewer entries than the total.
      if (checked.ok) expect(visible(checked.value)).toEqual([i === 0 ? 1 : 0, 7, 8]);
      else codes.push(checked.failure.code);
    }
    expect(codes).toEqual(Array.from({ length: 6 }, () => 'bad_trie_proof'));
  });

  test('with a value that is not the one of its key is refused', () => {
    const trie = trieOf(4);
    const lie = (key: Uint8Array): Uint8Array => utf8(`lie of ${toHex(key)}`);
    const page = provePage(trie, { from: 1, count: 2 }, lie);
    expect(checkPage(trie.root(), page, PAGE_BYTES_MAX)).toMatchObject({
      failure: { code: 'wrong_value' },
    });
    const short = pageBytes(proofOf(trie), [utf8('one')]);
    expect(checkPage(trie.root(), short, PAGE_BYTES_MAX)).toMatchObject({
      failure: { code: 'bad_trie_proof' },
    });
  });
});

function visible({ from, entries, total }: Page): readonly number[] {
  return [from, entries.length, total];
}

describe('a cut', () => {
  test('makes chunks of bounded size that are all of the trie, each checked by itself', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.integer({ min: 1, max: 40 }), (count, kilobytes) => {
        const trie = trieOf(count);
        const bytesMax = kilobytes * 256;
        const runs = [...cut(trie, contentOf, bytesMax)];
        expect([...cut(trieOf(count), contentOf, bytesMax)]).toEqual(runs);
        let next = 0;
        let copy = Trie.empty;
        for (const run of runs) {
          expect(run.from).toBe(next);
          next += run.count;
          const chunk = provePage(trie, run, contentOf);
          if (run.count > 1) expect(chunk.length).toBeLessThanOrEqual(bytesMax);
          const checked = checkRun(trie.root(), run, chunk, PAGE_BYTES_MAX);
          if (!checked.ok) throw new Error(checked.failure.code);
          for (const { key, value } of checked.value.entries) copy = copy.set(key, value);
        }
        expect(next).toBe(count);
        expect(copy.root()).toEqual(trie.root());
      }),
    );
  });

  test('of one run is not taken for another one', () => {
    const trie = trieOf(40);
    const runs = [...cut(trie, contentOf, 1_200)];
    const [first, second] = runs;
    if (!first || !second) throw new Error('two chunks');
    const chunk = provePage(trie, second, contentOf);
    expect(checkRun(trie.root(), first, chunk, PAGE_BYTES_MAX)).toMatchObject({
      failure: { code: 'other_run' },
    });
  });
});
