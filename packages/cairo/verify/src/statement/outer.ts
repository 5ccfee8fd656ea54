// What a proof about other programs says of them.
import { attempt, demand, pedersen, poseidonMany } from '@fatty/cairo-air';
import { equalBytes, toHex, utf8 } from '@fatty/codec';
import type { Digest, Outcome } from '@fatty/interface';
import type { Program } from './program.ts';
import { type LeaseStatement, readLease, type Statement } from './statement.ts';

/**
 * An outer program ran or checked other programs and says so in its output: StarkWare's bootloaders
 * (many programs, one proof) and Cairo verifier (a proof of a proof, true recursion). Both are made
 * by an outside prover; what they claim counts only as far as the outer program is known, so that it
 * is pinned together with how it speaks:
 *
 * - `bootloader`: `config`, number of tasks, then for each task its size, its program hash, and size
 *   − 2 cells of output. `config` is empty for the simple bootloader. For the full one it names the
 *   verifiers whose word is taken for a task that is itself recursive; the prover chooses it, hence
 *   it is compared cell by cell.
 * - `verifier`: program hash, number of cells, the cells of output of the program that was proved.
 */
export interface OuterProgram {
  /** Of its words, see `programId`. */
  readonly programId: Digest;
  readonly format:
    | { readonly kind: 'bootloader'; readonly config: readonly bigint[] }
    | { readonly kind: 'verifier' };
}

/** That a program with this hash ran and put these cells out. */
export interface InnerStatement {
  /** {@link taskHash} under a bootloader, {@link verifiedHash} under a verifier. */
  readonly programHash: bigint;
  readonly output: readonly bigint[];
}

/**
 * The lease that an inner program put out: six cells and `extra` more. Codes: `lease_cells
 * lease_time`. Never throws.
 */
export function innerLease({ output }: InnerStatement, extra: number): Outcome<LeaseStatement> {
  return attempt(() => readLease({ cells: output }, extra));
}

/** Size and program hash. */
const TASK_HEADER = 2;

/**
 * What an outer proof says of inner programs, in its order; `statement` is that of the verified
 * outer proof. Codes: `wrong_program outer_output outer_config`. Never throws.
 */
export function extractStatement(
  outer: OuterProgram,
  statement: Statement,
): Outcome<readonly InnerStatement[]> {
  return attempt(() => {
    const holds = equalBytes(statement.programId, outer.programId);
    demand(holds, 'wrong_program', toHex(outer.programId), toHex(statement.programId));
    // Without that builtin the cells are main's frame, which no outer program calls its output.
    const speaks = statement.builtins.includes('output');
    demand(speaks, 'outer_output', 'the output builtin', statement.builtins.join(' '));
    const reader = new OutputReader(statement.cells);
    const { format } = outer;
    const inner = format.kind === 'verifier' ? [readVerified(reader)] : readTasks(reader, format);
    reader.end();
    return inner;
  });
}

function readVerified(reader: OutputReader): InnerStatement {
  const programHash = reader.next('a program hash');
  return { programHash, output: reader.take(reader.count('a size')) };
}

function readTasks(
  reader: OutputReader,
  { config }: { readonly config: readonly bigint[] },
): InnerStatement[] {
  for (const wanted of config) {
    const cell = reader.next('the configuration');
    demand(cell === wanted, 'outer_config', `0x${wanted.toString(16)}`, `0x${cell.toString(16)}`);
  }
  return Array.from({ length: reader.count('a number of tasks') }, () => {
    const size = reader.count('a size');
    demand(size >= TASK_HEADER, 'outer_output', `a task of ${TASK_HEADER} cells or more`, size);
    const programHash = reader.next('a program hash');
    return { programHash, output: reader.take(size - TASK_HEADER) };
  });
}

/** Front to back; every cell is read once. */
class OutputReader {
  readonly #cells: readonly bigint[];
  #at = 0;

  constructor(cells: readonly bigint[]) {
    this.#cells = cells;
  }

  /** @throws Rejected `outer_output` */
  next(what: string): bigint {
    const cell = this.#cells[this.#at];
    demand(cell !== undefined, 'outer_output', what, 'the end of the output');
    this.#at++;
    return cell;
  }

  /** A count of things that are at least one cell each. @throws Rejected `outer_output` */
  count(what: string): number {
    const cell = this.next(what);
    const max = this.#cells.length;
    demand(cell <= BigInt(max), 'outer_output', `${what} of at most ${max}`, `${cell}`);
    return Number(cell);
  }

  /** @throws Rejected `outer_output` */
  take(size: number): bigint[] {
    return Array.from({ length: size }, () => this.next(`${size} cells of output`));
  }

  /** @throws Rejected `outer_output` */
  end(): void {
    const left = this.#cells.length - this.#at;
    demand(left === 0, 'outer_output', 'nothing behind the last task', `${left} cells`);
  }
}

/** Which hash a bootloader was told to name programs by; Pedersen is the older one's only. */
export type TaskHash = 'pedersen' | 'poseidon';

/** How a bootloader was built. Only one number has ever been in use. */
const BOOTLOADER_VERSION = 0n;

/**
 * The hash by which StarkWare's bootloaders name a program: of version, main's offset, number of
 * builtins, their names as ASCII, and the words; Pedersen as a chain from the end, behind the
 * length.
 */
export function taskHash(
  { builtins, words, main }: Pick<Program, 'builtins' | 'words' | 'main'>,
  hash: TaskHash = 'pedersen',
): bigint {
  const names = builtins.map((name) =>
    utf8(name).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n),
  );
  const data = [BOOTLOADER_VERSION, BigInt(main), BigInt(names.length), ...names, ...words];
  if (hash === 'poseidon') return poseidonMany(data);
  const last = data.at(-1) ?? 0n;
  const chained = data.slice(0, -1).reduceRight((sum, value) => pedersen(value, sum), last);
  return pedersen(BigInt(data.length), chained);
}

/** The hash by which StarkWare's Cairo verifier names the program of the proof that it checked. */
export function verifiedHash(words: readonly bigint[]): bigint {
  return poseidonMany(words);
}
