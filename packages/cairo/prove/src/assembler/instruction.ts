// An instruction and its word: decoding and encoding.

/** A base register of an operand's address. */
export type Register = 'ap' | 'fp';

/**
 * One Cairo instruction (whitepaper ePrint 2021/1063, section 4): three offsets of 16 bits and 15
 * flags, as what they mean. Offsets are signed, −2^15..2^15−1.
 */
export interface Instruction {
  readonly off0: number;
  readonly off1: number;
  readonly off2: number;
  readonly dst: Register;
  readonly op0: Register;
  /** Base of op1's address; `imm` is pc, with off2 = 1. */
  readonly op1: Register | 'imm' | 'op0';
  /** `free` exactly when `pc` is `jnz`: there the cell holds the inverse of dst. */
  readonly res: 'op1' | 'add' | 'mul' | 'free';
  readonly pc: 'next' | 'abs' | 'rel' | 'jnz';
  /** `two` exactly when `opcode` is `call`. */
  readonly ap: 'same' | 'add' | 'one' | 'two';
  readonly opcode: 'nop' | 'call' | 'ret' | 'assert';
}

const OFFSET = 2 ** 15;
const OFFSET_MASK = 0xffffn;
const WORD_MAX = 1n << 63n;

const RES = ['op1', 'add', 'mul'] as const;
const PC = ['next', 'abs', 'rel', undefined, 'jnz'] as const;
const AP = ['same', 'add', 'one'] as const;
const OPCODE = ['nop', 'call', 'ret', undefined, 'assert'] as const;
const OP1 = ['op0', 'imm', 'fp', undefined, 'ap'] as const;

/** Words the instruction takes: two with an immediate, else one. */
export function sizeOf(instruction: Instruction): 1 | 2 {
  return instruction.op1 === 'imm' ? 2 : 1;
}

/** Reads an instruction word; undefined if the machine has no such instruction. */
export function decodeInstruction(word: bigint): Instruction | undefined {
  if (word < 0n || word >= WORD_MAX) return undefined;
  const flags = Number(word >> 48n);
  const bits = (from: number, count: number): number => (flags >> from) & ((1 << count) - 1);
  const op1 = OP1[bits(2, 3)];
  const product = RES[bits(5, 2)];
  const pc = PC[bits(7, 3)];
  const step = AP[bits(10, 2)];
  const opcode = OPCODE[bits(12, 3)];
  if (!op1 || !product || !pc || !step || !opcode) return undefined;
  if (pc === 'jnz' && product !== 'op1') return undefined;
  if (opcode === 'call' && step !== 'same') return undefined;
  const offset = (i: number): number => Number((word >> BigInt(16 * i)) & OFFSET_MASK) - OFFSET;
  return {
    off0: offset(0),
    off1: offset(1),
    off2: offset(2),
    dst: flags & 1 ? 'fp' : 'ap',
    op0: flags & 2 ? 'fp' : 'ap',
    op1,
    res: pc === 'jnz' ? 'free' : product,
    pc,
    ap: opcode === 'call' ? 'two' : step,
    opcode,
  };
}

const at = (names: readonly (string | undefined)[], name: string): number =>
  Math.max(0, names.indexOf(name));

/** The word of an instruction; `decodeInstruction` is its inverse. */
export function encodeInstruction(instruction: Instruction): bigint {
  const { off0, off1, off2, dst, op0, op1, res, pc, ap, opcode } = instruction;
  const flags =
    (dst === 'fp' ? 1 : 0) |
    (op0 === 'fp' ? 2 : 0) |
    (at(OP1, op1) << 2) |
    (at(RES, res) << 5) |
    (at(PC, pc) << 7) |
    (at(AP, ap) << 10) |
    (at(OPCODE, opcode) << 12);
  const biased = (offset: number): bigint => BigInt(offset + OFFSET);
  return (BigInt(flags) << 48n) | (biased(off2) << 32n) | (biased(off1) << 16n) | biased(off0);
}

/** The three offsets of an instruction word as the range check sees them: biased, 0..2^16−1. */
export function biasedOffsets({ off0, off1, off2 }: Instruction): [number, number, number] {
  return [off0 + OFFSET, off1 + OFFSET, off2 + OFFSET];
}

/** Whether a number fits an offset. */
export function fitsOffset(value: bigint): boolean {
  return value >= -32768n && value < 32768n;
}
