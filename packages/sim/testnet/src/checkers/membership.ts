// Checks R30 and R31 from outside: who is a member, and by whose word.
import type { PublicKey } from '@fatty/interface';
import type { Change } from '@fatty/protocol';
import type { RolledEpoch } from '../world/roll.ts';

/** What is known of an epoch that has ended, apart from what replicas say. */
export interface MembershipFacts {
  /** How many members were told to move a change in it. */
  movers(epoch: number, change: Change): number;
  /** Who has this key has said in an epoch that it is ready. */
  isReady(epoch: number, key: PublicKey): boolean;
  /** A host about which nothing is promised: evidence may have put it out. */
  isLiar(host: number): boolean;
}

/** What came of the end of one epoch. */
export interface MembershipChange {
  readonly added: readonly number[];
  readonly removed: readonly number[];
  /** Removed though no quorum of members was told to: by evidence. */
  readonly kicked: readonly number[];
  /** In words. */
  readonly flaws: readonly string[];
}

/**
 * Whoever came had said in the epoch that it is ready, and was moved by q; whoever went was moved by q or lies; at most f went,
 * and four are left.
 */
export function membershipChange(
  before: RolledEpoch,
  after: RolledEpoch,
  facts: MembershipFacts,
): MembershipChange {
  const { epoch } = before.committee;
  const added = after.hosts.filter((host) => !before.hosts.includes(host));
  const removed = before.hosts.filter((host) => !after.hosts.includes(host));
  const keyIn = ({ hosts, committee }: RolledEpoch, host: number) =>
    committee.members[hosts.indexOf(host)];
  const comers = added.flatMap((host) => keyIn(after, host) ?? []);
  const goers = removed.flatMap((host) => keyIn(before, host) ?? []);
  const isMoved = (change: Change): boolean => facts.movers(epoch, change) >= before.quorum;
  const swaps = goers.flatMap((old) =>
    comers.map((key) => ({ kind: 'replace' as const, old, key })).filter(isMoved),
  );
  const flaws: string[] = [];
  for (const [at, key] of comers.entries()) {
    const who = `r${added[at]}`;
    if (!facts.isReady(epoch, key)) flaws.push(`${who} came and was not ready`);
    const isWanted = isMoved({ kind: 'add', key }) || swaps.some((swap) => swap.key === key);
    if (!isWanted) flaws.push(`${who} came without ${before.quorum} motions`);
  }
  const kicked = removed.filter((_, at) => {
    const old = goers[at];
    return old && !isMoved({ kind: 'remove', old }) && !swaps.some((swap) => swap.old === old);
  });
  for (const host of kicked) if (!facts.isLiar(host)) flaws.push(`r${host} went, and nobody lied`);
  if (removed.length > before.faultsMax)
    flaws.push(`${removed.length} of f ${before.faultsMax} went`);
  if (after.hosts.length < 4) flaws.push(`${after.hosts.length} members are left`);
  return { added, removed, kicked, flaws };
}
