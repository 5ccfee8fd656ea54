import {
  idOfProgram,
  LEASE_CELLS,
  type ParameterOptions,
  type ProofParameters,
  proofParameters,
  type Run,
  type Runnable,
  runProgram,
} from '@fatty/cairo';
import { equalBytes, fail, ok } from '@fatty/codec';
import type { Failure, Outcome } from '@fatty/interface';
import type { MachineAnswer } from '../sdk/machine.ts';
import type { CellValues, Span } from './types.ts';

/** A run that ended, as a lease statement. */
export interface SpanRun {
  readonly span: Span;
  readonly run: Run;
  readonly tTo: bigint;
  readonly sTo: bigint;
}

const T_TO = 4;
const S_TO = 5;
/** Steps after padding; a proof of so many takes half a minute. */
const STEPS_MAX = 2 ** 14;
/** Up to here a small proof is worth its time; beyond, blow-up 4 takes less than half of it. */
const STEPS_SMALL = 128;
const LOG_BLOW_UP = { small: 4, large: 2 };

/** How many public cells a program names after the six of a lease. */
export function outputsOf({ cells }: Runnable): number {
  return Math.max(0, cells.length - LEASE_CELLS);
}

/** Code `wrong_program`: the machine pins another one. */
export function checkProgram(program: Runnable, machine: MachineAnswer): Failure | undefined {
  const id = idOfProgram(program, machine.policy.layout);
  if (equalBytes(id, machine.programId)) return undefined;
  return { code: 'wrong_program', expected: 'the program of the machine', actual: 'another' };
}

/**
 * Runs n transitions from (t, s) as a lease statement bound to `binding`. Codes of `runProgram`,
 * and `no_advance` for a program that does not move its clock.
 */
export function runSpan(
  program: Runnable,
  span: Span,
  binding: bigint,
  more: CellValues,
  outputs: number,
): Outcome<SpanRun> {
  const cells: (bigint | undefined)[] = [binding, span.t, span.s, BigInt(span.n)];
  for (const [name, value] of Object.entries(more)) {
    const cell = cellOf(program, name);
    if (cell === undefined || cell < LEASE_CELLS)
      return fail('unknown_input', 'a cell after the six', name);
    cells[cell] = value;
  }
  const outcome = runProgram(program, {
    inputs: Array.from(cells),
    statementCells: LEASE_CELLS + outputs,
    stepsMax: STEPS_MAX,
    provable: true,
  });
  if (!outcome.ok) return { ok: false, failure: outcome.failure };
  const run = outcome.value;
  const { [T_TO]: tTo = 0n, [S_TO]: sTo = 0n } = run.cells;
  if (tTo <= span.t) return fail('no_advance', `tTo > ${span.t}`, `${tTo}`);
  return ok({ span, run, tTo, sTo });
}

function cellOf({ cells, hints }: Runnable, name: string): number | undefined {
  const at = cells.indexOf(name);
  if (at >= 0) return at;
  const inputs = hints.flatMap((hint) => (hint.kind === 'inputs' ? hint.inputs : []));
  return inputs.find((input) => input.key === name)?.cell;
}

export function parametersFor(
  nSteps: number,
  { bitsMin }: MachineAnswer['policy'],
  options: ParameterOptions = {},
): ProofParameters {
  const logNCosets = nSteps <= STEPS_SMALL ? LOG_BLOW_UP.small : LOG_BLOW_UP.large;
  return proofParameters(nSteps, { bits: bitsMin, logNCosets, ...options });
}
