// What a machine or a job demands of its proofs.
import { record, type Shape, text, u16 } from '@fatty/codec';

/** What a machine demands of its proofs, on top of the committee's minimum. */
export interface MachinePolicy {
  /** Cairo layout, for example `plain`. */
  readonly layout: string;
  /** Conjectured security, at least the committee's minimum of 96. */
  readonly bitsMin: number;
  /**
   * Of the commitment hash: 124 (248-bit masks and up) by default, 80 is the committee's minimum.
   */
  readonly collisionBitsMin: number;
}

/** Canonical bytes of a machine's policy. */
export const machinePolicyShape: Shape<MachinePolicy> = record({
  layout: text(32),
  bitsMin: u16,
  collisionBitsMin: u16,
});
