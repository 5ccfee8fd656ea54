// The builtins of a run: their segments, and the rules of what is written there.
import { pedersen } from '@fatty/cairo-air';
import type { Deduction } from './cairo-machine.ts';
import { RunError } from './failure.ts';
import type { BuiltinSpec, LayoutSpec } from './layout.ts';
import type { Memory } from './memory.ts';
import { type Address, same, show, type Value } from './value.ts';

/** A builtin in a run: its specification and its segment. */
export interface Builtin extends BuiltinSpec {
  readonly base: Address;
  /** Whether the program declares it. */
  readonly included: boolean;
}

const RANGE_BITS = 128n;
const PEDERSEN_CELLS = 3;

/** Adds a segment for every builtin of the layout. @throws RunError `unsupported_builtin` */
export function addBuiltins(
  memory: Memory,
  layout: LayoutSpec,
  wanted: readonly string[],
): Builtin[] {
  const names = layout.builtins.filter((one) => one.runnable).map((one) => one.name);
  const inOrder = names.filter((name) => wanted.includes(name));
  if (inOrder.join() !== wanted.join())
    throw new RunError(
      'unsupported_builtin',
      names.length === 0 ? `no builtins in ${layout.name}` : `some of ${names.join(' ')}, in order`,
      wanted.join(' ').slice(0, 200),
    );
  return layout.builtins.map((spec) => {
    const rule = spec.name === 'range_check' ? checkRange : undefined;
    return { ...spec, base: memory.addSegment(rule), included: wanted.includes(spec.name) };
  });
}

/** @throws RunError `range_check` */
function checkRange(address: Address, value: Value): void {
  if (typeof value === 'bigint' && value >> RANGE_BITS === 0n) return;
  throw new RunError('range_check', `a number below 2^128 in [${show(address)}]`, show(value));
}

/** Pedersen results: by segment, a function that knows them. */
export class Hasher {
  readonly deductions: ReadonlyMap<number, Deduction>;
  readonly #memory: Memory;
  /** Results that are ours: {@link verify} need not hash again. */
  readonly #known = new Set<number>();

  constructor(memory: Memory, builtins: readonly Builtin[]) {
    this.#memory = memory;
    const found = builtins.find((one) => one.name === 'pedersen');
    const deductions = new Map<number, Deduction>();
    if (found !== undefined) deductions.set(found.base.segment, (at) => this.#result(at));
    this.deductions = deductions;
  }

  /**
   * Compares results that the program wrote by itself. @throws RunError `wrong_hash bad_value`
   */
  verify(): void {
    for (const address of this.#memory.order) {
      const found = this.deductions.get(address.segment)?.(address);
      const value = this.#memory.get(address);
      if (found !== undefined && value !== undefined && !same(found, value))
        throw new RunError('wrong_hash', `${show(found)} in [${show(address)}]`, show(value));
    }
  }

  #result(address: Address): Value | undefined {
    if (address.offset % PEDERSEN_CELLS !== 2 || this.#known.has(address.offset)) return undefined;
    const x = this.#memory.get(address.plus(-2));
    const y = this.#memory.get(address.plus(-1));
    if (x === undefined || y === undefined) return undefined;
    if (typeof x !== 'bigint' || typeof y !== 'bigint')
      throw new RunError('bad_value', 'numbers to hash', `${show(x)}, ${show(y)}`);
    this.#known.add(address.offset);
    return pedersen(x, y);
  }
}

/** Instances that the layout has room for in so many steps. */
export function capacity(builtin: BuiltinSpec, steps: number): number {
  return builtin.stepsPerInstance === 0 ? 0 : Math.floor(steps / builtin.stepsPerInstance);
}

/** Cells of the builtin's segment in the proof: as many as fit, for output as many as are used. */
export function segmentSize(builtin: Builtin, steps: number, memory: Memory): number {
  if (builtin.name === 'output') return memory.size(builtin.base.segment);
  return capacity(builtin, steps) * builtin.cellsPerInstance;
}

/** Smallest and largest 16-bit part of the checked values, if there are any. */
export function rangeLimits(builtin: Builtin, memory: Memory): [number, number] | undefined {
  if (builtin.name !== 'range_check') return undefined;
  const parts: number[] = [];
  for (let offset = 0; offset < memory.size(builtin.base.segment); offset++) {
    const value = memory.get(builtin.base.plus(offset));
    if (typeof value !== 'bigint') continue;
    for (let i = 0n; i < 8n; i++) parts.push(Number((value >> (16n * i)) & 0xffffn));
  }
  if (parts.length === 0) return undefined;
  return parts.reduce<[number, number]>(
    ([min, max], part) => [Math.min(min, part), Math.max(max, part)],
    [0xffff, 0],
  );
}
