// Verdicts, failures and outcomes: errors as data.

/**
 * An error as data. `code` is stable snake_case and part of the public reference;
 * `expected` and `actual` are short texts for people, never parsed by programs.
 */
export interface Failure {
  readonly code: string;
  readonly expected: string;
  readonly actual: string;
}

/**
 * The answer of every validity check.
 * `ignore`: not now or not for us, nobody is to blame. `reject`: the sender is at fault.
 */
export type Verdict =
  | Accepted
  | ({ readonly kind: 'ignore' } & Failure)
  | ({ readonly kind: 'reject' } & Failure);

/** `weight`: of an op, what applying it may cost, in ordinary ops (R11). Default 1. */
export interface Accepted {
  readonly kind: 'accept';
  readonly weight?: number;
}

/** A slow check, asked of a {@link Verifier}: `job` is canonical bytes and its own cache key. */
export interface Ask {
  readonly kind: 'ask';
  readonly job: Uint8Array;
  /** As in {@link Accepted}. */
  readonly weight?: number;
}

/** What `validate()` answers: a verdict, or the slow job whose verdict it is. */
export type Validation = Verdict | Ask;

/** A result or the reason why there is none. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure };
