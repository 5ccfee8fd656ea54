// Agreed time (R20): when a commit was, and where the lease clock stands.
import type { Vertex } from '@fatty/broadcast';
import type { Committee } from '@fatty/protocol';

/** The times of one commit (R20), ms. */
export interface AgreedTime {
  /** Since the Unix epoch; never falls. */
  readonly commitTs: number;
  /** What leases run on; starts at the genesisTs of the first epoch. */
  readonly leaseClock: number;
}

/**
 * R20: the times of the commit that `leader` makes after the one with the times `last`. The lease clock follows commitTs by at most leaseStepMsMax a commit, so it stands still
 * while nothing is committed, and no jump of commitTs ends leases that holders still had time to renew.
 */
export function agreedTime(leader: Vertex, committee: Committee, last: AgreedTime): AgreedTime {
  const { leaseStepMsMax } = committee.params;
  const commitTs = Math.max(last.commitTs, medianTs(leader, committee));
  const stepMs = Math.min(commitTs - last.commitTs, leaseStepMsMax);
  return { commitTs, leaseClock: last.leaseClock + stepMs };
}

/**
 * R20: lower median of the leader's parents of the round before, so at most f liars cannot push it
 * outside the honest range. ms; the virtual blocks of round 0 carry genesisTs.
 */
export function medianTs(leader: Vertex, committee: Committee): number {
  const before = leader.round - 1;
  if (before === 0) return committee.genesisTs;
  const stamps = leader.parents
    .filter((parent) => parent.round === before)
    .map((parent) => parent.block.header.ts)
    .sort((a, b) => a - b);
  return stamps[Math.floor((stamps.length - 1) / 2)] as number;
}
