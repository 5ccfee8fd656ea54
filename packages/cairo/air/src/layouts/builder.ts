// Writes a layout's expression graph: cells, nodes, and constraints with the rows that they hold on.
import {
  type Constraint,
  type Expression,
  Graph,
  type MaskCell,
  type Node,
  type Rows,
} from './expression.ts';

/** A column, and a row of it within a period. */
export type Place = readonly [column: number, row: number];

/** Every row ≡ `offset` mod `period`. */
export const every = (period: number, offset = 0): Rows => ({ kind: 'periodic', period, offset });

/** Every row ≡ one of `offsets` mod `period`. */
export function everyOf(period: number, [offset = 0, ...also]: readonly number[]): Rows {
  return { kind: 'periodic', period, offset, also };
}

/** A single row, counted from the start (0, 1, …) or from the end (−1, −2, …). */
export const single = (row: number): Rows => ({ kind: 'single', row });

/** Where a constraint holds that is about any row. */
export const EVERY_ROW: Rows = every(1);
/** Where a constraint holds that is about the beginning. */
export const FIRST_ROW: Rows = single(0);

/**
 * Collects the mask, the expressions and the constraints of one layout; components add theirs in
 * the layout's order, because the order is the power of the challenge that weighs a constraint.
 */
export class AirBuilder {
  readonly one: Expression;
  readonly constraints: Constraint[] = [];
  readonly #graph = new Graph();
  readonly #cells: readonly ReadonlyMap<number, Expression>[];
  readonly #parameters = new Map<string, Expression>();

  /** `maskRows[column]` are the rows below the current one that the constraints look at. */
  constructor(maskRows: readonly (readonly number[])[]) {
    this.one = this.#graph.constant(1n);
    this.#cells = maskRows.map(
      (rows, column) => new Map(rows.map((row) => [row, this.#graph.cell(column, row)])),
    );
  }

  get nodes(): readonly Node[] {
    return this.#graph.nodes;
  }

  get mask(): readonly MaskCell[] {
    return this.#graph.mask;
  }

  /** @throws RangeError for a cell outside the mask: a slip in a layout's data */
  cell(column: number, row: number): Expression {
    const found = this.#cells[column]?.get(row);
    if (found === undefined) throw new RangeError(`no mask cell (${column}, ${row})`);
    return found;
  }

  at([column, row]: Place, below = 0): Expression {
    return this.cell(column, row + below);
  }

  parameter(name: string): Expression {
    const known = this.#parameters.get(name) ?? this.#graph.parameter(name);
    this.#parameters.set(name, known);
    return known;
  }

  not(x: Expression): Expression {
    return this.one.minus(x);
  }

  /** Zero for 0 and 1 only. */
  isBit(x: Expression): Expression {
    return x.times(x).minus(x);
  }

  /** Bit of a chain of halves: a value minus twice the next. */
  bit(value: Expression, next: Expression): Expression {
    return value.minus(next.plus(next));
  }

  /** Claims that `expression` is zero on `rows`, except on `except`. */
  zero(name: string, rows: Rows, expression: Expression, except?: Rows): void {
    this.constraints.push({ name, root: expression.id, rows, except });
  }
}
