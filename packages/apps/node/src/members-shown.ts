// The members of a cell and what is said about the next ones, as an operator reads it.
import { toHex } from '@fatty/codec';
import {
  type Agenda,
  type Cell,
  type Change,
  type Committee,
  faultsMax,
  type Moved,
  quorum,
} from '@fatty/protocol';
import type { ReplicaStatus } from '@fatty/replica';

/** How many members there are, how many may fail, and how many have to work. */
export interface Sizes {
  readonly members: number;
  readonly faultsMax: number;
  readonly quorum: number;
}

/** A change as JSON: keys in hex. */
export interface ShownChange {
  readonly kind: Change['kind'];
  readonly key?: string;
  readonly old?: string;
}

/** A change that members move; `movers`: their numbers in this epoch. */
export interface ShownMotion {
  readonly change: ShownChange;
  readonly movers: readonly number[];
  readonly needed: number;
  /** Undefined: the change lets nobody in. */
  readonly isReady?: boolean;
}

/** What a replica knows of members. */
export interface MembersShown extends Sizes {
  readonly cellId: string;
  readonly epoch: number;
  /** Of the replica that is asked. */
  readonly state: ReplicaStatus['state'];
  readonly key: string;
  readonly commit: number;
  readonly all: readonly {
    readonly number: number;
    readonly key: string;
    readonly peer?: string;
    readonly client?: string;
    readonly isLinked: boolean;
  }[];
  readonly motions: readonly ShownMotion[];
  readonly ready: readonly { readonly key: string; readonly commit: number }[];
  /** The end of the epoch is decided. */
  readonly plan: readonly ShownChange[];
}

/** Pure. */
export function sizesOf(committee: Committee): Sizes {
  const { length } = committee.members;
  return { members: length, faultsMax: faultsMax(committee), quorum: quorum(committee) };
}

/** A change with its keys in hex; parameters are left out. */
export function shownChange(change: Change): ShownChange {
  return {
    kind: change.kind,
    ...('key' in change && { key: toHex(change.key) }),
    ...('old' in change && { old: toHex(change.old) }),
  };
}

/** What is said about the next epoch, for people. */
export function shownAgenda(
  committee: Committee,
  { moved, ready, plan }: Agenda,
): Pick<MembersShown, 'motions' | 'ready' | 'plan'> {
  const isReady = (key: string): boolean => ready.some((one) => toHex(one.key) === key);
  const shown = ({ change, by }: Moved): ShownMotion => {
    const words = shownChange(change);
    return {
      change: words,
      movers: by.map(({ member }) => member),
      needed: quorum(committee),
      ...(words.key !== undefined && { isReady: isReady(words.key) }),
    };
  };
  return {
    motions: moved.filter(({ by }) => by.length > 0).map(shown),
    ready: ready.map(({ key, index }) => ({ key: toHex(key), commit: index })),
    plan: plan?.changes.map(shownChange) ?? [],
  };
}

/** `cell`: with the committee and the addresses of now; `linked`: numbers of the members with a link. */
export function membersShown(
  cell: Cell,
  own: string,
  status: ReplicaStatus,
  linked: readonly number[],
): MembersShown {
  const { committee } = cell;
  const all = committee.members.map((member, number) => {
    const key = toHex(member);
    const at = cell.addresses.find((one) => toHex(one.key) === key);
    const isLinked = key === own || linked.includes(number);
    return { number, key, ...(at && { peer: at.peer, client: at.client }), isLinked };
  });
  return {
    cellId: toHex(cell.cellId),
    epoch: committee.epoch,
    state: status.state,
    key: own,
    commit: status.commitIndex,
    ...sizesOf(committee),
    all,
    ...shownAgenda(committee, status.agenda),
  };
}
