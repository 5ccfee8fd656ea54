// The jobs that worlds of the net `jobs` declare.
import type { Op } from '@fatty/api';
import type { Digest } from '@fatty/interface';
import type { SeededRng } from '../world/rng.ts';

type Declaration = Extract<Op, { kind: 'declareJob' }>;

/** Of a claim, ms of the lease clock. */
const LEASE_MS = 1_000;
/** Longer than a world lasts. */
const FAR_MS = 600_000;
const NEAR_MS = 3_000;
const WINDOW = 4;

/** A job that may take the results of jobs before it. */
export function declaration(
  path: string,
  before: readonly Declaration[],
  { rng, programId }: { readonly rng: SeededRng; readonly programId: Digest },
): Declaration {
  const inputs = inputsOf(before, rng);
  const steps = BigInt(rng.between(1, 4));
  return {
    kind: 'declareJob',
    path,
    programId,
    policy: { layout: 'plain', bitsMin: 96, collisionBitsMin: 80 },
    s: BigInt(rng.below(9)),
    steps,
    span: rng.chance(500) ? steps : 1n,
    inputs,
    window: inputs.length === 0 ? 0 : WINDOW,
    outputs: rng.below(3),
    leaseMs: LEASE_MS,
    deadlineMs: rng.chance(100) ? NEAR_MS : FAR_MS,
    giveUpAfter: rng.between(2, 5),
    priority: rng.below(3),
    workers: [],
    keepProofs: rng.chance(500),
    retainMs: 0,
    fence: undefined,
  };
}

/** At most two results and two numbers. */
function inputsOf(before: readonly Declaration[], rng: SeededRng): Declaration['inputs'] {
  const sources = Array.from({ length: rng.below(3) }, () => before[rng.below(before.length)]);
  const results = sources.flatMap((op) => {
    if (op === undefined) return [];
    const output = op.outputs > 0 && rng.chance(500) ? rng.below(op.outputs) : undefined;
    return [{ kind: 'result', path: op.path, output } as const];
  });
  const own = Array.from({ length: rng.below(3) }, () => rng.between(0, 5));
  return [...results, ...own.map((one) => ({ kind: 'value', value: BigInt(one) }) as const)];
}
