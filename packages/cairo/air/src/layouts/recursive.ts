// The layout `recursive`.
import type { Layout } from './expression.ts';
import { type LayoutTable, layoutOf } from './table.ts';

/**
 * The layout `recursive`: the CPU with output, Pedersen, range-check and bitwise builtins, 93
 * constraints. Columns: 0 flag prefixes · 1 diluted numbers · 2 sorted diluted numbers · 3 memory
 * accesses · 4 sorted memory · 5 offsets, sorted offsets and Pedersen points · 6 registers and the
 * rest of Pedersen · 7 running sum and 8 running product of the diluted numbers · 9 running
 * products of memory (even rows) and offsets.
 */
const MASK_ROWS: readonly (readonly number[])[] = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [
    [0, 1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30],
    [32, 33, 64, 65, 88, 90, 92, 94, 96, 97, 120, 122, 124, 126],
  ].flat(),
  [0, 1],
  [
    [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 16, 26, 27, 42, 43, 58, 74, 75, 91],
    [122, 123, 154, 202, 522, 523, 1034, 1035, 2058],
  ].flat(),
  [0, 1, 2, 3],
  [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 28, 44, 60, 76, 92, 108, 124],
    [1021, 1023, 1025, 1027, 2045],
  ].flat(),
  [0, 1, 2, 3, 4, 5, 7, 9, 11, 13, 17, 25, 768, 772, 784, 788, 1004, 1008, 1022, 1024],
  [0, 1],
  [0, 1],
  [0, 1, 2, 5],
];

/** Where its components keep their values. */
export const RECURSIVE_TABLE: LayoutTable = {
  name: 'recursive',
  maskRows: MASK_ROWS,
  columnsSecond: 3,
  cpu: { offsets: 5, flags: 0, memory: 3, registers: [6, 1] },
  memory: { accesses: 3, sorted: 4, product: 9, publicPeriod: 16 },
  offsets: { pool: [5, 0], sorted: [5, 2], product: [9, 1], stride: 4 },
  diluted: { pool: [1, 0], sorted: [2, 0], product: [8, 0], sum: [7, 0], stride: 1 },
  output: true,
  pedersen: {
    hashes: [
      { x: [5, 1], y: [5, 3], slope: [6, 2], rest: [6, 0], high: [6, 1022], highest: [6, 7] },
    ],
    stride: 4,
    a: [3, 10],
    b: [3, 1034],
    output: [3, 522],
  },
  rangeCheck: { pool: 5, use: [3, 74], period: 128 },
  bitwise: { pool: [1, 0], value: [3, 26], or: [3, 42], stride: 1 },
};

/** The layout with its constraints. */
export const RECURSIVE: Layout = layoutOf(RECURSIVE_TABLE);
