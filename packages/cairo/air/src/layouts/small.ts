// The layout `small`.
import type { Place } from './builder.ts';
import type { Layout } from './expression.ts';
import type { HashColumns } from './pedersen.ts';
import { type LayoutTable, layoutOf } from './table.ts';

/**
 * The layout `small`: the CPU with output, Pedersen, range-check and ECDSA builtins, 179
 * constraints. Columns: 0 offsets and range-check parts · 1 flag prefixes · 2 sorted offsets · 3 to
 * 14 four Pedersen hashes (x, y, rest of the input) · 15 to 18 their slopes · 19 memory accesses ·
 * 20 sorted memory · 21 registers and ECDSA · 22 what did not fit elsewhere · 23 running product of
 * the offsets · 24 running product of the memory.
 */
const HASH_X = [0, 1, 255, 256, 511];
const HASH_Y = [0, 1, 255, 256];
const HASH_REST = [0, 1, 192, 193, 196, 197, 251, 252, 256];
const HASH = [HASH_X, HASH_Y, HASH_REST];
const SLOPE = [0, 255];

const MEMORY = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16],
  [22, 23, 38, 39, 70, 71, 102, 103, 134, 135, 167, 199, 230, 263, 295, 327, 391, 423, 455],
  [4118, 4119, 8214],
].flat();

const REGISTERS = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17],
  [21, 22, 23, 24, 25, 30, 31, 39, 47, 55],
  [4081, 4083, 4089, 4091, 4093, 4102, 4110],
  [8167, 8177, 8179, 8183, 8185, 8187, 8191],
].flat();

const MASK_ROWS: readonly (readonly number[])[] = [
  [0, 1, 4, 8, 12, 28, 44, 60, 76, 92, 108, 124],
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [0, 1],
  ...[HASH, HASH, HASH, HASH].flat(),
  SLOPE,
  SLOPE,
  SLOPE,
  SLOPE,
  MEMORY,
  [0, 1, 2, 3],
  REGISTERS,
  [0, 16, 80, 144, 208, 8160],
  [0, 1],
  [0, 2],
];

const hash = (x: number, slope: number, high: Place, highest: Place): HashColumns => ({
  x: [x, 0],
  y: [x + 1, 0],
  rest: [x + 2, 0],
  slope: [slope, 0],
  high,
  highest,
});

/** Where its components keep their values. */
export const SMALL_TABLE: LayoutTable = {
  name: 'small',
  maskRows: MASK_ROWS,
  columnsSecond: 2,
  cpu: { offsets: 0, flags: 1, memory: 19, registers: [21, 0] },
  memory: { accesses: 19, sorted: 20, product: 24, publicPeriod: 8 },
  offsets: { pool: [0, 0], sorted: [2, 0], product: [23, 0], stride: 1 },
  output: true,
  pedersen: {
    hashes: [
      hash(3, 15, [15, 255], [16, 255]),
      hash(6, 16, [17, 255], [18, 255]),
      hash(9, 17, [22, 16], [22, 144]),
      hash(12, 18, [22, 80], [22, 208]),
    ],
    stride: 1,
    a: [19, 6],
    b: [19, 70],
    output: [19, 38],
  },
  rangeCheck: { pool: 0, use: [19, 102], period: 128 },
  ecdsa: {
    stride: 16,
    doubled: { x: [21, 6], y: [21, 14], slope: [21, 13] },
    byGenerator: { x: [21, 7], y: [21, 23], slope: [21, 31], rest: [21, 15], inverse: [22, 0] },
    byKey: { x: [21, 1], y: [21, 9], slope: [21, 3], rest: [21, 5], inverse: [21, 11] },
    sum: { slope: [21, 8191], inverse: [22, 8160] },
    result: { slope: [21, 4083], inverse: [21, 8179] },
    zInverse: [21, 4091],
    scalarInverse: [21, 4093],
    keySquare: [21, 8187],
    key: [19, 22],
    message: [19, 4118],
  },
};

/** The layout with its constraints. */
export const SMALL: Layout = layoutOf(SMALL_TABLE);
