import { GENERATOR, mul, pow, rootOfUnity } from '../felt/felt.ts';
import type { Bytes, Kernels, Vector } from '../kernels/kernels.ts';
import type { Transforms } from '../kernels/transform.ts';
import { Domain, reverseBits } from '../stark/domain.ts';
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

  /** Leaves `first`, `first` + 1, … from rows of `rowSize` bytes. */
  setLeaves(first: number, rows: Bytes, rowSize: number): void {
    const count = rows.length / rowSize;
    this.#kernels.hashRows(this.#nodes(2 ** this.log + first, count), rows, rowSize);
  }

  /** Hashes up to the root, which is the answer. */
  close(): Uint8Array {
    this.#kernels.hashNodes(this.bytes);
    return this.node(1);
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
 * Columns as polynomials, committed to by their values on 2^cosetsLog cosets: rows of the tree in
 * bit-reversed order, so that coset c fills the leaves from reverse(c)·rows.
 */
export class Commitment {
  readonly columns: readonly Vector[];
  readonly #geometry: Geometry;
  readonly #tree: Tree;
  /** Stone's bytes of every row, where they were kept. */
  #rows: Bytes | undefined;

  /**
   * With `keep` all values stay in memory. Without, a query computes its own again, at one
   * multiplication per row and column: less memory, and a few percent for a few queries.
   */
  constructor(geometry: Geometry, columns: readonly Vector[], keep: boolean) {
    const { kernels, rowsLog, cosetsLog } = geometry;
    this.#geometry = geometry;
    this.columns = columns;
    this.#tree = new Tree(kernels, rowsLog + cosetsLog);
    if (keep) this.#rows = kernels.bytes(2 ** (rowsLog + cosetsLog) * this.#rowSize);
  }

  get #rowSize(): number {
    return DIGEST * this.columns.length;
  }

  /** Yields after each coset the share of the cosets that are done; answers the root. */
  *commit(): Generator<number, Uint8Array> {
    const { kernels, rowsLog, cosetsLog } = this.#geometry;
    const mark = kernels.mark();
    const length = 2 ** rowsLog * this.#rowSize;
    const scratch = this.#rows ?? kernels.bytes(length);
    for (let coset = 0; coset < 2 ** cosetsLog; coset++) {
      const place = reverseBits(coset, cosetsLog);
      const rows = { at: scratch.at + (this.#rows === undefined ? 0 : place * length), length };
      this.onCoset(coset, this.columns, (values, i) => {
        const to = { at: rows.at + DIGEST * i, length: length - DIGEST * i };
        kernels.pack(to, this.#rowSize, values);
      });
      this.#tree.setLeaves(place * 2 ** rowsLog, rows, this.#rowSize);
      yield (coset + 1) / 2 ** cosetsLog;
    }
    kernels.release(mark);
    return this.#tree.close();
  }

  /** Values of `columns` on a coset in bit-reversed order, one after the other, in one place. */
  onCoset(
    coset: number,
    columns: readonly Vector[],
    use: (values: Vector, column: number) => void,
  ): void {
    const { kernels } = this.#geometry;
    const mark = kernels.mark();
    const size = 2 ** this.#geometry.rowsLog;
    const table = kernels.vector(size);
    const values = kernels.vector(size);
    this.#geometry.transforms.fillForward(table, cosetOffset(this.#geometry, coset));
    for (const [i, column] of columns.entries()) {
      kernels.copy(values, 1, column, 1, size);
      kernels.forward(values, table);
      use(values, i);
    }
    kernels.release(mark);
  }

  /** Says the rows at these ascending indices and what authenticates them. */
  open(writer: Writer, indices: readonly number[]): void {
    const { kernels, rowsLog, cosetsLog } = this.#geometry;
    const domain = new Domain(rowsLog + cosetsLog);
    for (const index of indices) {
      if (this.#rows !== undefined) {
        const at = this.#rows.at + index * this.#rowSize;
        writer.say(kernels.peek({ at, length: this.#rowSize }));
        continue;
      }
      const x = mul(GENERATOR, domain.at(index));
      writer.felts(this.columns.map((column) => kernels.evaluate(column, x)));
    }
    this.#tree.authenticate(writer, indices);
  }
}

/** The coset's first point: 3 · g^coset. */
export function cosetOffset({ rowsLog, cosetsLog }: Geometry, coset: number): bigint {
  return mul(GENERATOR, pow(rootOfUnity(rowsLog + cosetsLog), BigInt(coset)));
}
