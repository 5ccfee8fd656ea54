// Columns on their evaluation domain, and the Merkle tree over their rows.
import { Domain, GENERATOR, mul, pow, reverseBits, rootOfUnity } from '@fatty/cairo-air';
import { type Bytes, type Kernels, slice, type Vector } from '../kernels/kernels.ts';
import type { Transforms } from '../kernels/transform.ts';
import type { Writer } from './writer.ts';

const DIGEST = 32;

/** A Merkle tree over 2^log rows, all its nodes in the kernels' memory. */
export class Tree {
  readonly log: number;
  readonly bytes: Bytes;
  readonly #kernels: Kernels;

  constructor(kernels: Kernels, log: number) {
    this.#kernels = kernels;
    this.log = log;
    this.bytes = kernels.bytes(2 ** (log + 1) * DIGEST);
  }

  /**
   * Leaves `first`, `first` + 1, … from rows of `rowSize` bytes, and all nodes that these alone make:
   * they are 2^k, from a multiple of 2^k on.
   */
  fill(first: number, rows: Bytes, rowSize: number): void {
    const count = rows.length / rowSize;
    const leaf = 2 ** this.log + first;
    this.#kernels.hashRows(this.#nodes(leaf, count), rows, rowSize);
    for (let above = 2; above <= count; above *= 2) this.#hashLevel(leaf / above, count / above);
  }

  /** Hashes what is above the parts that {@link fill} filled, so many of one size; the root. */
  close(parts: number): Uint8Array {
    for (let count = parts / 2; count >= 1; count /= 2) this.#hashLevel(count, count);
    return this.node(1);
  }

  /** `count` nodes from `first` on, from their children. */
  #hashLevel(first: number, count: number): void {
    const children = this.#nodes(2 * first, 2 * count);
    this.#kernels.hashRows(this.#nodes(first, count), children, 2 * DIGEST);
  }

  node(index: number): Uint8Array {
    return this.#kernels.peek(this.#nodes(index, 1));
  }

  #nodes(index: number, count: number): Bytes {
    return { at: this.bytes.at + index * DIGEST, length: count * DIGEST };
  }

  /**
   * The nodes that a verifier cannot compute from these ascending rows: level by level, upwards.
   */
  authenticate(writer: Writer, rows: readonly number[]): void {
    let level = rows.map((row) => 2 ** this.log + row);
    for (let left = this.log; left > 0; left--) {
      const known = new Set(level);
      for (const node of level) {
        const sibling = node % 2 === 0 ? node + 1 : node - 1;
        if (!known.has(sibling)) writer.say(this.node(sibling));
      }
      level = [...new Set(level.map((node) => Math.floor(node / 2)))];
    }
  }
}

/** What committing needs to know: sizes and the tables of the transforms. */
export interface Geometry {
  readonly kernels: Kernels;
  readonly transforms: Transforms;
  /** log2 of the trace's rows and of the number of cosets. */
  readonly rowsLog: number;
  readonly cosetsLog: number;
}

/**
 * Does all cosets, as many at a time as there are threads; yields the share that is done.
 * @param use what to do for one, as a task
 */
export function* overCosets(
  { kernels, cosetsLog }: Geometry,
  use: (coset: number) => void,
): Generator<number, void> {
  const count = 2 ** cosetsLog;
  for (let done = 0; done < count; ) {
    const some = Array.from(
      { length: Math.min(kernels.threads, count - done) },
      (_, i) => done + i,
    );
    kernels.together(some.map((coset) => () => use(coset)));
    done += some.length;
    yield done / count;
  }
}

/** Values of `columns` on offset·⟨g⟩ in bit-reversed order, one after the other, in one place. */
export function evaluateOn(
  { kernels, transforms }: Geometry,
  offset: bigint,
  columns: readonly Vector[],
  use: (values: Vector, column: number) => void,
): void {
  const size = columns[0]?.length ?? 0;
  const table = kernels.vector(size);
  const values = kernels.vector(size);
  transforms.fillForward(table, offset);
  for (const [i, column] of columns.entries()) {
    kernels.copy(values, 1, column, 1, size);
    kernels.forward(values, table);
    use(values, i);
  }
}

/**
 * Columns as polynomials, committed to by their values on 2^cosetsLog cosets: rows of the tree in
 * bit-reversed order, so that coset c fills the leaves from reverse(c)·rows.
 */
export class Commitment {
  readonly columns: readonly Vector[];
  readonly #geometry: Geometry;
  readonly #tree: Tree;
  /** Stone's bytes of every row, where they are kept. */
  readonly #rows: Bytes | undefined;

  /**
   * With `keep` all values stay in memory. Without, a query computes its own again, at one
   * multiplication per row and column: less memory, and a few percent for a few queries.
   */
  constructor(geometry: Geometry, columns: readonly Vector[], keep: boolean) {
    const { kernels, rowsLog, cosetsLog } = geometry;
    this.#geometry = geometry;
    this.columns = columns;
    this.#tree = new Tree(kernels, rowsLog + cosetsLog);
    const size = 2 ** (rowsLog + cosetsLog) * this.#rowSize;
    this.#rows = keep ? kernels.bytes(size) : undefined;
  }

  get #rowSize(): number {
    return DIGEST * this.columns.length;
  }

  /** Yields the share of the cosets that are done; answers the root. */
  *commit(): Generator<number, Uint8Array> {
    yield* overCosets(this.#geometry, (coset) => this.#commitCoset(coset));
    return this.#tree.close(2 ** this.#geometry.cosetsLog);
  }

  #commitCoset(coset: number): void {
    const { kernels, rowsLog, cosetsLog } = this.#geometry;
    const first = reverseBits(coset, cosetsLog) * 2 ** rowsLog;
    const length = 2 ** rowsLog * this.#rowSize;
    const at = this.#rows && this.#rows.at + first * this.#rowSize;
    const rows = at === undefined ? kernels.bytes(length) : { at, length };
    evaluateOn(this.#geometry, cosetOffset(this.#geometry, coset), this.columns, (values, i) => {
      const to = { at: rows.at + DIGEST * i, length: length - DIGEST * i };
      kernels.pack(to, this.#rowSize, values);
    });
    this.#tree.fill(first, rows, this.#rowSize);
  }

  /** Says the rows at these ascending indices and what authenticates them. */
  open(writer: Writer, indices: readonly number[]): void {
    for (const row of this.#rowsAt(indices)) writer.say(row);
    this.#tree.authenticate(writer, indices);
  }

  #rowsAt(indices: readonly number[]): Uint8Array[] {
    const { kernels, rowsLog, cosetsLog } = this.#geometry;
    const mark = kernels.mark();
    const size = this.#rowSize;
    const kept = this.#rows;
    const places = indices.map((index) =>
      kept === undefined ? kernels.bytes(size) : { at: kept.at + index * size, length: size },
    );
    if (kept === undefined) {
      const domain = new Domain(rowsLog + cosetsLog);
      kernels.together(
        indices.map((index, i) => () => {
          const values = kernels.vector(this.columns.length);
          const x = mul(GENERATOR, domain.at(index));
          for (const [k, column] of this.columns.entries())
            kernels.evaluate(slice(kernels, values, k, 1), column, x);
          kernels.pack(places[i] as Bytes, DIGEST, values);
        }),
      );
    }
    const rows = places.map((place) => kernels.peek(place));
    kernels.release(mark);
    return rows;
  }
}

/** The coset's first point: 3 · g^coset. */
export function cosetOffset({ rowsLog, cosetsLog }: Geometry, coset: number): bigint {
  return mul(GENERATOR, pow(rootOfUnity(rowsLog + cosetsLog), BigInt(coset)));
}
