// Why a run stopped.
import type { RunCode } from '@fatty/cairo-air';
import type { Failure } from '@fatty/interface';

/** Why there is no run, and where it stopped. */
export interface RunFailure extends Failure {
  readonly code: RunCode;
  /** Steps done before. */
  readonly step: number;
  /** Address of the instruction in the proof's memory (words begin at 1), if there is one. */
  readonly pc: number | undefined;
  /** The instruction as text, or its word in hex. */
  readonly instruction: string | undefined;
}

/** Thrown inside the machine, turned into a {@link RunFailure} at its edge. */
export class RunError extends Error {
  readonly code: RunCode;
  readonly expected: string;
  readonly actual: string;
  constructor(code: RunCode, expected: string, actual: string) {
    super(`${code}: expected ${expected}, got ${actual}`);
    this.code = code;
    this.expected = expected;
    this.actual = actual;
  }
}
