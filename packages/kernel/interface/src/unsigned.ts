// Messages of an algorithm that nobody signs.
import type { Outcome, Verdict } from './verdict.ts';

/**
 * A message that nobody signs, because it proves itself: the next link of a hash chain, say, which
 * keeps a session alive. Blocks carry its bytes to `applyCommit`; of what it says the kernel knows
 * these fields alone.
 */
export interface Unsigned {
  /** As it came, canonical. */
  readonly bytes: Uint8Array;
  /** What it is about. A block carries at most one message about a thing, ascending by these bytes. */
  readonly about: Uint8Array;
  /** Of two messages about one thing the one of higher rank says all that the other does. */
  readonly rank: number;
  /** What shows that it is true. */
  readonly proof: Uint8Array;
  /** What judging it may cost, in hashes of short messages (R11). */
  readonly weight: number;
}

/** What an algorithm says of its unsigned messages. */
export interface UnsignedRules {
  /**
   * Reads the bytes: pure, form alone, equal on all replicas. Whoever carries what it refuses in a block
   * is to blame.
   */
  open(bytes: Uint8Array): Outcome<Unsigned>;
  /**
   * Anybody may send one about anything: only what committed state would accept may take a place in a
   * gateway's pool. Read-only, within its weight. A reject cannot have come from an honest client.
   */
  precheck(message: Unsigned): Verdict;
  /** Committed state has come as far as this message. Messages for which that is false are waste (R12). */
  hasReached(message: Unsigned): boolean;
}
