// How strong a proof is, in three figures.
import type { ProofParameters } from '@fatty/cairo-air';
import { collisionBits, POW_BITS_COUNTED, securityBits } from './policy.ts';

/** How hard it is to make a proof of something false. Three figures; the smallest one counts. */
export interface Strength {
  /** What a policy's `bitsMin` is compared with: queries · log2 blow-up + work, at most 32 of it. */
  readonly bits: number;
  /** The same against the best attack that is known: no more than the field has. */
  readonly attackBits: number;
  /** What is proven, whatever attack there may be, for a random oracle in place of the hash. */
  readonly provenBits: number;
  /** Work to find two openings of one commitment. */
  readonly collisionBits: number;
}

/** log2 of Stone's field, rounded down. */
const FIELD_BITS = 251;
/** log2 of what one challenge combines, columns or constraints; no layout of Stone has more. */
const COMBINED_LOG = 10;
const ROWS_PER_STEP_LOG = 4;
/** 2^2 to 2^16: how near the Johnson bound the analysis goes is its own choice. */
const MULTIPLICITY_LOG_MAX = 16;

/** The figures of a proof with these parameters. Printed, never judged: they come of logarithms. */
export function strengthOf(parameters: ProofParameters, nSteps: number): Strength {
  const bits = securityBits(parameters);
  return {
    bits,
    attackBits: Math.min(bits, FIELD_BITS),
    provenBits: provenBits(parameters, nSteps),
    collisionBits: collisionBits(parameters.commitmentHash),
  };
}

/**
 * Bits of the weakest round, up to the Johnson bound (ePrint 2025/2055, theorem 4.2; before it
 * 2020/654): a query passes with √ρ · (1 + 1/2m), and what the commitments may lose grows with m, so
 * that the best m is taken.
 */
function provenBits(parameters: ProofParameters, nSteps: number): number {
  const { nQueries, logNCosets, powBits } = parameters;
  const domainLog = Math.log2(nSteps) + ROWS_PER_STEP_LOG + logNCosets;
  let best = 0;
  for (let log = 2; log <= MULTIPLICITY_LOG_MAX; log++) {
    const query = logNCosets / 2 - Math.log2(1 + 2 ** -(log + 1));
    const queries = nQueries * query + Math.min(powBits, POW_BITS_COUNTED);
    best = Math.max(best, Math.min(queries, commitmentBits(2 ** log, domainLog, logNCosets)));
  }
  return Math.floor(best);
}

/** Bits of the round that combines most: (2·(m+½)^5 + 3·(m+½)) · n / 3ρ^1.5 + (m+½) / √ρ, of |F|. */
function commitmentBits(m: number, domainLog: number, logNCosets: number): number {
  const middle = m + 0.5;
  const first = (2 * middle ** 5 + 3 * middle) / 3;
  const list = middle * 2 ** (logNCosets / 2);
  const loss = Math.log2(first * 2 ** (domainLog + 1.5 * logNCosets) + list);
  return FIELD_BITS - COMBINED_LOG - loss;
}
