// The inputs of a run, by name or by frame cell.
import { P } from '@fatty/cairo-air';
import type { Hint, HintInput, Runnable } from '../program/load.ts';
import type { Machine } from './cairo-machine.ts';
import { RunError } from './failure.ts';

/** Values by name, or by frame cell. */
export type RunInputs = ReadonlyMap<string, bigint> | readonly (bigint | undefined)[];

/**
 * Writes a run's inputs into main's frame before its first instruction, or where a hint of the
 * compiled program does it; and does the other thing hints may do, open a memory segment.
 */
export class Inputs {
  readonly #main: number;
  /** By cell of main's frame. */
  readonly #cells: readonly (bigint | undefined)[];
  readonly #named: ReadonlyMap<string, bigint> | undefined;
  readonly #hints = new Map<number, Hint[]>();
  #entered = false;

  /** @throws RunError `unknown_input bad_input missing_input` */
  constructor(program: Runnable, inputs: RunInputs | undefined, cells: number) {
    const keys = program.hints.flatMap((hint) => (hint.kind === 'inputs' ? hint.inputs : []));
    this.#main = program.main;
    for (const hint of program.hints)
      this.#hints.set(hint.pc, [...(this.#hints.get(hint.pc) ?? []), hint]);
    if (isNamed(inputs)) {
      this.#named = inputs;
      this.#cells = byCell(program, inputs, keys);
    } else {
      const list = inputs ?? [];
      const size = Math.max(cells, program.cells.length, ...keys.map((key) => key.cell + 1));
      if (list.length > size)
        throw new RunError('unknown_input', `at most ${size} frame cells`, `${list.length}`);
      for (const [i, value] of list.entries())
        if (value !== undefined) demandFelt(value, `cell ${i}`);
      this.#named = inputs === undefined ? new Map() : undefined;
      this.#cells = list;
    }
    for (const { key, cell } of keys)
      if ((this.#named?.get(key) ?? this.#cells[cell]) === undefined)
        throw new RunError('missing_input', `an input ${key}`, 'none');
  }

  /** To be called before every step. */
  apply(machine: Machine): void {
    if (machine.pc.segment !== 0) return;
    const { offset } = machine.pc;
    if (!this.#entered && offset === this.#main) {
      this.#entered = true;
      this.#cells.forEach((value, i) => {
        if (value !== undefined) machine.memory.set(machine.fp.plus(i), value);
      });
    }
    for (const hint of this.#hints.get(offset) ?? []) this.#run(hint, machine);
  }

  #run(hint: Hint, machine: Machine): void {
    const { memory } = machine;
    if (hint.kind === 'segment') {
      memory.set(machine.ap, memory.addSegment());
      return;
    }
    for (const { key, cell } of hint.inputs) {
      const value = this.#named?.get(key);
      if (value !== undefined) memory.set(machine.fp.plus(cell), value);
    }
  }
}

const isNamed = (inputs: RunInputs | undefined): inputs is ReadonlyMap<string, bigint> =>
  inputs instanceof Map;

function byCell(
  program: Runnable,
  inputs: ReadonlyMap<string, bigint>,
  keys: readonly HintInput[],
): (bigint | undefined)[] {
  const known = [...program.cells, ...keys.map((key) => key.key)];
  for (const [name, value] of inputs) {
    if (!known.includes(name))
      throw new RunError('unknown_input', known.join(' ') || 'no inputs', String(name));
    demandFelt(value, name);
  }
  return program.cells.map((name) => inputs.get(name));
}

function demandFelt(value: unknown, name: string): void {
  if (typeof value !== 'bigint' || value < 0n || value >= P)
    throw new RunError('bad_input', `${name}: 0..p−1`, String(value).slice(0, 80));
}
