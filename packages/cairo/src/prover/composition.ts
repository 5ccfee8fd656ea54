import type { Layout, Rows } from '../air/expression.ts';
import { mul, pow, rootOfUnity, sub } from '../felt/felt.ts';
import { type Kernels, slice, type Vector } from '../kernels/kernels.ts';
import { fillPowers, fillWith } from '../kernels/transform.ts';
import { type Commitment, cosetOffset, type Geometry } from './commitment.ts';
import type { CompositionProgram, Operand } from './program.ts';

/** Rows per batch: few enough to stay in the cache, and a multiple of every period. */
const BATCH = 128;

/**
 * The composition polynomial as its even and odd coefficients: C(x) = H0(x²) + x·H1(x²). It has
 * less than twice the trace's degree, so that its values on two cosets are enough.
 */
export function* composeConstraints(
  geometry: Geometry,
  layout: Layout,
  program: CompositionProgram,
  commitments: readonly Commitment[],
): Generator<number, [Vector, Vector]> {
  const { kernels, transforms, rowsLog, cosetsLog } = geometry;
  const size = 2 ** rowsLog;
  const halves: [Vector, Vector] = [kernels.vector(size), kernels.vector(size)];
  const mark = kernels.mark();
  const values = kernels.vector(2 * size);
  const cosets = [0, 2 ** (cosetsLog - 1)];
  for (const [i, coset] of cosets.entries()) {
    const inner = kernels.mark();
    const sums = kernels.vector(size);
    const evaluator = new Evaluator(geometry, layout, program, commitments, coset);
    for (let from = 0; from < size; from += BATCH) {
      evaluator.run(sums, from, Math.min(BATCH, size));
      if (from % (BATCH * 64) === 0) yield (i + from / size) / cosets.length;
    }
    kernels.reverse(slice(kernels, values, i * size, size), sums);
    kernels.release(inner);
  }
  transforms.interpolate(values, cosetOffset(geometry, 0));
  kernels.copy(halves[0], 1, values, 2, size);
  kernels.copy(halves[1], 1, slice(kernels, values, 1, 2 * size - 1), 2, size);
  kernels.release(mark);
  return halves;
}

/** Computes the composition on the points of one coset, in natural order. */
class Evaluator {
  readonly #kernels: Kernels;
  readonly #program: CompositionProgram;
  /** Columns in natural order, with the first rows once more behind the last. */
  readonly #columns: readonly Vector[];
  /** except / rows per group, at every point. */
  readonly #factors: readonly Vector[];
  readonly #scalars: readonly Vector[];
  readonly #slots: readonly Vector[];
  readonly #sums: readonly Vector[];

  constructor(
    geometry: Geometry,
    layout: Layout,
    program: CompositionProgram,
    commitments: readonly Commitment[],
    coset: number,
  ) {
    const { kernels } = geometry;
    const size = 2 ** geometry.rowsLog;
    const batch = Math.min(BATCH, size);
    const vectors = (count: number, length: number): Vector[] =>
      Array.from({ length: count }, () => kernels.vector(length));
    this.#kernels = kernels;
    this.#program = program;
    const below = Math.max(...layout.mask.map((cell) => cell.row));
    this.#columns = vectors(layout.columnsFirst + layout.columnsSecond, size + below);
    this.#factors = vectors(program.groups.length, size);
    this.#scalars = vectors(program.scalars.length, batch);
    this.#slots = vectors(program.slots, batch);
    this.#sums = vectors(program.groups.length, batch);
    for (const [i, scalar] of program.scalars.entries())
      fillWith(kernels, this.#scalars[i] as Vector, scalar);
    this.#fillColumns(commitments, coset, size, below);
    const offset = cosetOffset(geometry, coset);
    const divisors = new Divisors(kernels, geometry.rowsLog, offset);
    for (const [i, { rows, except }] of program.groups.entries())
      divisors.fill(this.#factors[i] as Vector, rows, except);
  }

  #fillColumns(
    commitments: readonly Commitment[],
    coset: number,
    size: number,
    below: number,
  ): void {
    const kernels = this.#kernels;
    let next = 0;
    for (const commitment of commitments)
      commitment.onCoset(coset, commitment.columns, (values) => {
        const column = this.#columns[next++] as Vector;
        kernels.reverse(slice(kernels, column, 0, size), values);
        kernels.copy(slice(kernels, column, size, below), 1, column, 1, below);
      });
  }

  /** Fills `count` values of `to` from `from` on. */
  run(to: Vector, from: number, count: number): void {
    const kernels = this.#kernels;
    const place = (operand: Operand): Vector => {
      if (operand.kind === 'slot') return this.#slots[operand.slot] as Vector;
      if (operand.kind === 'scalar') return this.#scalars[operand.index] as Vector;
      return slice(kernels, this.#columns[operand.column] as Vector, from + operand.row, count);
    };
    const used = new Set<number>();
    for (const one of this.#program.instructions) {
      if (one.op !== 'sum') {
        kernels[one.op](this.#slots[one.to] as Vector, place(one.left), place(one.right));
        continue;
      }
      const sum = this.#sums[one.group] as Vector;
      if (used.has(one.group)) kernels.addScaled(sum, place(one.value), one.factor);
      else kernels.scale(sum, place(one.value), one.factor);
      used.add(one.group);
    }
    const target = slice(kernels, to, from, count);
    for (const [i, sum] of this.#sums.entries()) {
      const factor = slice(kernels, this.#factors[i] as Vector, from, count);
      kernels.mul(i === 0 ? target : sum, sum, factor);
      if (i > 0) kernels.add(target, target, sum);
    }
  }
}

/** Quotients of vanishing polynomials on the points of a coset, in natural order. */
class Divisors {
  readonly #kernels: Kernels;
  readonly #rowsLog: number;
  readonly #offset: bigint;
  readonly #points: Vector;

  constructor(kernels: Kernels, rowsLog: number, offset: bigint) {
    this.#kernels = kernels;
    this.#rowsLog = rowsLog;
    this.#offset = offset;
    this.#points = kernels.vector(2 ** rowsLog);
    fillPowers(kernels, this.#points, offset, rootOfUnity(rowsLog));
  }

  /** except / rows */
  fill(to: Vector, rows: Rows, except: Rows | undefined): void {
    const kernels = this.#kernels;
    this.#vanishing(to, rows, true);
    if (except === undefined) return;
    const mark = kernels.mark();
    const numerator = kernels.vector(to.length);
    this.#vanishing(numerator, except, false);
    kernels.mul(to, to, numerator);
    kernels.release(mark);
  }

  #vanishing(to: Vector, rows: Rows, inverted: boolean): void {
    const kernels = this.#kernels;
    const generator = rootOfUnity(this.#rowsLog);
    if (rows.kind === 'single') {
      const row = BigInt(rows.row < 0 ? to.length + rows.row : rows.row);
      fillWith(kernels, to, pow(generator, row));
      kernels.sub(to, this.#points, to);
      if (inverted) kernels.invert(to);
      return;
    }
    // x^(N/period) takes as many values as the period has rows, over and over.
    const power = BigInt(to.length / rows.period);
    const zero = pow(generator, power * BigInt(rows.offset));
    const ratio = pow(generator, power);
    let value = pow(this.#offset, power);
    const values: bigint[] = [];
    for (let i = 0; i < rows.period; i++) {
      values.push(sub(value, zero));
      value = mul(value, ratio);
    }
    const tile = slice(kernels, to, 0, rows.period);
    kernels.write(tile, values);
    if (inverted) kernels.invert(tile);
    for (let size = rows.period; size < to.length; size *= 2)
      kernels.copy(slice(kernels, to, size, size), 1, to, 1, size);
  }
}
