// The codes by which proofs are refused, and how a refusal travels inside these packages.
import { fail, ok } from '@fatty/codec';
import type { Failure, Outcome } from '@fatty/interface';

/** Which part of the verifier refused; the coarse half of a code. */
export type Category = 'parse' | 'policy' | 'statement' | 'stark';

/** Stable names of what can be wrong with a proof; {@link PROOF_CODES} sorts them. */
export type ProofCode =
  | 'too_large'
  | 'malformed'
  | 'wrong_shape'
  | 'not_canonical'
  | 'duplicate_key'
  | 'unknown_key'
  | 'bad_number'
  | 'bad_hex'
  | 'bad_field'
  | 'felt_range'
  | 'truncated'
  | 'trailing_bytes'
  | 'bad_counts'
  | 'unsupported_layout'
  | 'unsupported_hash'
  | 'policy_layout'
  | 'policy_hash'
  | 'policy_collision'
  | 'policy_bits'
  | 'policy_queries'
  | 'policy_steps'
  | 'policy_size'
  | 'policy_seed'
  | 'policy_friendly'
  | 'segments'
  | 'pages'
  | 'program_cells'
  | 'prologue'
  | 'safe_call'
  | 'builtin_cells'
  | 'statement_cells'
  | 'lease_cells'
  | 'lease_time'
  | 'wrong_program'
  | 'wrong_binding'
  | 'broken_chain'
  | 'outer_output'
  | 'outer_config'
  | 'bad_oods'
  | 'bad_pow'
  | 'bad_merkle'
  | 'bad_fri'
  | 'bad_point';

/** Every code of a refused proof and where it comes from: the public reference. */
export const PROOF_CODES: Readonly<Record<ProofCode, Category>> = {
  // what the bytes are
  too_large: 'parse',
  malformed: 'parse',
  wrong_shape: 'parse',
  not_canonical: 'parse',
  duplicate_key: 'parse',
  unknown_key: 'parse',
  bad_number: 'parse',
  bad_hex: 'parse',
  bad_field: 'parse',
  felt_range: 'parse',
  truncated: 'parse',
  trailing_bytes: 'parse',
  bad_counts: 'parse',
  unsupported_layout: 'parse',
  unsupported_hash: 'parse',
  // what the policy wants
  policy_layout: 'policy',
  policy_hash: 'policy',
  policy_collision: 'policy',
  policy_bits: 'policy',
  policy_queries: 'policy',
  policy_steps: 'policy',
  policy_size: 'policy',
  policy_seed: 'policy',
  policy_friendly: 'policy',
  // what the proof is about
  segments: 'statement',
  pages: 'statement',
  program_cells: 'statement',
  prologue: 'statement',
  safe_call: 'statement',
  builtin_cells: 'statement',
  statement_cells: 'statement',
  lease_cells: 'statement',
  lease_time: 'statement',
  wrong_program: 'statement',
  wrong_binding: 'statement',
  broken_chain: 'statement',
  outer_output: 'statement',
  outer_config: 'statement',
  // whether it is true
  bad_oods: 'stark',
  bad_pow: 'stark',
  bad_merkle: 'stark',
  bad_fri: 'stark',
  bad_point: 'stark',
};

/** The category of a code of {@link PROOF_CODES}. */
export function categoryOf(code: string): Category | undefined {
  return Object.hasOwn(PROOF_CODES, code) ? PROOF_CODES[code as ProofCode] : undefined;
}

/**
 * Thrown by every checker inside this package and turned into a verdict at its edge. A checker
 * that *returned* its finding could be ignored: that is how swiftness lost its FRI layers.
 */
export class Rejected extends Error {
  readonly failure: Failure;
  constructor(code: ProofCode, expected: string, actual: string) {
    super(`${code}: expected ${expected}, got ${actual}`);
    this.failure = { code, expected, actual };
  }

  /** A failure of another package, whose codes are in {@link PROOF_CODES} too. */
  static of({ code, expected, actual }: Failure): Rejected {
    return new Rejected(code as ProofCode, expected, actual);
  }
}

/** @throws Rejected unless `holds`. */
export function demand(
  holds: boolean,
  code: ProofCode,
  expected: string | number,
  actual: string | number,
): asserts holds {
  if (!holds) throw new Rejected(code, String(expected), String(actual));
}

/**
 * Runs checkers that throw {@link Rejected} and answers with data. A value that is not even of its
 * declared type (a caller without TypeScript) is `malformed`. @throws what says nothing about the value
 */
export function attempt<T>(check: () => T): Outcome<T> {
  try {
    return attemptTyped(check);
  } catch (error) {
    if (error instanceof TypeError) return fail('malformed', 'a well-typed value', String(error));
    throw error;
  }
}

/**
 * The same for values that a decoder has made: only {@link Rejected} is an answer. Everything else is a
 * mistake of ours or a failure of the machine (no memory), and a verdict made of it would be this
 * replica's alone: it ends the thread.
 */
export function attemptTyped<T>(check: () => T): Outcome<T> {
  try {
    return ok(check());
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    const { code, expected, actual } = error.failure;
    return fail(code, expected, actual);
  }
}
