// Evaluates a layout's constraints at a point: what the verifier does with them.
import { add, batchInverse, mul, pow, rootOfUnity, sub } from '../felt/felt.ts';
import { demand } from '../proof/rejected.ts';
import type { Layout, Node, Rows } from './expression.ts';

/** The value of every node, given the mask cells and the named parameters. */
export function evaluateNodes(
  layout: Layout,
  cells: readonly bigint[],
  parameters: ReadonlyMap<string, bigint>,
): bigint[] {
  const values: bigint[] = [];
  const value = (id: number): bigint => values[id] as bigint;
  for (const node of layout.nodes) values.push(evaluate(node, value, cells, parameters));
  return values;
}

function evaluate(
  node: Node,
  value: (id: number) => bigint,
  cells: readonly bigint[],
  parameters: ReadonlyMap<string, bigint>,
): bigint {
  switch (node.op) {
    case 'cell':
      return cells[node.index] as bigint;
    case 'parameter':
      return parameters.get(node.name) as bigint;
    case 'constant':
      return node.value;
    case 'add':
      return add(value(node.left), value(node.right));
    case 'sub':
      return sub(value(node.left), value(node.right));
    case 'mul':
      return mul(value(node.left), value(node.right));
  }
}

/** The vanishing polynomial of `rows` at x, in a trace of 2^rowsLog rows. */
export function vanishing(rows: Rows, x: bigint, rowsLog: number): bigint {
  const generator = rootOfUnity(rowsLog);
  const size = 2n ** BigInt(rowsLog);
  if (rows.kind === 'single') {
    const exponent = rows.row < 0 ? size + BigInt(rows.row) : BigInt(rows.row);
    return sub(x, pow(generator, exponent));
  }
  const power = size / BigInt(rows.period);
  const raised = pow(x, power);
  const offsets = [rows.offset, ...(rows.also ?? [])];
  return offsets.reduce(
    (product, offset) => mul(product, sub(raised, pow(generator, power * BigInt(offset)))),
    1n,
  );
}

const keyOf = (rows: Rows): string =>
  rows.kind === 'single'
    ? `${rows.row}`
    : `${[rows.offset, ...(rows.also ?? [])].join(' ')} mod ${rows.period}`;

/**
 * The composition Σ alpha^i · constraint_i · except_i / rows_i at a point outside every domain.
 * @throws Rejected `bad_point` when the point is one of the trace's own
 */
export function composition(
  layout: Layout,
  rowsLog: number,
  values: readonly bigint[],
  x: bigint,
  alpha: bigint,
): bigint {
  const polynomials = new Map<string, bigint>();
  for (const { rows, except } of layout.constraints)
    for (const one of except === undefined ? [rows] : [rows, except])
      if (!polynomials.has(keyOf(one))) polynomials.set(keyOf(one), vanishing(one, x, rowsLog));
  const evaluations = [...polynomials.values()];
  demand(!evaluations.includes(0n), 'bad_point', 'a point out of the domain', 'a row');
  const inverses = batchInverse(evaluations);
  const inverseOf = new Map([...polynomials.keys()].map((key, i) => [key, inverses[i] as bigint]));
  let sum = 0n;
  let coefficient = 1n;
  for (const { root, rows, except } of layout.constraints) {
    const quotient = mul(values[root] as bigint, inverseOf.get(keyOf(rows)) as bigint);
    const factor = except === undefined ? 1n : (polynomials.get(keyOf(except)) as bigint);
    sum = add(sum, mul(coefficient, mul(quotient, factor)));
    coefficient = mul(coefficient, alpha);
  }
  return sum;
}
