import { array, digest, encode, hash, record, type Shape, text } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { reduce } from '../felt/felt.ts';
import { felt } from '../felt/shape.ts';
import { LIMITS, type PublicCell, type PublicInput, type Segment } from '../proof/proof.ts';
import { demand, Rejected } from '../proof/rejected.ts';
import { programId } from './program-id.ts';

/** What a proof is *about*: this program ran, and main's first frame cells held these values. */
export interface Statement {
  readonly layout: string;
  readonly programId: Digest;
  /** Program words at addresses 1..length. */
  readonly program: readonly bigint[];
  /** Main's frame cells from initial_fp + 2 on. */
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

export const LEASE_CELLS = 6;
export const EXTRA_CELLS_MAX = 32;

/**
 * `__start__: ap += 0; call main; __end__: jmp rel 0`, with a hole for main's offset. Because it is
 * fixed, main's frame is at initial_fp + 2 and a run that ends at pc 5 has really returned from
 * main.
 */
const PROLOGUE: readonly (bigint | undefined)[] = [
  0x40780017fff7fffn,
  0n,
  0x1104800180018000n,
  undefined,
  0x10780017fff7fffn,
  0n,
];
const FINAL_PC = 5;
/** Offset of the prologue's call; its target is relative to it. */
const CALL = 2;

/** The named segments of a layout without builtins. */
export interface Run {
  readonly program: Segment;
  readonly execution: Segment;
}

/** @throws Rejected `segments` unless there are exactly a program and an execution segment. */
export function runSegments(input: PublicInput): Run {
  const names = input.segments.map((one) => one.name).join(' ');
  const [execution, program] = input.segments;
  demand(names === 'execution program', 'segments', 'execution program', names);
  if (execution === undefined || program === undefined)
    throw new Rejected('segments', 'two segments', names);
  return { program, execution };
}

const at = (cell: PublicCell | undefined): string =>
  cell === undefined ? 'end of public memory' : `address ${cell.address}`;

/**
 * Reads the statement and refuses every public memory that is not exactly: program words at 1..len,
 * [initial_fp−2] = initial_fp, [initial_fp−1] = 0, statement cells from initial_fp + 2, end.
 * Stone's own verifier checks none of this. Program length is initial_fp − 3; `program.stop_ptr` is
 * the final pc.
 * @throws Rejected `segments pages program_cells prologue safe_call statement_cells`
 */
export function readStatement(input: PublicInput): Statement {
  const { program: pc, execution } = runSegments(input);
  const fp = execution.beginAddr;
  const cells = input.publicMemory;
  const length = fp - 3;
  demand(pc.beginAddr === 1, 'segments', 'initial pc 1', pc.beginAddr);
  demand(pc.stopPtr === FINAL_PC, 'segments', `final pc ${FINAL_PC}`, pc.stopPtr);
  demand(execution.stopPtr >= fp, 'segments', `final ap from ${fp}`, execution.stopPtr);
  demand(
    cells.every((cell) => cell.page === 0),
    'pages',
    'page 0 only',
    'further pages',
  );
  demand(length >= PROLOGUE.length, 'program_cells', 'a program', `${length} words`);
  demand(cells.length >= length + 2, 'program_cells', `${length + 2} cells`, cells.length);
  const program = readProgram(cells, length);
  readSafeCall(cells, fp);
  const statement = readCells(cells, fp);
  const id = programId({ layout: input.layout, builtins: [], words: program });
  return { layout: input.layout, programId: id, program, cells: statement };
}

function readProgram(cells: readonly PublicCell[], length: number): bigint[] {
  const words = cells.slice(0, length).map((cell, i) => {
    demand(cell.address === i + 1, 'program_cells', `address ${i + 1}`, at(cell));
    return cell.value;
  });
  demandPrologue(words);
  return words;
}

/**
 * `main`, when known, is where the prologue's call must go, as an offset in the words.
 * @throws Rejected `prologue`
 */
export function demandPrologue(words: readonly bigint[], main?: number): void {
  const offset = main === undefined ? undefined : reduce(BigInt(main - CALL));
  PROLOGUE.forEach((fixed, i) => {
    const word = fixed ?? offset;
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

function readCells(cells: readonly PublicCell[], fp: number): bigint[] {
  const rest = cells.slice(fp - 1);
  const max = LEASE_CELLS + EXTRA_CELLS_MAX;
  demand(rest.length <= max, 'statement_cells', `at most ${max}`, rest.length);
  return rest.map((cell, i) => {
    const address = fp + 2 + i;
    demand(cell.address === address, 'statement_cells', `address ${address}`, at(cell));
    return cell.value;
  });
}

/**
 * The lease cells of a statement with exactly `extra` further cells.
 * @throws Rejected `lease_cells lease_time`
 */
export function readLease(statement: Statement, extra: number): LeaseStatement {
  const { cells } = statement;
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
  cells: array(felt, LEASE_CELLS + EXTRA_CELLS_MAX),
});

/** Identity of a renewal. Proof bytes have none: every statement has many valid proofs. */
export function statementHash(statement: Statement): Digest {
  return hash('cairo-statement', encode(statementShape, statement));
}
