// The layout `starknet`.
import type { Layout } from './expression.ts';
import { type LayoutTable, layoutOf } from './table.ts';

/**
 * The layout `starknet`: the CPU with output, Pedersen, range-check, ECDSA, bitwise, EC-operation
 * and Poseidon builtins, 198 constraints. Columns: 0 flag prefixes · 1 to 4 Pedersen (x, y, rest of
 * the input, slope) · 5 memory accesses · 6 sorted memory · 7 offsets, diluted numbers, both also
 * sorted, and Poseidon's first partial rounds · 8 registers and what the builtins have left · 9
 * every running product and sum.
 */
const MASK_ROWS: readonly (readonly number[])[] = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [0, 1, 255, 256, 511],
  [0, 1, 255, 256],
  [0, 1, 192, 193, 196, 197, 251, 252, 256],
  [0, 255],
  [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 38, 39, 70, 71, 102, 103, 134, 135, 166, 167],
    [198, 199, 262, 263, 294, 295, 326, 358, 359, 390, 391, 422, 423, 454, 518, 711, 902, 903],
    [966, 967, 1222, 2438, 2439, 4486, 4487, 6534, 6535, 8582, 8583, 10630, 10631, 12678],
    [12679, 14726, 14727, 16774, 16775, 24966, 33158],
  ].flat(),
  [0, 1, 2, 3],
  [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 17, 19, 23, 27, 33, 44, 49, 65, 76, 81, 97],
    [108, 113, 129, 140, 145, 161, 172, 177, 193, 204, 209, 225, 236, 241, 257, 265, 491, 499],
    [507, 513, 521, 705, 721, 737, 753, 769, 777, 961, 977, 993, 1009],
  ].flat(),
  [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 22, 24, 25, 27, 29, 30],
    [33, 35, 37, 38, 41, 43, 45, 46, 49, 51, 53, 54, 57, 59, 61, 65, 69, 71, 73, 77, 81, 85],
    [89, 91, 97, 101, 105, 109, 113, 117, 123, 155, 187, 195, 205, 219, 221, 237, 245, 253],
    [269, 301, 309, 310, 318, 326, 334, 342, 350, 451, 461, 477, 493, 501, 509, 12309, 12373],
    [12565, 12629, 16085, 16149, 16325, 16331, 16337, 16339, 16355, 16357, 16363, 16369],
    [16371, 16385, 16417, 32647, 32667, 32715, 32721, 32731, 32747, 32753, 32763],
  ].flat(),
  [0, 1, 2, 3, 5, 7, 11, 15],
];

/** Where its components keep their values. */
export const STARKNET_TABLE: LayoutTable = {
  name: 'starknet',
  maskRows: MASK_ROWS,
  columnsSecond: 1,
  cpu: { offsets: 7, flags: 0, memory: 5, registers: [8, 0] },
  memory: { accesses: 5, sorted: 6, product: 9, publicPeriod: 8 },
  offsets: { pool: [7, 0], sorted: [7, 2], product: [9, 1], stride: 4 },
  diluted: { pool: [7, 1], sorted: [7, 5], product: [9, 7], sum: [9, 3], stride: 8 },
  output: true,
  pedersen: {
    hashes: [
      { x: [1, 0], y: [2, 0], slope: [4, 0], rest: [3, 0], high: [4, 255], highest: [8, 71] },
    ],
    stride: 1,
    a: [5, 6],
    b: [5, 262],
    output: [5, 134],
  },
  rangeCheck: { pool: 7, use: [5, 70], period: 256 },
  ecdsa: {
    stride: 64,
    doubled: { x: [8, 1], y: [8, 33], slope: [8, 35] },
    byGenerator: { x: [8, 27], y: [8, 91], slope: [8, 123], rest: [8, 59], inverse: [8, 7] },
    byKey: { x: [8, 17], y: [8, 49], slope: [8, 19], rest: [8, 9], inverse: [8, 51] },
    sum: { slope: [8, 32763], inverse: [8, 32647] },
    result: { slope: [8, 16331], inverse: [8, 32715] },
    zInverse: [8, 16363],
    scalarInverse: [8, 16355],
    keySquare: [8, 32747],
    key: [5, 390],
    message: [5, 16774],
  },
  bitwise: { pool: [7, 1], value: [5, 198], or: [5, 902], stride: 8 },
  ecOp: {
    stride: 64,
    doubled: { x: [8, 41], y: [8, 25], slope: [8, 57] },
    sum: { x: [8, 5], y: [8, 37], slope: [8, 11], inverse: [8, 43], rest: [8, 21] },
    high: [8, 16339],
    highest: [8, 16371],
    memory: [
      [5, 8582],
      [5, 4486],
      [5, 12678],
      [5, 2438],
      [5, 10630],
      [5, 6534],
      [5, 14726],
    ],
  },
  poseidon: {
    stride: 8,
    memory: [
      [5, 38],
      [5, 166],
      [5, 102],
    ],
    full: [
      { value: [8, 53], square: [8, 29] },
      { value: [8, 13], square: [8, 61] },
      { value: [8, 45], square: [8, 3] },
    ],
    partials: [
      { value: [7, 3], square: [7, 7] },
      { value: [8, 6], square: [8, 14] },
    ],
  },
};

/** The layout with its constraints. */
export const STARKNET: Layout = layoutOf(STARKNET_TABLE);
