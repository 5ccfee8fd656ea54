// The cores of honest hosts: replicas, and who follows in the place of one.
import type { FrameBytes, ResumedAt } from '@fatty/host';
import type { Outcome, StateMachine } from '@fatty/interface';
import { memberIndex } from '@fatty/protocol';
import {
  beginBehind,
  CheckedChain,
  COPYING,
  type Copying,
  Follower,
  frameIndexOf,
  linkBytes,
  type OpenedEpoch,
  Replica,
  type Tuning,
} from '@fatty/replica';
import type { Cell } from '../world/cell.ts';
import type { Booted, Peer } from '../world/host.ts';

/** What all cores of a world are made of. */
interface Common {
  readonly cell: Cell;
  readonly tuning?: Partial<Tuning>;
  /** Default that of every cell. */
  readonly copying?: Copying;
}

/** What the core of a host begins behind. */
interface Past {
  readonly index: number;
  /** Of its disk, the newest first. */
  readonly frames: readonly FrameBytes[];
  /** The core before, in the same process. */
  readonly before: Peer | undefined;
  /** It follows, for its disk leads to an epoch that is over. */
  readonly followed: () => void;
}

/** Which replica is to be made. */
interface Core {
  readonly index: number;
  readonly epoch: OpenedEpoch;
  /** Of the process. */
  readonly checked?: CheckedChain;
}

/** A replica in the simulator. */
export interface HonestPeer extends Peer {
  /** As `Replica.resume`. */
  resume(head: Uint8Array, payload: Uint8Array): Outcome<ResumedAt>;
}

/**
 * The core of an honest host goes on behind its disk, and what the core before knew, as that of a process does. Who is no
 * member any more has none: nobody would link to it.
 */
export function honest(
  common: Common,
  { index, frames, before, followed }: Past,
  make: (core: Core) => HonestPeer,
): Booted {
  const { cellId, scheme, committee: genesis } = common.cell;
  const checked = before?.checked ?? new CheckedChain({ cellId, scheme, genesis });
  checked.follow((before?.chain?.().links ?? []).map(linkBytes));
  const { publicKey } = signerOf(common.cell, index);
  const isMember = ({ committee }: OpenedEpoch): boolean => memberIndex(committee, publicKey) >= 0;
  const begun = beginBehind<ResumedAt, HonestPeer>(checked, frames, (epoch) =>
    isMember(epoch) ? make({ index, epoch, checked }) : undefined,
  );
  const { core, epoch, at, failures } = begun;
  if (core === undefined && isMember(epoch)) followed();
  const keptIndex = (frames[0] && frameIndexOf(frames[0].head)) ?? 0;
  const follower = isMember(epoch) ? followerOf(common, index, checked, keptIndex) : undefined;
  return { peer: core ?? follower, epoch, at, failures };
}

/** A replica without a past, of an epoch. */
export function honestOf(
  { cell, tuning, copying = COPYING }: Common,
  { index, epoch, checked }: Core,
  machine: StateMachine,
): HonestPeer {
  const { cellId, scheme } = cell;
  const signer = signerOf(cell, index);
  const { committee, origin, links } = epoch;
  const me = memberIndex(committee, signer.publicKey);
  const own = { cellId, me, signer, scheme, machine, copying };
  const config = { committee, origin, links, ...own };
  const replica = new Replica(tuning === undefined ? config : { ...config, tuning });
  return {
    ...(checked && { checked }),
    status: () => replica.status(),
    resume: (head, payload) => replica.resume(head, payload),
    restore: (records, mark) => replica.restore(records, mark),
    step: (event) => replica.step(event),
    deliveredView: () => replica.deliveredView(),
    clockMs: (sample) => replica.clockMs(sample),
    isCurrent: replica.isCurrent,
    chain: () => replica,
  };
}

/** A member that slept through epochs (R31.7). */
function followerOf(
  { cell, tuning }: Common,
  index: number,
  chain: CheckedChain,
  keptIndex: number,
): Peer {
  const { cellId, scheme } = cell;
  const signer = signerOf(cell, index);
  const config = { cellId, chain, keptIndex, signer, scheme };
  const follower = new Follower(tuning === undefined ? config : { ...config, tuning });
  const { committee, links } = chain.newest;
  return {
    checked: chain,
    status: () => follower.status(),
    step: (event) => follower.step(event),
    isCurrent: () => false,
    chain: () => ({ epoch: committee.epoch, links }),
  };
}

/** The keys of a host. */
export function signerOf(cell: Cell, index: number): Cell['signers'][number] {
  const signer = cell.signers[index];
  if (signer === undefined) throw new RangeError(`no member ${index}`);
  return signer;
}
