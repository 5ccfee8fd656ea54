// Assembly text to a program that runs in proof mode.
import { LIMITS, reduce } from '@fatty/cairo-air';
import type { Runnable } from '../program/load.ts';
import { AssemblyError, type AssemblyFailure, type Position } from './failure.ts';
import { encodeInstruction, sizeOf } from './instruction.ts';
import { type Item, type Parsed, parse } from './parser.ts';
import { emitAdvance, emitCall, emitJump, type LabelUse } from './statement.ts';

/** A program made from assembly text. */
export interface Assembled extends Runnable {
  /** Offset of every label in `words`. */
  readonly labels: ReadonlyMap<string, number>;
  /** Line of the text for every word; 0 in the prologue. */
  readonly lines: readonly number[];
}

/** A program, or why there is none and where in the text. */
export type AssemblyOutcome =
  | { readonly ok: true; readonly value: Assembled }
  | { readonly ok: false; readonly failure: AssemblyFailure };

/** Characters of a text (`too_large`). */
export const ASSEMBLY_SIZE_MAX = 1_048_576;

const NOWHERE: Position = { line: 1, column: 1 };

/**
 * Assembles Cairo assembly text (grammar: ASSEMBLY.md) into a program for proof mode. Unless the
 * text says `%raw`, `__start__: ap += n; call main; __end__: jmp rel 0` goes in front, n being the
 * number of builtins: that prologue is what the verifier demands. Codes: `AssemblyCode`. Never throws.
 */
export function assemble(text: string): AssemblyOutcome {
  try {
    if (text.length > ASSEMBLY_SIZE_MAX) throw tooLarge(text.length, 'characters');
    return { ok: true, value: link(parse(text)) };
  } catch (error) {
    if (error instanceof AssemblyError) return { ok: false, failure: error.failure };
    const actual = String(error);
    const failure = { code: 'bad_syntax', expected: 'text', actual, ...NOWHERE } as const;
    return { ok: false, failure };
  }
}

const tooLarge = (size: number, unit: string): AssemblyError => {
  const max = unit === 'words' ? LIMITS.publicCells : ASSEMBLY_SIZE_MAX;
  return new AssemblyError('too_large', NOWHERE, `at most ${max} ${unit}`, `${size}`);
};

function link(parsed: Parsed): Assembled {
  const { builtins, cells, raw } = parsed;
  const items = raw ? parsed.items : [...prologue(builtins.length), ...parsed.items];
  const labels = place(items);
  const main = labels.get('main');
  if (main === undefined && !raw)
    throw new AssemblyError('missing_main', NOWHERE, 'a label main:', 'none');
  if (cells.length > 0) demandCellsInMain(items);
  const words: bigint[] = [];
  const lines: number[] = [];
  for (const item of items) {
    const made = wordsOf(item, words.length, labels);
    words.push(...made);
    for (const _ of made) lines.push(item.at.line);
  }
  if (words.length > LIMITS.publicCells) throw tooLarge(words.length, 'words');
  const start = labels.get('__start__');
  const end = labels.get('__end__');
  return { builtins, words, start, end, main: main ?? 0, cells, hints: [], labels, lines };
}

function prologue(builtins: number): Item[] {
  const at = { line: 0, column: 0 };
  const number = (value: number) => ({ kind: 'number', value: BigInt(value), at }) as const;
  const code = (emitted: ReturnType<typeof emitJump>): Item => ({
    kind: 'code',
    code: emitted,
    cells: [],
    at,
  });
  return [
    { kind: 'label', name: '__start__', at },
    code(emitAdvance(number(builtins))),
    code(emitCall('rel', { name: 'main', ...at })),
    { kind: 'label', name: '__end__', at },
    code(emitJump('rel', number(0))),
  ];
}

const sizeOfItem = (item: Item): number => {
  if (item.kind === 'code') return sizeOf(item.code.instruction);
  return item.kind === 'word' ? 1 : 0;
};

/** @throws AssemblyError `duplicate_name` */
function place(items: readonly Item[]): Map<string, number> {
  const labels = new Map<string, number>();
  let offset = 0;
  for (const item of items) {
    if (item.kind === 'label') {
      if (labels.has(item.name))
        throw new AssemblyError('duplicate_name', item.at, 'a new label', item.name);
      labels.set(item.name, offset);
    }
    offset += sizeOfItem(item);
  }
  return labels;
}

/**
 * A statement cell is [fp + k], which in a called function is a cell of *that* frame and proves
 * nothing. So its name may only stand between `main:` and the next label that is called.
 * @throws AssemblyError `cell_outside_main`
 */
function demandCellsInMain(items: readonly Item[]): void {
  const called = new Set(['main']);
  for (const item of items) {
    if (item.kind !== 'code' || item.code.instruction.opcode !== 'call') continue;
    const { imm } = item.code;
    if (typeof imm === 'object') called.add(imm.name);
  }
  let frame = '';
  for (const item of items) {
    if (item.kind === 'label' && called.has(item.name)) frame = item.name;
    const use = item.kind === 'code' ? item.cells[0] : undefined;
    if (use !== undefined && frame !== 'main')
      throw new AssemblyError(
        'cell_outside_main',
        use,
        'statement cells in main only (elsewhere fp is another frame)',
        `${use.name} in ${frame === '' ? 'no function' : frame}`,
      );
  }
}

function wordsOf(item: Item, at: number, labels: ReadonlyMap<string, number>): bigint[] {
  if (item.kind === 'label') return [];
  if (item.kind === 'word') return [reduce(item.value)];
  const { instruction, imm } = item.code;
  const word = encodeInstruction(instruction);
  if (imm === undefined) return [word];
  return [word, typeof imm === 'bigint' ? imm : distance(imm, at, labels)];
}

/** @throws AssemblyError `unknown_name` */
function distance(use: LabelUse, at: number, labels: ReadonlyMap<string, number>): bigint {
  const to = labels.get(use.name);
  if (to === undefined) throw new AssemblyError('unknown_name', use, 'a label', use.name);
  return reduce(BigInt(to - at));
}
