// How many steps a run is filled up to.
import { type Builtin, capacity, rangeLimits } from './builtins.ts';
import {
  INSTRUCTION_RANGE_UNITS,
  INSTRUCTION_UNITS,
  MEMORY_UNITS,
  PUBLIC_UNITS,
  RANGE_UNITS,
} from './layout.ts';
import type { Memory } from './memory.ts';

/** What a run has used of what a layout gives. */
export interface Used {
  readonly steps: number;
  readonly builtins: readonly Builtin[];
  readonly memory: Memory;
  readonly rcMin: number;
  readonly rcMax: number;
  /** Addresses inside segments that no instruction uses: the proof's memory has no gaps. */
  readonly holes: number;
  readonly publicCells: number;
  readonly provable: boolean;
}

const STONE_STEPS_MIN = 16;

/**
 * Whether the trace of so many steps lacks room: the rules by which `cairo-run` doubles the number
 * of steps (`check_used_cells`), and with `provable` Stone's own.
 */
export function needsMoreSteps(used: Used): boolean {
  const { steps, provable, publicCells } = used;
  if (used.builtins.some((builtin) => lacksInstances(builtin, used))) return true;
  if (lacksRangeUnits(used) || lacksMemoryUnits(used)) return true;
  return provable && (steps < STONE_STEPS_MIN || publicCells > PUBLIC_UNITS * steps);
}

function lacksInstances(builtin: Builtin, { steps, memory }: Used): boolean {
  if (builtin.stepsPerInstance === 0) return false;
  const cells = capacity(builtin, steps) * builtin.cellsPerInstance;
  return steps < builtin.stepsPerInstance || memory.size(builtin.base.segment) > cells;
}

/** Every value from the smallest to the largest has to stand in the range-check column. */
function lacksRangeUnits({ steps, builtins, memory, rcMin, rcMax }: Used): boolean {
  const [min, max] = builtins.reduce<[number, number]>(
    (limits, builtin) => {
      const [low, high] = rangeLimits(builtin, memory) ?? limits;
      return [Math.min(limits[0], low), Math.max(limits[1], high)];
    },
    [rcMin, rcMax],
  );
  const taken = builtins.reduce(
    (sum, one) => sum + memory.size(one.base.segment) * one.rangeUnitsPerCell,
    0,
  );
  return (RANGE_UNITS - INSTRUCTION_RANGE_UNITS) * steps - taken < max - min;
}

function lacksMemoryUnits({ steps, builtins, holes }: Used): boolean {
  const taken = builtins.reduce((sum, one) => sum + capacity(one, steps) * one.cellsPerInstance, 0);
  return (MEMORY_UNITS - PUBLIC_UNITS - INSTRUCTION_UNITS) * steps - taken < holes;
}
