// Reads files of Cairo programs.
import { readFileSync } from 'node:fs';
import { assemble, loadProgram, type Program, parseProgram, type Runnable } from '@fatty/cairo';
import type { Failure } from '@fatty/interface';
import { EXIT, ExitError } from '../terminal/io.ts';

/** A file's program, and the cells our own JSON names. */
export interface Read extends Runnable {
  readonly cells: readonly string[];
}

/** A file as text; exit code 2 when there is none. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ExitError(EXIT.usage, `unreadable: ${(error as Error).message}`);
  }
}

/** Ends the command with exit code 2: what a file holds cannot be read. @throws ExitError */
export function unreadable(where: string, { code, expected, actual }: Failure): never {
  throw new ExitError(EXIT.usage, `${where}: ${code}: expected ${expected}, got ${actual}`);
}

/** Whether a file looks like JSON, rather than assembly. */
export const isJson = (text: string): boolean => text.trimStart().startsWith('{');

/** JSON of `cairo-compile` (or of `asm`), or our assembly. */
export function readProgramFile(path: string): Read {
  const text = readText(path);
  if (!isJson(text)) {
    const made = assemble(text);
    if (made.ok) return made.value;
    const { line, column } = made.failure;
    return unreadable(`${path}:${line}:${column}`, made.failure);
  }
  const loaded = loadProgram(text);
  if (!loaded.ok) return unreadable(path, loaded.failure);
  return { ...loaded.value, cells: cellsOf(text) };
}

/** `asm` writes the names of the statement cells into its JSON; `cairo-compile` knows none. */
function cellsOf(text: string): readonly string[] {
  const { cells } = JSON.parse(text) as { readonly cells?: unknown };
  return Array.isArray(cells) ? cells.filter((one) => typeof one === 'string') : [];
}

/** What pins a program: its words and builtins. Hints, which nothing here runs, may be any. */
export function readProgramToPin(path: string): Program {
  const text = readText(path);
  if (!isJson(text)) return readProgramFile(path);
  const parsed = parseProgram(text);
  return parsed.ok ? parsed.value : unreadable(path, parsed.failure);
}
