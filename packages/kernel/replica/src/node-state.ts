// What a replica is doing, in one word.

/** In the order in which an operator looks for them. */
export const NODE_STATES = [
  'active',
  'catchingUp',
  'joining',
  'leaving',
  'suspended',
  'shutdown',
] as const;

/**
 * `catchingUp`: it reads its disk, or the others are further. `suspended`: with so few links there is no quorum;
 * it serves the certified state it has, and goes on by itself when links are back. `joining`: its key is no member's
 * yet, it follows. `leaving`: its key was a member's, and is none any more. `shutdown`: it has ended.
 * Whether it may sign is another question: see `observer`, `lack` and `halted`.
 */
export type NodeState = (typeof NODE_STATES)[number];

/** What the state of a replica follows from. */
export interface Situation {
  readonly hasBegun: boolean;
  readonly hasEnded: boolean;
  /** Members that it can reach, itself included, and how many make a quorum. */
  readonly reachable: number;
  readonly quorum: number;
  readonly isSyncing: boolean;
}

/** Pure: the same situation, the same state. */
export function nodeStateOf(now: Situation): NodeState {
  if (now.hasEnded) return 'shutdown';
  if (!now.hasBegun) return 'catchingUp';
  if (now.reachable < now.quorum) return 'suspended';
  return now.isSyncing ? 'catchingUp' : 'active';
}
