// What a follower shows of itself.
import { failure, toHex } from '@fatty/codec';
import type { Failure, PublicKey } from '@fatty/interface';
import { type Committee, EMPTY_AGENDA, memberIndex } from '@fatty/protocol';
import type { Fetching } from './boundary/fetching.ts';
import type { OpenedEpoch } from './cell/checked-chain.ts';
import type { ReplicaStatus } from './status.ts';

/** Why a replica follows: its key is no member, or has been one, or its state is of an earlier epoch. */
export interface Standing {
  readonly state: 'joining' | 'leaving' | 'catchingUp';
  /** Codes: `not_a_member`, `removed`, `behind`. */
  readonly why: Failure;
}

/** Pure: where a key that follows stands in an epoch, by the chain that leads there. */
export function standingOf(genesis: Committee, at: OpenedEpoch, key: PublicKey): Standing {
  const later = at.links.flatMap(({ frame }) => (frame.end ? [frame.end.next] : []));
  const last = [genesis, ...later].findLast((committee) => memberIndex(committee, key) >= 0);
  const { epoch } = at.committee;
  if (memberIndex(at.committee, key) >= 0) {
    const why = failure('behind', `the state of epoch ${epoch}`, 'of an earlier one');
    return { state: 'catchingUp', why };
  }
  if (last === undefined) {
    const expected = `a key of the members of epoch ${epoch}`;
    return { state: 'joining', why: failure('not_a_member', expected, toHex(key)) };
  }
  const actual = `${toHex(key)}, which was removed in epoch ${last.epoch + 1}`;
  return {
    state: 'leaving',
    why: failure('removed', `a key of the members of epoch ${epoch}`, actual),
  };
}

/** What its status is made of. */
export interface FollowerSeen {
  readonly at: OpenedEpoch;
  readonly standing: Standing;
  readonly hasEnded: boolean;
  readonly certifiedCommit: number;
  readonly frameCommit: number;
  readonly peersUp: readonly number[];
  readonly fetching: Fetching | undefined;
}

/** As a replica without blocks shows itself. */
export function followerStatus({ at, standing, hasEnded, ...seen }: FollowerSeen): ReplicaStatus {
  const { committee, origin } = at;
  return {
    ...seen,
    state: hasEnded ? 'shutdown' : standing.state,
    epoch: committee.epoch,
    agenda: EMPTY_AGENDA,
    round: 0,
    highestRound: 0,
    completeRound: 0,
    decidedRound: 0,
    horizon: 0,
    commitIndex: seen.frameCommit,
    commitTs: committee.genesisTs,
    leaseClock: origin.leaseClock,
    blocks: 0,
    bodyBytes: 0,
    waiting: 0,
    wanted: 0,
    queued: 0,
    uncommitted: 0,
    delivered: 0,
    peerRounds: committee.members.map(() => 0),
    clockAheadOfWallMs: 0,
    clockOffsetsMs: committee.members.map(() => undefined),
    deltaMs: 0,
    evidence: [],
    voteLiars: [],
    diverged: undefined,
    resting: true,
    syncing: true,
    vouched: false,
    observer: standing.why,
    lack: undefined,
    halted: undefined,
  };
}
