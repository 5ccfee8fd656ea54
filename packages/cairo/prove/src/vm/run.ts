// Runs a program in proof mode.
import { LIMITS, P, type PublicInput } from '@fatty/cairo-air';
import type { Runnable } from '../program/load.ts';
import { addBuiltins, type Builtin, Hasher } from './builtins.ts';
import { Machine } from './cairo-machine.ts';
import { RunError, type RunFailure } from './failure.ts';
import { Inputs, type RunInputs } from './inputs.ts';
import { LAYOUTS, type LayoutSpec } from './layout.ts';
import { Memory } from './memory.ts';
import { needsMoreSteps, type Used } from './padding.ts';
import {
  type MemoryCell,
  type PrivateInput,
  privateInput,
  publicInput,
  Relocation,
  type TraceEntry,
} from './relocation.ts';
import { Address, same, show, type Value } from './value.ts';

/** How to run a program. */
export interface RunOptions {
  /** `plain` (default) or `small`. */
  readonly layout?: string;
  /**
   * By name of hint key or statement cell, or an array of main's first frame cells (undefined:
   * the program writes that cell itself).
   */
  readonly inputs?: RunInputs;
  /** How many of main's first frame cells are public; the default is what the program declares. */
  readonly statementCells?: number;
  /** Pad to at least this many steps; a power of two. */
  readonly stepsMin?: number;
  /** Steps after padding (`step_limit`); default 2^20. */
  readonly stepsMax?: number;
  /** Pad on until Stone can prove it: 16 steps, and room for the public memory. */
  readonly provable?: boolean;
}

/** A finished run in proof mode. */
export interface Run {
  readonly publicInput: PublicInput;
  readonly privateInput: PrivateInput;
  /** One entry per step, as many as `publicInput.nSteps`. */
  readonly trace: readonly TraceEntry[];
  /** In the order of first writes. */
  readonly memory: readonly MemoryCell[];
  /** Values of the public frame cells, and what the program wrote to the output builtin. */
  readonly cells: readonly bigint[];
  readonly output: readonly bigint[];
  /** Steps before padding. */
  readonly stepsUsed: number;
}

/** A finished run, or where and why it stopped. */
export type RunOutcome =
  | { readonly ok: true; readonly value: Run }
  | { readonly ok: false; readonly failure: RunFailure };

const STEPS_MAX = 2 ** 20;
/** Frame cells that can be made public. */
export const CELLS_MAX = 4096;

/**
 * Runs a program in proof mode, as StarkWare's `cairo-run --proof_mode`: same trace, memory and
 * public input. The run fails where the program breaks one of its own assertions; nothing is proved
 * then. Codes: `RunCode`, with step and address. Never throws; deterministic.
 */
export function runProgram(program: Runnable, options: RunOptions = {}): RunOutcome {
  let runner: Runner | undefined;
  try {
    runner = new Runner(program, options);
    runner.run();
    return { ok: true, value: runner.result() };
  } catch (error) {
    const machine = runner?.machine;
    const pc = machine?.pc.segment === 0 ? machine.pc.offset + 1 : undefined;
    const place = { step: machine?.trace.length ?? 0, pc, instruction: machine?.describe() };
    if (error instanceof RunError) {
      const { code, expected, actual } = error;
      return { ok: false, failure: { code, expected, actual, ...place } };
    }
    const wrong = { expected: 'a program and options of their types', actual: String(error) };
    return { ok: false, failure: { code: 'bad_program', ...wrong, ...place } };
  }
}

class Runner {
  readonly machine: Machine;
  readonly #program: Runnable;
  readonly #layout: LayoutSpec;
  readonly #memory = new Memory();
  readonly #code: Address;
  readonly #stack: Address;
  readonly #builtins: Builtin[];
  readonly #hasher: Hasher;
  readonly #inputs: Inputs;
  readonly #end: number;
  readonly #limits: { readonly min: number; readonly max: number; readonly provable: boolean };
  readonly #publicCells: number;
  #stepsUsed = 0;

  /** @throws RunError `unsupported_… not_proof_mode bad_option bad_program …_input` */
  constructor(program: Runnable, options: RunOptions) {
    const { layout = 'plain', stepsMin = 1, stepsMax = STEPS_MAX, provable = false } = options;
    const { statementCells = program.cells.length } = options;
    this.#program = program;
    this.#layout = layoutOf(layout);
    demandOption(isPowerOfTwo(stepsMin), 'stepsMin: a power of two', stepsMin);
    demandOption(stepsMax >= 1 && stepsMax <= STEPS_MAX, `stepsMax: 1..${STEPS_MAX}`, stepsMax);
    const fits = Number.isInteger(statementCells) && statementCells >= 0;
    demandOption(
      fits && statementCells <= CELLS_MAX,
      `statementCells: 0..${CELLS_MAX}`,
      statementCells,
    );
    if (program.start === undefined || program.end === undefined)
      throw new RunError('not_proof_mode', '__start__ and __end__ (--proof_mode)', 'none');
    this.#end = program.end;
    this.#limits = { min: stepsMin, max: stepsMax, provable };
    this.#publicCells = statementCells;
    this.#code = this.#memory.addSegment();
    this.#stack = this.#memory.addSegment();
    this.#builtins = addBuiltins(this.#memory, this.#layout, program.builtins);
    this.#hasher = new Hasher(this.#memory, this.#builtins);
    this.#load();
    const frame = this.#stack.plus(2);
    const start = { pc: this.#code.plus(program.start), ap: frame, fp: frame };
    this.machine = new Machine(this.#memory, start, this.#hasher.deductions);
    for (const i of program.words.keys()) this.machine.touch(this.#code.plus(i));
    this.#inputs = new Inputs(program, options.inputs, statementCells);
  }

  /** Words, then [fp − 2] = fp and [fp − 1] = 0 (safe call), then the builtins' pointers. */
  #load(): void {
    const { words, builtins } = this.#program;
    for (const [i, word] of words.entries()) {
      const fits = typeof word === 'bigint' && word >= 0n && word < P;
      if (!fits) throw new RunError('bad_program', 'words of the field', `${show(word)}`);
      this.#memory.set(this.#code.plus(i), word);
    }
    const stack: Value[] = [this.#stack.plus(2), 0n];
    for (const builtin of this.#builtins)
      if (builtins.includes(builtin.name)) stack.push(builtin.base);
    for (const [i, value] of stack.entries()) this.#memory.set(this.#stack.plus(i), value);
  }

  /** To `__end__`, one step more, then the final jump in place until the layout has room. */
  run(): void {
    const end = this.#code.plus(this.#end);
    while (!same(this.machine.pc, end)) this.#step();
    const { ap } = this.machine;
    this.#step();
    if (!same(this.machine.pc, end) || !same(this.machine.ap, ap))
      throw new RunError(
        'not_proof_mode',
        '__end__: jmp rel 0, to pad with',
        'another instruction',
      );
    this.#stepsUsed = this.machine.trace.length;
    this.#padTo(this.#limits.min);
    this.#hasher.verify();
    this.#padTo(nextPowerOfTwo(this.machine.trace.length));
    this.#padTo(this.#stepsNeeded());
  }

  /** Padding uses nothing new, so that its end is known before. @throws RunError `step_limit` */
  #stepsNeeded(): number {
    const used = this.#used();
    const { max } = this.#limits;
    let steps = this.machine.trace.length;
    while (needsMoreSteps({ ...used, steps })) {
      steps *= 2;
      if (steps > max) throw new RunError('step_limit', `at most ${max} steps`, 'a need of more');
    }
    return steps;
  }

  #step(): void {
    const { max } = this.#limits;
    if (this.machine.trace.length >= max)
      throw new RunError('step_limit', `at most ${max} steps`, 'more');
    this.#inputs.apply(this.machine);
    this.machine.step();
  }

  #padTo(steps: number): void {
    while (this.machine.trace.length < steps) this.#step();
  }

  #used(): Omit<Used, 'steps'> {
    const { rcMin, rcMax } = this.machine;
    const holes = [this.#code, this.#stack, ...this.#others()].reduce(
      (sum, { segment }) => sum + this.#memory.size(segment) - this.machine.accessed(segment),
      0,
    );
    const { provable } = this.#limits;
    const publicCells = provable ? this.#publicAddresses(undefined).length : 0;
    const memory = this.#memory;
    return { builtins: this.#builtins, memory, rcMin, rcMax, holes, publicCells, provable };
  }

  /** Segments whose holes have to be filled: output, and those that hints made. */
  #others(): Address[] {
    const output = this.#builtins.filter((one) => one.name === 'output').map((one) => one.base);
    const first = 2 + this.#builtins.length;
    const made = Array.from(
      { length: this.#memory.segments - first },
      (_, i) => new Address(first + i, 0),
    );
    return [...output, ...made];
  }

  /**
   * Program, safe call, builtin pointers before, statement cells, builtin pointers after, output.
   * @throws RunError `public_cells`
   */
  #publicAddresses(after: number | undefined): Address[] {
    const included = this.#program.builtins.length;
    const range = (base: Address, from: number, size: number): Address[] =>
      Array.from({ length: size }, (_, i) => base.plus(from + i));
    const stop = after ?? this.machine.ap.offset - included;
    const frame = 4 + included;
    const output = this.#builtins.find((one) => one.name === 'output');
    const outputs = output === undefined ? 0 : this.#memory.size(output.base.segment);
    const size = this.#program.words.length + 2 + 2 * included + this.#publicCells + outputs;
    const { publicCells } = LIMITS;
    if (size > publicCells)
      throw new RunError('public_cells', `at most ${publicCells} public cells`, `${size}`);
    return [
      ...range(this.#code, 0, this.#program.words.length),
      ...range(this.#stack, 0, 2 + included),
      ...range(this.#stack, frame, this.#publicCells),
      ...range(this.#stack, stop, included),
      ...(output ? range(output.base, 0, outputs) : []),
    ];
  }

  /** @throws RunError `stop_pointer unset_cell bad_address public_cells` */
  result(): Run {
    const steps = this.machine.trace.length;
    const stops = this.#stops();
    const relocation = new Relocation(this.#memory, this.#builtins, steps);
    const values = (addresses: readonly Address[]): MemoryCell[] =>
      addresses.map((address) => ({
        address: relocation.addressOf(address),
        value: relocation.valueOf(this.#set(address)),
      }));
    const cells = this.#publicAddresses(this.machine.ap.offset - stops.length);
    const frame = this.#program.words.length + 2 + stops.length;
    const shown = values(cells);
    const { rcMin, rcMax } = this.machine;
    const outputSize = cells.length - frame - this.#publicCells - stops.length;
    return {
      publicInput: publicInput({
        layout: this.#layout.name,
        machine: { steps, rcMin, rcMax },
        program: { begin: this.machine.trace[0], end: this.machine },
        builtins: this.#builtins,
        memory: this.#memory,
        stops,
        cells: shown,
        relocation,
      }),
      privateInput: privateInput(this.#builtins, this.#memory),
      trace: this.machine.trace.map((registers) => relocation.registers(registers)),
      memory: values(this.#memory.order),
      cells: shown.slice(frame, frame + this.#publicCells).map((cell) => cell.value),
      output: shown.slice(shown.length - outputSize).map((cell) => cell.value),
      stepsUsed: this.#stepsUsed,
    };
  }

  #set(address: Address): Value {
    const value = this.#memory.get(address);
    if (value !== undefined) return value;
    const name = this.#program.cells[address.offset - 4 - this.#program.builtins.length];
    const what = name === undefined ? show(address) : `statement cell ${name} (${show(address)})`;
    throw new RunError('unset_cell', `a value in public ${what}`, 'none');
  }

  /** Final pointers of the builtins: main leaves them before ap. @throws RunError `stop_pointer` */
  #stops(): Value[] {
    const included = this.#builtins.filter((one) => one.included);
    const first = this.machine.ap.offset - included.length;
    return included.map((builtin, i) => {
      const found = this.#memory.get(this.#stack.plus(first + i));
      const cells = builtin.cellsPerInstance;
      const used = Math.ceil(this.#memory.size(builtin.base.segment) / cells) * cells;
      const wanted = builtin.base.plus(used);
      if (found === undefined || !same(found, wanted))
        throw new RunError('stop_pointer', `${builtin.name} pointer ${show(wanted)}`, show(found));
      return found;
    });
  }
}

function layoutOf(name: string): LayoutSpec {
  const layout = LAYOUTS.find((one) => one.name === name);
  if (layout !== undefined) return layout;
  const known = LAYOUTS.map((one) => one.name).join(' ');
  throw new RunError('unsupported_layout', known, String(name).slice(0, 64));
}

function demandOption(holds: boolean, expected: string, actual: unknown): void {
  if (!holds) throw new RunError('bad_option', expected, String(actual));
}

const isPowerOfTwo = (value: number): boolean =>
  Number.isInteger(value) && value >= 1 && value <= STEPS_MAX && (value & (value - 1)) === 0;

function nextPowerOfTwo(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}
