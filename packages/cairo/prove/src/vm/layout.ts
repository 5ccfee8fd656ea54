// What the VM knows of a layout: its builtins, and how much of each fits into a step.

/** A builtin of a layout: memory cells that the proof checks by themselves. */
export interface BuiltinSpec {
  readonly name: string;
  /** One instance per so many steps; 0 for output, which has no instances. */
  readonly stepsPerInstance: number;
  readonly cellsPerInstance: number;
  /** Range-check units of a used cell. */
  readonly rangeUnitsPerCell: number;
  /** Whether our machine can run it; if not, its segment stays empty. */
  readonly runnable: boolean;
}

/** What of a Stone layout decides how a run is padded. */
export interface LayoutSpec {
  readonly name: string;
  /** In the order of their segments. */
  readonly builtins: readonly BuiltinSpec[];
}

/** Per step, of which an instruction takes 4, and a quarter is for public memory. */
export const MEMORY_UNITS = 8;
/** Memory units per step that are kept for public cells. */
export const PUBLIC_UNITS = 2;
/** Memory units that an instruction takes: itself and three operands. */
export const INSTRUCTION_UNITS = 4;
/** Per step, of which an instruction takes 3. */
export const RANGE_UNITS = 16;
/** Range-check units that an instruction takes: its three offsets. */
export const INSTRUCTION_RANGE_UNITS = 3;

const builtin = (
  name: string,
  stepsPerInstance: number,
  cellsPerInstance: number,
  rangeUnitsPerCell: number,
  runnable: boolean,
): BuiltinSpec => ({
  name,
  stepsPerInstance,
  cellsPerInstance,
  rangeUnitsPerCell,
  runnable,
});

/** The layouts we run (StarkWare's names and ratios). */
export const LAYOUTS: readonly LayoutSpec[] = [
  { name: 'plain', builtins: [] },
  {
    name: 'small',
    builtins: [
      builtin('output', 0, 1, 0, true),
      builtin('pedersen', 8, 3, 0, true),
      builtin('range_check', 8, 1, 8, true),
      builtin('ecdsa', 512, 2, 0, false),
    ],
  },
];
