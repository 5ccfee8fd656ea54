// The codes of the assembler, with where in the text something is wrong.
import type { Failure } from '@fatty/interface';

/** Stable names of what can be wrong with assembly text. */
export type AssemblyCode =
  | 'too_large'
  | 'bad_token'
  | 'bad_syntax'
  | 'bad_operand'
  | 'bad_directive'
  | 'unknown_name'
  | 'duplicate_name'
  | 'offset_range'
  | 'cell_outside_main'
  | 'missing_main';

/** What is wrong, and where: line and column from 1. */
export interface AssemblyFailure extends Failure {
  readonly code: AssemblyCode;
  readonly line: number;
  readonly column: number;
}

/** A place in the text, from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Thrown inside the assembler, turned into data at its edge. */
export class AssemblyError extends Error {
  readonly failure: AssemblyFailure;
  constructor(code: AssemblyCode, at: Position, expected: string, actual: string) {
    super(`${at.line}:${at.column}: ${code}: expected ${expected}, got ${actual}`);
    this.failure = { code, expected, actual, line: at.line, column: at.column };
  }
}
