// How to break each constraint of the CPU and nothing else.
import { inverse, mul } from '../../air/src/felt/felt.ts';
import type { StepChange, TamperedTable } from './tampered-table.ts';

/** Flags of an instruction by position. */
const [DST_FP, OP0_FP, IMMEDIATE, OP1_FP, OP1_AP] = [0, 1, 2, 3, 4];
const [ADDS, MULTIPLIES, ABSOLUTE, RELATIVE, NONZERO] = [5, 6, 7, 8, 9];
const [AP_ADDS_ONE, CALL, ASSERT] = [11, 12, 14];
export const RET = 13;
const HALF = 32768n;
export const CALL_FLAGS: readonly number[] = [IMMEDIATE, RELATIVE, CALL];
export const RET_FLAGS: readonly number[] = [DST_FP, OP0_FP, OP1_FP, ABSOLUTE, RET];
export const RET_OFFSETS = [HALF - 2n, HALF - 1n, HALF - 1n] as const;
const CALL_OFFSETS = [HALF, HALF + 1n, HALF + 1n] as const;

/** Makes the last step a right `call rel`, but for what is changed. */
export function callAtTheEnd(table: TamperedTable, change: StepChange): void {
  const [pc, fp] = [table.at(3, -16), table.at(5, -8)];
  const right = { flags: CALL_FLAGS, offsets: CALL_OFFSETS, dst: fp, op0: pc + 2n };
  table.change(-1, { ...right, ...change });
}

/** A running product that goes on from a wrong value at `from`. */
function scale(product: bigint[], from: number): void {
  for (let row = from; row < product.length; row++) product[row] = mul(product[row] ?? 0n, 3n);
}

/**
 * How to break each constraint and nothing else. Most speak of the last step, of which no next step
 * is claimed, so that it may be any instruction at all; −2 is the step before it.
 */
export const BREAKS: Readonly<Record<string, (table: TamperedTable) => void>> = {
  'decode/flag_is_bit': (table) => table.bump(1, -5),
  'decode/flags_end': (table) => {
    for (let i = 0; i < 16; i++) table.set(1, i, table.at(1, i) + 2n ** BigInt(15 - i));
    table.set(3, 1, table.at(3, 1) + 2n ** 63n);
  },
  'decode/instruction': (table) => table.bump(3, 1),
  'decode/op1_is_op0_is_bit': (table) => table.change(-1, { flags: [IMMEDIATE, OP1_AP] }),
  'decode/res_is_op1_is_bit': (table) =>
    table.change(-1, { flags: [IMMEDIATE, ADDS, MULTIPLIES], op0: 5n }),
  'decode/pc_regular_is_bit': (table) =>
    table.change(-1, { flags: [IMMEDIATE, ABSOLUTE, RELATIVE] }),
  'operands/dst_address': (table) => table.bump(3, -8),
  'operands/op0_address': (table) => table.bump(3, -12),
  'operands/op1_address': (table) => table.bump(3, -4),
  'operands/product': (table) => table.bump(5, -12),
  'operands/res': (table) => table.bump(5, -4),
  'update/tmp0': (table) => table.bump(5, -30),
  'update/tmp1': (table) => table.bump(5, 10),
  'update/pc_negative': (table) => table.change(-2, { flags: [IMMEDIATE] }),
  'update/pc_positive': (table) =>
    table.change(-2, { flags: [IMMEDIATE, NONZERO], dst: 3n, op1: 0n, res: 0n }),
  'update/ap': (table) => table.change(-2, { flags: [IMMEDIATE, RELATIVE, AP_ADDS_ONE] }),
  'update/fp': (table) => table.change(-2, { fp: 1000n }),
  'call/push_fp': (table) => callAtTheEnd(table, { dst: 1n }),
  'call/push_pc': (table) => callAtTheEnd(table, { op0: 1n }),
  'call/off0': (table) => callAtTheEnd(table, { offsets: [HALF + 1n, HALF + 1n, HALF + 1n] }),
  'call/off1': (table) => callAtTheEnd(table, { offsets: [HALF, HALF, HALF + 1n] }),
  'call/flags': (table) => callAtTheEnd(table, { flags: [...CALL_FLAGS, DST_FP] }),
  'ret/off0': (table) =>
    table.change(-1, { flags: RET_FLAGS, offsets: [HALF, HALF - 1n, HALF - 1n] }),
  'ret/off2': (table) =>
    table.change(-1, { flags: RET_FLAGS, offsets: [HALF - 2n, HALF - 1n, HALF] }),
  'ret/flags': (table) =>
    table.change(-1, { flags: [DST_FP, OP0_FP, OP1_FP, RET], offsets: RET_OFFSETS }),
  'assert/equal': (table) => table.change(-1, { flags: [IMMEDIATE, ASSERT], dst: 1n, op1: 2n }),
  'initial/ap': (table) => table.change(0, { ap: table.at(5, 0) + 1n, op1: table.at(3, 13) - 1n }),
  'initial/fp': (table) => {
    const fp = table.at(5, 8) + 1n;
    table.change(0, { fp });
    table.change(1, { fp, dst: fp });
  },
  'initial/pc': (table) => table.overrides.set('initial_pc', 2n),
  'final/ap': (table) => table.overrides.set('final_ap', 2n),
  'final/fp': (table) => {
    const ret = table.lastWith(RET);
    const fp = table.at(5, -8) + 1n;
    table.change(ret, { dst: fp });
    for (let step = ret + 1; step < table.steps; step++) table.change(step, { fp });
  },
  'final/pc': (table) => table.overrides.set('final_pc', 2n),
  'memory/first': (table) => {
    table.onProducts = (_, memory) => scale(memory, 0);
  },
  'memory/step': (table) => {
    table.onProducts = (_, memory) => scale(memory, 64);
  },
  'memory/last': (table) => table.overrides.set('memory_product', 2n),
  'memory/address_step_is_bit': (table) => table.set(4, -2, table.at(4, -4) + 2n),
  'memory/single_value': (table) => {
    table.set(4, -2, table.at(4, -4));
    table.set(4, -1, table.at(4, -3) + 1n);
  },
  'memory/first_address': (table) => {
    for (let row = 0; row < table.rows; row += 2) table.bump(4, row);
  },
  'public/address_zero': (table) => table.bump(3, 2),
  'public/value_zero': (table) => table.bump(3, 3),
  'offset/first': (table) => {
    table.bump(0, -1);
    table.onProducts = (offsets) => {
      const back = inverse(offsets.at(-1) ?? 1n);
      for (const [row, value] of offsets.entries()) offsets[row] = mul(value, back);
    };
  },
  'offset/step': (table) => {
    table.bump(0, -1);
    table.onProducts = (offsets) => {
      offsets[table.rows - 1] = 1n;
    };
  },
  'offset/last': (table) => table.bump(0, -1),
  'offset/step_is_bit': (table) => {
    const max = table.at(2, -1) + 2n;
    table.set(0, -1, max);
    table.sortOffsets();
    table.overrides.set('rc_max', max);
  },
  'offset/minimum': (table) => table.overrides.set('rc_min', 1n),
  'offset/maximum': (table) => table.overrides.set('rc_max', 1n),
};

/**
 * call/off0 and ret/off0 exclude each other, so that no step is a call and a return: this one says
 * it again.
 */
export const IMPLIED = 'decode/fp_regular_is_bit';
