// What an epoch may change for the next one (R30, R31).
import {
  compareBytes,
  encode,
  equalBytes,
  fail,
  failure,
  ok,
  publicKey,
  record,
  type Shape,
  type SignatureScheme,
  union,
} from '@fatty/codec';
import type { Failure, Outcome, PublicKey } from '@fatty/interface';
import {
  type CellParams,
  type Committee,
  checkWindows,
  faultsMax,
  MEMBERS_MAX,
  paramsShape,
} from './committee.ts';

/** One change of a committee. `key`: of the member that comes; `old`: of the one that goes. */
export type Change =
  | { readonly kind: 'params'; readonly params: CellParams }
  | { readonly kind: 'add'; readonly key: PublicKey }
  | { readonly kind: 'replace'; readonly old: PublicKey; readonly key: PublicKey }
  | { readonly kind: 'remove'; readonly old: PublicKey }
  /** Nothing but a new epoch. */
  | { readonly kind: 'renew' };

/** Fewer members bear no liar, so an epoch change never leaves fewer. */
export const MEMBERS_MIN = 4;

/** Canonical bytes of a change. Tags are wire format, and the order in which changes are looked at. */
export const changeShape: Shape<Change> = union<Change>({
  params: [1, record({ params: paramsShape })],
  add: [2, record({ key: publicKey })],
  replace: [3, record({ old: publicKey, key: publicKey })],
  remove: [4, record({ old: publicKey })],
  renew: [5, record({})],
});

const RANK: Readonly<Record<Change['kind'], number>> = {
  params: 1,
  add: 2,
  replace: 3,
  remove: 4,
  renew: 5,
};

/** Total order on changes: kind, then bytes. Members come before members go. */
export function compareChanges(a: Change, b: Change): number {
  const byKind = RANK[a.kind] - RANK[b.kind];
  return byKind || compareBytes(encode(changeShape, a), encode(changeShape, b));
}

/** The key that a change lets in; undefined for the kinds that let nobody in. */
export function joinerOf(change: Change): PublicKey | undefined {
  return 'key' in change ? change.key : undefined;
}

/** The key that a change puts out; undefined for the kinds that put nobody out. */
export function leaverOf(change: Change): PublicKey | undefined {
  return 'old' in change ? change.old : undefined;
}

/** Where a key stands in a committee; −1: nowhere. */
export function memberIndex({ members }: Committee, key: PublicKey): number {
  return members.findIndex((member) => equalBytes(member, key));
}

/**
 * Whether a change can be meant for this committee at all, whatever else changes. Codes: `already_member`,
 * `unknown_member`, `bad_params`, and those of `admit`.
 */
export function checkChange(
  committee: Committee,
  change: Change,
  scheme: Pick<SignatureScheme, 'admit'>,
): Failure | undefined {
  if (change.kind === 'params') return checkParams(change.params);
  const leaver = leaverOf(change);
  if (leaver && memberIndex(committee, leaver) < 0) {
    return failure('unknown_member', 'a member of this epoch', 'another key');
  }
  const joiner = joinerOf(change);
  if (joiner === undefined) return undefined;
  if (memberIndex(committee, joiner) >= 0) {
    return failure('already_member', 'a key of no member', 'a member’s');
  }
  const verdict = scheme.admit(joiner);
  return verdict.kind === 'accept' ? undefined : verdict;
}

/** Sizes that the bytes of a block can have at all. */
const BLOCK_BYTES_MAX = 4 * 1024 * 1024;
const BLOCK_OPS_MAX = 512;

/** What a cell can run with, whatever its members: code `bad_params`. Windows depend on the members. */
export function checkParams(params: CellParams): Failure | undefined {
  const { limits, checkpointCommits, leaseMs, leaseStepMsMax } = params;
  const { opBytesMax, batchBytesMax, blockBytesMax, batchOpsMax, blockOpsMax } = limits;
  const holds: readonly (readonly [boolean, string])[] = [
    [checkpointCommits > 0, 'checkpointCommits of at least 1'],
    [leaseMs > 0 && leaseStepMsMax > 0, 'leaseMs and leaseStepMsMax of at least 1'],
    [params.periodMsMin > 0, 'periodMsMin of at least 1'],
    [params.periodMsMin <= params.periodMsMax, 'periodMsMin up to periodMsMax'],
    [opBytesMax > 0 && opBytesMax <= batchBytesMax, 'opBytesMax of 1 up to batchBytesMax'],
    [batchBytesMax < blockBytesMax, 'batchBytesMax below blockBytesMax'],
    [blockBytesMax <= BLOCK_BYTES_MAX, `blockBytesMax up to ${BLOCK_BYTES_MAX}`],
    [batchOpsMax > 0 && batchOpsMax <= blockOpsMax, 'batchOpsMax of 1 up to blockOpsMax'],
    [blockOpsMax <= BLOCK_OPS_MAX, `blockOpsMax up to ${BLOCK_OPS_MAX}`],
  ];
  const broken = holds.find(([isSo]) => !isSo);
  return broken && failure('bad_params', broken[1], 'others');
}

/**
 * R31: the committee of the next epoch, a function of the old one, of the *set* of changes and of the moment
 * (`genesisTs`, ms since the Unix epoch) that ends the old one. Each change must have passed
 * {@link checkChange}. Who is replaced counts as one that goes, and its place as filled. Codes:
 * `changed_twice`, `too_few_members`, `too_many_members`, `too_many_removed`, `bad_windows`.
 */
export function nextCommittee(
  committee: Committee,
  changes: readonly Change[],
  genesisTs: number,
): Outcome<Committee> {
  const params = changes.flatMap((change) => (change.kind === 'params' ? [change.params] : []));
  const joiners = changes.flatMap((change) => joinerOf(change) ?? []);
  const leavers = changes.flatMap((change) => leaverOf(change) ?? []);
  if (params.length > 1 || hasTwice(joiners) || hasTwice(leavers)) {
    return fail('changed_twice', 'one change of each member and of the parameters', 'two');
  }
  const gone = leavers.length;
  if (gone > faultsMax(committee)) {
    return fail('too_many_removed', `at most ${faultsMax(committee)} of an epoch`, `${gone}`);
  }
  const stay = committee.members.filter((key) => !leavers.some((old) => equalBytes(old, key)));
  const members = [...stay, ...joiners].sort(compareBytes);
  const n = members.length;
  if (n < MEMBERS_MIN) return fail('too_few_members', `at least ${MEMBERS_MIN}`, `${n}`);
  if (n > MEMBERS_MAX) return fail('too_many_members', `at most ${MEMBERS_MAX}`, `${n}`);
  const { epoch } = committee;
  const next = { epoch: epoch + 1, members, genesisTs, params: params[0] ?? committee.params };
  const flaw = checkWindows(next);
  return flaw ? { ok: false, failure: flaw } : ok(next);
}

function hasTwice(keys: readonly PublicKey[]): boolean {
  return keys.some((key, i) => keys.findIndex((one) => equalBytes(one, key)) !== i);
}

/**
 * The changes that can be made together, of those that are wanted: looked at in their order, each is taken
 * when it fits what was taken before. A function of the set.
 */
export function fitting(committee: Committee, wanted: readonly Change[]): readonly Change[] {
  const taken: Change[] = [];
  for (const change of [...wanted].sort(compareChanges)) {
    if (nextCommittee(committee, [...taken, change], committee.genesisTs).ok) taken.push(change);
  }
  return taken;
}
