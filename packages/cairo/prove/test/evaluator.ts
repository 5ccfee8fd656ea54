// A second reading of the constraints, row by row, to see which of them a trace breaks.
import { add, mul, pow, rootOfUnity, sub } from '../../air/src/felt/felt.ts';
import type { Constraint, Layout, Node } from '../../air/src/layouts/expression.ts';
import { isIn } from './tampered-table.ts';

/** A trace, and what its constraints are told. */
export interface Trace {
  readonly columns: readonly (readonly bigint[])[];
  readonly parameters: ReadonlyMap<string, bigint>;
}

/** One node of the graph; operands are places in the list that it stands in, all before it. */
type Step =
  | { readonly op: 'constant'; readonly value: bigint }
  | { readonly op: 'parameter'; readonly name: string }
  | { readonly op: 'cell'; readonly column: number; readonly row: number }
  | { readonly op: 'add' | 'sub' | 'mul'; readonly left: number; readonly right: number };

/** One constraint, with as much of the graph as it is made of. */
interface Compiled extends Constraint {
  /** Operands first; the root is the last. */
  readonly steps: readonly Step[];
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
  /** Of the steps of one constraint, while it is evaluated. */
  readonly #values: bigint[] = [];

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

  #holds({ steps }: Compiled, row: number, trace: Trace): boolean {
    const values = this.#values;
    for (let i = 0; i < steps.length; i++) {
      values[i] = this.#evaluate(steps[i] as Step, row, trace, values);
    }
    return values[steps.length - 1] === 0n;
  }

  #evaluate(step: Step, row: number, trace: Trace, values: readonly bigint[]): bigint {
    switch (step.op) {
      case 'constant':
        return step.value;
      case 'parameter':
        return trace.parameters.get(step.name) ?? this.#periodicAt(step.name, row);
      case 'cell':
        return trace.columns[step.column]?.[(row + step.row) % this.#rows] ?? 0n;
      case 'add':
        return add(values[step.left] as bigint, values[step.right] as bigint);
      case 'sub':
        return sub(values[step.left] as bigint, values[step.right] as bigint);
      case 'mul':
        return mul(values[step.left] as bigint, values[step.right] as bigint);
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
  const places = new Map(ids.map((id, place) => [id, place]));
  const nodes = ids.map((id) => layout.nodes[id] as Node);
  return {
    ...constraint,
    steps: nodes.map((node) => stepOf(layout, node, places)),
    cells: nodes.flatMap((node) => (node.op === 'cell' ? [node.index] : [])),
    names: nodes.flatMap((node) => (node.op === 'parameter' ? [node.name] : [])),
  };
}

function stepOf({ mask }: Layout, node: Node, places: ReadonlyMap<number, number>): Step {
  if (node.op === 'cell') {
    const { column = 0, row = 0 } = mask[node.index] ?? {};
    return { op: 'cell', column, row };
  }
  if (!('left' in node)) return node;
  const { op, left, right } = node;
  return { op, left: places.get(left) ?? 0, right: places.get(right) ?? 0 };
}
