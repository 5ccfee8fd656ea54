// Statements of outer programs: bootloaders and StarkWare's Cairo verifier.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pedersen } from '../../air/src/curve/pedersen.ts';
import { poseidonMany } from '../../air/src/curve/poseidon.ts';
import { P } from '../../air/src/felt/felt.ts';
import {
  extractStatement,
  type InnerStatement,
  innerLease,
  type OuterProgram,
  type Statement,
  taskHash,
  verifiedHash,
} from '../src/index.ts';

const programId = new Uint8Array(32).fill(7) as Statement['programId'];
const CONFIG = [11n, 12n];
const bootloader: OuterProgram = { programId, format: { kind: 'bootloader', config: CONFIG } };
const simple: OuterProgram = { programId, format: { kind: 'bootloader', config: [] } };
const verifier: OuterProgram = { programId, format: { kind: 'verifier' } };

const saying = (cells: readonly bigint[]): Statement => ({
  layout: 'starknet',
  builtins: ['output'],
  programId,
  program: [],
  cells,
});

/** The cells with which a bootloader speaks of these tasks. */
const tasks = (inner: readonly InnerStatement[]): bigint[] => [
  BigInt(inner.length),
  ...inner.flatMap(({ programHash, output }) => [
    BigInt(output.length + 2),
    programHash,
    ...output,
  ]),
];

function codeOf(outer: OuterProgram, statement: Statement): string {
  const read = extractStatement(outer, statement);
  return read.ok ? 'ok' : read.failure.code;
}

const felts = fc.bigInt({ min: 0n, max: P - 1n });
const inners = fc.array(
  fc.record({ programHash: felts, output: fc.array(felts, { maxLength: 6 }) }),
  { maxLength: 5 },
);

describe('what an outer program says of inner ones', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(inners, (wanted) => {
        const cells = tasks(wanted);
        expect(extractStatement(simple, saying(cells))).toEqual({ ok: true, value: wanted });
        const configured = extractStatement(bootloader, saying([...CONFIG, ...cells]));
        expect(configured).toEqual({ ok: true, value: wanted });
      }),
    );
    const [programHash, output] = [5n, [8n, 9n]];
    const read = extractStatement(verifier, saying([programHash, 2n, ...output]));
    expect(read).toEqual({ ok: true, value: [{ programHash, output }] });
  });

  it('is one list of tasks or none: no cells read two ways, none left, none lacking', () => {
    fc.assert(
      fc.property(inners, fc.nat(), felts, (wanted, at, value) => {
        const cells = tasks(wanted);
        expect(codeOf(simple, saying([...cells, value]))).toBe('outer_output');
        if (cells.length > 1)
          expect(codeOf(simple, saying(cells.slice(0, -1)))).toBe('outer_output');
        const changed = [...cells];
        changed[at % cells.length] = value;
        const read = extractStatement(simple, saying(changed));
        if (read.ok) expect(tasks(read.value)).toEqual(changed);
      }),
    );
  });

  it.each([
    ['nothing', verifier, []],
    ['a hash alone', verifier, [1n]],
    ['more than it has', verifier, [1n, 3n, 4n]],
    ['less than it has', verifier, [1n, 0n, 4n]],
    ['a size beside the field', verifier, [1n, P - 1n]],
    ['no number of tasks', bootloader, CONFIG],
    ['half a configuration', bootloader, CONFIG.slice(0, 1)],
    ['a task of one cell', simple, [1n, 1n]],
    ['a task of no cells', simple, [1n, 0n]],
    ['two tasks, one there', simple, [2n, 2n, 5n]],
    ['very many tasks', simple, [2n ** 200n, 2n, 5n]],
    ['a task beyond the end', simple, [1n, 4n, 5n, 6n]],
  ])('is refused when it says %s', (_, outer, cells) => {
    expect(codeOf(outer, saying(cells))).toBe('outer_output');
  });

  it('counts only from the outer program, so configured, and by its output', () => {
    const cells = [...CONFIG, ...tasks([{ programHash: 1n, output: [] }])];
    expect(codeOf(bootloader, saying(cells))).toBe('ok');
    const other = { ...bootloader, programId: new Uint8Array(32) as Statement['programId'] };
    expect(codeOf(other, saying(cells))).toBe('wrong_program');
    for (const i of [0, 1]) {
      const configured = cells.map((cell, j) => (i === j ? cell + 1n : cell));
      expect(codeOf(bootloader, saying(configured))).toBe('outer_config');
    }
    const framed = { ...saying(cells), builtins: ['range_check'] };
    expect(codeOf(bootloader, framed)).toBe('outer_output');
  });

  it('may be a lease', () => {
    const inner = { programHash: 1n, output: [9n, 0n, 1n, 10n, 10n, 77n] };
    expect(innerLease(inner, 0)).toMatchObject({ ok: true, value: { tTo: 10n, sTo: 77n } });
    expect(innerLease(inner, 1)).toMatchObject({ failure: { code: 'lease_cells' } });
    const still = { ...inner, output: inner.output.with(4, 0n) };
    expect(innerLease(still, 0)).toMatchObject({ failure: { code: 'lease_time' } });
  });
});

describe('the names that outer programs give to inner ones', () => {
  const program = { builtins: ['output'], words: [5n, 6n], main: 1 };
  // 'output' as ASCII
  const data = [0n, 1n, 1n, 0x6f7574707574n, 5n, 6n];

  it('hash version, main, builtins and words', () => {
    const last = data.at(-1) ?? 0n;
    const chain = [6n, ...data.slice(0, -1)].reduceRight(
      (sum, value) => pedersen(value, sum),
      last,
    );
    expect(taskHash(program)).toBe(chain);
    expect(taskHash(program, 'poseidon')).toBe(poseidonMany(data));
    expect(verifiedHash(program.words)).toBe(poseidonMany([5n, 6n]));
  });

  it('tell programs apart that differ in any of them', () => {
    const others = [
      { ...program, main: 0 },
      { ...program, builtins: [] },
      { ...program, builtins: ['pedersen'] },
      { ...program, words: [5n, 7n] },
      { ...program, words: [5n] },
    ];
    const hashes = [program, ...others].flatMap((one) => [
      taskHash(one),
      taskHash(one, 'poseidon'),
    ]);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
