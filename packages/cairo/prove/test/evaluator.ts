// A second reading of the constraints, row by row, to see which of them a trace breaks.
import { add, mul, pow, rootOfUnity, sub } from '../../air/src/felt/felt.ts';
import type { Constraint, Layout, Node } from '../../air/src/layouts/expression.ts';
import { isIn } from './tampered-table.ts';

/** A trace, and what its constraints are told. */
export interface Trace {
  readonly columns: readonly (readonly bigint[])[];
  readonly parameters: ReadonlyMap<string, bigint>;
}

/** One constraint, with as much of the graph as it is made of. */
interface Compiled extends Constraint {
  /** Node ids, operands first. */
  readonly ids: readonly number[];
  /** Mask cells by index, and parameters by name. */
  readonly cells: readonly number[];
  readonly names: readonly string[];
}

/**
 * Says which constraints a trace breaks: all of them at every row, or, given a trace that breaks
 * none, those that could have changed. A second reading of the same data as the verifier's.
 */
export class Evaluator {
  readonly #layout: Layout;
  readonly #rows: number;
  readonly #constraints: readonly Compiled[];
  readonly #periodic = new Map<string, Map<number, bigint>>();

  constructor(layout: Layout, rows: number) {
    this.#layout = layout;
    this.#rows = rows;
    this.#constraints = layout.constraints.map((one) => compile(layout, one));
    for (const { name } of layout.periodicColumns) this.#periodic.set(name, new Map());
  }

  /** Names of the constraints, of those that `among` finds, that do not hold where they should. */
  broken(trace: Trace, among: RegExp = /^/): string[] {
    const names = this.#constraints
      .filter(({ name }) => among.test(name))
      .filter((one) => this.#rowsOf(one).some((row) => !this.#holds(one, row, trace)))
      .map(({ name }) => name);
    return names.sort();
  }

  /** The same, but for what looks at nothing that differs from `good`, which breaks none. */
  brokenSince(good: Trace, trace: Trace): string[] {
    const changed = trace.columns.map((column, i) => differences(good.columns[i] ?? [], column));
    const told = new Set(
      [...trace.parameters]
        .filter(([name, value]) => good.parameters.get(name) !== value)
        .map(([n]) => n),
    );
    const names = this.#constraints
      .filter((one) => {
        const rows = one.names.some((name) => told.has(name))
          ? this.#rowsOf(one)
          : this.#touched(one, changed);
        return rows.some((row) => !this.#holds(one, row, trace));
      })
      .map(({ name }) => name);
    return names.sort();
  }

  #touched({ cells, rows, except }: Compiled, changed: readonly number[][]): number[] {
    const found = new Set<number>();
    for (const index of cells) {
      const cell = this.#layout.mask[index];
      for (const row of changed[cell?.column ?? 0] ?? []) {
        const at = (((row - (cell?.row ?? 0)) % this.#rows) + this.#rows) % this.#rows;
        if (claims(rows, except, at, this.#rows)) found.add(at);
      }
    }
    return [...found];
  }

  #rowsOf({ rows, except }: Compiled): number[] {
    if (rows.kind === 'single') return [(rows.row + this.#rows) % this.#rows];
    const found: number[] = [];
    for (let base = 0; base < this.#rows; base += rows.period)
      for (const offset of [rows.offset, ...(rows.also ?? [])])
        if (claims(rows, except, base + offset, this.#rows)) found.push(base + offset);
    return found;
  }

  #holds({ ids, root }: Compiled, row: number, trace: Trace): boolean {
    const values = new Map<number, bigint>();
    const value = (id: number): bigint => values.get(id) ?? 0n;
    for (const id of ids) {
      const node = this.#layout.nodes[id] as Node;
      values.set(id, this.#evaluate(node, row, trace, value));
    }
    return value(root) === 0n;
  }

  #evaluate(node: Node, row: number, trace: Trace, value: (id: number) => bigint): bigint {
    switch (node.op) {
      case 'constant':
        return node.value;
      case 'parameter':
        return trace.parameters.get(node.name) ?? this.#periodicAt(node.name, row);
      case 'cell': {
        const cell = this.#layout.mask[node.index];
        return trace.columns[cell?.column ?? 0]?.[(row + (cell?.row ?? 0)) % this.#rows] ?? 0n;
      }
      case 'add':
        return add(value(node.left), value(node.right));
      case 'sub':
        return sub(value(node.left), value(node.right));
      case 'mul':
        return mul(value(node.left), value(node.right));
    }
  }

  #periodicAt(name: string, row: number): bigint {
    const column = this.#layout.periodicColumns.find((one) => one.name === name);
    if (column === undefined) throw new Error(`nobody says what ${name} is`);
    const at = row % column.period;
    const known = this.#periodic.get(name)?.get(at);
    if (known !== undefined) return known;
    const x = pow(rootOfUnity(Math.log2(column.period)), BigInt(at));
    const value = column.coefficients().reduceRight((sum, one) => add(mul(sum, x), one), 0n);
    this.#periodic.get(name)?.set(at, value);
    return value;
  }
}

const claims = (
  rows: Constraint['rows'],
  except: Constraint['except'],
  row: number,
  count: number,
): boolean => isIn(rows, row, count) && !(except !== undefined && isIn(except, row, count));

function differences(good: readonly bigint[], column: readonly bigint[]): number[] {
  const found: number[] = [];
  if (good === column) return found;
  for (let row = 0; row < column.length; row++) if (column[row] !== good[row]) found.push(row);
  return found;
}

function compile(layout: Layout, constraint: Constraint): Compiled {
  const seen = new Set<number>();
  const visit = (id: number): void => {
    const node = layout.nodes[id];
    if (node === undefined || seen.has(id)) return;
    if ('left' in node) {
      visit(node.left);
      visit(node.right);
    }
    seen.add(id);
  };
  visit(constraint.root);
  const ids = [...seen];
  const nodes = ids.map((id) => layout.nodes[id] as Node);
  return {
    ...constraint,
    ids,
    cells: nodes.flatMap((node) => (node.op === 'cell' ? [node.index] : [])),
    names: nodes.flatMap((node) => (node.op === 'parameter' ? [node.name] : [])),
  };
}
