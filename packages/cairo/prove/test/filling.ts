// Honest traces of a layout's memory, offsets and pools, for tests to break.
import { add, batchInverse, inverse, mul, reduce, sub } from '../../air/src/felt/felt.ts';
import type { Place } from '../../air/src/layouts/builder.ts';
import type { Layout } from '../../air/src/layouts/expression.ts';
import type { LayoutTable } from '../../air/src/layouts/table.ts';
import type { Trace } from './evaluator.ts';

export const DRAWN = new Map([
  ['memory_z', 123456789123n],
  ['memory_alpha', 987654321n],
  ['offset_z', 555555555555n],
  ['diluted_product_z', 777777777777777n],
  ['diluted_z', 31415926535897n],
  ['diluted_alpha', 27182818284590n],
]);

const HALF = inverse(2n);

export const divide = (a: bigint, b: bigint): bigint => mul(a, inverse(b));

/** Twice the fewest rows: of every builtin a use follows another. */
export const ROWS_TIMES = 2;

/**
 * A trace that is filled from front to back, each cell from those before it, with at most one slip:
 * where the constraint `fault` sets a cell, it is set to another value, and everything after it follows
 * from that. So only this one constraint breaks, unless another one says the same.
 */
export class Filling {
  readonly rows: number;
  readonly table: LayoutTable;
  readonly columns: bigint[][];
  readonly parameters = new Map<string, bigint>(DRAWN);
  /** How much a slip is. */
  amount = 1n;
  #fault: string;

  readonly #good: Trace | undefined;

  /** `good` is a trace without a slip, of which everything stays that is not filled again. */
  constructor(layout: Layout, table: LayoutTable, fault = '', good?: Trace) {
    this.rows = ROWS_TIMES * layout.rowsMin;
    this.table = table;
    this.#fault = fault;
    this.#good = good;
    const count = layout.columnsFirst + layout.columnsSecond;
    this.columns = Array.from({ length: count }, (_, i) =>
      good === undefined
        ? Array.from({ length: this.rows }, () => 0n)
        : (good.columns[i] as bigint[]),
    );
    for (const [name, value] of good?.parameters ?? []) this.parameters.set(name, value);
  }

  /** Whether the good trace goes on as this one would, from a use at this address. */
  goesOn([column, row]: Place, below: number, address: bigint): boolean {
    return this.isSpent && this.#good?.columns[column]?.[row + below] === address;
  }

  /** Whether the slip is this one; nothing of a filler sees it otherwise. */
  isFault(name: string): boolean {
    return name === this.#fault;
  }

  /** Whether it is one of this component's, and still to come. */
  isFaultIn(name: string): boolean {
    return this.#fault.startsWith(`${name}/`);
  }

  /** The constraint that is still to break, or nothing. */
  get fault(): string {
    return this.#fault;
  }

  get isSpent(): boolean {
    return this.#fault === '';
  }

  /** `amount` for the first use of the constraint that is to break, else 0. */
  slip(name: string): bigint {
    if (name !== this.#fault) return 0n;
    this.#fault = '';
    return this.amount;
  }

  /** Whether a column is still that of the good trace. */
  isGood(column: number): boolean {
    return this.columns[column] === this.#good?.columns[column];
  }

  at([column, row]: Place, below = 0): bigint {
    return this.columns[column]?.[(row + below + this.rows) % this.rows] ?? 0n;
  }

  set([column, row]: Place, below: number, value: bigint): void {
    const at = (row + below + this.rows) % this.rows;
    const cells = this.columns[column];
    const cell = reduce(value);
    if (cells === undefined || cells[at] === cell) return;
    const isGood = cells === this.#good?.columns[column];
    const own = isGood ? [...cells] : cells;
    own[at] = cell;
    this.columns[column] = own;
  }

  /** A memory access: address, and value below it. */
  access(place: Place, below: number, address: bigint, value: bigint): void {
    this.set(place, below, address);
    this.set(place, below + 1, value);
  }

  /** Running product of (z − pool) / (z − sorted), `stride` rows apart. */
  product(
    name: string,
    place: Place,
    stride: number,
    z: bigint,
    pool: (row: number) => bigint,
    sorted: (row: number) => bigint,
  ): bigint {
    const rows = Array.from({ length: this.rows / stride }, (_, i) => i * stride);
    const inverses = batchInverse(rows.map((row) => sub(z, sorted(row))));
    let product = 1n;
    for (const [i, row] of rows.entries()) {
      product = mul(product, mul(sub(z, pool(row)), inverses[i] ?? 0n));
      if (i === 0) product = add(product, this.slip(`${name}/first`));
      if (i === 1) product = add(product, this.slip(`${name}/step`));
      this.set(place, row, product);
    }
    return product;
  }

  trace(): Trace {
    return { columns: this.columns, parameters: this.parameters };
  }
}

/** Every step is `jmp rel 0`, at address 1, with ap = fp = 10. */
export function fillCpu(filling: Filling): void {
  const { cpu } = filling.table;
  const word = 0x10780017fff7fffn;
  const [off0, off1, off2] = [word % 65536n, (word >> 16n) % 65536n, (word >> 32n) % 65536n];
  const [flags, at] = [word >> 48n, 10n];
  const parameters = { initial_ap: at, final_ap: at, initial_pc: 1n, final_pc: 1n };
  for (const [name, value] of Object.entries(parameters)) filling.parameters.set(name, value);
  for (let row = 0; row < filling.rows; row += 16) {
    for (let i = 0; i < 16; i++) filling.set([cpu.flags, i], row, flags >> BigInt(i));
    filling.set([cpu.offsets, 0], row, off0);
    filling.set([cpu.offsets, 8], row, off1);
    filling.set([cpu.offsets, 4], row, off2);
    filling.access([cpu.memory, 0], row, 1n, word);
    filling.access([cpu.memory, 4], row, at + off1 - 32768n, 0n);
    filling.access([cpu.memory, 8], row, at + off0 - 32768n, 0n);
    filling.access([cpu.memory, 12], row, 1n + off2 - 32768n, 0n);
    filling.set(cpu.registers, row, at);
    filling.set([cpu.registers[0], cpu.registers[1] + 8], row, at);
  }
}

/** Sorted memory is one cell over and over: what the accesses lack, the public product takes up. */
export function fillMemory(filling: Filling): void {
  const { accesses, sorted, product, publicPeriod } = filling.table.memory;
  const { rows } = filling;
  if (filling.isSpent && filling.isGood(accesses)) return;
  filling.set([accesses, 2], publicPeriod, filling.slip('public/address_zero'));
  filling.set([accesses, 3], publicPeriod, filling.slip('public/value_zero'));
  const first = 1n + filling.slip('memory/first_address');
  const jump = filling.slip('memory/address_step_is_bit');
  const other = filling.slip('memory/single_value');
  for (let row = 0; row < rows; row += 2)
    filling.access(
      [sorted, 0],
      row,
      row >= rows / 2 ? first + 2n * jump : first,
      other * BigInt(row >= rows / 2),
    );
  const z = DRAWN.get('memory_z') ?? 0n;
  const alpha = DRAWN.get('memory_alpha') ?? 0n;
  const hash = (column: number) => (row: number) =>
    add(filling.at([column, 0], row), mul(alpha, filling.at([column, 1], row)));
  const last = filling.product('memory', [product, 0], 2, z, hash(accesses), hash(sorted));
  filling.parameters.set('memory_product', add(last, filling.slip('memory/last')));
}

/** The pool's free rows hold what lacks between its least and its greatest value. */
export function fillOffsets(filling: Filling): void {
  const { pool, sorted, product, stride } = filling.table.offsets;
  const rows = Array.from({ length: filling.rows / stride }, (_, i) => i * stride);
  const used = (row: number): boolean => filling.at(pool, row) !== 0n;
  const taken = rows.filter(used).map((row) => filling.at(pool, row));
  const min = taken.reduce((a, b) => (a < b ? a : b));
  const max = taken.reduce((a, b) => (a > b ? a : b));
  let next = min;
  for (const row of rows.filter((one) => !used(one))) {
    filling.set(pool, row, next);
    if (next < max) next++;
  }
  const gap = filling.slip('offset/step_is_bit');
  const lastRow = rows.at(-1) ?? 0;
  if (gap === 1n) filling.set(pool, lastRow, max + 2n);
  const values = rows.map((row) => filling.at(pool, row)).sort((a, b) => Number(a - b));
  for (const [i, row] of rows.entries()) filling.set(sorted, row, values[i] ?? 0n);
  const lost = filling.slip('offset/last');
  if (lost === 1n) filling.set(pool, lastRow, filling.at(pool, lastRow) + 1n);
  filling.parameters.set('rc_min', min + filling.slip('offset/minimum'));
  filling.parameters.set('rc_max', max + 2n * gap + filling.slip('offset/maximum'));
  permute(filling, 'offset', { pool, sorted, product, stride });
}

/**
 * A product that starts or goes on wrongly ends at 1 all the same: the pool's last value, of which
 * nothing else is claimed, makes up for it.
 */
function permute(
  filling: Filling,
  name: string,
  columns: { pool: Place; sorted: Place; product: Place; stride: number },
): void {
  const { pool, sorted, product, stride } = columns;
  const z = DRAWN.get(name === 'offset' ? 'offset_z' : 'diluted_product_z') ?? 0n;
  const slips = filling.isFault(`${name}/first`) || filling.isFault(`${name}/step`);
  const run = (): bigint =>
    filling.product(
      name,
      product,
      stride,
      z,
      (row) => filling.at(pool, row),
      (row) => filling.at(sorted, row),
    );
  const end = run();
  if (!slips) return;
  // (z − last) / end, so that the product of all ends at 1; the last step alone changes.
  const last = sub(z, filling.at(pool, -stride));
  filling.set(pool, -stride, sub(z, divide(last, end)));
  filling.set(product, -stride, 1n);
}

/** Bits of a number, four apart. */
export function dilute(value: bigint): bigint {
  let diluted = 0n;
  for (let i = 0n; i < 16n; i++) diluted += ((value >> i) & 1n) << (4n * i);
  return diluted;
}

export function fillDiluted(filling: Filling): void {
  const { diluted } = filling.table;
  if (diluted === undefined) return;
  const { pool, sorted, sum, stride } = diluted;
  const rows = Array.from({ length: filling.rows / stride }, (_, i) => i * stride);
  if (filling.slip('diluted/minimum') === 1n)
    for (const row of rows) if (filling.at(pool, row) === 0n) filling.set(pool, row, 1n);
  const values = rows
    .map((row) => filling.at(pool, row))
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  for (const [i, row] of rows.entries()) filling.set(sorted, row, values[i] ?? 0n);
  if (filling.slip('diluted/last') === 1n)
    filling.set(pool, -stride, filling.at(pool, -stride) + 1n);
  permute(filling, 'diluted', diluted);
  const [z, alpha] = [DRAWN.get('diluted_z') ?? 0n, DRAWN.get('diluted_alpha') ?? 0n];
  let total = 1n + filling.slip('diluted/sum_first');
  for (const [i, row] of rows.entries()) {
    if (i > 0) {
      const step = sub(values[i] ?? 0n, values[i - 1] ?? 0n);
      total = add(mul(total, add(1n, mul(z, step))), mul(alpha, mul(step, step)));
      total = add(total, filling.slip('diluted/sum_step'));
    }
    filling.set(sum, row, total);
  }
  filling.parameters.set('diluted_final', add(total, filling.slip('diluted/sum_last')));
}

/** The half of a sum of bits: (rest − bit) / 2 in the field. */
export const halved = (rest: bigint, bit: bigint): bigint => mul(sub(rest, bit), HALF);
