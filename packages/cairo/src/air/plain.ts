import { AirBuilder } from './builder.ts';
import { addCpu } from './cpu.ts';
import type { Layout } from './expression.ts';
import { addMemory, addOffsets } from './permutations.ts';

/**
 * The layout `plain`: the Cairo CPU without builtins, 47 constraints (Stone's layout 10). Columns:
 * 0 offsets · 1 flag prefixes · 2 sorted offsets · 3 memory accesses (address, value) · 4 sorted
 * memory · 5 registers and intermediate values · 6 running product of the offsets · 7 running
 * product of the memory.
 */
const MASK_ROWS: readonly (readonly number[])[] = [
  [0, 1, 4, 8],
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [0, 1],
  [0, 1, 2, 3, 4, 5, 8, 9, 12, 13, 16],
  [0, 1, 2, 3],
  [0, 2, 4, 8, 10, 12, 16, 24],
  [0, 1],
  [0, 2],
];

const air = new AirBuilder(MASK_ROWS);
addCpu(air, { offsets: 0, flags: 1, memory: 3, registers: [5, 0] });
addMemory(air, { accesses: 3, sorted: 4, product: 7, publicPeriod: 8 });
addOffsets(air, { pool: [0, 0], sorted: [2, 0], product: [6, 0], stride: 1 });

export const PLAIN: Layout = {
  name: 'plain',
  segments: ['program', 'execution'],
  builtins: [],
  rowsPerStep: 16,
  rowsPerPublicCell: 8,
  rowsMin: 64,
  columnsFirst: 6,
  columnsSecond: 2,
  interactionElements: ['memory_z', 'memory_alpha', 'offset_z'],
  compositionColumns: 2,
  periodicColumns: [],
  nodes: air.nodes,
  mask: air.mask,
  constraints: air.constraints,
};
