// Values of committed columns at the out-of-domain point.
import { type Layout, mul, pow, rootOfUnity } from '@fatty/cairo-air';
import { type Kernels, slice, type Vector } from '../kernels/kernels.ts';
import { fillWith } from '../kernels/transform.ts';
import type { Geometry } from './commitment.ts';
import type { Writer } from './writer.ts';

/** A column's value at a point. */
interface Sample {
  readonly column: Vector;
  readonly point: bigint;
}

/**
 * Says all mask cells at a random point z and the composition at z², then answers the DEEP
 * polynomial Σ alpha^i · (column − value_i) / (X − z·g^row), by polynomial division.
 */
export function samplePoint(
  { kernels, rowsLog }: Geometry,
  layout: Layout,
  writer: Writer,
  columns: readonly Vector[],
): Vector {
  const z = writer.channel.felt();
  const samples = samplesAt(layout, rowsLog, columns, z);
  const mark = kernels.mark();
  const values = kernels.vector(samples.length);
  kernels.together(
    samples.map(({ column, point }, i) => () => {
      kernels.evaluate(slice(kernels, values, i, 1), column, point);
    }),
  );
  // Each is a message of its own.
  for (const value of kernels.read(values)) writer.felts([value]);
  kernels.release(mark);
  return deepPolynomial(kernels, samples, writer.channel.felt());
}

function samplesAt(
  { mask, compositionColumns }: Layout,
  rowsLog: number,
  columns: readonly Vector[],
  z: bigint,
): Sample[] {
  const generator = rootOfUnity(rowsLog);
  const cells = mask.map(({ column, row }) => ({
    column: columns[column] as Vector,
    point: mul(z, pow(generator, BigInt(row))),
  }));
  const composition = columns.slice(-compositionColumns);
  return [...cells, ...composition.map((column) => ({ column, point: mul(z, z) }))];
}

/** Every thread takes some of the points, and its own sum. */
function deepPolynomial(kernels: Kernels, samples: readonly Sample[], alpha: bigint): Vector {
  const size = samples[0]?.column.length ?? 0;
  const deep = kernels.vector(size);
  const mark = kernels.mark();
  const points = [...new Set(samples.map(({ point }) => point))];
  const parts = Array.from({ length: kernels.threads }, (_, i) => ({
    total: i === 0 ? deep : kernels.vector(size),
    points: points.filter((_, k) => k % kernels.threads === i),
  }));
  kernels.together(
    parts.map(({ total, points }) => () => {
      const sum = kernels.vector(size);
      fillWith(kernels, total, 0n);
      for (const point of points) {
        fillWith(kernels, sum, 0n);
        for (const [i, sample] of samples.entries())
          if (sample.point === point) kernels.addScaled(sum, sample.column, pow(alpha, BigInt(i)));
        kernels.addQuotient(total, sum, point);
      }
    }),
  );
  for (const { total } of parts.slice(1)) kernels.add(deep, deep, total);
  kernels.release(mark);
  return deep;
}
