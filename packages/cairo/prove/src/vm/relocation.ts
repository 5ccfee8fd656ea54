// A run's segments put into one memory: trace, memory, public and private input.
import { P, type PublicInput, reduce, type Segment } from '@fatty/cairo-air';
import { type Builtin, rangeLimits, segmentSize } from './builtins.ts';
import type { Registers } from './cairo-machine.ts';
import { RunError } from './failure.ts';
import type { Memory } from './memory.ts';
import { Address, show, type Value } from './value.ts';

/** Registers before a step, as addresses of the proof's memory. */
export interface TraceEntry {
  readonly ap: number;
  readonly fp: number;
  readonly pc: number;
}

/** A cell of the proof's memory; values in 0..p−1. */
export interface MemoryCell {
  readonly address: number;
  readonly value: bigint;
}

/** Where each segment of a finished run lies in the proof's memory, one after the other from 1. */
export class Relocation {
  readonly #bases: number[] = [];

  constructor(memory: Memory, builtins: readonly Builtin[], steps: number) {
    const sizes = new Map(
      builtins.map((one) => [one.base.segment, segmentSize(one, steps, memory)] as const),
    );
    let next = 1;
    for (let segment = 0; segment < memory.segments; segment++) {
      this.#bases.push(next);
      next += sizes.get(segment) ?? memory.size(segment);
    }
  }

  valueOf(value: Value): bigint {
    if (typeof value === 'bigint') return value;
    return reduce(BigInt(this.#base(value) + value.offset));
  }

  /** @throws RunError `bad_address` for what lies before its segment */
  addressOf(address: Address): number {
    if (address.offset >= 0) return this.#base(address) + address.offset;
    throw new RunError('bad_address', 'an address in its segment', show(address));
  }

  registers({ ap, fp, pc }: Registers): TraceEntry {
    return { ap: this.addressOf(ap), fp: this.addressOf(fp), pc: this.addressOf(pc) };
  }

  #base({ segment }: Address): number {
    return this.#bases[segment] ?? 0;
  }
}

/** What {@link publicInput} puts together. */
export interface Finished {
  readonly layout: string;
  readonly machine: { readonly steps: number; readonly rcMin: number; readonly rcMax: number };
  readonly program: { readonly begin: Registers | undefined; readonly end: Registers };
  readonly builtins: readonly Builtin[];
  readonly memory: Memory;
  /** Final pointers of the builtins that the program has, in order. */
  readonly stops: readonly Value[];
  readonly cells: readonly MemoryCell[];
  readonly relocation: Relocation;
}

/** Stone's public input of a run: every public cell is on page 0. */
export function publicInput(run: Finished): PublicInput {
  const { machine, relocation } = run;
  const begin = run.program.begin ?? run.program.end;
  const { end } = run.program;
  const segment = (name: string, from: Address, to: Address): Segment => ({
    name,
    beginAddr: relocation.addressOf(from),
    stopPtr: relocation.addressOf(to),
  });
  const stops = [...run.stops];
  const segments = [
    segment('program', begin.pc, end.pc),
    segment('execution', begin.ap, end.ap),
    ...run.builtins.map(({ name, base, included }) => {
      const stop = included ? stops.shift() : base;
      return segment(name, base, stop instanceof Address ? stop : base);
    }),
  ];
  const limits = run.builtins.flatMap((builtin) => rangeLimits(builtin, run.memory) ?? []);
  return {
    layout: run.layout,
    nSteps: machine.steps,
    rcMin: Math.min(machine.rcMin, ...limits),
    rcMax: Math.max(machine.rcMax, ...limits),
    segments: segments.sort((a, b) => (a.name < b.name ? -1 : 1)),
    dynamicParams: [],
    publicMemory: run.cells.map((cell) => ({ ...cell, page: 0 })),
  };
}

/** What a prover has to know of builtins beyond the memory. */
export interface PrivateInput {
  readonly pedersen: readonly PedersenInstance[];
  readonly rangeCheck: readonly { readonly index: number; readonly value: bigint }[];
}

/** A use of the Pedersen builtin: its place in the segment, and the two inputs. */
export interface PedersenInstance {
  readonly index: number;
  readonly x: bigint;
  readonly y: bigint;
}

/** What a finished run wrote to the segments of its builtins. */
export function privateInput(builtins: readonly Builtin[], memory: Memory): PrivateInput {
  const cells = (name: string): (bigint | undefined)[] => {
    const base = builtins.find((one) => one.name === name)?.base;
    if (base === undefined) return [];
    return Array.from({ length: memory.size(base.segment) }, (_, i) => {
      const value = memory.get(base.plus(i));
      return typeof value === 'bigint' ? value : undefined;
    });
  };
  const hashes = cells('pedersen');
  const pedersen: PedersenInstance[] = [];
  for (let index = 0; 3 * index < hashes.length; index++) {
    const [x, y] = [hashes[3 * index], hashes[3 * index + 1]];
    if (x === undefined || y === undefined || x >= P)
      throw new RunError('bad_value', `both inputs of pedersen instance ${index}`, 'one missing');
    pedersen.push({ index, x, y });
  }
  const rangeCheck = cells('range_check').flatMap((value, index) =>
    value === undefined ? [] : [{ index, value }],
  );
  return { pedersen, rangeCheck };
}
