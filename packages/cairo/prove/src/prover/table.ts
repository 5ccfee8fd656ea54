// Fills the trace table of the layout `plain` from a run.
import { add, batchInverse, mul, type PublicInput } from '@fatty/cairo-air';
import { ProverError } from './failure.ts';

/** A finished run in proof mode, as the VM leaves it: relocated registers of every step, memory. */
export interface ProvableRun {
  readonly publicInput: PublicInput;
  readonly trace: readonly { readonly ap: number; readonly fp: number; readonly pc: number }[];
  readonly memory: readonly { readonly address: number; readonly value: bigint }[];
}

/** One (address, value) pair. */
interface Access {
  readonly address: number;
  readonly value: bigint;
}

/** The first columns of the layout `plain`, and the pools that the interaction columns permute. */
export interface TraceTable {
  readonly rows: number;
  /** Six columns of `rows` values. */
  readonly columns: readonly (readonly bigint[])[];
}

const ROWS_PER_STEP = 16;
const HALF_OFFSET = 2 ** 15;
/** Public cells stand at rows 2 mod 8, as (0, 0). */
const ROWS_PER_PUBLIC_CELL = 8;
const PUBLIC_ROW = 2;

/**
 * Fills the trace of a run as Stone does, free cells included, so that equal inputs make equal
 * proofs. Free memory cells hold the gaps between used addresses in ascending order, value 0, and
 * then the address after the last; free offset cells hold the unused values in ascending order, and
 * then the largest.
 * @throws ProverError `bad_run no_room`
 */
export function fillTable(run: ProvableRun): TraceTable {
  const filler = new Filler(run);
  return filler.table();
}

class Filler {
  readonly #rows: number;
  readonly #columns: bigint[][];
  readonly #memory: ReadonlyMap<number, bigint>;
  readonly #run: ProvableRun;
  /** Offsets by row, and accesses by pair of rows; undefined is free. */
  readonly #offsets: (number | undefined)[];
  readonly #accesses: (Access | undefined)[];
  /** Destinations of conditional jumps, whose inverses are taken together at the end. */
  readonly #jumps: { readonly row: number; readonly dst: bigint }[] = [];

  constructor(run: ProvableRun) {
    const { nSteps } = run.publicInput;
    const steps = run.trace.length;
    if (steps !== nSteps) throw new ProverError('bad_run', `${nSteps} steps`, String(steps));
    this.#run = run;
    this.#rows = nSteps * ROWS_PER_STEP;
    this.#columns = Array.from({ length: 6 }, () => Array.from({ length: this.#rows }, () => 0n));
    this.#memory = new Map(run.memory.map(({ address, value }) => [address, value]));
    this.#offsets = Array.from({ length: this.#rows });
    this.#accesses = Array.from({ length: this.#rows / 2 });
  }

  table(): TraceTable {
    this.#run.trace.forEach((_, step) => {
      this.#fillStep(step);
    });
    this.#fillInverses();
    this.#fillPublic();
    this.#fillMemory();
    this.#fillOffsets();
    return { rows: this.#rows, columns: this.#columns };
  }

  #set(column: number, row: number, value: bigint): void {
    (this.#columns[column] as bigint[])[row] = value;
  }

  #at(address: number, step: number): bigint {
    const value = this.#memory.get(address);
    if (value !== undefined) return value;
    throw new ProverError('bad_run', `memory at ${address} (step ${step})`, 'nothing');
  }

  #fillStep(step: number): void {
    const { ap, fp, pc } = this.#run.trace[step] as ProvableRun['trace'][number];
    const row = step * ROWS_PER_STEP;
    const word = this.#at(pc, step);
    const flags = Number(word >> 48n);
    if (word >= 2n ** 63n) throw new ProverError('bad_run', `an instruction at ${pc}`, `${word}`);
    const offset = (i: number): number => Number((word >> BigInt(16 * i)) & 0xffffn);
    const [off0, off1, off2] = [offset(0), offset(1), offset(2)];
    const has = (bit: number): boolean => ((flags >> bit) & 1) === 1;
    for (let i = 0; i < ROWS_PER_STEP; i++) this.#set(1, row + i, BigInt(flags >> i));
    this.#offsets[row] = off0;
    this.#offsets[row + 4] = off2;
    this.#offsets[row + 8] = off1;
    const access = (at: number, address: number): bigint => {
      const value = this.#at(address, step);
      this.#accesses[(row + at) / 2] = { address, value };
      return value;
    };
    access(0, pc);
    const dst = access(8, (has(0) ? fp : ap) + off0 - HALF_OFFSET);
    const op0 = access(4, (has(1) ? fp : ap) + off1 - HALF_OFFSET);
    const base = has(2) ? pc : has(3) ? fp : has(4) ? ap : Number(op0);
    const op1 = access(12, base + off2 - HALF_OFFSET);
    const product = mul(op0, op1);
    const res = has(5) ? add(op0, op1) : has(6) ? product : op1;
    const registers = { 0: BigInt(ap), 8: BigInt(fp), 4: product, 12: has(9) ? 0n : res };
    for (const [at, value] of Object.entries(registers)) this.#set(5, row + Number(at), value);
    if (!has(9)) return;
    this.#set(5, row + 2, dst);
    if (dst !== 0n) this.#jumps.push({ row, dst });
  }

  /** res of a conditional jump is 1/dst, and tmp1 = dst · res is 1, where dst is not 0. */
  #fillInverses(): void {
    const inverses = batchInverse(this.#jumps.map(({ dst }) => dst));
    for (const [i, { row }] of this.#jumps.entries()) {
      this.#set(5, row + 12, inverses[i] as bigint);
      this.#set(5, row + 10, 1n);
    }
  }

  /** Public cells in order, then the first one again and again. */
  #fillPublic(): void {
    const { publicMemory } = this.#run.publicInput;
    const count = this.#rows / ROWS_PER_PUBLIC_CELL;
    for (let i = 0; i < count; i++) {
      const cell = publicMemory[i] ?? publicMemory[0];
      if (cell === undefined) throw new ProverError('bad_run', 'a public cell', 'none');
      this.#accesses[(i * ROWS_PER_PUBLIC_CELL + PUBLIC_ROW) / 2] = cell;
    }
  }

  #fillMemory(): void {
    const used = new Map<number, bigint>();
    for (const access of this.#accesses) if (access !== undefined) demandSame(used, access);
    const addresses = Float64Array.from(used.keys()).sort();
    const gaps = gapsBetween(addresses, this.#rows);
    const after = (addresses.at(-1) ?? 0) + 1;
    let next = 0;
    for (const [i, access] of this.#accesses.entries()) {
      if (access !== undefined) continue;
      this.#accesses[i] = { address: gaps[next++] ?? after, value: 0n };
    }
    if (next < gaps.length)
      throw new ProverError('no_room', `${gaps.length} free memory cells`, String(next));
    const isPublic = (i: number): boolean => (2 * i) % ROWS_PER_PUBLIC_CELL === PUBLIC_ROW;
    const sorted = this.#accesses.filter((access) => access !== undefined);
    for (const [i, { address, value }] of sorted.entries()) {
      if (isPublic(i)) continue;
      this.#set(3, 2 * i, BigInt(address));
      this.#set(3, 2 * i + 1, value);
    }
    sorted.sort((a, b) => a.address - b.address);
    for (const [i, { address, value }] of sorted.entries()) {
      this.#set(4, 2 * i, BigInt(address));
      this.#set(4, 2 * i + 1, value);
    }
  }

  #fillOffsets(): void {
    const { rcMin, rcMax } = this.#run.publicInput;
    const used = new Set(this.#offsets);
    for (const offset of used)
      if (offset !== undefined && (offset < rcMin || offset > rcMax))
        throw new ProverError('bad_run', `offsets in ${rcMin}..${rcMax}`, String(offset));
    const gaps = Array.from({ length: rcMax - rcMin + 1 }, (_, i) => rcMin + i).filter(
      (value) => !used.has(value),
    );
    let next = 0;
    const values = this.#offsets.map((offset) => offset ?? gaps[next++] ?? rcMax);
    if (next < gaps.length)
      throw new ProverError('no_room', `${gaps.length} free offset cells`, String(next));
    for (const [row, value] of values.entries()) this.#set(0, row, BigInt(value));
    values.sort((a, b) => a - b);
    for (const [row, value] of values.entries()) this.#set(2, row, BigInt(value));
  }
}

/** One address has one value. @throws ProverError `bad_run` */
function demandSame(used: Map<number, bigint>, { address, value }: Access): void {
  const known = used.get(address);
  if (known !== undefined && known !== value)
    throw new ProverError('bad_run', `[${address}] = ${known}`, `public ${value}`);
  used.set(address, value);
}

/** Addresses that are missing between the first and the last. @throws ProverError `no_room` */
function gapsBetween(addresses: Float64Array, max: number): number[] {
  const gaps: number[] = [];
  for (let i = 1; i < addresses.length; i++) {
    const [before, next] = [addresses[i - 1] as number, addresses[i] as number];
    if (next - before > max)
      throw new ProverError('no_room', `gaps of at most ${max} addresses`, `${before}..${next}`);
    for (let address = before + 1; address < next; address++) gaps.push(address);
  }
  return gaps;
}
