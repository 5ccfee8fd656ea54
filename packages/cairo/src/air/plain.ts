import { type Constraint, type Expression, Graph, type Layout, type Rows } from './expression.ts';

/**
 * The layout `plain`: the Cairo CPU without builtins. Constraints as in the Cairo whitepaper
 * (ePrint 2021/1063, section 9), in the order and columns of StarkWare's Stone prover (layout 10).
 * 16 rows a step. Columns: 0 offsets · 1 flag prefixes · 2 sorted offsets · 3 memory accesses
 * (address, value) · 4 sorted memory · 5 registers and intermediate values · 6 running product of
 * the offsets · 7 running product of the memory.
 */

const EVERY_ROW: Rows = { kind: 'periodic', period: 1, offset: 0 };
const EVERY_STEP: Rows = { kind: 'periodic', period: 16, offset: 0 };
/** The row of a step where the chain of flag prefixes has run out. */
const LAST_FLAG: Rows = { kind: 'periodic', period: 16, offset: 15 };
const EVERY_ACCESS: Rows = { kind: 'periodic', period: 2, offset: 0 };
const EVERY_PUBLIC_CELL: Rows = { kind: 'periodic', period: 8, offset: 0 };
const FIRST_ROW: Rows = { kind: 'single', row: 0 };
const LAST_ROW: Rows = { kind: 'single', row: -1 };
const LAST_STEP: Rows = { kind: 'single', row: -16 };
const LAST_ACCESS: Rows = { kind: 'single', row: -2 };

const OFFSET_SIZE = 2n ** 16n;
const HALF_OFFSET = 2n ** 15n;

/** Rows below the current one that the constraints look at, per column. */
const MASK_ROWS: readonly (readonly number[])[] = [
  [0, 1, 4, 8],
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [0, 1],
  [0, 1, 2, 3, 4, 5, 8, 9, 12, 13, 16],
  [0, 1, 2, 3],
  [0, 2, 4, 8, 10, 12, 16, 24],
  [0, 1],
  [0, 2],
];

const graph = new Graph();
const one: Expression = graph.constant(1n);
const parameter = (name: string): Expression => graph.parameter(name);
const cells: Expression[][] = MASK_ROWS.map((rows, column) => {
  const byRow: Expression[] = [];
  for (const row of rows) byRow[row] = graph.cell(column, row);
  return byRow;
});
const cell = (column: number, row: number): Expression => {
  const found = cells[column]?.[row];
  if (found === undefined) throw new RangeError(`no mask cell (${column}, ${row})`);
  return found;
};

const isBit = (x: Expression): Expression => x.times(x).minus(x);
const not = (x: Expression): Expression => one.minus(x);

/** Flag i of an instruction: prefix i minus twice prefix i + 1. */
const flag = Array.from({ length: 15 }, (_, i) => {
  const next = cell(1, i + 1);
  return cell(1, i).minus(next.plus(next));
});
const flagAt = (i: number): Expression => flag[i] as Expression;

const dstIsFp = flagAt(0);
const op0IsFp = flagAt(1);
const op1IsImmediate = flagAt(2);
const op1IsFp = flagAt(3);
const op1IsAp = flagAt(4);
const resAdds = flagAt(5);
const resMultiplies = flagAt(6);
const jumpAbsolute = flagAt(7);
const jumpRelative = flagAt(8);
const jumpNonZero = flagAt(9);
const apAdds = flagAt(10);
const apAddsOne = flagAt(11);
const isCall = flagAt(12);
const isRet = flagAt(13);
const isAssert = flagAt(14);
const op1IsOp0 = not(op1IsImmediate.plus(op1IsAp).plus(op1IsFp));
const resIsOp1 = not(resAdds.plus(resMultiplies).plus(jumpNonZero));
const pcRegular = not(jumpAbsolute.plus(jumpRelative).plus(jumpNonZero));
const fpRegular = not(isCall.plus(isRet));

const off0 = cell(0, 0);
const off1 = cell(0, 8);
const off2 = cell(0, 4);
const pc = cell(3, 0);
const instruction = cell(3, 1);
const op0Address = cell(3, 4);
const op0 = cell(3, 5);
const dstAddress = cell(3, 8);
const dst = cell(3, 9);
const op1Address = cell(3, 12);
const op1 = cell(3, 13);
const nextPc = cell(3, 16);
const ap = cell(5, 0);
const fp = cell(5, 8);
const tmp0 = cell(5, 2);
const tmp1 = cell(5, 10);
const product = cell(5, 4);
const res = cell(5, 12);
const nextAp = cell(5, 16);
const nextFp = cell(5, 24);
/** pc after this instruction if it does not jump. */
const followingPc = pc.plus(op1IsImmediate).plus(1n);

const memoryZ = parameter('memory_z');
const memoryAlpha = parameter('memory_alpha');
const offsetZ = parameter('offset_z');
const initialAp = parameter('initial_ap');
const access = (column: number, row: number): Expression =>
  cell(column, row).plus(memoryAlpha.times(cell(column, row + 1)));
const addressStep = cell(4, 2).minus(cell(4, 0));
const offsetStep = cell(2, 1).minus(cell(2, 0));

const constraints: Constraint[] = [];
const zero = (name: string, rows: Rows, expression: Expression, except?: Rows): void => {
  constraints.push({ name, root: expression.id, rows, except });
};

// An instruction is its three biased offsets and fifteen flags.
zero('decode/flag_is_bit', EVERY_ROW, isBit(dstIsFp), LAST_FLAG);
zero('decode/flags_end', LAST_FLAG, cell(1, 0));
zero(
  'decode/instruction',
  EVERY_STEP,
  instruction.minus(
    cell(1, 0)
      .times(OFFSET_SIZE)
      .plus(off2)
      .times(OFFSET_SIZE)
      .plus(off1)
      .times(OFFSET_SIZE)
      .plus(off0),
  ),
);
zero('decode/op1_is_op0_is_bit', EVERY_STEP, isBit(op1IsOp0));
zero('decode/res_is_op1_is_bit', EVERY_STEP, isBit(resIsOp1));
zero('decode/pc_regular_is_bit', EVERY_STEP, isBit(pcRegular));
zero('decode/fp_regular_is_bit', EVERY_STEP, isBit(fpRegular));

// Where the operands are, and what res is.
const base = (isFp: Expression): Expression => isFp.times(fp).plus(not(isFp).times(ap));
zero(
  'operands/dst_address',
  EVERY_STEP,
  dstAddress.plus(HALF_OFFSET).minus(base(dstIsFp).plus(off0)),
);
zero(
  'operands/op0_address',
  EVERY_STEP,
  op0Address.plus(HALF_OFFSET).minus(base(op0IsFp).plus(off1)),
);
zero(
  'operands/op1_address',
  EVERY_STEP,
  op1Address
    .plus(HALF_OFFSET)
    .minus(
      op1IsImmediate
        .times(pc)
        .plus(op1IsAp.times(ap))
        .plus(op1IsFp.times(fp))
        .plus(op1IsOp0.times(op0))
        .plus(off2),
    ),
);
zero('operands/product', EVERY_STEP, product.minus(op0.times(op1)));
zero(
  'operands/res',
  EVERY_STEP,
  not(jumpNonZero)
    .times(res)
    .minus(
      resAdds.times(op0.plus(op1)).plus(resMultiplies.times(product)).plus(resIsOp1.times(op1)),
    ),
);

// The next pc, ap and fp. tmp1 is dst·res, where res of a conditional jump is free: 1/dst.
zero('update/tmp0', EVERY_STEP, tmp0.minus(jumpNonZero.times(dst)), LAST_STEP);
zero('update/tmp1', EVERY_STEP, tmp1.minus(tmp0.times(res)), LAST_STEP);
zero(
  'update/pc_negative',
  EVERY_STEP,
  not(jumpNonZero)
    .times(nextPc)
    .plus(tmp0.times(nextPc.minus(pc.plus(op1))))
    .minus(
      pcRegular
        .times(followingPc)
        .plus(jumpAbsolute.times(res))
        .plus(jumpRelative.times(pc.plus(res))),
    ),
  LAST_STEP,
);
zero(
  'update/pc_positive',
  EVERY_STEP,
  tmp1.minus(jumpNonZero).times(nextPc.minus(followingPc)),
  LAST_STEP,
);
zero(
  'update/ap',
  EVERY_STEP,
  nextAp.minus(ap.plus(apAdds.times(res)).plus(apAddsOne).plus(isCall.times(2n))),
  LAST_STEP,
);
zero(
  'update/fp',
  EVERY_STEP,
  nextFp.minus(
    fpRegular
      .times(fp)
      .plus(isRet.times(dst))
      .plus(isCall.times(ap.plus(2n))),
  ),
  LAST_STEP,
);

// What call, ret and assert demand.
zero('call/push_fp', EVERY_STEP, isCall.times(dst.minus(fp)));
zero('call/push_pc', EVERY_STEP, isCall.times(op0.minus(followingPc)));
zero('call/off0', EVERY_STEP, isCall.times(off0.minus(HALF_OFFSET)));
zero('call/off1', EVERY_STEP, isCall.times(off1.minus(HALF_OFFSET + 1n)));
zero(
  'call/flags',
  EVERY_STEP,
  isCall.times(isCall.plus(isCall).plus(2n).minus(dstIsFp.plus(op0IsFp).plus(4n))),
);
zero('ret/off0', EVERY_STEP, isRet.times(off0.plus(2n).minus(HALF_OFFSET)));
zero('ret/off2', EVERY_STEP, isRet.times(off2.plus(1n).minus(HALF_OFFSET)));
zero(
  'ret/flags',
  EVERY_STEP,
  isRet.times(jumpAbsolute.plus(dstIsFp).plus(op1IsFp).plus(resIsOp1).minus(4n)),
);
zero('assert/equal', EVERY_STEP, isAssert.times(dst.minus(res)));

// Where the run begins and ends; fp is back where it was.
zero('initial/ap', FIRST_ROW, ap.minus(initialAp));
zero('initial/fp', FIRST_ROW, fp.minus(initialAp));
zero('initial/pc', FIRST_ROW, pc.minus(parameter('initial_pc')));
zero('final/ap', LAST_STEP, ap.minus(parameter('final_ap')));
zero('final/fp', LAST_STEP, fp.minus(initialAp));
zero('final/pc', LAST_STEP, pc.minus(parameter('final_pc')));

// Memory: the accesses are a permutation of a sorted, continuous, single-valued list.
zero(
  'memory/first',
  FIRST_ROW,
  memoryZ.minus(access(4, 0)).times(cell(7, 0)).plus(access(3, 0)).minus(memoryZ),
);
zero(
  'memory/step',
  EVERY_ACCESS,
  memoryZ
    .minus(access(4, 2))
    .times(cell(7, 2))
    .minus(memoryZ.minus(access(3, 2)).times(cell(7, 0))),
  LAST_ACCESS,
);
zero('memory/last', LAST_ACCESS, cell(7, 0).minus(parameter('memory_product')));
zero('memory/address_step_is_bit', EVERY_ACCESS, isBit(addressStep), LAST_ACCESS);
zero(
  'memory/single_value',
  EVERY_ACCESS,
  addressStep.minus(1n).times(cell(4, 1).minus(cell(4, 3))),
  LAST_ACCESS,
);
zero('memory/first_address', FIRST_ROW, cell(4, 0).minus(1n));
zero('public/address_zero', EVERY_PUBLIC_CELL, cell(3, 2));
zero('public/value_zero', EVERY_PUBLIC_CELL, cell(3, 3));

// Offsets: a permutation of a sorted list without gaps from rc_min to rc_max.
zero(
  'offset/first',
  FIRST_ROW,
  offsetZ.minus(cell(2, 0)).times(cell(6, 0)).plus(cell(0, 0)).minus(offsetZ),
);
zero(
  'offset/step',
  EVERY_ROW,
  offsetZ
    .minus(cell(2, 1))
    .times(cell(6, 1))
    .minus(offsetZ.minus(cell(0, 1)).times(cell(6, 0))),
  LAST_ROW,
);
zero('offset/last', LAST_ROW, cell(6, 0).minus(1n));
zero('offset/step_is_bit', EVERY_ROW, isBit(offsetStep), LAST_ROW);
zero('offset/minimum', FIRST_ROW, cell(2, 0).minus(parameter('rc_min')));
zero('offset/maximum', LAST_ROW, cell(2, 0).minus(parameter('rc_max')));

export const PLAIN: Layout = {
  name: 'plain',
  segments: ['program', 'execution'],
  rowsPerStep: 16,
  rowsPerPublicCell: 8,
  columnsFirst: 6,
  columnsSecond: 2,
  interactionElements: ['memory_z', 'memory_alpha', 'offset_z'],
  compositionColumns: 2,
  nodes: graph.nodes,
  mask: graph.mask,
  constraints,
};
