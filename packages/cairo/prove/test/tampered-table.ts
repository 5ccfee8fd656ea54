// An honest trace of `plain` that can be changed step by step.
import { add, batchInverse, mul, reduce, sub } from '../../air/src/felt/felt.ts';
import { evaluateNodes } from '../../air/src/layouts/evaluate.ts';
import type { Constraint, Layout, Rows } from '../../air/src/layouts/expression.ts';
import { airParameters } from '../../air/src/stark/public-input.ts';
import { fixtureText } from '../../verify/test/fixtures.ts';
import { loadProgram, type PublicInput, runProgram } from '../src/index.ts';
import { fillTable } from '../src/prover/table.ts';

const HALF = 32768n;
const DRAWN = new Map([
  ['memory_z', 123456789123n],
  ['memory_alpha', 987654321n],
  ['offset_z', 555555555555n],
]);

/** What a step is made of; whatever is left out keeps its value or follows from the others. */
export interface StepChange {
  readonly flags?: readonly number[];
  readonly offsets?: readonly [off0: bigint, off1: bigint, off2: bigint];
  readonly ap?: bigint;
  readonly fp?: bigint;
  readonly dst?: bigint;
  readonly op0?: bigint;
  readonly op1?: bigint;
  /** Free for a conditional jump only. */
  readonly res?: bigint;
}

/** Whether a constraint claims something of this row. */
export function isIn(rows: Rows, row: number, count: number): boolean {
  return rows.kind === 'single'
    ? row === (rows.row + count) % count
    : [rows.offset, ...(rows.also ?? [])].includes(row % rows.period);
}

/**
 * The trace of an honest run of the layout plain, to be changed by hand. `change` keeps a step in
 * order but for what it is told; running products follow from the other columns, and so does the
 * memory product of the public input: every permutation holds unless it is broken on purpose.
 */
export class TamperedTable {
  readonly rows: number;
  readonly steps: number;
  /** Offsets, flags, sorted offsets, accesses, sorted accesses, registers. */
  readonly columns: bigint[][];
  readonly parameters: Map<string, bigint>;
  /** Values of parameters that differ from what the table and its public input say. */
  readonly overrides = new Map<string, bigint>();
  /** Applied to the two running products after they are made. */
  onProducts: (offsets: bigint[], memory: bigint[]) => void = () => undefined;

  constructor() {
    const program = loadProgram(fixtureText('lease-tick.json'));
    if (!program.ok) throw new Error(program.failure.code);
    const options = { inputs: [0n, 0n, 1n, 2n], statementCells: 6, provable: true };
    const run = runProgram(program.value, options);
    if (!run.ok) throw new Error(run.failure.actual);
    const table = fillTable(run.value);
    const input: PublicInput = run.value.publicInput;
    this.rows = table.rows;
    this.steps = input.nSteps;
    this.columns = table.columns.map((column) => [...column]);
    this.parameters = airParameters(input, DRAWN, table.rows / 8);
  }

  at(column: number, row: number): bigint {
    return this.columns[column]?.[(row + this.rows) % this.rows] ?? 0n;
  }

  set(column: number, row: number, value: bigint): void {
    const found = this.columns[column];
    if (found !== undefined) found[(row + this.rows) % this.rows] = reduce(value);
  }

  bump(column: number, row: number): void {
    this.set(column, row, this.at(column, row) + 1n);
  }

  /** The last step whose instruction has this flag. */
  lastWith(flag: number): number {
    for (let step = this.steps - 1; step >= 0; step--)
      if (this.flags(step).includes(flag)) return step;
    throw new Error(`no step with flag ${flag}`);
  }

  flags(step: number): number[] {
    const word = this.at(1, 16 * step);
    return Array.from({ length: 15 }, (_, i) => i).filter((i) => (word >> BigInt(i)) & 1n);
  }

  /** Puts an offset where it is asked for; what stood there goes to a free cell, so nothing lacks. */
  offset(row: number, value: bigint): void {
    const old = this.at(0, row);
    if (old === value) return;
    const max = this.parameters.get('rc_max');
    const free = Array.from({ length: this.rows }, (_, i) => this.rows - 1 - i).find(
      (i) => i % 4 !== 0 && this.at(0, i) === max,
    );
    if (free === undefined) throw new Error('no free offset');
    this.set(0, free, old);
    this.set(0, row, value);
    this.sortOffsets();
  }

  sortOffsets(): void {
    const sorted = [...(this.columns[0] ?? [])].sort((a, b) => Number(a - b));
    for (const [row, value] of sorted.entries()) this.set(2, row, value);
  }

  /** Rewrites a step (negative: from the end) and everything in it that follows. */
  change(index: number, change: StepChange): void {
    const step = (index + this.steps) % this.steps;
    const row = 16 * step;
    const flags = change.flags ?? this.flags(step);
    const is = (flag: number): bigint => (flags.includes(flag) ? 1n : 0n);
    const word = flags.reduce((sum, flag) => sum + 2n ** BigInt(flag), 0n);
    for (let i = 0; i < 16; i++) this.set(1, row + i, word >> BigInt(i));
    const [off0, off1, off2] = change.offsets ?? [
      this.at(0, row),
      this.at(0, row + 8),
      this.at(0, row + 4),
    ];
    this.offset(row, off0);
    this.offset(row + 8, off1);
    this.offset(row + 4, off2);
    this.set(3, row + 1, ((word * 65536n + off2) * 65536n + off1) * 65536n + off0);
    const pc = this.at(3, row);
    const ap = change.ap ?? this.at(5, row);
    const fp = change.fp ?? this.at(5, row + 8);
    const dst = change.dst ?? this.at(3, row + 9);
    const op0 = change.op0 ?? this.at(3, row + 5);
    const op1 = change.op1 ?? this.at(3, row + 13);
    const op1IsOp0 = 1n - is(2) - is(3) - is(4);
    const resIsOp1 = 1n - is(5) - is(6) - is(9);
    const op1Base = is(2) * pc + is(4) * ap + is(3) * fp + op1IsOp0 * op0;
    const made = is(5) * (op0 + op1) + is(6) * op0 * op1 + resIsOp1 * op1;
    const res = is(9) === 1n ? (change.res ?? this.at(5, row + 12)) : made;
    const tmp0 = is(9) * dst;
    for (const [at, value] of [
      [4, (is(1) === 1n ? fp : ap) + off1 - HALF],
      [5, op0],
      [8, (is(0) === 1n ? fp : ap) + off0 - HALF],
      [9, dst],
      [12, op1Base + off2 - HALF],
      [13, op1],
    ] as const)
      this.set(3, row + at, value);
    for (const [at, value] of [
      [0, ap],
      [2, tmp0],
      [4, op0 * op1],
      [8, fp],
      [10, tmp0 * res],
      [12, res],
    ] as const)
      this.set(5, row + at, value);
  }

  /** Names of the constraints that do not hold somewhere they should. */
  broken(layout: Layout): string[] {
    const products = this.#products();
    this.onProducts(...products);
    const columns = [...this.columns, ...products];
    const parameters = new Map([
      ['memory_product', products[1][this.rows - 2] ?? 0n],
      ...[...this.parameters].filter(([name]) => name !== 'memory_product'),
      ...this.overrides,
    ]);
    const found = new Set<string>();
    for (let row = 0; row < this.rows; row++) {
      const cells = layout.mask.map(
        (cell) => columns[cell.column]?.[(row + cell.row) % this.rows] ?? 0n,
      );
      const values = evaluateNodes(layout, cells, parameters);
      const claims = (one: Constraint): boolean =>
        isIn(one.rows, row, this.rows) &&
        !(one.except !== undefined && isIn(one.except, row, this.rows));
      for (const one of layout.constraints)
        if (values[one.root] !== 0n && claims(one)) found.add(one.name);
    }
    return [...found].sort();
  }

  #products(): [bigint[], bigint[]] {
    const running = (original: bigint[], sorted: bigint[]): bigint[] => {
      const inverses = batchInverse(sorted);
      let product = 1n;
      return original.map((value, i) => {
        product = mul(product, mul(value, inverses[i] ?? 0n));
        return product;
      });
    };
    const offsetZ = DRAWN.get('offset_z') ?? 0n;
    const offsets = (column: number): bigint[] =>
      (this.columns[column] ?? []).map((value) => sub(offsetZ, value));
    const z = DRAWN.get('memory_z') ?? 0n;
    const alpha = DRAWN.get('memory_alpha') ?? 0n;
    const accesses = (column: number): bigint[] =>
      Array.from({ length: this.rows / 2 }, (_, i) =>
        sub(z, add(this.at(column, 2 * i), mul(alpha, this.at(column, 2 * i + 1)))),
      );
    const memory = running(accesses(3), accesses(4)).flatMap((value) => [value, 0n]);
    return [running(offsets(0), offsets(2)), memory];
  }
}
