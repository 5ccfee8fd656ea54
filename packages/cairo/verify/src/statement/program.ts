// Reads the JSON of cairo-compile as far as it takes to pin a program.
import {
  attempt,
  demand,
  Fields,
  LIMITS,
  P,
  parseJson,
  Rejected,
  readFelt,
} from '@fatty/cairo-air';
import type { Digest, Outcome } from '@fatty/interface';
import { programId } from './program-id.ts';
import { demandPrologue } from './statement.ts';

/** As much of a compiled program as it takes to pin it. */
export interface Program {
  readonly builtins: readonly string[];
  /** Memory words from address 1. */
  readonly words: readonly bigint[];
  /** Offsets of `__start__`, `__end__` (in proof mode, else undefined) and `main` in `words`. */
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly main: number;
}

/**
 * Reads the JSON of `cairo-compile`. Codes as `parseStoneJson`, and `prologue` for a program
 * without builtins that was not compiled with `--proof_mode`. Never throws.
 */
export function parseProgram(text: string): Outcome<Program> {
  return attempt(() => {
    const { jsonBytes } = LIMITS;
    demand(text.length <= jsonBytes, 'too_large', `≤ ${jsonBytes} characters`, text.length);
    return readProgram(new Fields(parseJson(text), 'program', undefined));
  });
}

/** @throws Rejected with the codes of {@link parseProgram} */
export function readProgram(file: Fields): Program {
  const prime = BigInt(/^0x[0-9a-f]{1,64}$/i.exec(file.text('prime', 66))?.[0] ?? 0);
  demand(prime === P, 'bad_field', `prime 0x${P.toString(16)}`, `0x${prime.toString(16)}`);
  const words = file
    .list('data', LIMITS.publicCells)
    .map((word, i) => readFelt(word, `data[${i}]`));
  const builtins = file.list('builtins', LIMITS.segments).map((name) => {
    if (typeof name === 'string' && name.length <= LIMITS.name) return name;
    throw new Rejected('wrong_shape', 'builtins: names', 'something else');
  });
  const labels = new Fields(file.get('identifiers'), 'identifiers', undefined);
  const main = labelOf(labels, '__main__.main', words.length);
  if (main === undefined) throw new Rejected('wrong_shape', '__main__.main', 'nothing');
  const start = labelOf(labels, '__main__.__start__', words.length);
  const end = labelOf(labels, '__main__.__end__', words.length);
  if (builtins.length === 0) demandPrologue(words, main);
  return { builtins, words, start, end, main };
}

function labelOf(labels: Fields, name: string, size: number): number | undefined {
  if (!labels.has(name)) return undefined;
  return new Fields(labels.get(name), name, undefined).integer('pc', size - 1);
}

/** The id by which a machine pins this program in that layout. */
export function idOfProgram({ builtins, words }: Program, layout: string): Digest {
  return programId({ layout, builtins, words });
}
