// One run of a program as a lease statement.
import { idOfProgram, LEASE_CELLS, proofParameters, runProgram } from '@fatty/cairo';
import type { ProofParameters } from '@fatty/cairo-air';
import { equalBytes, fail, ok } from '@fatty/codec';
import type { Failure, Outcome } from '@fatty/interface';
import type { MachineAnswer } from '../sdk/machine.ts';
import type { ParameterOptions, Run, Runnable } from './toolkit.ts';
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

/** Code `wrong_program`: the machine pins another one. */
export function checkProgram(program: Runnable, machine: MachineAnswer): Failure | undefined {
  const id = idOfProgram(program, machine.policy.layout);
  if (equalBytes(id, machine.programId)) return undefined;
  return { code: 'wrong_program', expected: 'the program of the machine', actual: 'another' };
}

/** What a statement says beside its span. */
export interface SpanCells {
  readonly binding: bigint;
  /** `in` and the window of entries; none without an inbox. */
  readonly inbox: readonly bigint[];
  /** Output cells that are inputs too. */
  readonly more: CellValues;
  readonly outputs: number;
}

/**
 * Runs n transitions from (t, s) as a lease statement. Codes of `runProgram`, `unknown_input`, and
 * `no_advance` for a program that does not move its clock.
 */
export function runSpan(
  program: Runnable,
  span: Span,
  { binding, inbox, more, outputs }: SpanCells,
): Outcome<SpanRun> {
  const cells: (bigint | undefined)[] = [binding, span.t, span.s, BigInt(span.n)];
  const outputsFrom = LEASE_CELLS + inbox.length;
  for (const [i, value] of inbox.entries()) cells[LEASE_CELLS + i] = value;
  for (const [name, value] of Object.entries(more)) {
    const cell = cellOf(program, name);
    if (cell === undefined || cell < outputsFrom)
      return fail('unknown_input', 'an output cell', name);
    cells[cell] = value;
  }
  const outcome = runProgram(program, {
    inputs: Array.from(cells),
    statementCells: outputsFrom + outputs,
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

/** Parameters of a proof of so many steps that the machine's policy takes. */
export function parametersFor(
  nSteps: number,
  { bitsMin }: MachineAnswer['policy'],
  options: ParameterOptions = {},
): ProofParameters {
  const logNCosets = nSteps <= STEPS_SMALL ? LOG_BLOW_UP.small : LOG_BLOW_UP.large;
  return proofParameters(nSteps, { bits: bitsMin, logNCosets, ...options });
}
