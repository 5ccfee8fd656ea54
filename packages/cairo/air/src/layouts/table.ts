// From the table of where a layout keeps its values to its constraints, in Stone's order.
import { addBitwise, type BitwiseColumns, bitwiseRows } from './bitwise.ts';
import { AirBuilder } from './builder.ts';
import { addCpu, type CpuColumns } from './cpu.ts';
import { addDiluted, type DilutedColumns } from './diluted.ts';
import { addEcOp, type EcOpColumns, ecOpRows } from './ec-op.ts';
import { addEcdsa, type EcdsaColumns, ecdsaRows } from './ecdsa.ts';
import type { Builtin, Layout, PeriodicColumn } from './expression.ts';
import { addPedersen, hashRows, type PedersenColumns, pedersenRows } from './pedersen.ts';
import { generatorPoints, pedersenPoints } from './periodic.ts';
import { addMemory, addOffsets, type MemoryColumns, type PoolColumns } from './permutations.ts';
import { addPoseidon, type PoseidonColumns, poseidonKeyColumns, poseidonRows } from './poseidon.ts';
import { addRangeCheck, type RangeCheckColumns } from './range-check.ts';

/**
 * A layout as StarkWare lists it: where in the trace each component keeps its values. Which
 * constraints follow, in which order, is the same for all of them.
 */
export interface LayoutTable {
  readonly name: string;
  /** Per column, the rows below the current one that the constraints look at. */
  readonly maskRows: readonly (readonly number[])[];
  /** How many of the columns, the last ones, are committed once the challenges are known. */
  readonly columnsSecond: number;
  readonly cpu: CpuColumns;
  readonly memory: MemoryColumns;
  readonly offsets: PoolColumns;
  readonly diluted?: DilutedColumns;
  /** Every layout with builtins has the one that puts out. */
  readonly output?: true;
  readonly pedersen?: PedersenColumns;
  readonly rangeCheck?: RangeCheckColumns;
  readonly ecdsa?: EcdsaColumns;
  readonly bitwise?: BitwiseColumns;
  readonly ecOp?: EcOpColumns;
  readonly poseidon?: PoseidonColumns;
}

const ROWS_PER_STEP = 16;
/** Fewest trace rows of all: four steps. */
const ROWS_MIN = 4 * ROWS_PER_STEP;

const CHALLENGES = ['memory_z', 'memory_alpha', 'offset_z'];
const OF_DILUTED = ['diluted_product_z', 'diluted_z', 'diluted_alpha'];

/**
 * The layout that a table describes: every component's constraints, in Stone's order. They are built
 * when they are first asked for: most processes check proofs of one layout, or of none.
 */
export function layoutOf(table: LayoutTable): Layout {
  const { name, maskRows, columnsSecond, memory } = table;
  let built: AirBuilder | undefined;
  const air = (): AirBuilder => {
    built ??= airOf(table);
    return built;
  };
  const builtins = builtinsOf(table);
  const periodicColumns = periodicOf(table);
  const periods = [
    ...builtins.map(({ rows = 1 }) => rows),
    ...periodicColumns.map((c) => c.period),
  ];
  return {
    name,
    segments: ['program', 'execution', ...builtins.map((builtin) => builtin.name)],
    builtins,
    rowsPerStep: ROWS_PER_STEP,
    rowsPerPublicCell: memory.publicPeriod,
    rowsMin: Math.max(ROWS_MIN, ...periods),
    columnsFirst: maskRows.length - columnsSecond,
    columnsSecond,
    interactionElements: table.diluted === undefined ? CHALLENGES : [...CHALLENGES, ...OF_DILUTED],
    compositionColumns: 2,
    periodicColumns,
    get nodes() {
      return air().nodes;
    },
    get mask() {
      return air().mask;
    },
    get constraints() {
      return air().constraints;
    },
  };
}

function airOf(table: LayoutTable): AirBuilder {
  const air = new AirBuilder(table.maskRows);
  addComponents(air, table);
  return air;
}

/** In the order of StarkWare's Stone prover: a constraint's place is the power of its challenge. */
function addComponents(air: AirBuilder, table: LayoutTable): void {
  const { diluted, pedersen, rangeCheck, ecdsa, bitwise, ecOp, poseidon } = table;
  addCpu(air, table.cpu);
  addMemory(air, table.memory);
  addOffsets(air, table.offsets);
  if (diluted !== undefined) addDiluted(air, diluted);
  if (pedersen !== undefined) addPedersen(air, pedersen);
  if (rangeCheck !== undefined) addRangeCheck(air, rangeCheck);
  if (ecdsa !== undefined) addEcdsa(air, ecdsa);
  if (bitwise !== undefined) addBitwise(air, bitwise);
  if (ecOp !== undefined) addEcOp(air, ecOp);
  if (poseidon !== undefined) addPoseidon(air, poseidon);
}

function builtinsOf(table: LayoutTable): Builtin[] {
  const { output, pedersen, rangeCheck, ecdsa, bitwise, ecOp, poseidon } = table;
  const one = <T>(
    columns: T | undefined,
    name: string,
    cells: number,
    rows: (columns: T) => number | undefined,
  ): Builtin[] => (columns === undefined ? [] : [{ name, cells, rows: rows(columns) }]);
  return [
    ...one(output, 'output', 1, () => undefined),
    ...one(pedersen, 'pedersen', 3, pedersenRows),
    ...one(rangeCheck, 'range_check', 1, ({ period }) => period),
    ...one(ecdsa, 'ecdsa', 2, ecdsaRows),
    ...one(bitwise, 'bitwise', 5, bitwiseRows),
    ...one(ecOp, 'ec_op', 7, ecOpRows),
    ...one(poseidon, 'poseidon', 6, poseidonRows),
  ];
}

function periodicOf({ pedersen, ecdsa, poseidon }: LayoutTable): PeriodicColumn[] {
  return [
    ...(pedersen === undefined ? [] : pedersenPoints(hashRows(pedersen))),
    ...(ecdsa === undefined ? [] : generatorPoints(ecdsaRows(ecdsa))),
    ...(poseidon === undefined ? [] : poseidonKeyColumns(poseidonRows(poseidon))),
  ];
}
