// A layout as data: expression graph, mask, constraints, builtins, periodic columns.

/** One node of an expression graph; operands are indices of earlier nodes. */
export type Node =
  | { readonly op: 'cell'; readonly index: number }
  | { readonly op: 'parameter'; readonly name: string }
  | { readonly op: 'constant'; readonly value: bigint }
  | { readonly op: 'add' | 'sub' | 'mul'; readonly left: number; readonly right: number };

/** A polynomial over mask cells and parameters, written with methods and kept as a graph node. */
export class Expression {
  readonly id: number;
  readonly #graph: Graph;

  constructor(graph: Graph, id: number) {
    this.#graph = graph;
    this.id = id;
  }

  plus(other: Expression | bigint): Expression {
    return this.#join('add', other);
  }

  minus(other: Expression | bigint): Expression {
    return this.#join('sub', other);
  }

  times(other: Expression | bigint): Expression {
    return this.#join('mul', other);
  }

  #join(op: 'add' | 'sub' | 'mul', other: Expression | bigint): Expression {
    const right = typeof other === 'bigint' ? this.#graph.constant(other) : other;
    return this.#graph.push({ op, left: this.id, right: right.id });
  }
}

/** Collects nodes in evaluation order: a node's operands always stand before it. */
export class Graph {
  readonly nodes: Node[] = [];
  readonly mask: MaskCell[] = [];

  push(node: Node): Expression {
    this.nodes.push(node);
    return new Expression(this, this.nodes.length - 1);
  }

  constant(value: bigint): Expression {
    return this.push({ op: 'constant', value });
  }

  parameter(name: string): Expression {
    return this.push({ op: 'parameter', name });
  }

  /** Adds a cell to the mask; the order of these calls is the order of the out-of-domain values. */
  cell(column: number, row: number): Expression {
    this.mask.push({ column, row });
    return this.push({ op: 'cell', index: this.mask.length - 1 });
  }
}

/** A cell that constraints look at: column, and rows below the current one. */
export interface MaskCell {
  readonly column: number;
  readonly row: number;
}

/**
 * Rows of the trace: every row ≡ `offset` mod `period`, or a single row counted from the start
 * (0, 1, …) or from the end (−1, −2, …). The vanishing polynomials are x^(N/period) −
 * g^(offset·N/period) and x − g^row.
 */
export type Rows =
  | {
      readonly kind: 'periodic';
      readonly period: number;
      readonly offset: number;
      /** Further offsets; the polynomials multiply. */
      readonly also?: readonly number[];
    }
  | { readonly kind: 'single'; readonly row: number };

/** `expression` is zero on `rows`, except on `except` where nothing is claimed. */
export interface Constraint {
  readonly name: string;
  /** Root node in the layout's graph. */
  readonly root: number;
  readonly rows: Rows;
  readonly except: Rows | undefined;
}

/** A builtin of a layout and how much of it fits into a trace. */
export interface Builtin {
  readonly name: string;
  /** Memory cells of one use. */
  readonly cells: number;
  /** Trace rows per use; undefined when only public memory limits it (`output`). */
  readonly rows: number | undefined;
}

/**
 * A column that everybody knows: values at every `period / values.length`-th row, repeated. To the
 * constraints it is the parameter `name`, whose value depends on the point.
 */
export interface PeriodicColumn {
  readonly name: string;
  readonly period: number;
  /** Coefficients of the polynomial in x^(N / period), lowest first; made when first needed. */
  readonly coefficients: () => readonly bigint[];
}

/**
 * A layout's AIR as data: interpreted by the verifier, compiled by a prover, so the two cannot
 * drift.
 */
export interface Layout {
  readonly name: string;
  /** Names of its memory segments in the order of the transcript's seed. */
  readonly segments: readonly string[];
  /** The builtins behind its further segments, in the order in which a program takes them. */
  readonly builtins: readonly Builtin[];
  readonly rowsPerStep: number;
  /** Trace rows per public memory cell. */
  readonly rowsPerPublicCell: number;
  /** Fewest trace rows, a power of two: one of every periodic thing. */
  readonly rowsMin: number;
  /** Columns committed before and after the interaction elements are known. */
  readonly columnsFirst: number;
  readonly columnsSecond: number;
  /** Parameters drawn from the transcript, in order. */
  readonly interactionElements: readonly string[];
  /** Columns of the composition polynomial. */
  readonly compositionColumns: number;
  readonly periodicColumns: readonly PeriodicColumn[];
  readonly nodes: readonly Node[];
  readonly mask: readonly MaskCell[];
  readonly constraints: readonly Constraint[];
}
