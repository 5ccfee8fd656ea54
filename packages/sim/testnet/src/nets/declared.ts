// The machines that worlds of the net `machines` declare.
import type { InboxTerms, Op } from '@fatty/api';
import type { Digest } from '@fatty/interface';

/** Bound to their lessees, twice; then open to anybody. */
export const PATHS = ['/bound-a', '/bound-b', '/open'] as const;
/** Runs on recorded proofs, and has no inbox. */
export const REAL = '/real';
/** Period of every machine, ms of the lease clock. */
export const PERIOD_MS = 1_500;
const POLICY = { layout: 'plain', bitsMin: 96, collisionBitsMin: 80 } as const;
/** Entries that one proof of a machine takes in. */
export const WINDOW = 2;

/** What an op says of a machine that is open and has no inbox. */
export const OPEN = { nonce: undefined, outputs: 0, inbox: 0 } as const;

/** One machine of three is not renewed over an entry that waits too long. */
function neglectOf(path: string): InboxTerms['neglect'] {
  return path === '/bound-a' ? 'refused' : 'shown';
}

/** The op that declares one of these machines. */
export function declare(path: string, programId: Digest, t: bigint, s: bigint): Op {
  return {
    kind: 'declareMachine',
    path,
    programId,
    t,
    s,
    policy: POLICY,
    binding: path.startsWith('/bound') ? 'lessee' : 'open',
    outputs: 0,
    inbox: path === REAL ? undefined : { window: WINDOW, neglect: neglectOf(path) },
    periodMs: PERIOD_MS,
    lockDelayMs: 0,
  };
}
