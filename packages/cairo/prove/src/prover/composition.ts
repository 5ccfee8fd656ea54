// The composition polynomial: all constraints of all rows, weighed by one challenge.
import { type Layout, mul, pow, type Rows, rootOfUnity, sub } from '@fatty/cairo-air';
import { type Kernels, slice, type Vector } from '../kernels/kernels.ts';
import { fillPowers, fillWith } from '../kernels/transform.ts';
import { cosetOffset, evaluateOn, type Geometry } from './commitment.ts';
import type { CompositionProgram, Operand } from './program.ts';

/** Rows per batch: few enough to stay in the cache, and a multiple of every period. */
const BATCH = 128;
/** Batches of one thread in one turn. */
const BATCHES_PER_TURN = 32;

/**
 * The composition polynomial as its even and odd coefficients: C(x) = H0(x²) + x·H1(x²). It has
 * less than twice the trace's degree, so that its values on two cosets are enough.
 */
export function* composeConstraints(
  geometry: Geometry,
  layout: Layout,
  program: CompositionProgram,
  columns: readonly Vector[],
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
    const evaluator = new Evaluator(geometry, layout, program);
    evaluator.moveTo(columns, cosetOffset(geometry, coset));
    for (const share of evaluator.run(sums)) yield (i + share) / cosets.length;
    kernels.reverse(slice(kernels, values, i * size, size), sums);
    kernels.release(inner);
  }
  transforms.interpolate(values, cosetOffset(geometry, 0));
  kernels.copy(halves[0], 1, values, 2, size);
  kernels.copy(halves[1], 1, slice(kernels, values, 1, 2 * size - 1), 2, size);
  kernels.release(mark);
  return halves;
}

/** What one thread needs to run a program: results, and a sum per group. */
interface Bench {
  readonly slots: readonly Vector[];
  readonly sums: readonly Vector[];
}

/** Computes the composition on the points of one coset, in natural order. */
class Evaluator {
  readonly #geometry: Geometry;
  readonly #program: CompositionProgram;
  readonly #batch: number;
  /** Columns in natural order, with the first rows once more behind the last. */
  readonly #columns: readonly Vector[];
  /** except / rows per group, at every point. */
  readonly #factors: readonly Vector[];
  readonly #scalars: readonly Vector[];
  readonly #benches: readonly Bench[];

  constructor(geometry: Geometry, layout: Layout, program: CompositionProgram) {
    const { kernels, rowsLog } = geometry;
    const size = 2 ** rowsLog;
    const batch = Math.min(BATCH, size);
    const vectors = (count: number, length: number): Vector[] =>
      Array.from({ length: count }, () => kernels.vector(length));
    this.#geometry = geometry;
    this.#program = program;
    this.#batch = batch;
    const below = Math.max(...layout.mask.map((cell) => cell.row));
    this.#columns = vectors(layout.columnsFirst + layout.columnsSecond, size + below);
    this.#factors = vectors(program.groups.length, size);
    this.#scalars = vectors(program.scalars.length, batch);
    this.#benches = Array.from({ length: kernels.threads }, () => ({
      slots: vectors(program.slots, batch),
      sums: vectors(program.groups.length, batch),
    }));
    for (const [i, scalar] of program.scalars.entries())
      fillWith(kernels, this.#scalars[i] as Vector, scalar);
  }

  /** Fills columns and factors for the coset of `offset`. */
  moveTo(columns: readonly Vector[], offset: bigint): void {
    const { kernels, rowsLog } = this.#geometry;
    const size = 2 ** rowsLog;
    const share = Math.ceil(columns.length / kernels.threads);
    const shares = Array.from({ length: kernels.threads }, (_, i) => i * share);
    const fill = (from: number): void =>
      evaluateOn(this.#geometry, offset, columns.slice(from, from + share), (values, i) => {
        const column = this.#columns[from + i] as Vector;
        const below = column.length - size;
        kernels.reverse(slice(kernels, column, 0, size), values);
        kernels.copy(slice(kernels, column, size, below), 1, column, 1, below);
      });
    kernels.together(
      shares.filter((from) => from < columns.length).map((from) => () => fill(from)),
    );
    const mark = kernels.mark();
    const divisors = new Divisors(kernels, rowsLog, offset);
    kernels.together(
      this.#program.groups.map(({ rows, except }, i) => () => {
        divisors.fill(this.#factors[i] as Vector, rows, except);
      }),
    );
    kernels.release(mark);
  }

  /** Fills `to`; yields the share that is done. */
  *run(to: Vector): Generator<number, void> {
    const { kernels } = this.#geometry;
    const batches = to.length / this.#batch;
    const share = Math.min(BATCHES_PER_TURN, Math.ceil(batches / this.#benches.length));
    for (let next = 0; next < batches; ) {
      const tasks = this.#benches.map((bench, i) => () => {
        const from = next + i * share;
        for (let batch = from; batch < Math.min(from + share, batches); batch++)
          this.#runBatch(bench, slice(kernels, to, batch * this.#batch, this.#batch), batch);
      });
      kernels.together(tasks);
      next += share * this.#benches.length;
      yield Math.min(next / batches, 1);
    }
  }

  #runBatch({ slots, sums }: Bench, to: Vector, batch: number): void {
    const { kernels } = this.#geometry;
    const part = (vector: Vector, row: number): Vector =>
      slice(kernels, vector, batch * to.length + row, to.length);
    const place = (operand: Operand): Vector => {
      if (operand.kind === 'slot') return slots[operand.slot] as Vector;
      if (operand.kind === 'scalar') return this.#scalars[operand.index] as Vector;
      return part(this.#columns[operand.column] as Vector, operand.row);
    };
    const used = new Set<number>();
    for (const one of this.#program.instructions) {
      if (one.op !== 'sum') {
        kernels[one.op](slots[one.to] as Vector, place(one.left), place(one.right));
        continue;
      }
      const sum = sums[one.group] as Vector;
      if (used.has(one.group)) kernels.addScaled(sum, place(one.value), one.factor);
      else kernels.scale(sum, place(one.value), one.factor);
      used.add(one.group);
    }
    for (const [i, sum] of sums.entries()) {
      kernels.mul(i === 0 ? to : sum, sum, part(this.#factors[i] as Vector, 0));
      if (i > 0) kernels.add(to, to, sum);
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
