// Keep-alives as the kernel carries them: unsigned messages about a session (R3).
import { decode, ok } from '@fatty/codec';
import type { Outcome, Unsigned, UnsignedRules, Verdict } from '@fatty/interface';
import { keepAliveShape } from '@fatty/protocol';

/** R3: a keep-alive is checked by at most so many hashes. */
export const LINKS_MAX = 64;

const KEEP_ALIVE_BYTES_MAX = 128;

/** About its session; ranked by the link; the preimage is the proof. Codes of `decode`. */
export function openKeepAlive(bytes: Uint8Array): Outcome<Unsigned> {
  const opened = decode(keepAliveShape, bytes, KEEP_ALIVE_BYTES_MAX);
  if (!opened.ok) return opened;
  const { session, i, preimage } = opened.value;
  return ok({ bytes, about: session, rank: i, proof: preimage, weight: LINKS_MAX });
}

/** Where the chains of live sessions stand. */
interface Chains {
  checkKeepAlive(keepAlive: Unsigned): Verdict;
  hasReached(keepAlive: Unsigned): boolean;
}

/**
 * Keep-alives as a state machine's unsigned messages. `chains`: of its committed state now. Codes of a
 * gateway's check: `session_unknown`, `bad_keep_alive`.
 */
export function keepAliveRules(chains: () => Chains): UnsignedRules {
  return {
    open: openKeepAlive,
    precheck: (keepAlive) => chains().checkKeepAlive(keepAlive),
    hasReached: (keepAlive) => chains().hasReached(keepAlive),
  };
}
