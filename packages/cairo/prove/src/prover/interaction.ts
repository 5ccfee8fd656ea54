// The running products of memory and offsets, which follow from the challenges.
import { inverse, mul } from '@fatty/cairo-air';
import { type Kernels, slice, type Vector } from '../kernels/kernels.ts';
import { fillWith } from '../kernels/transform.ts';
import { ProverError } from './failure.ts';
import type { TraceTable } from './table.ts';

/**
 * The two running products of the layout `plain` by row: offsets, and memory accesses on even rows.
 * Entry i is Π (z − original)/(z − sorted) up to i.
 * @throws ProverError `bad_run` when they do not come to what the public input says
 */
export function interactionColumns(
  kernels: Kernels,
  { rows, columns }: TraceTable,
  drawn: ReadonlyMap<string, bigint>,
  memoryProduct: bigint,
): [Vector, Vector] {
  const offsets = kernels.vector(rows);
  const accesses = kernels.vector(rows);
  const mark = kernels.mark();
  const column = (i: number): Vector => {
    const vector = kernels.vector(rows);
    kernels.write(vector, columns[i] ?? []);
    return vector;
  };
  const offsetZ = drawn.get('offset_z') as bigint;
  const offsetProduct = runningProduct(kernels, offsets, column(0), column(2), offsetZ);
  demandProduct('offsets', 1n, offsetProduct);
  kernels.release(mark);
  const alpha = drawn.get('memory_alpha') as bigint;
  const hashed = (i: number): Vector => hashedAccesses(kernels, column(i), alpha);
  const products = kernels.vector(rows / 2);
  const z = drawn.get('memory_z') as bigint;
  const product = runningProduct(kernels, products, hashed(3), hashed(4), z);
  demandProduct('memory', memoryProduct, product);
  // Odd rows are free; Stone leaves them zero.
  fillWith(kernels, accesses, 0n);
  kernels.copy(accesses, 2, products, 1, rows / 2);
  kernels.release(mark);
  return [offsets, accesses];
}

/** address + alpha · value of every pair of rows. */
function hashedAccesses(kernels: Kernels, column: Vector, alpha: bigint): Vector {
  const count = column.length / 2;
  const hashed = kernels.vector(count);
  const values = kernels.vector(count);
  kernels.copy(hashed, 1, column, 2, count);
  kernels.copy(values, 1, slice(kernels, column, 1, column.length - 1), 2, count);
  kernels.addScaled(hashed, values, alpha);
  return hashed;
}

/** Fills `to`; answers its last entry. (z − a)/(z − b) is (a − z)/(b − z), which saves a sign. */
function runningProduct(
  kernels: Kernels,
  to: Vector,
  original: Vector,
  sorted: Vector,
  z: bigint,
): bigint {
  const shift = kernels.vector(to.length);
  fillWith(kernels, shift, z);
  kernels.sub(original, original, shift);
  kernels.sub(sorted, sorted, shift);
  kernels.invert(sorted);
  kernels.mul(to, original, sorted);
  kernels.accumulate(to);
  return kernels.read(slice(kernels, to, to.length - 1, 1))[0] as bigint;
}

function demandProduct(what: string, expected: bigint, actual: bigint): void {
  if (mul(actual, inverse(expected)) === 1n) return;
  throw new ProverError('bad_run', `${what} to be a permutation`, 'something missing');
}
