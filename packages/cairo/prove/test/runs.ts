// Runs of the lease program, and proofs by what matters of them.
import type { Outcome } from '@fatty/interface';
import { expect } from 'vitest';
import { fixtureText } from '../../verify/test/fixtures.ts';
import { loadProgram, type Proof, type Run, runProgram } from '../src/index.ts';

/** The lease program, run on these first frame cells. */
export function lease(cells: readonly (bigint | undefined)[], statementCells = 6): Run {
  const program = loadProgram(fixtureText('lease-tick.json'));
  if (!program.ok) throw new Error(program.failure.code);
  const options = { inputs: cells.slice(0, 4), statementCells, provable: true };
  const run = runProgram(program.value, options);
  if (!run.ok) throw new Error(run.failure.actual);
  return run.value;
}

/** The lease program from (0, 1), so many transitions. */
export const tick = (transitions: bigint): Run => lease([0n, 0n, 1n, transitions]);

export function must(outcome: Outcome<Proof>): Proof {
  if (outcome.ok) return outcome.value;
  throw new Error(`${outcome.failure.code}: ${outcome.failure.expected}`);
}

export const codeOf = (outcome: Outcome<Proof>): string =>
  outcome.ok ? 'proved' : outcome.failure.code;
export const hex = (proof: Proof): string => Buffer.from(proof.proofBytes).toString('hex');

export function expectSame(proof: Proof, wanted: Proof): void {
  expect(proof.publicInput).toEqual(wanted.publicInput);
  expect(hex(proof) === hex(wanted)).toBe(true);
}
