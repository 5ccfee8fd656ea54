import { assemble, proofParameters, type Runnable, runProgram } from '@fatty/cairo';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { commandProver } from '../src/worker/index.ts';
import { runSpan } from '../src/worker/span.ts';
import { type Behaviour, FakeCell } from './fake-cell.ts';
import { SimClient } from './sim-client.ts';

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

describe('a gateway', () => {
  it('that answers a batch nobody sent is suspected, and counts for nothing', () => {
    const liar: Behaviour = {
      delayMs: 0,
      lie: (message) => {
        if (message.kind !== 'receipt') return message;
        const batch = message.batch.slice() as typeof message.batch;
        batch[0] = (batch[0] ?? 0) ^ 1;
        return { ...message, batch };
      },
    };
    const cell = new FakeCell(4, { 2: liar });
    const client = new SimClient(cell).connect();
    const calls = [client.write(), client.write('/b')];
    cell.run(5_000);
    for (const call of calls) expect(client.answer(call)).toBe('results');
    expect(client.suspects.length).toBeGreaterThan(0);
    for (const { replica, failure } of client.suspects) {
      expect([replica, failure.code]).toEqual([2, 'wrong_receipt']);
    }
  });

  it('alone with the truth is not believed over liars without receipts', () => {
    const liar: Behaviour = {
      lie: (message) =>
        message.kind === 'receipt'
          ? { ...message, batch: new Uint8Array(32) as typeof message.batch }
          : message,
    };
    const cell = new FakeCell(4, { 0: liar, 1: liar, 2: liar });
    const client = new SimClient(cell).connect();
    const call = client.write();
    cell.run(10_000);
    expect(client.answer(call)).toBeUndefined();
    expect(new Set(client.suspects.map((one) => one.replica))).toEqual(new Set([0, 1, 2]));
  });
});

it('an op that fits no batch is refused before anything is sent', () => {
  const cell = new FakeCell(4);
  const { opBytesMax } = cell.cell.committee.params.limits;
  const client = new SimClient(cell).connect();
  const call = client.call({
    kind: 'ops',
    ops: [
      {
        kind: 'renewMachine',
        path: '/m',
        nonce: { commit: 1, index: 0 },
        outputs: 0,
        inbox: 0,
        proofs: [new Uint8Array(opBytesMax / 2), new Uint8Array(opBytesMax / 2)],
      },
    ],
  });
  cell.run(1_000);
  expect(client.outcomes.get(call)).toMatchObject({ failure: { code: 'op_too_large' } });
  expect(client.sent.filter(({ message }) => message.kind === 'submit')).toEqual([]);
});
