// Each constraint of each layout is needed: a trace breaks it and no other.
import { describe, expect, it } from 'vitest';
import type { Place } from '../../air/src/layouts/builder.ts';
import type { Layout } from '../../air/src/layouts/expression.ts';
import { RECURSIVE, RECURSIVE_TABLE } from '../../air/src/layouts/recursive.ts';
import {
  RECURSIVE_WITH_POSEIDON,
  RECURSIVE_WITH_POSEIDON_TABLE,
} from '../../air/src/layouts/recursive-with-poseidon.ts';
import { SMALL, SMALL_TABLE } from '../../air/src/layouts/small.ts';
import { STARKNET, STARKNET_TABLE } from '../../air/src/layouts/starknet.ts';
import type { LayoutTable } from '../../air/src/layouts/table.ts';
import { BREAKS, IMPLIED } from './breaks.ts';
import { Evaluator, type Trace } from './evaluator.ts';
import { Filling, fillCpu, fillDiluted, fillMemory, fillOffsets, ROWS_TIMES } from './filling.ts';
import { fillBitwise, fillParts, fillPoseidon, fillRangeCheck } from './filling-builtins.ts';
import { fillEcdsa } from './filling-ecdsa.ts';
import { fillEcOp, fillPedersen } from './filling-points.ts';
import { TamperedTable } from './tampered-table.ts';

const CPU = /^(decode|operands|update|call|ret|assert|initial|final)\//;

/**
 * A bit b that is none leaves the sum where it is, and then 2·b·y = 0: the points that these sums
 * can reach are on the curve, which has none with y = 0. EC operations may begin anywhere.
 */
const IMPLIED_BITS = /^(pedersen\/hash\d|ecdsa\/by_(generator|key))\/bit$/;

/** Where the bits that are left of a sum stand, and the rows from one to the next. */
function bitsOf({ pedersen, ecdsa }: LayoutTable, name: string): readonly [Place, number] {
  const [, hash] = /^pedersen\/hash(\d)/.exec(name) ?? [];
  const found = hash === undefined ? undefined : pedersen?.hashes[Number(hash)]?.rest;
  if (found !== undefined) return [found, pedersen?.stride ?? 0];
  if (ecdsa === undefined) throw new Error(name);
  const isKey = name.includes('by_key');
  return isKey ? [ecdsa.byKey.rest, ecdsa.stride] : [ecdsa.byGenerator.rest, 2 * ecdsa.stride];
}

/** The CPU's cells of a run of the layout plain, where another layout keeps them. */
function asCpu(run: TamperedTable, layout: Layout, { cpu }: LayoutTable): Trace {
  const count = layout.columnsFirst + layout.columnsSecond;
  const columns = Array.from({ length: count }, () => Array.from({ length: run.rows }, () => 0n));
  const put = ([column, row]: Place, from: number, at: number): void => {
    const cells = columns[column];
    for (let step = 0; step < run.rows; step += 16)
      if (cells !== undefined) cells[(row + step) % run.rows] = run.at(from, at + step);
  };
  for (let row = 0; row < 16; row++) put([cpu.flags, row], 1, row);
  for (const row of [0, 4, 8]) put([cpu.offsets, row], 0, row);
  for (const row of [0, 1, 4, 5, 8, 9, 12, 13]) put([cpu.memory, row], 3, row);
  const [column, first] = cpu.registers;
  for (const row of [0, 2, 4, 8, 10, 12]) put([column, first + row], 5, row);
  return { columns, parameters: new Map([...run.parameters, ...run.overrides]) };
}

type Fill = (filling: Filling) => void;

const FILLS: readonly Fill[] = [
  fillCpu,
  fillPedersen,
  fillParts,
  fillOffsets,
  fillRangeCheck,
  fillEcdsa,
  fillBitwise,
  fillEcOp,
  fillPoseidon,
  fillDiluted,
  fillMemory,
];

/** What a slip in a component changes, in the order of filling; memory follows every access. */
const AGAIN: Readonly<Record<string, readonly Fill[]>> = {
  memory: [fillMemory],
  public: [fillMemory],
  offset: [fillOffsets, fillRangeCheck, fillMemory],
  diluted: [fillDiluted],
  pedersen: [fillPedersen, fillMemory],
  range_check: [fillRangeCheck, fillMemory],
  ecdsa: [fillEcdsa, fillMemory],
  bitwise: [fillBitwise, fillDiluted, fillMemory],
  ec_op: [fillEcOp, fillMemory],
  poseidon: [fillPoseidon, fillMemory],
};

function traceOf(layout: Layout, table: LayoutTable): Trace {
  const filling = new Filling(layout, table);
  for (const fill of FILLS) fill(filling);
  return filling.trace();
}

function traceWith(layout: Layout, table: LayoutTable, fault: string, good: Trace): Trace {
  const filling = new Filling(layout, table, fault, good);
  for (const fill of AGAIN[fault.split('/')[0] ?? ''] ?? []) fill(filling);
  return filling.trace();
}

describe.each([
  ['small', SMALL, SMALL_TABLE],
  ['recursive', RECURSIVE, RECURSIVE_TABLE],
  ['recursive_with_poseidon', RECURSIVE_WITH_POSEIDON, RECURSIVE_WITH_POSEIDON_TABLE],
  ['starknet', STARKNET, STARKNET_TABLE],
] as const)('the AIR of %s', (_, layout, table) => {
  const evaluator = new Evaluator(layout, ROWS_TIMES * layout.rowsMin);
  const good = traceOf(layout, table);

  it('holds on a trace with every builtin in use', () => {
    expect(evaluator.broken(good)).toEqual([]);
  });

  const names = layout.constraints.map(({ name }) => name);
  const implied = names.filter((name) => IMPLIED_BITS.test(name));
  const alone = names.filter((name) => !CPU.test(name) && !implied.includes(name));

  it.each(alone)('has no constraint that says %s already', (name) => {
    expect(evaluator.brokenSince(good, traceWith(layout, table, name, good))).toEqual([name]);
  });

  it.each(implied)('has others that imply %s', (name) => {
    const filling = new Filling(layout, table, '', good);
    const [place, stride] = bitsOf(table, name);
    filling.set(place, 5 * stride, filling.at(place, 5 * stride) + 2n);
    const broken = evaluator.brokenSince(good, filling.trace());
    expect(broken).toContain(name);
    expect(broken.length).toBeGreaterThan(1);
  });

  it.each(Object.keys(BREAKS).filter((name) => CPU.test(name)))('of the CPU: %s', (name) => {
    const run = new TamperedTable();
    const cpu = new Evaluator(layout, run.rows);
    expect(cpu.broken(asCpu(run, layout, table), CPU)).toEqual([]);
    BREAKS[name]?.(run);
    expect(cpu.broken(asCpu(run, layout, table), CPU)).toEqual([name]);
  });

  it('has each of its constraints broken alone, but for those that others imply', () => {
    const tried = [...alone, ...implied, ...Object.keys(BREAKS).filter((name) => CPU.test(name))];
    expect([...tried, IMPLIED].sort()).toEqual([...names].sort());
  });
});
