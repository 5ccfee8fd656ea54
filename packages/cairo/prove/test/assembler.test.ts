// The assembler: words, forms, failures, and that it undoes the disassembler.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { P } from '../../air/src/felt/felt.ts';
import {
  decodeInstruction,
  encodeInstruction,
  type Instruction,
} from '../src/assembler/instruction.ts';
import { printInstruction } from '../src/assembler/print.ts';
import {
  type Assembled,
  type AssemblyFailure,
  assemble,
  disassemble,
  listProgram,
} from '../src/index.ts';

const made = (text: string): Assembled => {
  const outcome = assemble(text);
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.failure));
  return outcome.value;
};
const words = (text: string): string[] =>
  made(`%raw\n${text}`).words.map((word) => `0x${word.toString(16)}`);
const failure = (text: string): AssemblyFailure => {
  const outcome = assemble(text);
  if (outcome.ok) throw new Error('assembled');
  return outcome.failure;
};

/** Words of StarkWare's compiler, as they stand in compiled programs and in its own tests. */
const KNOWN: readonly (readonly [string, readonly string[]])[] = [
  ['[ap] = 17; ap++', ['0x480680017fff8000', '0x11']],
  ['ap += 10', ['0x40780017fff7fff', '0xa']],
  ['[ap - 10] = 0', ['0x400680017fff7ff6', '0x0']],
  ['jmp rel 0', ['0x10780017fff7fff', '0x0']],
  ['call rel 4', ['0x1104800180018000', '0x4']],
  ['ret', ['0x208b7fff7fff7ffe']],
  ['[ap] = [fp - 3]; ap++', ['0x480a7ffd7fff8000']],
  ['[ap] = [ap - 2] + [fp - 5]; ap++', ['0x48287ffb7ffe8000']],
  ['[ap] = [fp - 5] + 1; ap++', ['0x482680017ffb8000', '0x1']],
  ['jmp rel 5 if [fp - 3] != 0', ['0x20780017fff7ffd', '0x5']],
  ['[ap] = [[fp - 4] + 2]; ap++', ['0x480280027ffc8000']],
  ['[[fp - 4] + 2] = [ap]', ['0x400280027ffc8000']],
];

describe('assembler', () => {
  it.each(KNOWN)('%s', (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  it.each([
    ['assert [ap] = 17', '[ap] = 17'],
    ['[ap] = [fp] - [fp + 1]', '[fp] = [ap] + [fp + 1]'],
    ['[ap] = [fp] / [fp + 1]', '[fp] = [ap] * [fp + 1]'],
    ['[ap] = [fp] - 5', '[ap] = [fp] + -5'],
    ['[ap] = [fp] / 2', `[ap] = [fp] * ${(P + 1n) / 2n}`],
    ['[ap] = 3 + [fp]', '[ap] = [fp] + 3'],
    ['[ap] = 6 / 3 - -(2 * 0x10)', '[ap] = 34'],
    ['[ap] = -[fp]', '[ap] = [fp] * -1'],
    ['17 = [ap]', '[ap] = 17'],
    ['[ap] = 1, ap++; ret;', '[ap] = 1; ap++\nret'],
    ['const N = 3\nlet x = [fp - N]\n[ap] = x + N', '[ap] = [fp - 3] + 3'],
    ['a: b:\njmp a\ncall a\njmp b if [ap] != 0', 'jmp rel 0\ncall rel -2\njmp rel -4 if [ap] != 0'],
    ['# one\n  ret // two', 'ret'],
  ])('%s means %s', (text, same) => {
    expect(words(text)).toEqual(words(same));
  });

  it('puts the prologue of proof mode in front, and knows lines and labels', () => {
    const program = made('%builtins output\ncell a, b\nmain:\n  ap += CELLS\n  b = a\n  ret\n');
    expect(disassemble(program.words, new Map([[6, 'main']]))).toBe(
      '%raw\n  ap += 1\n  call main\nL4:\n  jmp L4\nmain:\n  ap += 2\n  [fp + 1] = [fp]\n  ret\n',
    );
    expect(program).toMatchObject({ start: 0, end: 4, main: 6, cells: ['a', 'b'] });
    expect(program.builtins).toEqual(['output']);
    expect(program.lines).toEqual([0, 0, 0, 0, 0, 0, 4, 4, 5, 6]);
  });

  it.each([
    ['too_large', `main:${' dw 1;'.repeat(65_537)}`, 1, 1],
    ['bad_token', 'main:\n  [ap] = $', 2, 10],
    ['bad_token', '[ap] = 12abc', 1, 8],
    ['bad_syntax', '[ap] = ', 1, 7],
    ['bad_syntax', '[ap = 1', 1, 5],
    ['bad_syntax', 'ap++', 1, 1],
    ['bad_syntax', 'ret; ap++', 1, 6],
    ['bad_syntax', 'jmp abs 1 if [ap] != 0', 1, 11],
    ['bad_syntax', 'jmp rel 1 if [ap] != 1', 1, 22],
    ['bad_syntax', 'ret ret', 1, 5],
    ['bad_syntax', `[ap] = ${'('.repeat(99)}1`, 1, 25],
    ['bad_operand', '[ap] = fp', 1, 8],
    ['bad_operand', '[ap] = 5 - [fp]', 1, 8],
    ['bad_operand', '[ap] = [fp] * [fp] * [fp]', 1, 8],
    ['bad_operand', '[5] = 1', 1, 1],
    ['bad_operand', `[ap] = ${P}`, 1, 8],
    ['bad_operand', '[ap] = [fp] / 0', 1, 15],
    ['bad_operand', 'const N = [ap]', 1, 11],
    ['bad_directive', '%lang starknet', 1, 1],
    ['unknown_name', '[ap] = N', 1, 8],
    ['unknown_name', 'main: jmp nowhere', 1, 11],
    ['duplicate_name', 'main:\nmain:', 2, 1],
    ['duplicate_name', 'const N = 1\nN:', 2, 1],
    ['offset_range', '[ap + 32768] = 1', 1, 1],
    ['cell_outside_main', 'cell a\nmain: call f\nret\nf: a = 1\nret', 4, 4],
    ['missing_main', 'ret', 1, 1],
  ] as const)('refuses with %s: %j', (code, text, line, column) => {
    expect(failure(text)).toMatchObject({ code, line, column });
  });

  it('says what it wanted and what it got', () => {
    expect(failure('main:\n  [ap] = [fp] * [fp] + 1')).toEqual({
      code: 'bad_operand',
      expected:
        'a number, [r + n], [[r + n] + n], [r + n] + x or [r + n] * x (x: number or [r + n])',
      actual: 'a cell * a cell + the number 1',
      line: 2,
      column: 10,
    });
  });

  it('never throws', () => {
    const token = fc.constantFrom(
      ...'[ ] ( ) + - * / = : ; , ++ += != ap fp jmp call ret abs rel if cell let'
        .split(' ')
        .concat('const', 'dw', 'x', '7', '0', '%raw', '\n'),
    );
    const soup = fc.array(token, { maxLength: 24 }).map((tokens) => tokens.join(' '));
    fc.assert(
      fc.property(fc.oneof(fc.string(), soup), (text) => {
        const outcome = assemble(text);
        if (!outcome.ok) expect(outcome.failure.line).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
    expect(failure(' '.repeat(1_048_577)).code).toBe('too_large');
    expect(assemble(undefined as unknown as string).ok).toBe(false);
  });
});

const offset = fc.integer({ min: -32768, max: 32767 });
const register = fc.constantFrom('ap' as const, 'fp' as const);

/** Every instruction that decodes: any mix of what the flags can say. */
const anyInstruction: fc.Arbitrary<Instruction> = fc
  .record({
    off0: offset,
    off1: offset,
    off2: offset,
    dst: register,
    op0: register,
    op1: fc.constantFrom('ap' as const, 'fp' as const, 'imm' as const, 'op0' as const),
    res: fc.constantFrom('op1' as const, 'add' as const, 'mul' as const),
    pc: fc.constantFrom('next' as const, 'abs' as const, 'rel' as const, 'jnz' as const),
    ap: fc.constantFrom('same' as const, 'add' as const, 'one' as const),
    opcode: fc.constantFrom('nop' as const, 'call' as const, 'ret' as const, 'assert' as const),
  })
  .map((i) => ({
    ...i,
    res: i.pc === 'jnz' ? 'free' : i.res,
    ap: i.opcode === 'call' ? 'two' : i.ap,
  }));

const value = fc.oneof(fc.bigInt({ min: 0n, max: P - 1n }), fc.bigInt({ min: 0n, max: 9n }));
const cell = fc.tuple(register, offset).map(([base, off]) => `[${base} + ${off}]`);
const simple = fc.oneof(cell, value.map(String));
const res = fc.oneof(
  simple,
  fc.tuple(cell, offset).map(([inner, off]) => `[${inner} + ${off}]`),
  fc.tuple(cell, fc.constantFrom('+', '*'), simple).map((parts) => parts.join(' ')),
);
const mode = fc.constantFrom('abs', 'rel');
const line = fc.oneof(
  fc.tuple(cell, res, fc.constantFrom('', '; ap++')).map(([a, b, inc]) => `${a} = ${b}${inc}`),
  fc.tuple(mode, res).map(([to, at]) => `jmp ${to} ${at}`),
  fc.tuple(simple, cell).map(([to, at]) => `jmp rel ${to} if ${at} != 0; ap++`),
  fc.tuple(mode, simple).map(([to, at]) => `call ${to} ${at}`),
  res.map((by) => `ap += ${by}`),
  value.map((word) => `dw ${word}`),
  fc.constant('ret'),
);

describe('disassembler', () => {
  it('decoding is the inverse of encoding', () => {
    fc.assert(
      fc.property(anyInstruction, (i) => {
        expect(decodeInstruction(encodeInstruction(i))).toEqual(i);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (word) => {
        const decoded = decodeInstruction(word);
        if (decoded !== undefined) expect(encodeInstruction(decoded)).toBe(word);
      }),
    );
  });

  it('lists a program that is the same again, entry points and statement cells included', () => {
    const program = made('%builtins output\ncell a, b\nmain: ap += CELLS\ncall f\nret\nf: ret');
    const { words: list, builtins, cells, start, end, main } = program;
    expect(made(listProgram(program))).toMatchObject({
      words: list,
      builtins,
      cells,
      start,
      end,
      main,
    });
  });

  it('assembles back to the same words, whatever they are', () => {
    const word = fc.oneof(anyInstruction.map(encodeInstruction), value);
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (list) => {
        expect(made(disassemble(list)).words).toEqual(list);
      }),
      { numRuns: 500 },
    );
  });

  it('shows every line of the language as an instruction again', () => {
    fc.assert(
      fc.property(line, (text) => {
        const first = made(`%raw\n${text}`);
        const again = made(disassemble(first.words));
        expect(again.words).toEqual(first.words);
        if (text.startsWith('dw')) return;
        const instruction = decodeInstruction(first.words[0] ?? 0n);
        expect(instruction && printInstruction(instruction, first.words[1])).toBeDefined();
      }),
      { numRuns: 1000 },
    );
  });
});
