// The VM: runs, failures, files.
import { ok } from '@fatty/codec';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { P } from '../../air/src/felt/felt.ts';
import { fixture, fixtureText, leaseChain } from '../../verify/test/fixtures.ts';
import {
  assemble,
  loadProgram,
  pedersen,
  type Run,
  type RunFailure,
  type Runnable,
  type RunOptions,
  readAirPublicInput,
  readInputs,
  readMemory,
  readTrace,
  runProgram,
  writeAirPublicInput,
  writeMemory,
  writeTrace,
} from '../src/index.ts';

const program = (text: string): Runnable => {
  const outcome = assemble(text);
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.failure));
  return outcome.value;
};
const runOf = (source: Runnable, options: RunOptions = {}): Run => {
  const outcome = runProgram(source, options);
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.failure));
  return outcome.value;
};
const failureOf = (source: Runnable, options: RunOptions = {}): RunFailure => {
  const outcome = runProgram(source, options);
  if (outcome.ok) throw new Error('ran');
  return outcome.failure;
};

const compiled = (): Runnable => {
  const outcome = loadProgram(fixtureText('lease-tick.json'));
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.failure));
  return outcome.value;
};

describe('runs', () => {
  it('have the public input of the proofs that Stone made of them', () => {
    for (const { publicInput } of [fixture('statement-cells.json'), ...leaseChain()]) {
      const cells = publicInput.publicMemory.slice(-6).map((cell) => cell.value);
      const [lessee = 0n, tFrom = 0n, sFrom = 0n, n = 0n] = cells;
      const inputs = new Map([
        ['lessee', lessee],
        ['t_from', tFrom],
        ['s_from', sFrom],
        ['n', n],
      ]);
      const run = runOf(compiled(), { inputs, statementCells: 6 });
      expect(run.publicInput).toEqual(publicInput);
      expect(run.cells).toEqual(cells);
      // By cell instead of by name: the same run.
      const byCell = runOf(compiled(), { inputs: [lessee, tFrom, sFrom, n], statementCells: 6 });
      expect(byCell).toEqual(run);
    }
  });

  it('obey the constraints of the CPU at every step, as the whitepaper writes them', () => {
    const small = fc.bigInt({ min: 0n, max: P - 1n });
    fc.assert(
      fc.property(small, small, fc.integer({ min: 1, max: 20 }), (t, s, n) => {
        const inputs = [0n, t, s, BigInt(n)];
        expectLegal(runOf(compiled(), { inputs }));
      }),
      { numRuns: 20 },
    );
    expectLegal(runOf(program(BUILTINS), { layout: 'small' }));
  });

  it('use output, Pedersen and range check', () => {
    const run = runOf(program(BUILTINS), { layout: 'small' });
    expect(run.output).toEqual([pedersen(1n, 2n)]);
    expect(run.privateInput).toEqual({
      pedersen: [{ index: 0, x: 1n, y: 2n }],
      rangeCheck: [{ index: 0, value: 5n }],
    });
    // Behind the output, builtins take as many cells as 4,096 steps have room for.
    const begins = new Map(run.publicInput.segments.map((one) => [one.name, one.beginAddr]));
    const pedersenAt = begins.get('pedersen') ?? 0;
    expect(begins.get('range_check')).toBe(pedersenAt + 3 * 512);
    expect(begins.get('ecdsa')).toBe(pedersenAt + 4 * 512);
    // A small limb opens the range 0..32769, which takes so many rows.
    expect(run.publicInput).toMatchObject({ rcMin: 0, nSteps: 4096 });
  });

  it('are padded by the last jump to what the layout needs', () => {
    const run = runOf(program('main: ret'));
    expect([run.stepsUsed, run.publicInput.nSteps]).toEqual([4, 4]);
    const last = run.trace.slice(run.stepsUsed - 1).map((entry) => entry.pc);
    expect(new Set(last)).toEqual(new Set([5]));
    expect(runOf(program('main: ret'), { stepsMin: 64 }).publicInput.nSteps).toBe(64);
    expect(runOf(program('main: ret'), { provable: true }).publicInput.nSteps).toBe(16);
    const long = program(`main: ret\n${'dw 1\n'.repeat(100)}`);
    const proved = runOf(long, { provable: true }).publicInput;
    expect(proved.publicMemory.length).toBeLessThanOrEqual(2 * proved.nSteps);
    // An address far up leaves a hole that has to be filled: two cells a step.
    expect(runOf(program('main: [ap + 1000] = 1\nret')).publicInput.nSteps).toBe(512);
  });

  it("write inputs into main's first frame only", () => {
    const source = program(`%raw
      __start__: [ap] = 1; ap++
      call main
      __end__: jmp rel 0
      main: ap += 1
      jmp again if [fp - 3] != 0
      [fp] = 5
      ret
      again: [ap] = 0; ap++
      call main
      ret`);
    const run = runOf({ ...source, cells: ['a'] }, { inputs: [2n], statementCells: 0 });
    expect(run.memory.filter((cell) => cell.value === 5n).length).toBeGreaterThan(0);
  });

  it('leave memory in one write per cell', () => {
    const { memory } = runOf(compiled(), { inputs: [0n, 1n, 2n, 3n] });
    expect(new Set(memory.map((cell) => cell.address)).size).toBe(memory.length);
  });
});

const BUILTINS = `%builtins output pedersen range_check
  // fp - 5, fp - 4, fp - 3: output, pedersen and range check pointers
  main:
    [ap] = 1; ap++
    [ap - 1] = [[fp - 4]]
    [ap] = 2; ap++
    [ap - 1] = [[fp - 4] + 1]
    [ap] = [[fp - 4] + 2]; ap++
    [ap - 1] = [[fp - 5]]
    [ap] = 5; ap++
    [ap - 1] = [[fp - 3]]
    [ap] = [fp - 5] + 1; ap++
    [ap] = [fp - 4] + 3; ap++
    [ap] = [fp - 3] + 1; ap++
    ret`;

/** A checker that shares no code with the machine: bits of the word, memory, registers. */
function expectLegal({ trace, memory }: Run): void {
  const cells = new Map(memory.map(({ address, value }) => [address, value]));
  const at = (address: bigint): bigint => cells.get(Number(mod(address))) ?? -1n;
  trace.forEach((step, i) => {
    const next = trace[i + 1];
    const [pc, ap, fp] = [BigInt(step.pc), BigInt(step.ap), BigInt(step.fp)];
    const word = at(pc);
    const flag = (bit: number): bigint => (word >> BigInt(48 + bit)) & 1n;
    const off = (j: number): bigint => ((word >> BigInt(16 * j)) & 0xffffn) - 32768n;
    const size = 1n + flag(2);
    const dst = at((flag(0) ? fp : ap) + off(0));
    const op0 = at((flag(1) ? fp : ap) + off(1));
    const base = flag(2) ? pc : flag(3) ? fp : flag(4) ? ap : op0;
    const op1 = at(base + off(2));
    const res = flag(5) ? mod(op0 + op1) : flag(6) ? mod(op0 * op1) : op1;
    expect(Math.min(...[dst, op0, op1].map(Number))).toBeGreaterThanOrEqual(0);
    if (flag(14)) expect(dst).toBe(res);
    if (flag(12)) expect([dst, op0]).toEqual([fp, pc + size]);
    if (next === undefined) return;
    const jump = flag(7) ? res : flag(8) ? pc + res : flag(9) && dst !== 0n ? pc + op1 : pc + size;
    expect(BigInt(next.pc)).toBe(mod(jump));
    expect(BigInt(next.ap)).toBe(mod(ap + (flag(10) ? res : flag(11) + 2n * flag(12))));
    expect(BigInt(next.fp)).toBe(flag(12) ? ap + 2n : flag(13) ? dst : fp);
  });
}

const mod = (value: bigint): bigint => ((value % P) + P) % P;

describe('a run that cannot be', () => {
  /** A program whose hint comes after the program has written the cell. */
  function lateInput(): Runnable {
    const made = program('main: ap += 1\n[fp] = 2\nret');
    return { ...made, hints: [{ kind: 'inputs', pc: 10, inputs: [{ key: 'n', cell: 0 }] }] };
  }
  const raw = (body: string): Runnable => program(`%raw\n__start__:\n${body}\n__end__:\njmp rel 0`);
  const cases: readonly (readonly [string, Runnable, RunOptions?])[] = [
    ['unsupported_layout', program('main: ret'), { layout: 'dex' }],
    ['unsupported_builtin', program('%builtins output\nmain: ret')],
    ['unsupported_builtin', program('%builtins ecdsa\nmain: ret'), { layout: 'small' }],
    ['unsupported_builtin', program('%builtins pedersen output\nmain: ret'), { layout: 'small' }],
    ['not_proof_mode', program('%raw\nmain: ret')],
    ['not_proof_mode', program('%raw\n__start__: __end__: [ap] = 1; ap++\njmp rel 0')],
    ['not_proof_mode', program('%raw\n__start__: __end__: jmp rel 0; ap++')],
    ['bad_program', { ...program('main: ret'), words: [P] }],
    ['bad_program', undefined as unknown as Runnable],
    ['missing_input', compiled()],
    ['unknown_input', compiled(), { inputs: new Map([['x', 1n]]) }],
    ['unknown_input', program('main: ret'), { inputs: [1n] }],
    ['bad_input', compiled(), { inputs: [P] }],
    ['bad_option', program('main: ret'), { stepsMin: 3 }],
    ['bad_option', program('main: ret'), { stepsMax: 2 ** 21 }],
    ['bad_option', program('main: ret'), { statementCells: -1 }],
    ['bad_instruction', raw('dw -1')],
    ['bad_instruction', raw('dw 0x480480007fff8000')],
    ['bad_address', raw('[ap] = 5\n[ap] = [[fp - 1]]')],
    ['bad_address', raw('[ap - 9] = 5')],
    ['bad_address', raw('jmp abs 5')],
    ['bad_value', raw('[ap] = [fp - 2] + [fp - 2]')],
    ['bad_value', raw('[ap] = [fp - 2] * 2')],
    ['unknown_cell', raw('[ap] = [ap + 1]')],
    ['unknown_cell', raw('[ap] = [[ap] + 1]')],
    ['memory_conflict', lateInput(), { inputs: new Map([['n', 1n]]) }],
    ['assert_failed', raw('[ap] = 1\n[ap] = 2')],
    ['call_frame', raw('[ap] = 1\ncall abs [fp - 2]')],
    ['call_frame', raw('[ap + 1] = 1\ncall abs [fp - 2]')],
    ['division_by_zero', raw('[ap] = 1\n[ap + 1] = 0\n[ap] = [ap + 2] * [ap + 1]')],
    ['range_check', program(BUILTINS.replace('[ap] = 5', '[ap] = -1')), { layout: 'small' }],
    [
      'wrong_hash',
      program(BUILTINS.replace('main:', 'main: [ap] = 3; ap++\n[ap - 1] = [[fp - 4] + 2]\n')),
      { layout: 'small' },
    ],
    [
      'stop_pointer',
      program(BUILTINS.replace('[fp - 5] + 1', '[fp - 5] + 2')),
      { layout: 'small' },
    ],
    ['unset_cell', program('cell a\nmain: ret')],
    ['step_limit', program('main: jmp main'), { stepsMax: 999 }],
    ['step_limit', program('main: ret'), { stepsMax: 3 }],
    ['step_limit', raw('ap += 536870912\n[ap] = 1')],
    [
      'step_limit',
      program(BUILTINS.replace('[fp - 5]]', '[fp - 5] + 30000]')),
      { layout: 'small', stepsMax: 2048 },
    ],
    ['public_cells', raw('dw 0\n'.repeat(65_533).replace('dw 0', 'jmp __end__'))],
  ];

  it.each(cases.map(([code, source, options]) => ({ code, source, options })))('$code', (one) => {
    const { code, source, options } = one;
    expect(failureOf(source, options)).toMatchObject({ code });
  });

  it('says where: step, address and instruction', () => {
    expect(failureOf(program('main: [ap] = 1; ap++\n[ap - 1] = 2\nret'))).toEqual({
      code: 'assert_failed',
      expected: '2',
      actual: '1',
      step: 3,
      pc: 9,
      instruction: '[ap - 1] = 2',
    });
  });

  it('is data, whatever the words: nothing is thrown and steps are bounded', () => {
    const word = fc.oneof(
      fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }),
      fc.bigInt({ min: 0n, max: P - 1n }),
      fc.constantFrom(...compiled().words),
    );
    const options = { stepsMax: 256 };
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), (words) => {
        const outcome = runProgram(
          { words, builtins: [], start: 0, end: 4, main: 0, cells: [], hints: [] },
          options,
        );
        if (!outcome.ok) expect(outcome.failure.step).toBeLessThanOrEqual(256);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a compiled program', () => {
  const changed = (from: string, to: string): string =>
    fixtureText('lease-tick.json').replace(from, to);

  it('is refused for a hint we cannot do, by its function and place', () => {
    const outcome = loadProgram(changed("ids.n = program_input['n']", 'ids.n = 7'));
    expect(outcome).toMatchObject({
      ok: false,
      failure: {
        code: 'unsupported_hint',
        actual: expect.stringMatching(/^__main__\.main at 8: /),
      },
    });
  });

  it('is refused when an input is no cell of the frame', () => {
    const text = fixtureText('lease-tick.json');
    for (const place of ['[cast(ap, felt*)]', '[cast(fp + (-3), felt*)]', 'cast(fp, felt*)'])
      expect(loadProgram(text.replaceAll('[cast(fp + 3, felt*)]', place))).toMatchObject({
        failure: { code: 'unsupported_hint' },
      });
  });

  it('is refused when it is not JSON', () => {
    expect(loadProgram('{')).toMatchObject({ ok: false, failure: { code: 'malformed' } });
  });
});

describe('files', () => {
  const run = (): Run => runOf(compiled(), { inputs: [0n, 1n, 2n, 3n] });

  it('read back what was written', () => {
    const { trace, memory, publicInput } = run();
    expect(readTrace(writeTrace(trace))).toEqual(ok(trace));
    expect(readMemory(writeMemory(memory))).toEqual(ok(memory));
    expect(readAirPublicInput(writeAirPublicInput(publicInput))).toEqual(ok(publicInput));
    const inputs = readInputs(`{"a": -1, "b": "0xff", "c": ${P - 2n}}`);
    expect(inputs).toEqual(ok(new Map(Object.entries({ a: P - 1n, b: 255n, c: P - 2n }))));
  });

  it.each([
    ['truncated', readTrace(new Uint8Array(25))],
    ['truncated', readMemory(new Uint8Array(41))],
    ['bad_number', readTrace(new Uint8Array(24).fill(255))],
    ['not_canonical', readMemory(new Uint8Array(80))],
    ['felt_range', readMemory(new Uint8Array(40).fill(255, 8))],
    ['malformed', readAirPublicInput('[')],
    ['bad_number', readInputs('{"n": 1.5}')],
    ['bad_number', readInputs('{"n": [1]}')],
    ['felt_range', readInputs(`{"n": ${P}}`)],
    ['too_large', readInputs(' '.repeat(1_048_577))],
    ['too_large', loadProgram(' '.repeat(8_388_609))],
  ])('refuse %s', (code, outcome) => {
    expect(outcome).toMatchObject({ ok: false, failure: { code } });
  });
});

describe('Pedersen', () => {
  it("is the hash of its definition and of StarkWare's test", () => {
    // The shift point's x, and the example of cairo-lang's pedersen tests.
    expect(pedersen(0n, 0n)).toBe(
      0x49ee3eba8c1600700ee1b87eb599f16716b0b1022947733551fde4050ca6804n,
    );
    const x = 0x3d937c035c878245caf64531a5756109c53068da139362728feb561405371cbn;
    const y = 0x208a0a10250e382e1e4bbe2880906c2791bf6275695e02fbbc6aeff9cd8b31an;
    expect(pedersen(x, y)).toBe(0x30e480bed5fe53fa909cc0f8c4d99b8f9f2c016be4c41e13a4848797979c662n);
  });
});
