// The lie, told to each protocol.
import { lieToPaxos, lieToRaft } from './crash-only.ts';
import { lieToFatty } from './fatty.ts';
import type { LiarShow, LiedTo } from './lie.ts';

/** Plays one show; the same each time. */
export const LIAR_SHOWS: Readonly<Record<LiedTo, () => LiarShow>> = {
  raft: lieToRaft,
  paxos: lieToPaxos,
  fatty: lieToFatty,
};
