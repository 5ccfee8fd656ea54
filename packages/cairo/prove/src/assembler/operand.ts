// Operands: expressions folded to what an instruction can hold.
import { inverse, P, reduce } from '@fatty/cairo-air';
import { AssemblyError, type Position } from './failure.ts';
import { fitsOffset, type Instruction, type Register } from './instruction.ts';

/** A parsed expression, constants folded; numbers are integers until they are put into a word. */
export type Operand =
  | { readonly kind: 'number'; readonly value: bigint; readonly at: Position }
  | {
      readonly kind: 'address';
      readonly base: Register;
      readonly off: bigint;
      readonly at: Position;
    }
  | { readonly kind: 'cell'; readonly base: Register; readonly off: bigint; readonly at: Position }
  | {
      readonly kind: 'deep';
      readonly base: Register;
      readonly off: bigint;
      readonly off2: bigint;
      readonly at: Position;
    }
  | {
      readonly kind: 'pair';
      readonly sign: Sign;
      readonly left: Operand;
      readonly right: Operand;
      readonly at: Position;
    };

/** The operations that an expression of assembly may hold. */
export type Sign = '+' | '-' | '*' | '/';

/** `left sign right`, folded as far as it goes. @throws AssemblyError `bad_operand` */
export function combine(sign: Sign, left: Operand, right: Operand): Operand {
  const { at } = left;
  if (right.kind === 'number') {
    if (sign === '-') return combine('+', left, { ...right, value: -right.value });
    if (sign === '/') return combine('*', left, { ...right, value: inverted(right) });
    if (left.kind === 'number') {
      const value = sign === '+' ? left.value + right.value : left.value * right.value;
      // Small results stay signed, so that they can be offsets.
      return { kind: 'number', value: value > -P && value < P ? value : reduce(value), at };
    }
    if (left.kind === 'address' && sign === '+') return { ...left, off: left.off + right.value };
  }
  const commutes = sign === '+' || sign === '*';
  if (left.kind === 'number' && commutes) return combine(sign, right, left);
  return { kind: 'pair', sign, left, right, at };
}

function inverted({ value, at }: { value: bigint; at: Position }): bigint {
  const divisor = reduce(value);
  if (divisor === 0n) throw new AssemblyError('bad_operand', at, 'a divisor', '0');
  return inverse(divisor);
}

/** `[inner]`. @throws AssemblyError `bad_operand` */
export function dereference(inner: Operand, at: Position): Operand {
  if (inner.kind === 'address') return { ...inner, kind: 'cell', at };
  if (inner.kind === 'cell') return { ...inner, kind: 'deep', off2: 0n, at };
  if (inner.kind === 'pair' && inner.sign === '+') {
    const { left, right } = inner;
    if (left.kind === 'cell' && right.kind === 'number')
      return { kind: 'deep', base: left.base, off: left.off, off2: right.value, at };
  }
  throw new AssemblyError(
    'bad_operand',
    at,
    'an address, as [ap + 1] or [[fp - 3] + 2]',
    nameOf(inner),
  );
}

/** What an operand is, for people. */
export function nameOf(operand: Operand): string {
  if (operand.kind === 'number') return `the number ${operand.value}`;
  if (operand.kind === 'address') return `the register ${operand.base} without [ ]`;
  if (operand.kind === 'cell') return 'a cell';
  if (operand.kind === 'deep') return 'a cell of a cell';
  return `${nameOf(operand.left)} ${operand.sign} ${nameOf(operand.right)}`;
}

/** The part of an instruction that computes `res`, and its immediate. */
export interface Res {
  readonly fields: Pick<Instruction, 'off1' | 'off2' | 'op0' | 'op1' | 'res'>;
  readonly imm: bigint | undefined;
}

/** An operand that is not used is [fp − 1]: what StarkWare's assembler puts there. */
const UNUSED = { op0: 'fp', off1: -1 } as const;

/** @throws AssemblyError `bad_operand offset_range` */
export function resOf(operand: Operand): Res {
  if (operand.kind === 'deep') {
    const { base, off, off2, at } = operand;
    const fields = {
      op0: base,
      off1: offsetOf(off, at),
      op1: 'op0',
      off2: offsetOf(off2, at),
    } as const;
    return { fields: { ...fields, res: 'op1' }, imm: undefined };
  }
  if (operand.kind !== 'pair') {
    const { fields, imm } = op1Of(operand);
    return { fields: { ...UNUSED, ...fields, res: 'op1' }, imm };
  }
  const { sign, left, right } = operand;
  const [op0, op1] = left.kind === 'cell' ? [left, right] : [right, left];
  if (op0.kind !== 'cell' || (sign !== '+' && sign !== '*')) throw badRes(operand);
  const { fields, imm } = op1Of(op1);
  const res = sign === '+' ? 'add' : 'mul';
  return { fields: { op0: op0.base, off1: offsetOf(op0.off, op0.at), ...fields, res }, imm };
}

const badRes = (operand: Operand): AssemblyError =>
  new AssemblyError(
    'bad_operand',
    operand.at,
    'a number, [r + n], [[r + n] + n], [r + n] + x or [r + n] * x (x: number or [r + n])',
    nameOf(operand),
  );

/** A number or a cell. @throws AssemblyError `bad_operand offset_range` */
export function op1Of(operand: Operand): {
  readonly fields: Pick<Instruction, 'off2' | 'op1'>;
  readonly imm: bigint | undefined;
} {
  if (operand.kind === 'number')
    return { fields: { op1: 'imm', off2: 1 }, imm: fieldOf(operand.value, operand.at) };
  if (operand.kind !== 'cell') throw badRes(operand);
  const off2 = offsetOf(operand.off, operand.at);
  return { fields: { op1: operand.base, off2 }, imm: undefined };
}

/** A cell as destination. @throws AssemblyError `bad_operand offset_range` */
export function dstOf(operand: Operand): Pick<Instruction, 'dst' | 'off0'> {
  if (operand.kind !== 'cell')
    throw new AssemblyError('bad_operand', operand.at, 'a cell, as [ap - 1]', nameOf(operand));
  return { dst: operand.base, off0: offsetOf(operand.off, operand.at) };
}

function offsetOf(value: bigint, at: Position): number {
  if (fitsOffset(value)) return Number(value);
  throw new AssemblyError('offset_range', at, 'an offset in -32768..32767', printed(value));
}

/** @throws AssemblyError `bad_operand` for a number that is not of the field, −p < n < p */
export function fieldOf(value: bigint, at: Position): bigint {
  if (value > -P && value < P) return reduce(value);
  throw new AssemblyError(
    'bad_operand',
    at,
    'a number below p = 2^251 + 17·2^192 + 1',
    printed(value),
  );
}

const printed = (value: bigint): string => {
  const text = value.toString();
  return text.length > 24 ? `${text.slice(0, 24)}…` : text;
};
