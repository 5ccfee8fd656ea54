// The layout `plain`, in which leases are proved.
import type { Layout } from './expression.ts';
import { layoutOf } from './table.ts';

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

/** The layout `plain`, its columns as above. */
export const PLAIN: Layout = layoutOf({
  name: 'plain',
  maskRows: MASK_ROWS,
  columnsSecond: 2,
  cpu: { offsets: 0, flags: 1, memory: 3, registers: [5, 0] },
  memory: { accesses: 3, sorted: 4, product: 7, publicPeriod: 8 },
  offsets: { pool: [0, 0], sorted: [2, 0], product: [6, 0], stride: 1 },
});
