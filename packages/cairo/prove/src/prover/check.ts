// Checks a run against the constraints before it is proved.
import {
  type Constraint,
  evaluateNodes,
  type Layout,
  type Node,
  type PublicInput,
  Rejected,
} from '@fatty/cairo-air';
import { ProverError } from './failure.ts';
import type { TraceTable } from './table.ts';

/**
 * Checks every step of a run against the constraints that a step can break: its own assertions, its
 * jumps, where it begins and ends. A proof of a run that breaks one could not verify; here it is
 * known before any proving, and which step and rule it was.
 * @throws ProverError `bad_run`
 */
export function checkSteps(layout: Layout, table: TraceTable, input: PublicInput): void {
  const parameters = stepParameters(input);
  const constraints = layout.constraints.filter(
    ({ root, rows }) =>
      (rows.kind === 'single' || rows.period === layout.rowsPerStep) &&
      [...nodesUnder(layout.nodes, root)].every((id) => isKnown(layout, id, parameters)),
  );
  // Interaction elements are not drawn yet; no constraint checked here depends on them.
  const all = new Map(parameters);
  for (const node of layout.nodes)
    if (node.op === 'parameter' && !all.has(node.name)) all.set(node.name, 0n);
  for (let row = 0; row < table.rows; row++) {
    const here = constraints.filter((one) => holdsAt(one, row, table.rows));
    if (here.length === 0) continue;
    const cells = layout.mask.map(
      ({ column, row: below }) => table.columns[column]?.[(row + below) % table.rows] ?? 0n,
    );
    const values = evaluateNodes(layout, cells, all);
    const broken = here.find(({ root }) => values[root] !== 0n);
    if (broken === undefined) continue;
    const step = Math.floor(row / layout.rowsPerStep);
    throw new ProverError('bad_run', `step ${step} to obey ${broken.name}`, 'a run that does not');
  }
}

/** Whether the node needs neither an interaction column nor an interaction element. */
function isKnown(layout: Layout, id: number, parameters: ReadonlyMap<string, bigint>): boolean {
  const node = layout.nodes[id];
  if (node?.op === 'parameter') return parameters.has(node.name);
  if (node?.op !== 'cell') return true;
  return (layout.mask[node.index]?.column ?? 0) < layout.columnsFirst;
}

function nodesUnder(nodes: readonly Node[], root: number): Set<number> {
  const found = new Set<number>();
  const open = [root];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    const node = nodes[id];
    if (node !== undefined && 'left' in node) open.push(node.left, node.right);
  }
  return found;
}

function holdsAt({ rows, except }: Constraint, row: number, count: number): boolean {
  const isIn = (one: Constraint['rows']): boolean =>
    one.kind === 'single' ? row === (one.row + count) % count : row % one.period === one.offset;
  return isIn(rows) && !(except !== undefined && isIn(except));
}

/** What the constraints on steps name: where the run begins and ends. */
function stepParameters({ segments, rcMin, rcMax }: PublicInput): Map<string, bigint> {
  const parameters = new Map([
    ['rc_min', BigInt(rcMin)],
    ['rc_max', BigInt(rcMax)],
  ]);
  const registers = { program: 'pc', execution: 'ap' };
  for (const [name, register] of Object.entries(registers)) {
    const found = segments.find((one) => one.name === name);
    if (found === undefined) throw new Rejected('segments', name, 'no such segment');
    parameters.set(`initial_${register}`, BigInt(found.beginAddr));
    parameters.set(`final_${register}`, BigInt(found.stopPtr));
  }
  return parameters;
}
