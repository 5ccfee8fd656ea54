// The layout `recursive_with_poseidon`.
import type { Layout } from './expression.ts';
import { type LayoutTable, layoutOf } from './table.ts';

/**
 * The layout `recursive_with_poseidon`: the CPU with output, Pedersen, range-check, bitwise and
 * Poseidon builtins, 124 constraints. Columns: 0 flag prefixes · 1 memory accesses · 2 sorted
 * memory · 3 diluted numbers and, in odd rows, sorted · 4 offsets, sorted offsets and Pedersen · 5
 * registers and Poseidon · 6 running product of memory and running sum of the diluted numbers · 7
 * running products of the diluted numbers and the offsets.
 */
const MASK_ROWS: readonly (readonly number[])[] = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [
    [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 16, 42, 43, 74, 75, 106, 138, 139, 171],
    [202, 203, 234, 235, 266, 267, 298, 394, 458, 459, 714, 715, 778, 779, 970, 971],
    [1034, 1035, 2058, 2059, 4106],
  ].flat(),
  [0, 1, 2, 3],
  [
    [0, 1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 66],
    [128, 130, 176, 180, 184, 188, 192, 194, 240, 244, 248, 252],
  ].flat(),
  [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 44, 76, 108, 140, 172, 204, 236],
    [1539, 1547, 1571, 1579, 2011, 2019, 2041, 2045, 2047, 2049, 2051, 2053, 4089],
  ].flat(),
  [
    [0, 1, 2, 4, 6, 8, 9, 10, 12, 14, 16, 17, 22, 24, 25, 30, 33, 38, 41, 46, 49, 54, 57],
    [65, 73, 81, 89, 97, 105, 137, 169, 201, 393, 409, 425, 457, 473, 489, 521, 553, 585],
    [609, 625, 641, 657, 673, 689, 905, 921, 937, 969, 982, 985, 998, 1001, 1014],
  ].flat(),
  [0, 1, 2, 3],
  [0, 1, 2, 5],
];

/** Where its components keep their values. */
export const RECURSIVE_WITH_POSEIDON_TABLE: LayoutTable = {
  name: 'recursive_with_poseidon',
  maskRows: MASK_ROWS,
  columnsSecond: 2,
  cpu: { offsets: 4, flags: 0, memory: 1, registers: [5, 0] },
  memory: { accesses: 1, sorted: 2, product: 6, publicPeriod: 16 },
  offsets: { pool: [4, 0], sorted: [4, 2], product: [7, 1], stride: 4 },
  diluted: { pool: [3, 0], sorted: [3, 1], product: [7, 0], sum: [6, 1], stride: 2 },
  output: true,
  pedersen: {
    hashes: [
      { x: [4, 1], y: [4, 5], slope: [4, 7], rest: [4, 3], high: [4, 2047], highest: [5, 57] },
    ],
    stride: 8,
    a: [1, 10],
    b: [1, 2058],
    output: [1, 1034],
  },
  rangeCheck: { pool: 4, use: [1, 138], period: 256 },
  bitwise: { pool: [3, 0], value: [1, 42], or: [1, 74], stride: 2 },
  poseidon: {
    stride: 16,
    memory: [
      [1, 266],
      [1, 202],
      [1, 458],
    ],
    full: [
      { value: [5, 9], square: [5, 105] },
      { value: [5, 73], square: [5, 25] },
      { value: [5, 41], square: [5, 89] },
    ],
    partials: [
      { value: [5, 6], square: [5, 14] },
      { value: [5, 1], square: [5, 17] },
    ],
  },
};

/** The layout with its constraints. */
export const RECURSIVE_WITH_POSEIDON: Layout = layoutOf(RECURSIVE_WITH_POSEIDON_TABLE);
