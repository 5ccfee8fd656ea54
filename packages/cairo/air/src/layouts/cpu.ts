// Constraints of the Cairo CPU.
import { type AirBuilder, EVERY_ROW, every, FIRST_ROW, type Place, single } from './builder.ts';
import type { Expression, Rows } from './expression.ts';

/**
 * The CPU: decoding, operands, the next registers, what call, ret and assert demand, and where a
 * run begins and ends. Constraints as in the Cairo whitepaper (ePrint 2021/1063, section 9), in the
 * order of StarkWare's Stone prover; 33 of them, in every layout of 16 rows a step.
 */

const EVERY_STEP: Rows = every(16);
/** The row of a step where the chain of flag prefixes has run out. */
const LAST_FLAG: Rows = every(16, 15);
const LAST_STEP: Rows = single(-16);

const OFFSET_SIZE = 2n ** 16n;
const HALF_OFFSET = 2n ** 15n;

/** Where a layout keeps the CPU's values; their rows within a step are the same everywhere. */
export interface CpuColumns {
  /** Biased offsets, rows 0 (dst), 4 (op1) and 8 (op0). */
  readonly offsets: number;
  /** Prefixes of the flag word, 16 rows. */
  readonly flags: number;
  /** Accesses as (address, value): pc 0, op0 4, dst 8, op1 12. */
  readonly memory: number;
  /** ap 0, tmp0 2, product 4, fp 8, tmp1 10, res 12, all after this column's first row. */
  readonly registers: Place;
}

/** The expressions that the CPU's constraints are written with. */
interface Cpu {
  readonly flag: (i: number) => Expression;
  readonly op1IsOp0: Expression;
  readonly resIsOp1: Expression;
  readonly pcRegular: Expression;
  readonly fpRegular: Expression;
  /** pc after this instruction if it does not jump. */
  readonly followingPc: Expression;
  readonly offset: (row: number) => Expression;
  readonly memory: (row: number) => Expression;
  readonly register: (row: number) => Expression;
}

/** Flags of an instruction word by position. */
const FLAG = {
  dstIsFp: 0,
  op0IsFp: 1,
  op1IsImmediate: 2,
  op1IsFp: 3,
  op1IsAp: 4,
  resAdds: 5,
  resMultiplies: 6,
  jumpAbsolute: 7,
  jumpRelative: 8,
  jumpNonZero: 9,
  apAdds: 10,
  apAddsOne: 11,
  isCall: 12,
  isRet: 13,
  isAssert: 14,
} as const;

const OFF0 = 0;
const OFF2 = 4;
const OFF1 = 8;
const PC = 0;
const INSTRUCTION = 1;
const OP0_ADDRESS = 4;
const OP0 = 5;
const DST_ADDRESS = 8;
const DST = 9;
const OP1_ADDRESS = 12;
const OP1 = 13;
const NEXT_PC = 16;
const AP = 0;
const TMP0 = 2;
const PRODUCT = 4;
const FP = 8;
const TMP1 = 10;
const RES = 12;
const NEXT_AP = 16;
const NEXT_FP = 24;

/** Adds the constraints of the CPU, in Stone's order. */
export function addCpu(air: AirBuilder, columns: CpuColumns): void {
  const cpu = expressions(air, columns);
  addDecode(air, columns, cpu);
  addOperands(air, cpu);
  addUpdates(air, cpu);
  addOpcodes(air, cpu);
  addEnds(air, cpu);
}

function expressions(air: AirBuilder, columns: CpuColumns): Cpu {
  const flags = Array.from({ length: 15 }, (_, i) =>
    air.bit(air.cell(columns.flags, i), air.cell(columns.flags, i + 1)),
  );
  const flag = (i: number): Expression => flags[i] as Expression;
  const { op1IsImmediate, op1IsAp, op1IsFp, resAdds, resMultiplies } = FLAG;
  const { jumpAbsolute, jumpRelative, jumpNonZero, isCall, isRet } = FLAG;
  const none = (...some: number[]): Expression =>
    air.not(some.map(flag).reduce((sum, one) => sum.plus(one)));
  return {
    flag,
    op1IsOp0: none(op1IsImmediate, op1IsAp, op1IsFp),
    resIsOp1: none(resAdds, resMultiplies, jumpNonZero),
    pcRegular: none(jumpAbsolute, jumpRelative, jumpNonZero),
    fpRegular: none(isCall, isRet),
    followingPc: air.cell(columns.memory, PC).plus(flag(op1IsImmediate)).plus(1n),
    offset: (row) => air.cell(columns.offsets, row),
    memory: (row) => air.cell(columns.memory, row),
    register: (row) => air.at(columns.registers, row),
  };
}

/** An instruction is its three biased offsets and fifteen flags. */
function addDecode(air: AirBuilder, columns: CpuColumns, cpu: Cpu): void {
  const { offset, memory } = cpu;
  const word = air.cell(columns.flags, 0);
  air.zero('decode/flag_is_bit', EVERY_ROW, air.isBit(cpu.flag(0)), LAST_FLAG);
  air.zero('decode/flags_end', LAST_FLAG, word);
  air.zero(
    'decode/instruction',
    EVERY_STEP,
    memory(INSTRUCTION).minus(
      word
        .times(OFFSET_SIZE)
        .plus(offset(OFF2))
        .times(OFFSET_SIZE)
        .plus(offset(OFF1))
        .times(OFFSET_SIZE)
        .plus(offset(OFF0)),
    ),
  );
  air.zero('decode/op1_is_op0_is_bit', EVERY_STEP, air.isBit(cpu.op1IsOp0));
  air.zero('decode/res_is_op1_is_bit', EVERY_STEP, air.isBit(cpu.resIsOp1));
  air.zero('decode/pc_regular_is_bit', EVERY_STEP, air.isBit(cpu.pcRegular));
  air.zero('decode/fp_regular_is_bit', EVERY_STEP, air.isBit(cpu.fpRegular));
}

/** Where the operands are, and what res is. */
function addOperands(air: AirBuilder, cpu: Cpu): void {
  const { flag, offset, memory, register } = cpu;
  const base = (isFp: Expression): Expression =>
    isFp.times(register(FP)).plus(air.not(isFp).times(register(AP)));
  const biased = (address: Expression): Expression => address.plus(HALF_OFFSET);
  const dst = base(flag(FLAG.dstIsFp)).plus(offset(OFF0));
  const op0 = base(flag(FLAG.op0IsFp)).plus(offset(OFF1));
  const op1 = flag(FLAG.op1IsImmediate)
    .times(memory(PC))
    .plus(flag(FLAG.op1IsAp).times(register(AP)))
    .plus(flag(FLAG.op1IsFp).times(register(FP)))
    .plus(cpu.op1IsOp0.times(memory(OP0)))
    .plus(offset(OFF2));
  air.zero('operands/dst_address', EVERY_STEP, biased(memory(DST_ADDRESS)).minus(dst));
  air.zero('operands/op0_address', EVERY_STEP, biased(memory(OP0_ADDRESS)).minus(op0));
  air.zero('operands/op1_address', EVERY_STEP, biased(memory(OP1_ADDRESS)).minus(op1));
  const product = memory(OP0).times(memory(OP1));
  air.zero('operands/product', EVERY_STEP, register(PRODUCT).minus(product));
  const res = flag(FLAG.resAdds)
    .times(memory(OP0).plus(memory(OP1)))
    .plus(flag(FLAG.resMultiplies).times(register(PRODUCT)))
    .plus(cpu.resIsOp1.times(memory(OP1)));
  const claimed = air.not(flag(FLAG.jumpNonZero)).times(register(RES));
  air.zero('operands/res', EVERY_STEP, claimed.minus(res));
}

/** The next pc, ap and fp. tmp1 is dst·res, where res of a conditional jump is free: 1/dst. */
function addUpdates(air: AirBuilder, cpu: Cpu): void {
  const { flag, memory, register, followingPc } = cpu;
  const [pc, res, tmp0, nextPc] = [memory(PC), register(RES), register(TMP0), memory(NEXT_PC)];
  const jumpNonZero = flag(FLAG.jumpNonZero);
  const zero = (name: string, expression: Expression): void =>
    air.zero(name, EVERY_STEP, expression, LAST_STEP);
  zero('update/tmp0', tmp0.minus(jumpNonZero.times(memory(DST))));
  zero('update/tmp1', register(TMP1).minus(tmp0.times(res)));
  const jumped = cpu.pcRegular
    .times(followingPc)
    .plus(flag(FLAG.jumpAbsolute).times(res))
    .plus(flag(FLAG.jumpRelative).times(pc.plus(res)));
  const taken = tmp0.times(nextPc.minus(pc.plus(memory(OP1))));
  const claimed = air.not(jumpNonZero).times(nextPc);
  zero('update/pc_negative', claimed.plus(taken).minus(jumped));
  const notTaken = register(TMP1).minus(jumpNonZero);
  zero('update/pc_positive', notTaken.times(nextPc.minus(followingPc)));
  const ap = register(AP)
    .plus(flag(FLAG.apAdds).times(res))
    .plus(flag(FLAG.apAddsOne))
    .plus(flag(FLAG.isCall).times(2n));
  zero('update/ap', register(NEXT_AP).minus(ap));
  const fp = cpu.fpRegular
    .times(register(FP))
    .plus(flag(FLAG.isRet).times(memory(DST)))
    .plus(flag(FLAG.isCall).times(register(AP).plus(2n)));
  zero('update/fp', register(NEXT_FP).minus(fp));
}

/** What call, ret and assert demand. */
function addOpcodes(air: AirBuilder, cpu: Cpu): void {
  const { flag, offset, memory, register } = cpu;
  const [isCall, isRet, isAssert] = [flag(FLAG.isCall), flag(FLAG.isRet), flag(FLAG.isAssert)];
  const when = (name: string, condition: Expression, expression: Expression): void =>
    air.zero(name, EVERY_STEP, condition.times(expression));
  when('call/push_fp', isCall, memory(DST).minus(register(FP)));
  when('call/push_pc', isCall, memory(OP0).minus(cpu.followingPc));
  when('call/off0', isCall, offset(OFF0).minus(HALF_OFFSET));
  when('call/off1', isCall, offset(OFF1).minus(HALF_OFFSET + 1n));
  const bases = flag(FLAG.dstIsFp).plus(flag(FLAG.op0IsFp)).plus(4n);
  when('call/flags', isCall, isCall.plus(isCall).plus(2n).minus(bases));
  when('ret/off0', isRet, offset(OFF0).plus(2n).minus(HALF_OFFSET));
  when('ret/off2', isRet, offset(OFF2).plus(1n).minus(HALF_OFFSET));
  const flags = flag(FLAG.jumpAbsolute)
    .plus(flag(FLAG.dstIsFp))
    .plus(flag(FLAG.op1IsFp))
    .plus(cpu.resIsOp1);
  when('ret/flags', isRet, flags.minus(4n));
  when('assert/equal', isAssert, memory(DST).minus(register(RES)));
}

/** Where the run begins and ends; fp is back where it was. */
function addEnds(air: AirBuilder, { memory, register }: Cpu): void {
  const initialAp = air.parameter('initial_ap');
  air.zero('initial/ap', FIRST_ROW, register(AP).minus(initialAp));
  air.zero('initial/fp', FIRST_ROW, register(FP).minus(initialAp));
  air.zero('initial/pc', FIRST_ROW, memory(PC).minus(air.parameter('initial_pc')));
  air.zero('final/ap', LAST_STEP, register(AP).minus(air.parameter('final_ap')));
  air.zero('final/fp', LAST_STEP, register(FP).minus(initialAp));
  air.zero('final/pc', LAST_STEP, memory(PC).minus(air.parameter('final_pc')));
}
