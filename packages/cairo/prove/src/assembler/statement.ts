// One statement of assembly to one instruction: assert, ap +=, jmp, call, ret.
import { AssemblyError, type Position } from './failure.ts';
import type { Instruction } from './instruction.ts';
import { combine, dstOf, nameOf, type Operand, op1Of, resOf } from './operand.ts';

/** A jump or call target that is only known when all labels are. */
export interface LabelUse extends Position {
  readonly name: string;
}

/** One or two words to be. */
export interface Emitted {
  readonly instruction: Instruction;
  readonly imm: bigint | LabelUse | undefined;
}

const NO_DST = { dst: 'fp', off0: -1 } as const;
const NO_OP0 = { op0: 'fp', off1: -1 } as const;

/** `left = right`, in whichever order an instruction has it. @throws AssemblyError */
export function emitAssert(left: Operand, right: Operand): Emitted {
  const [dst, value] = solved(left, right);
  const { fields, imm } = resOf(value);
  return {
    instruction: { ...dstOf(dst), ...fields, pc: 'next', ap: 'same', opcode: 'assert' },
    imm,
  };
}

/**
 * `a = b − c` is b = a + c and `a = b / c` is b = a · c: the machine only adds and multiplies.
 * `[[fp]] = [ap]` is written the other way round, since only res may be a cell of a cell.
 */
function solved(left: Operand, right: Operand): [Operand, Operand] {
  if (right.kind === 'pair' && (right.sign === '-' || right.sign === '/')) {
    if (right.left.kind !== 'cell')
      throw new AssemblyError(
        'bad_operand',
        right.at,
        `a cell before ${right.sign} (put the number into one first)`,
        nameOf(right.left),
      );
    return [right.left, combine(right.sign === '-' ? '+' : '*', left, right.right)];
  }
  return left.kind === 'cell' ? [left, right] : [right, left];
}

/** `ap += res` */
export function emitAdvance(by: Operand): Emitted {
  const { fields, imm } = resOf(by);
  return { instruction: { ...NO_DST, ...fields, pc: 'next', ap: 'add', opcode: 'nop' }, imm };
}

/** `jmp abs res`, `jmp rel res` */
export function emitJump(pc: 'abs' | 'rel', to: Operand): Emitted {
  const { fields, imm } = resOf(to);
  return { instruction: { ...NO_DST, ...fields, pc, ap: 'same', opcode: 'nop' }, imm };
}

/** `jmp rel op1 if dst != 0` */
export function emitBranch(to: Operand | LabelUse, condition: Operand): Emitted {
  const { fields, imm } = targetOf(to);
  const flow = { res: 'free', pc: 'jnz', ap: 'same', opcode: 'nop' } as const;
  return { instruction: { ...dstOf(condition), ...NO_OP0, ...fields, ...flow }, imm };
}

/** `call abs op1`, `call rel op1`: writes fp to [ap] and the return address to [ap + 1]. */
export function emitCall(pc: 'abs' | 'rel', to: Operand | LabelUse): Emitted {
  const { fields, imm } = targetOf(to);
  const frame = { dst: 'ap', off0: 0, op0: 'ap', off1: 1 } as const;
  return { instruction: { ...frame, ...fields, res: 'op1', pc, ap: 'two', opcode: 'call' }, imm };
}

/** `jmp label` */
export function emitGoto(label: LabelUse): Emitted {
  const fields = { ...NO_DST, ...NO_OP0, ...IMMEDIATE, res: 'op1' } as const;
  return { instruction: { ...fields, pc: 'rel', ap: 'same', opcode: 'nop' }, imm: label };
}

/** `ret` */
export const RETURN: Emitted = {
  instruction: {
    dst: 'fp',
    off0: -2,
    op0: 'fp',
    off1: -1,
    op1: 'fp',
    off2: -1,
    res: 'op1',
    pc: 'abs',
    ap: 'same',
    opcode: 'ret',
  },
  imm: undefined,
};

const IMMEDIATE = { op1: 'imm', off2: 1 } as const;

function targetOf(to: Operand | LabelUse): {
  readonly fields: Pick<Instruction, 'off2' | 'op1'>;
  readonly imm: bigint | LabelUse | undefined;
} {
  return 'name' in to ? { fields: IMMEDIATE, imm: to } : op1Of(to);
}

/** `…; ap++`. @throws AssemblyError `bad_syntax` for an instruction that moves ap itself */
export function withIncrement({ instruction, imm }: Emitted, at: Position): Emitted {
  if (instruction.opcode === 'ret' || instruction.ap !== 'same')
    throw new AssemblyError('bad_syntax', at, 'ap++ after =, or after jmp', 'ap++ after another');
  return { instruction: { ...instruction, ap: 'one' }, imm };
}
