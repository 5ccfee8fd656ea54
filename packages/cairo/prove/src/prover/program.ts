// Compiles a layout's expression graph to operations on batches of rows.
import {
  add,
  type Constraint,
  demand,
  type Layout,
  mul,
  type Node,
  pow,
  type Rows,
  sub,
} from '@fatty/cairo-air';

/** Where an operand comes from: a result, a mask cell, or a number that all rows share. */
export type Operand =
  | { readonly kind: 'slot'; readonly slot: number }
  | { readonly kind: 'cell'; readonly column: number; readonly row: number }
  | { readonly kind: 'scalar'; readonly index: number };

/** One operation on a batch of rows. */
export type Instruction =
  | {
      readonly op: 'add' | 'sub' | 'mul';
      readonly to: number;
      readonly left: Operand;
      readonly right: Operand;
    }
  /** Adds factor · value to the sum of a group. */
  | {
      readonly op: 'sum';
      readonly group: number;
      readonly value: Operand;
      readonly factor: bigint;
    };

/** Constraints over the same rows: they share the division by the rows' vanishing polynomial. */
export interface Group {
  readonly rows: Rows;
  readonly except: Rows | undefined;
}

/**
 * A layout's constraints for given challenges as straight-line code over batches of rows. What does
 * not depend on the row is a scalar, equal subexpressions are computed once, and a slot is used
 * again as soon as nobody needs what is in it.
 */
export interface CompositionProgram {
  readonly instructions: readonly Instruction[];
  readonly slots: number;
  readonly scalars: readonly bigint[];
  readonly groups: readonly Group[];
}

/**
 * Compiles Σ alpha^i · constraint_i, without the quotients, which {@link Group} describes.
 * @throws Rejected `unsupported_layout` for constraints that it cannot express
 */
export function compileComposition(
  layout: Layout,
  parameters: ReadonlyMap<string, bigint>,
  alpha: bigint,
): CompositionProgram {
  const compiler = new Compiler(layout, parameters);
  for (const [i, constraint] of layout.constraints.entries())
    compiler.constraint(constraint, pow(alpha, BigInt(i)));
  return compiler.finish();
}

type Binary = Extract<Node, { readonly left: number }>;

const keyOf = (rows: Rows | undefined): string =>
  rows === undefined
    ? ''
    : rows.kind === 'single'
      ? `${rows.row}`
      : `${rows.offset} mod ${rows.period}`;

/** The divisors of a prover are those of layouts whose constraints stand at one row of a period. */
function demandOneOffset(name: string, rows: Rows | undefined): void {
  const holds = rows?.kind !== 'periodic' || (rows.also ?? []).length === 0;
  demand(holds, 'unsupported_layout', 'one row in a period', name);
}

class Compiler {
  readonly #layout: Layout;
  readonly #parameters: ReadonlyMap<string, bigint>;
  /** Results in the order of their computation, each a slot of its own until the end. */
  readonly #code: Instruction[] = [];
  readonly #scalars: bigint[] = [];
  readonly #groups: Group[] = [];
  readonly #groupOf = new Map<string, number>();
  readonly #operands = new Map<number, Operand>();
  readonly #known = new Map<string, Operand>();
  #results = 0;

  constructor(layout: Layout, parameters: ReadonlyMap<string, bigint>) {
    this.#layout = layout;
    this.#parameters = parameters;
  }

  constraint({ name, root, rows, except }: Constraint, factor: bigint): void {
    for (const one of [rows, except]) demandOneOffset(name, one);
    const value = this.#operand(root);
    const key = `${keyOf(rows)}|${keyOf(except)}`;
    const group = this.#groupOf.get(key) ?? this.#groups.length;
    if (group === this.#groups.length) {
      this.#groups.push({ rows, except });
      this.#groupOf.set(key, group);
    }
    this.#code.push({ op: 'sum', group, value, factor });
  }

  #operand(id: number): Operand {
    const known = this.#operands.get(id);
    if (known !== undefined) return known;
    const operand = this.#compile(this.#layout.nodes[id] as Node);
    this.#operands.set(id, operand);
    return operand;
  }

  #compile(node: Node): Operand {
    switch (node.op) {
      case 'cell': {
        const cell = this.#layout.mask[node.index];
        return { kind: 'cell', column: cell?.column ?? 0, row: cell?.row ?? 0 };
      }
      case 'parameter':
        return this.#parameter(node.name);
      case 'constant':
        return this.#scalar(node.value);
      case 'add':
      case 'sub':
      case 'mul':
        return this.#join(node);
    }
  }

  #parameter(name: string): Operand {
    const value = this.#parameters.get(name);
    // A periodic column is a parameter to constraints, and has a value per row.
    demand(value !== undefined, 'unsupported_layout', 'parameters that no row changes', name);
    return this.#scalar(value);
  }

  #scalar(value: bigint): Operand {
    const found = this.#scalars.indexOf(value);
    if (found >= 0) return { kind: 'scalar', index: found };
    this.#scalars.push(value);
    return { kind: 'scalar', index: this.#scalars.length - 1 };
  }

  #join({ op, left, right }: Binary): Operand {
    const [a, b] = [this.#operand(left), this.#operand(right)];
    if (a.kind === 'scalar' && b.kind === 'scalar') {
      const join = { add, sub, mul }[op];
      const [x, y] = [this.#scalars[a.index] as bigint, this.#scalars[b.index] as bigint];
      return this.#scalar(join(x, y));
    }
    const key = `${op} ${JSON.stringify(a)} ${JSON.stringify(b)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const result: Operand = { kind: 'slot', slot: this.#results++ };
    this.#code.push({ op, to: result.slot, left: a, right: b });
    this.#known.set(key, result);
    return result;
  }

  finish(): CompositionProgram {
    const { instructions, slots } = shareSlots(this.#code, this.#results);
    return { instructions, slots, scalars: this.#scalars, groups: this.#groups };
  }
}

/** Renames results so that a slot is free again after the last use of what it holds. */
function shareSlots(
  code: readonly Instruction[],
  results: number,
): { readonly instructions: Instruction[]; readonly slots: number } {
  const lastUse = Array.from({ length: results }, () => -1);
  for (const [i, one] of code.entries())
    for (const operand of operandsOf(one)) if (operand.kind === 'slot') lastUse[operand.slot] = i;
  const slotOf: number[] = [];
  const free: number[] = [];
  let slots = 0;
  const renamed = (operand: Operand): Operand =>
    operand.kind === 'slot' ? { kind: 'slot', slot: slotOf[operand.slot] as number } : operand;
  const instructions = code.map((one, i): Instruction => {
    const shared: Instruction =
      one.op === 'sum'
        ? { ...one, value: renamed(one.value) }
        : { ...one, left: renamed(one.left), right: renamed(one.right) };
    for (const operand of new Set(operandsOf(one).map((o) => (o.kind === 'slot' ? o.slot : -1))))
      if (operand >= 0 && lastUse[operand] === i) free.push(slotOf[operand] as number);
    if (shared.op === 'sum') return shared;
    const slot = free.pop() ?? slots++;
    slotOf[shared.to] = slot;
    return { ...shared, to: slot };
  });
  return { instructions, slots };
}

const operandsOf = (one: Instruction): readonly Operand[] =>
  one.op === 'sum' ? [one.value] : [one.left, one.right];
