// Codes of runs and provers, each with what is answered by it.
import { assemble, proofParameters, type Runnable, runProgram } from '@fatty/cairo';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { commandProver } from '../src/worker/index.ts';
import { runSpan } from '../src/worker/span.ts';

function programOf(text: string): Runnable {
  const program = assemble(text);
  if (!program.ok) throw new Error(program.failure.code);
  return program.value;
}

/** A statement of six cells whose clock ends at `tTo`. */
const clockEndingAt = (tTo: string): Runnable =>
  programOf(`cell binding, tFrom, sFrom, n, tTo, sTo
main:
  ap += CELLS
  ${tTo}
  sTo = sFrom
  ret
`);

describe('a program that does not move its clock', () => {
  const none = { binding: 0n, inbox: [], more: {}, outputs: 0 };
  const span = { t: 7n, s: 3n, n: 1, entries: [] };

  it.each([
    ['tTo = tFrom', 'no_advance', '7'],
    ['tTo = 6', 'no_advance', '6'],
  ])('ends in %s and is told so before anybody proves it', (assignment, code, actual) => {
    const ran = runSpan(clockEndingAt(assignment), span, none);
    expect(ran).toEqual({ ok: false, failure: { code, expected: 'tTo > 7', actual } });
  });

  it('is fine as soon as it moves it by one', () => {
    const ran = runSpan(clockEndingAt('tTo = tFrom + 1'), span, none);
    expect(ran).toMatchObject({ ok: true, value: { tTo: 8n, sTo: 3n } });
  });
});

describe('an outside prover', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('that has no place for its files is never started', async () => {
    const program = clockEndingAt('tTo = tFrom + 1');
    const run = runProgram(program, {
      inputs: [0n, 7n, 3n, 1n],
      statementCells: 6,
      provable: true,
    });
    if (!run.ok) throw new Error(run.failure.code);
    vi.stubEnv('TMPDIR', '/does/not/exist');
    const prover = commandProver({ command: '/never/started {proof}' });
    const made = await prover.prove(run.value, proofParameters(run.value.publicInput.nSteps));
    expect(made).toMatchObject({
      failure: { code: 'unwritable', expected: 'a folder for files' },
    });
    expect(JSON.stringify(made)).toContain('/does/not/exist');
  });
});
