// The Cairo machine: one step after another, deducing what a memory cell must be.
import { inverse, reduce } from '@fatty/cairo-air';
import {
  biasedOffsets,
  decodeInstruction,
  type Instruction,
  sizeOf,
} from '../assembler/instruction.ts';
import { printInstruction } from '../assembler/print.ts';
import { RunError } from './failure.ts';
import type { Memory } from './memory.ts';
import { type Address, add, mul, same, show, sub, type Value } from './value.ts';

/** Registers before a step. */
export interface Registers {
  readonly pc: Address;
  readonly ap: Address;
  readonly fp: Address;
}

/** Fills a cell that no instruction writes: the results of a builtin. */
export type Deduction = (address: Address) => Value | undefined;

interface Operands {
  readonly dst: Value;
  readonly op0: Value;
  readonly op1: Value;
  readonly res: Value | undefined;
}

interface Places {
  readonly dst: Value;
  readonly op0: Value;
  readonly op1: Value;
}

/** Known or deduced values of one step, on their way to be complete. */
interface Partial {
  dst: Value | undefined;
  op0: Value | undefined;
  op1: Value | undefined;
  res: Value | undefined;
}

/**
 * The Cairo CPU (whitepaper ePrint 2021/1063, section 4.5) over write-once memory. A value that is
 * not yet in memory is deduced from the others if the instruction allows it. Reads, deductions and
 * writes have the order of StarkWare's Python VM, on which memory.bin depends.
 */
export class Machine {
  readonly memory: Memory;
  readonly trace: Registers[] = [];
  pc: Address;
  ap: Address;
  fp: Address;
  /** Smallest and largest biased offset of all instructions so far. */
  rcMin = 0xffff;
  rcMax = 0;
  readonly #deductions: ReadonlyMap<number, Deduction>;
  readonly #accessed: Set<number>[] = [];
  readonly #decoded = new Map<bigint, Instruction>();

  constructor(memory: Memory, start: Registers, deductions: ReadonlyMap<number, Deduction>) {
    this.memory = memory;
    this.pc = start.pc;
    this.ap = start.ap;
    this.fp = start.fp;
    this.#deductions = deductions;
  }

  /** One step. @throws RunError; the registers then are still those before it */
  step(): void {
    const instruction = this.#fetch();
    const places = this.#places(instruction);
    const operands = this.#operands(instruction, places);
    this.#check(instruction, operands);
    const next = this.#next(instruction, operands);
    this.trace.push({ pc: this.pc, ap: this.ap, fp: this.fp });
    for (const place of [places.dst, places.op0, places.op1, this.pc]) this.#touch(place);
    const [off0, off1, off2] = biasedOffsets(instruction);
    this.rcMin = Math.min(this.rcMin, off0, off1, off2);
    this.rcMax = Math.max(this.rcMax, off0, off1, off2);
    this.pc = next.pc;
    this.ap = next.ap;
    this.fp = next.fp;
  }

  /** How many cells of a segment instructions have used as operand or code. */
  accessed(segment: number): number {
    return this.#accessed[segment]?.size ?? 0;
  }

  /** Counts a cell as used. */
  touch(address: Address): void {
    this.#touch(address);
  }

  /** The instruction at pc as text, or its word. */
  describe(): string | undefined {
    const word = this.memory.get(this.pc);
    if (typeof word !== 'bigint') return undefined;
    const imm = this.memory.get(this.pc.plus(1));
    const decoded = decodeInstruction(word);
    const text = decoded && printInstruction(decoded, typeof imm === 'bigint' ? imm : undefined);
    return text ?? `0x${word.toString(16)}`;
  }

  #touch(place: Value): void {
    if (typeof place === 'bigint') return;
    let cells = this.#accessed[place.segment];
    if (cells === undefined) {
      cells = new Set();
      this.#accessed[place.segment] = cells;
    }
    cells.add(place.offset);
  }

  /** @throws RunError `unknown_cell bad_instruction` */
  #fetch(): Instruction {
    const word = this.memory.read(this.pc);
    if (typeof word !== 'bigint')
      throw new RunError('bad_instruction', 'an instruction word', `the pointer ${show(word)}`);
    const instruction = this.#decoded.get(word) ?? decodeInstruction(word);
    if (instruction === undefined)
      throw new RunError('bad_instruction', 'an instruction word', `0x${word.toString(16)}`);
    if (instruction.op1 === 'imm' && instruction.off2 !== 1)
      throw new RunError('bad_instruction', 'off2 = 1 with an immediate', `${instruction.off2}`);
    this.#decoded.set(word, instruction);
    return instruction;
  }

  /** @throws RunError `unknown_cell` when op1's address hangs on an unknown op0 */
  #places(i: Instruction): Places {
    const op0 = this[i.op0].plus(i.off1);
    const dst = this[i.dst].plus(i.off0);
    if (i.op1 !== 'op0') {
      const base = i.op1 === 'imm' ? this.pc : this[i.op1];
      return { dst, op0, op1: base.plus(i.off2) };
    }
    return { dst, op0, op1: add(this.memory.read(op0), signed(i.off2)) };
  }

  #operands(i: Instruction, places: Places): Operands {
    const found: Partial = {
      dst: this.memory.get(places.dst),
      op0: this.memory.get(places.op0),
      op1: this.memory.get(places.op1),
      res: undefined,
    };
    found.op0 ??= this.#builtin(places.op0);
    found.op1 ??= this.#builtin(places.op1);
    const { dst, op0, op1 } = found;
    if (op0 === undefined) this.#deduceOp0(i, found);
    if (op1 === undefined) deduceOp1(i, found);
    const left = found.op0 ?? this.memory.read(places.op0);
    const right = found.op1 ?? this.memory.read(places.op1);
    const res = found.res ?? resultOf(i, left, right);
    const target = found.dst ?? this.#deduceDst(i, res) ?? this.memory.read(places.dst);
    if (dst === undefined) this.memory.set(places.dst, target);
    if (op0 === undefined) this.memory.set(places.op0, left);
    if (op1 === undefined) this.memory.set(places.op1, right);
    return { dst: target, op0: left, op1: right, res };
  }

  /** A builtin's result is written as soon as it is asked for. */
  #builtin(place: Value): Value | undefined {
    if (typeof place === 'bigint') return undefined;
    const value = this.#deductions.get(place.segment)?.(place);
    if (value !== undefined) this.memory.set(place, value);
    return value;
  }

  #deduceOp0(i: Instruction, found: Partial): void {
    const { dst, op1 } = found;
    if (i.opcode === 'call') found.op0 = this.#returnAddress(i);
    if (i.opcode !== 'assert' || dst === undefined || op1 === undefined) return;
    if (i.res === 'add') found.op0 = sub(dst, op1);
    if (i.res === 'mul' && typeof dst === 'bigint' && typeof op1 === 'bigint')
      found.op0 = quotient(dst, op1);
    if (found.op0 !== undefined) found.res = dst;
  }

  #deduceDst(i: Instruction, res: Value | undefined): Value | undefined {
    if (i.opcode === 'call') return this.fp;
    return i.opcode === 'assert' ? res : undefined;
  }

  #returnAddress(i: Instruction): Address {
    return this.pc.plus(sizeOf(i));
  }

  /** @throws RunError `assert_failed call_frame bad_instruction` */
  #check(i: Instruction, { dst, op0, res }: Operands): void {
    if (i.opcode === 'assert') {
      if (res === undefined)
        throw new RunError('bad_instruction', 'a result to compare with', 'a jump if');
      if (!same(dst, res)) throw new RunError('assert_failed', show(res), show(dst));
    }
    if (i.opcode !== 'call') return;
    const back = this.#returnAddress(i);
    const ends = 'as the return address: was ap moved past the values in use?';
    if (!same(op0, back)) throw new RunError('call_frame', `${show(back)} ${ends}`, show(op0));
    if (!same(dst, this.fp)) throw new RunError('call_frame', `${show(this.fp)} as fp`, show(dst));
  }

  /** @throws RunError `bad_instruction bad_value bad_address` */
  #next(i: Instruction, operands: Operands): Registers {
    return {
      pc: this.#nextPc(i, operands),
      ap: this.#nextAp(i, operands.res),
      fp: this.#nextFp(i, operands.dst),
    };
  }

  #nextFp(i: Instruction, dst: Value): Address {
    if (i.opcode === 'call') return this.ap.plus(2);
    return i.opcode === 'ret' ? pointer(dst, 'fp') : this.fp;
  }

  #nextAp(i: Instruction, res: Value | undefined): Address {
    if (i.ap === 'add') return pointer(add(this.ap, demandRes(res, 'ap +=')), 'ap');
    return this.ap.plus({ same: 0, one: 1, two: 2 }[i.ap]);
  }

  #nextPc(i: Instruction, { dst, op1, res }: Operands): Address {
    if (i.pc === 'abs') return pointer(demandRes(res, 'jmp'), 'pc');
    if (i.pc === 'rel') return pointer(add(this.pc, number(demandRes(res, 'jmp rel'))), 'pc');
    if (i.pc === 'jnz' && isNonzero(dst)) return pointer(add(this.pc, number(op1)), 'pc');
    return this.pc.plus(sizeOf(i));
  }
}

const signed = (offset: number): bigint => reduce(BigInt(offset));

function deduceOp1(i: Instruction, found: Partial): void {
  const { dst, op0 } = found;
  if (i.opcode !== 'assert' || dst === undefined) return;
  if (i.res === 'op1') found.op1 = dst;
  if (i.res === 'add' && op0 !== undefined) found.op1 = sub(dst, op0);
  if (i.res === 'mul' && typeof dst === 'bigint' && typeof op0 === 'bigint' && op0 !== 0n)
    found.op1 = quotient(dst, op0);
  if (found.op1 !== undefined) found.res ??= dst;
}

/** @throws RunError `division_by_zero` */
function quotient(dividend: bigint, divisor: bigint): bigint {
  if (divisor === 0n)
    throw new RunError('division_by_zero', 'a divisor', `${show(dividend)} = ? * 0`);
  return mul(dividend, inverse(divisor));
}

function resultOf(i: Instruction, op0: Value, op1: Value): Value | undefined {
  if (i.res === 'free') return undefined;
  if (i.res === 'op1') return op1;
  return i.res === 'add' ? add(op0, op1) : mul(op0, op1);
}

function isNonzero(value: Value): boolean {
  if (typeof value === 'bigint') return value !== 0n;
  if (value.offset >= 0) return true;
  throw new RunError('bad_value', 'a number or a pointer into its segment', show(value));
}

function demandRes(res: Value | undefined, name: string): Value {
  if (res === undefined) throw new RunError('bad_instruction', `a result for ${name}`, 'a jump if');
  return res;
}

/** @throws RunError `bad_address` */
function pointer(value: Value, name: string): Address {
  if (typeof value !== 'bigint') return value;
  throw new RunError('bad_address', `a pointer in ${name}`, `the number ${show(value)}`);
}

/** @throws RunError `bad_value` */
function number(value: Value): bigint {
  if (typeof value === 'bigint') return value;
  throw new RunError('bad_value', 'a number as distance', `the pointer ${show(value)}`);
}
