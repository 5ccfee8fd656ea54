// An instruction to assembly text.
import { P } from '@fatty/cairo-air';
import type { Instruction, Register } from './instruction.ts';

/**
 * One instruction as assembly text, undefined for one that no text means: the assembler fixes what
 * an instruction does not use ([fp − 1], off2 = 1), the machine does not.
 * @param imm the word after it, for an instruction with an immediate
 * @param target label instead of `rel imm` in jumps and calls
 */
export function printInstruction(
  instruction: Instruction,
  imm: bigint | undefined,
  target?: string,
): string | undefined {
  if (instruction.op1 === 'imm' && (imm === undefined || instruction.off2 !== 1)) return undefined;
  const body = printBody(instruction, imm, target);
  if (body === undefined) return undefined;
  return instruction.ap === 'one' ? `${body}; ap++` : body;
}

function printBody(i: Instruction, imm?: bigint, target?: string): string | undefined {
  if (i.opcode === 'call') return printCall(i, imm, target);
  if (i.opcode === 'ret') return isReturn(i) ? 'ret' : undefined;
  if (i.opcode === 'assert') return printAssert(i, imm);
  if (i.pc === 'jnz') return printBranch(i, imm, target);
  // What is left does not look at dst, which is then [fp − 1].
  if (i.dst !== 'fp' || i.off0 !== -1) return undefined;
  const res = printRes(i, imm);
  if (res === undefined) return undefined;
  if (i.ap === 'add') return i.pc === 'next' ? `ap += ${res}` : undefined;
  if (i.pc === 'next') return undefined;
  return i.pc === 'rel' && target !== undefined ? `jmp ${target}` : `jmp ${i.pc} ${res}`;
}

const isReturn = (i: Instruction): boolean =>
  i.off0 === -2 &&
  i.off1 === -1 &&
  i.off2 === -1 &&
  i.dst === 'fp' &&
  i.op0 === 'fp' &&
  i.op1 === 'fp' &&
  i.res === 'op1' &&
  i.pc === 'abs' &&
  i.ap === 'same';

function printCall(i: Instruction, imm?: bigint, target?: string): string | undefined {
  const frame = i.off0 === 0 && i.off1 === 1 && i.dst === 'ap' && i.op0 === 'ap';
  if (!frame || i.res !== 'op1' || (i.pc !== 'abs' && i.pc !== 'rel')) return undefined;
  const to = printOp1(i, imm);
  if (to === undefined) return undefined;
  return i.pc === 'rel' && target !== undefined ? `call ${target}` : `call ${i.pc} ${to}`;
}

function printAssert(i: Instruction, imm?: bigint): string | undefined {
  if (i.pc !== 'next' || i.ap === 'add') return undefined;
  const res = printRes(i, imm);
  return res === undefined ? undefined : `${cell(i.dst, i.off0)} = ${res}`;
}

function printBranch(i: Instruction, imm?: bigint, target?: string): string | undefined {
  if (i.off1 !== -1 || i.op0 !== 'fp' || i.ap === 'add') return undefined;
  const to = printOp1(i, imm);
  if (to === undefined) return undefined;
  return `jmp ${target ?? `rel ${to}`} if ${cell(i.dst, i.off0)} != 0`;
}

function printRes(i: Instruction, imm?: bigint): string | undefined {
  if (i.res === 'add' || i.res === 'mul') {
    const op1 = printOp1(i, imm);
    const sign = i.res === 'add' ? '+' : '*';
    if (op1 === undefined) return undefined;
    const sum = `${cell(i.op0, i.off1)} ${sign} ${op1}`;
    return sum.replace(' + -', ' - ');
  }
  if (i.op1 === 'op0') return `[${cell(i.op0, i.off1)}${offset(i.off2)}]`;
  // A lone operand leaves op0 unused, which is then [fp − 1].
  return i.op0 === 'fp' && i.off1 === -1 ? printOp1(i, imm) : undefined;
}

function printOp1(i: Instruction, imm?: bigint): string | undefined {
  if (i.op1 === 'imm') return imm === undefined ? undefined : printFelt(imm);
  return i.op1 === 'op0' ? undefined : cell(i.op1, i.off2);
}

const offset = (value: number): string => {
  if (value === 0) return '';
  return value > 0 ? ` + ${value}` : ` - ${-value}`;
};

const cell = (register: Register, value: number): string => `[${register}${offset(value)}]`;

/** Small values, of either sign, in decimal; others in hex. */
export function printFelt(value: bigint): string {
  if (value < 1n << 64n) return value.toString();
  const negative = P - value;
  return negative < 1n << 64n ? `-${negative}` : `0x${value.toString(16)}`;
}
