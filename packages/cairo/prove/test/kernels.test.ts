// The kernels of WebAssembly do what those in BigInt do.
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { inverse, P, rootOfUnity } from '../../air/src/felt/felt.ts';
import {
  type CommitmentHash,
  type Hashes,
  loadHashes,
  masked,
} from '../../air/src/stark/hashes.ts';
import { type Kernels, OutOfMemory, slice, type Vector } from '../src/kernels/kernels.ts';
import { ReferenceKernels } from '../src/kernels/reference.ts';
import { fillPowers, Transforms } from '../src/kernels/transform.ts';
import { compileKernels, type KernelCode, WasmKernels } from '../src/kernels/wasm/kernels.ts';
import { Tree } from '../src/prover/commitment.ts';

let hashes: Hashes;
let code: KernelCode;

beforeAll(async () => {
  [hashes, code] = await Promise.all([loadHashes(), compileKernels(false)]);
});

const WHOLE: CommitmentHash = { base: 'keccak256', from: 0, to: 32 };
const BLAKE: CommitmentHash = { ...WHOLE, base: 'blake256' };

/** Both implementations, to be asked the same. */
function pair(commitment = WHOLE): [Kernels, Kernels] {
  const channel = commitment.base;
  return [
    new ReferenceKernels(masked(hashes, commitment), hashes[channel]),
    new WasmKernels(code, { commitment, channel }),
  ];
}

/** The answer of both, which has to be one. */
function both<T>(ask: (kernels: Kernels) => T, commitment = WHOLE): T {
  const [reference, wasm] = pair(commitment);
  const expected = ask(reference);
  expect(ask(wasm)).toEqual(expected);
  return expected;
}

function vectorOf(kernels: Kernels, values: readonly bigint[]): Vector {
  const vector = kernels.vector(values.length);
  kernels.write(vector, values);
  return vector;
}

function valueAt(kernels: Kernels, polynomial: Vector, x: bigint): bigint {
  const value = kernels.vector(1);
  kernels.evaluate(value, polynomial, x);
  return kernels.read(value)[0] as bigint;
}

/** Values where carries and reductions turn over. */
const EDGES = [
  0n,
  1n,
  2n,
  P - 1n,
  P - 2n,
  P >> 1n,
  2n ** 29n - 1n,
  2n ** 192n - 1n,
  2n ** 192n,
  2n ** 251n,
  2n ** 251n - 1n,
  17n * 2n ** 192n,
  P - 2n ** 192n,
];
const felt: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: P - 1n }),
  fc.constantFrom(...EDGES),
);
const some = fc.array(felt, { minLength: 1, maxLength: 40 });
const RUNS = { numRuns: 60 };

test('every pair of edge values: sum, difference, product', () => {
  const left = EDGES.flatMap((a) => EDGES.map(() => a));
  const right = EDGES.flatMap(() => EDGES);
  for (const op of ['add', 'sub', 'mul'] as const) {
    const found = both((kernels) => {
      const to = vectorOf(kernels, left);
      kernels[op](to, to, vectorOf(kernels, right));
      return kernels.read(to);
    });
    expect(found).toContain(0n);
  }
});

test('long chains of operations stay exact', () => {
  fc.assert(
    fc.property(
      fc.array(felt, { minLength: 2, maxLength: 6 }),
      fc.array(fc.tuple(fc.constantFrom('add', 'sub', 'mul'), fc.nat(5), fc.nat(5), fc.nat(5)), {
        minLength: 1,
        maxLength: 60,
      }),
      (values, steps) => {
        both((kernels) => {
          const cells = values.map((value) => vectorOf(kernels, [value]));
          const cell = (i: number): Vector => cells[i % cells.length] as Vector;
          for (const [op, to, a, b] of steps)
            kernels[op as 'add' | 'sub' | 'mul'](cell(to), cell(a), cell(b));
          return cells.map((one) => kernels.read(one));
        });
      },
    ),
    RUNS,
  );
});

test('scaling, running products, inverses, polynomials', () => {
  fc.assert(
    fc.property(some, felt, (values, x) => {
      both((kernels) => {
        const a = vectorOf(kernels, values);
        const sum = vectorOf(kernels, values);
        kernels.scale(sum, sum, x);
        kernels.addScaled(sum, a, x);
        const quotient = vectorOf(kernels, values);
        kernels.addQuotient(quotient, a, x);
        const products = vectorOf(kernels, values);
        kernels.accumulate(products);
        const shown = [sum, quotient, products].map((one) => kernels.read(one));
        return [shown, valueAt(kernels, a, x)];
      });
    }),
    RUNS,
  );
});

test('batch inversion', () => {
  fc.assert(
    fc.property(
      fc.array(
        felt.filter((value) => value !== 0n),
        { minLength: 1 },
      ),
      (values) => {
        const found = both((kernels) => {
          const vector = vectorOf(kernels, values);
          kernels.invert(vector);
          return kernels.read(vector);
        });
        expect(found).toEqual(values.map(inverse));
      },
    ),
    RUNS,
  );
});

/** More than the transforms keep in cache at once. */
const LOG_MAX = 11;

test('transforms: values at the coset in bit-reversed order, and back', () => {
  for (const log of [1, 2, 5, LOG_MAX]) {
    const size = 2 ** log;
    const values = Array.from({ length: size }, (_, i) => EDGES[(i * i) % EDGES.length] as bigint);
    const found = both((kernels) => {
      const transforms = new Transforms(kernels, log);
      const vector = vectorOf(kernels, values);
      const table = kernels.vector(size);
      transforms.fillForward(table, 3n);
      kernels.forward(vector, table);
      const evaluations = kernels.read(vector);
      transforms.interpolate(vector, 3n);
      expect(kernels.read(vector)).toEqual(values);
      const natural = kernels.vector(size);
      kernels.reverse(natural, vectorOf(kernels, evaluations));
      return kernels.read(natural);
    });
    const [reference] = pair();
    const points = reference.vector(size);
    fillPowers(reference, points, 3n, rootOfUnity(log));
    const polynomial = vectorOf(reference, values);
    const at = (i: number): bigint =>
      valueAt(reference, polynomial, reference.read(slice(reference, points, i, 1))[0] as bigint);
    for (const i of [0, 1, size - 1]) expect(found[i]).toBe(at(i));
  }
});

test('folding, and copies with steps', () => {
  fc.assert(
    fc.property(some, felt, (values, beta) => {
      both((kernels) => {
        const from = vectorOf(kernels, [...values, ...values]);
        const folded = kernels.vector(values.length);
        kernels.fold(folded, from, beta);
        const spread = vectorOf(kernels, [...values, ...values].fill(7n));
        kernels.copy(spread, 2, from, 1, values.length);
        kernels.copy(from, 1, slice(kernels, from, 1, 2 * values.length - 1), 2, values.length);
        return [folded, spread, from].map((one) => kernels.read(one));
      });
    }),
    RUNS,
  );
});

test('more elements than one buffer holds go in and out', () => {
  const values = Array.from({ length: 1100 }, (_, i) => P - BigInt(i + 1) ** 20n);
  const found = both((kernels) => kernels.read(vectorOf(kernels, values)));
  expect(found).toEqual(values);
});

test('trees of packed rows, under every kind of hash', () => {
  const masks = [WHOLE, { ...WHOLE, to: 20 }, { ...WHOLE, from: 12 }, { ...WHOLE, from: 1 }];
  const blakes = masks.map((one) => ({ ...one, base: 'blake256' as const }));
  for (const commitment of [...masks, ...blakes])
    for (const columns of [1, 2, 6, 16]) {
      const shown = pair(commitment).map((kernels) => {
        const rows = kernels.bytes(4 * columns * 32);
        for (let i = 0; i < columns; i++) {
          const column = EDGES.slice(i % 8, (i % 8) + 4);
          const to = { at: rows.at + 32 * i, length: rows.length - 32 * i };
          kernels.pack(to, 32 * columns, vectorOf(kernels, column));
        }
        const tree = new Tree(kernels, 2);
        tree.fill(0, rows, 32 * columns);
        const parts = new Tree(kernels, 2);
        for (const part of [0, 1])
          parts.fill(
            2 * part,
            { at: rows.at + (rows.length / 2) * part, length: rows.length / 2 },
            32 * columns,
          );
        expect(parts.close(2)).toEqual(tree.node(1));
        return [kernels.peek(rows), tree.node(1), tree.node(6)];
      });
      expect(shown[1]).toEqual(shown[0]);
    }
});

test.each([WHOLE, BLAKE])('$base of any number of rows, of one block and of more', (hash) => {
  for (const count of [1, 2, 3, 5, 7, 8])
    for (const rowSize of [32, 64, 96, 128, 160, 288])
      both((kernels) => {
        const rows = kernels.bytes(count * rowSize);
        const felts = vectorOf(
          kernels,
          Array.from({ length: rows.length / 32 }, (_, i) => BigInt(i) ** 40n % P),
        );
        kernels.pack(rows, 32, felts);
        const digests = kernels.bytes(32 * count);
        kernels.hashRows(digests, rows, rowSize);
        return kernels.peek(digests);
      }, hash);
});

test.each([WHOLE, BLAKE])('the smallest nonce of $base, within its bounds', (hash) => {
  // The mask is for trees alone.
  const commitment = { ...hash, from: 12 };
  const challenge = hashes[hash.base](Uint8Array.of(1));
  const find = (bits: number, first: number, count: number): number | undefined =>
    both((kernels) => kernels.grind(challenge, bits, first, count), commitment);
  const found = find(8, 0, 4096) ?? -1;
  expect(found).toBeGreaterThan(0);
  expect(find(8, 0, found + 1)).toBe(found);
  expect(find(8, found, 1)).toBe(found);
  expect(find(8, 0, found)).toBeUndefined();
  find(4, 2 ** 33, 300);
  // Where several of those that are tried at once pass.
  for (let first = 0; first < 40; first++) find(1, first, 16);
});

test('memory that cannot be had is an error of its own', () => {
  const kernels = new WasmKernels(code, { commitment: WHOLE, channel: 'keccak256' });
  expect(() => kernels.vector(2 ** 27)).toThrow(OutOfMemory);
});

test('memory is given back', () => {
  for (const kernels of pair()) {
    const mark = kernels.mark();
    const first = kernels.vector(1000);
    kernels.release(mark);
    expect(kernels.vector(10).at).toBe(first.at);
    expect(kernels.peak).toBeGreaterThan(999);
  }
});

test('tasks: what they make, what they may not ask, what they give back', () => {
  for (const kernels of pair()) {
    const results = kernels.vector(4);
    const mark = kernels.mark();
    kernels.together(
      [0, 1, 2, 3].map((i) => () => {
        const own = vectorOf(kernels, [BigInt(i) + 2n]);
        kernels.invert(own);
        kernels.scale(slice(kernels, results, i, 1), own, 6n);
      }),
    );
    expect(kernels.mark()).toBe(mark);
    expect(kernels.read(results)).toEqual([2, 3, 4, 5].map((x) => (6n * inverse(BigInt(x))) % P));
    kernels.close();
  }
});

test('a crew: calls are written down, and no task sees a value', async () => {
  const shared = await compileKernels(true);
  // Nobody comes: this thread does all of it, in rounds all the same.
  const crew = { helpers: 2, summon: () => undefined };
  const kernels = new WasmKernels(shared, { commitment: WHOLE, channel: 'keccak256', crew });
  const cells = Array.from({ length: 5 }, (_, i) => vectorOf(kernels, [BigInt(i)]));
  kernels.together(cells.map((cell, i) => () => kernels.scale(cell, cell, BigInt(i))));
  expect(cells.flatMap((cell) => kernels.read(cell))).toEqual([0n, 1n, 4n, 9n, 16n]);
  const [cell] = cells as [Vector];
  const bytes = { at: cell.at, length: 8 };
  for (const look of [
    () => kernels.read(cell),
    () => kernels.peek(bytes),
    () => kernels.grind(kernels.peek(bytes), 1, 0, 1),
  ])
    expect(() => kernels.together([look, look])).toThrow('a task cannot see a value');
  expect(kernels.read(cell)).toEqual([0n]);
});
