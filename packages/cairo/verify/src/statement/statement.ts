// What a proof is about, read from its public memory.
import { demand, felt, LIMITS, type PublicCell, type PublicInput, reduce } from '@fatty/cairo-air';
import { array, digest, encode, hash, record, type Shape, text } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { matchBuiltins, type Run, runSegments } from './builtins.ts';
import { programId } from './program-id.ts';

/** What a proof is *about*: this program ran, and its statement cells held these values. */
export interface Statement {
  readonly layout: string;
  /** The builtins that the program took, in the layout's order. */
  readonly builtins: readonly string[];
  readonly programId: Digest;
  /** Program words at addresses 1..length. */
  readonly program: readonly bigint[];
  /** Its output, if it took the output builtin; else main's first frame cells. */
  readonly cells: readonly bigint[];
}

/** The statement of a machine's renewal: six cells, then what the machine declared. */
export interface LeaseStatement {
  readonly binding: bigint;
  /** State clock before and after, below 2^64, `tTo > tFrom`. */
  readonly tFrom: bigint;
  readonly sFrom: bigint;
  readonly n: bigint;
  readonly tTo: bigint;
  readonly sTo: bigint;
  /** Further public cells: `in`, outputs; at most {@link EXTRA_CELLS_MAX}. */
  readonly extra: readonly bigint[];
}

/** Cells of a lease: `binding, tFrom, sFrom, n, tTo, sTo`. */
export const LEASE_CELLS = 6;
/** Cells that a machine may declare behind those of the lease. */
export const EXTRA_CELLS_MAX = 32;
const FRAME_CELLS_MAX = LEASE_CELLS + EXTRA_CELLS_MAX;

/**
 * `__start__: ap += n; call main; __end__: jmp rel 0`, with holes for the number of builtins and
 * main's offset. Because it is fixed, main's frame is at initial_fp + n + 2 and a run that ends at
 * pc 5 has really returned from main.
 */
const PROLOGUE: readonly (bigint | undefined)[] = [
  0x40780017fff7fffn,
  undefined,
  0x1104800180018000n,
  undefined,
  0x10780017fff7fffn,
  0n,
];
const FINAL_PC = 5;
/** Positions of the prologue's two holes; main's offset is relative to its call. */
const BUILTINS = 1;
const CALL = 2;
const MAIN = 3;

const at = (cell: PublicCell | undefined): string =>
  cell === undefined ? 'end of public memory' : `address ${cell.address}`;

/**
 * Reads the statement and refuses every public memory that is not exactly: program words at 1..len,
 * [initial_fp−2] = initial_fp, [initial_fp−1] = 0, the n first pointers of its builtins from
 * initial_fp, the n last ones up to final_ap, its output (or, without that builtin, frame cells
 * from initial_fp + n + 2, before the last pointers), end. Only outputs may stand in pages behind
 * the first. Stone's own verifier checks none of this. Program length is initial_fp − 3;
 * `program.stop_ptr` is the final pc.
 * @throws Rejected `unsupported_layout segments pages program_cells prologue safe_call
 * builtin_cells statement_cells`
 */
export function readStatement(input: PublicInput): Statement {
  const run = runSegments(input);
  const { program: pc, execution } = run;
  const fp = execution.beginAddr;
  const cells = input.publicMemory;
  const length = fp - 3;
  demand(pc.beginAddr === 1, 'segments', 'initial pc 1', pc.beginAddr);
  demand(pc.stopPtr === FINAL_PC, 'segments', `final pc ${FINAL_PC}`, pc.stopPtr);
  demand(execution.stopPtr >= fp, 'segments', `final ap from ${fp}`, execution.stopPtr);
  demand(length >= PROLOGUE.length, 'program_cells', 'a program', `${length} words`);
  demand(cells.length >= length + 2, 'program_cells', `${length + 2} cells`, cells.length);
  const program = readProgram(cells, length);
  readSafeCall(cells, fp);
  const { builtins, cells: statement } = readFrame(run, Number(program[BUILTINS]), cells);
  const id = programId({ layout: input.layout, builtins, words: program });
  return { layout: input.layout, builtins, programId: id, program, cells: statement };
}

function readProgram(cells: readonly PublicCell[], length: number): bigint[] {
  const words = cells.slice(0, length).map((cell, i) => {
    demand(cell.address === i + 1, 'program_cells', `address ${i + 1}`, at(cell));
    return cell.value;
  });
  demandPrologue(words, undefined, Number(words[BUILTINS]));
  return words;
}

/**
 * `main`, when known, is where the prologue's call must go, as an offset in the words.
 * @throws Rejected `prologue`
 */
export function demandPrologue(words: readonly bigint[], main?: number, builtins = 0): void {
  const holes = new Map([
    [BUILTINS, BigInt(builtins)],
    [MAIN, main === undefined ? undefined : reduce(BigInt(main - CALL))],
  ]);
  PROLOGUE.forEach((fixed, i) => {
    const word = fixed ?? holes.get(i);
    const holds = word === undefined || words[i] === word;
    demand(holds, 'prologue', `0x${word?.toString(16)}`, `0x${words[i]?.toString(16)}`);
  });
}

function readSafeCall(cells: readonly PublicCell[], fp: number): void {
  const wanted = [
    { address: fp - 2, value: BigInt(fp) },
    { address: fp - 1, value: 0n },
  ];
  wanted.forEach(({ address, value }, i) => {
    const cell = cells[fp - 3 + i];
    demand(cell?.address === address, 'safe_call', `address ${address}`, at(cell));
    demand(cell?.value === value, 'safe_call', `${value}`, `${cell?.value}`);
  });
}

/** Builtin pointers and statement cells: everything behind the safe-call cells. */
function readFrame(
  run: Run,
  count: number,
  all: readonly PublicCell[],
): Pick<Statement, 'builtins' | 'cells'> {
  const { beginAddr: fp, stopPtr: ap } = run.execution;
  const { segments: max } = LIMITS;
  demand(count <= max, 'prologue', `at most ${max} builtins`, count);
  const rest = all.slice(fp - 1);
  const first = readCells(rest.slice(0, count), fp, count, 'builtin_cells');
  const output = run.builtins.find((one) => one.name === 'output');
  const size = (output?.stopPtr ?? 0) - (output?.beginAddr ?? 0);
  demand(size <= rest.length, 'statement_cells', `at most ${rest.length} outputs`, size);
  // Behind the first pointers: frame cells or none, last pointers, output or none.
  const frameSize = Math.max(0, rest.length - 2 * count - size);
  const frame = readCells(rest.slice(count), fp + count + 2, frameSize, 'statement_cells');
  const behind = rest.slice(count + frameSize);
  const last = readCells(behind, ap - count, count, 'builtin_cells');
  const pointers = first.map((value, i) => ({ first: value, last: last[i] ?? 0n }));
  const builtins = matchBuiltins(run, pointers).map((one) => one.name);
  const outputs = readCells(behind.slice(count), output?.beginAddr ?? 0, size, 'statement_cells');
  const speaks = builtins.includes('output');
  const silent = !speaks || frame.length === 0;
  demand(silent, 'statement_cells', 'an output or frame cells', `${frame.length} frame cells`);
  const paged = all.slice(0, all.length - size).some(({ page }) => page > 0);
  demand(!paged, 'pages', 'outputs behind page 0', 'other cells');
  const cells = speaks ? outputs : frame;
  const fits = speaks || cells.length <= FRAME_CELLS_MAX;
  demand(fits, 'statement_cells', `at most ${FRAME_CELLS_MAX}`, cells.length);
  return { builtins, cells };
}

/** Values of the first `count` cells, which must stand at `from`, `from` + 1, …. */
function readCells(
  cells: readonly PublicCell[],
  from: number,
  count: number,
  code: 'builtin_cells' | 'statement_cells',
): bigint[] {
  return Array.from({ length: count }, (_, i) => {
    const cell = cells[i];
    demand(cell?.address === from + i, code, `address ${from + i}`, at(cell));
    return cell.value;
  });
}

/**
 * The lease cells of a statement with exactly `extra` further cells.
 * @throws Rejected `lease_cells lease_time`
 */
export function readLease({ cells }: Pick<Statement, 'cells'>, extra: number): LeaseStatement {
  const size = LEASE_CELLS + extra;
  demand(cells.length === size, 'lease_cells', `${size} statement cells`, cells.length);
  const [binding = 0n, tFrom = 0n, sFrom = 0n, n = 0n, tTo = 0n, sTo = 0n] = cells;
  demand(tTo < 2n ** 64n, 'lease_time', 'tTo below 2^64', `${tTo}`);
  demand(tFrom < tTo, 'lease_time', `tTo after ${tFrom}`, `${tTo}`);
  return { binding, tFrom, sFrom, n, tTo, sTo, extra: cells.slice(LEASE_CELLS) };
}

type StatementKey = Pick<Statement, 'layout' | 'programId' | 'cells'>;

const statementShape: Shape<StatementKey> = record({
  layout: text(LIMITS.name),
  programId: digest,
  cells: array(felt, LIMITS.publicCells),
});

/** Identity of a renewal. Proof bytes have none: every statement has many valid proofs. */
export function statementHash(statement: Statement): Digest {
  return hash('cairo-statement', encode(statementShape, statement));
}
