import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { inverse, P, rootOfUnity } from '../src/felt/felt.ts';
import { type Kernels, OutOfMemory, slice, type Vector } from '../src/kernels/kernels.ts';
import { ReferenceKernels } from '../src/kernels/reference.ts';
import { fillPowers, Transforms } from '../src/kernels/transform.ts';
import { compileKernels, WasmKernels } from '../src/kernels/wasm/kernels.ts';
import { type Hashes, loadHashes, masked } from '../src/stark/hashes.ts';

let hashes: Hashes;
let module: object;

beforeAll(async () => {
  [hashes, module] = await Promise.all([loadHashes(), compileKernels()]);
});

const WHOLE = { base: 'keccak256', from: 0, to: 32 } as const;

/** Both implementations, to be asked the same. */
function pair(
  commitment: typeof WHOLE | { base: 'blake256'; from: number; to: number } = WHOLE,
): [Kernels, Kernels] {
  const hash = masked(hashes, commitment);
  return [
    new ReferenceKernels(hash, hashes.keccak256),
    new WasmKernels(module, hashes, commitment, 'keccak256'),
  ];
}

/** The answer of both, which has to be one. */
function both<T>(ask: (kernels: Kernels) => T): T {
  const [reference, wasm] = pair();
  const expected = ask(reference);
  expect(ask(wasm)).toEqual(expected);
  return expected;
}

function vectorOf(kernels: Kernels, values: readonly bigint[]): Vector {
  const vector = kernels.vector(values.length);
  kernels.write(vector, values);
  return vector;
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
        return [shown, kernels.evaluate(a, x)];
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
      reference.evaluate(polynomial, reference.read(slice(reference, points, i, 1))[0] as bigint);
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
  const hashesUsed = [...masks, { base: 'blake256' as const, from: 0, to: 32 }];
  for (const commitment of hashesUsed)
    for (const columns of [1, 2, 6, 16]) {
      const shown = pair(commitment as typeof WHOLE).map((kernels) => {
        const rows = kernels.bytes(4 * columns * 32);
        for (let i = 0; i < columns; i++) {
          const column = EDGES.slice(i % 8, (i % 8) + 4);
          const to = { at: rows.at + 32 * i, length: rows.length - 32 * i };
          kernels.pack(to, 32 * columns, vectorOf(kernels, column));
        }
        const tree = kernels.bytes(8 * 32);
        kernels.hashRows({ at: tree.at + 4 * 32, length: 4 * 32 }, rows, 32 * columns);
        kernels.hashNodes(tree);
        return [kernels.peek(rows), kernels.peek(tree)];
      });
      expect(shown[1]).toEqual(shown[0]);
    }
});

test('digests of any number of rows, of one block and of more', () => {
  for (const count of [1, 2, 3, 5])
    for (const rowSize of [32, 128, 160, 288])
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
      });
});

test('the smallest nonce, within its bounds', () => {
  const challenge = hashes.keccak256(Uint8Array.of(1));
  const found = both((kernels) => kernels.grind(challenge, 8, 0, 4096)) ?? -1;
  expect(found).toBeGreaterThan(0);
  both((kernels) => kernels.grind(challenge, 8, 0, found));
  expect(both((kernels) => kernels.grind(challenge, 8, found, 1))).toBe(found);
  expect(both((kernels) => kernels.grind(challenge, 8, 0, found))).toBeUndefined();
  both((kernels) => kernels.grind(challenge, 4, 2 ** 33, 300));
});

test('memory that cannot be had is an error of its own', () => {
  const kernels = new WasmKernels(module, hashes, WHOLE, 'keccak256');
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
