// Words of a program to assembly text.
import { reduce } from '@fatty/cairo-air';
import type { Program } from '@fatty/cairo-verify';
import { decodeInstruction, type Instruction, sizeOf } from './instruction.ts';
import { printFelt, printInstruction } from './print.ts';

/**
 * Assembly text of a whole program: `assemble` of it has the same words, builtins, entry points and
 * statement cells. Hints have no text.
 */
export function listProgram(program: Program & { readonly cells?: readonly string[] }): string {
  const names = new Map<number, string>([[program.main, 'main']]);
  if (program.start !== undefined) names.set(program.start, '__start__');
  if (program.end !== undefined) names.set(program.end, '__end__');
  const { builtins, cells = [] } = program;
  const head = builtins.length === 0 ? '' : `%builtins ${builtins.join(' ')}\n`;
  const declared = cells.length === 0 ? '' : `cell ${cells.join(', ')}\n`;
  return `${head}${declared}${disassemble(program.words, names)}`;
}

interface Piece {
  readonly at: number;
  readonly word: bigint;
  /** Undefined for a word that no instruction text means. */
  readonly instruction: Instruction | undefined;
  readonly imm: bigint | undefined;
}

/**
 * Assembly text of program words; `assemble` of it gives the same words. What is no instruction of
 * the language becomes `dw`. `names` are labels by offset; jumps to other places get `L<offset>`.
 */
export function disassemble(
  words: readonly bigint[],
  names: ReadonlyMap<number, string> = new Map(),
): string {
  const pieces = splitWords(words);
  const labels = new Map(names);
  const starts = new Set(pieces.map((piece) => piece.at));
  for (const piece of pieces) {
    const to = targetOf(piece);
    if (to !== undefined && starts.has(to) && !labels.has(to)) labels.set(to, `L${to}`);
  }
  const lines = ['%raw'];
  for (const piece of pieces) {
    const label = labels.get(piece.at);
    if (label !== undefined) lines.push(`${label}:`);
    const to = targetOf(piece);
    const target = to !== undefined && starts.has(to) ? labels.get(to) : undefined;
    lines.push(`  ${printPiece(piece, target)}`);
  }
  return `${lines.join('\n')}\n`;
}

function splitWords(words: readonly bigint[]): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < words.length; ) {
    const word = words[at] ?? 0n;
    const decoded = decodeInstruction(word);
    const imm = decoded !== undefined && sizeOf(decoded) === 2 ? words[at + 1] : undefined;
    const printable = decoded !== undefined && printInstruction(decoded, imm) !== undefined;
    const instruction = printable ? decoded : undefined;
    pieces.push({ at, word, instruction, imm });
    at += instruction === undefined ? 1 : sizeOf(instruction);
  }
  return pieces;
}

/** Where a relative jump or call with an immediate goes, if that is a small number. */
function targetOf({ at, instruction, imm }: Piece): number | undefined {
  const relative = instruction?.pc === 'rel' || instruction?.pc === 'jnz';
  if (!relative || imm === undefined || instruction.res === 'add' || instruction.res === 'mul')
    return undefined;
  const to = reduce(BigInt(at) + imm);
  return to < 2n ** 32n ? Number(to) : undefined;
}

function printPiece({ word, instruction, imm }: Piece, target: string | undefined): string {
  const text = instruction && printInstruction(instruction, imm, target);
  return text ?? `dw ${printFelt(word)}`;
}
