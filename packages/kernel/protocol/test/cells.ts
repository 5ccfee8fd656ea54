// Test helper: committees of stand-in keys, and what their members sign about epochs.
import { asDigest, compareBytes, hash, type Signer, standIn, utf8 } from '@fatty/codec';
import {
  type Agenda,
  type CertRules,
  type Change,
  type Committee,
  cellIdOf,
  certOf,
  DEFAULT_PARAMS,
  EMPTY_AGENDA,
  type EpochLink,
  type Frame,
  frameRootOf,
  nextCommittee,
  quorum,
  signVote,
} from '../src/index.ts';

export const scheme = standIn();

/** A key of this name. */
export const signerOf = (name: string): Signer => scheme.signer(hash('member', utf8(name)));

export const keyOf = (name: string) => signerOf(name).publicKey;

/** m0, m1, … in the order of their keys. */
export function committeeOf(n: number, epoch = 0): Committee {
  const members = Array.from({ length: n }, (_, i) => keyOf(`m${i}`)).sort(compareBytes);
  return { epoch, members, genesisTs: 1_000, params: DEFAULT_PARAMS };
}

export function rulesOf(committee: Committee): CertRules {
  return { committee, cellId: cellIdOf(committee), scheme };
}

/** The signer of each member, by committee index; joiners are known by their names. */
export function signersOf({ members }: Committee, names: readonly string[]): readonly Signer[] {
  const all = names.map(signerOf);
  return members.map((key) => {
    const signer = all.find(({ publicKey }) => compareBytes(publicKey, key) === 0);
    if (signer === undefined) throw new Error('a member without a name');
    return signer;
  });
}

/** The agenda of an epoch that ends for these changes. */
export function endingFor(changes: readonly Change[], index: number): Agenda {
  return { ...EMPTY_AGENDA, plan: { index, changes } };
}

/** A final frame for these changes, at a commit; `signers` sign it, all of them where none are named. */
export function linkOf(
  rules: CertRules,
  names: readonly string[],
  changes: readonly Change[],
  index: number,
  authors: readonly number[] = rules.committee.members
    .map((_, i) => i)
    .slice(0, quorum(rules.committee)),
): EpochLink {
  const { committee } = rules;
  const made = nextCommittee(committee, changes, 2_000 + index);
  if (!made.ok) throw new Error(made.failure.code);
  const frame: Frame = {
    epoch: committee.epoch,
    index,
    commitDigest: asDigest(hash('commit', utf8(`${index}`))),
    firstCommit: index,
    convicted: [],
    authors: committee.members.map(() => ({ round: 7, ts: 1_500 })),
    agenda: endingFor(changes, index),
    end: { leaseClock: 1_900 + index, next: made.value },
    copy: undefined,
  };
  return certified(rules, names, frame, authors);
}

/** A link with this frame, whatever it says, under the signatures of these members. */
export function certified(
  rules: CertRules,
  names: readonly string[],
  frame: Frame,
  authors: readonly number[],
): EpochLink {
  const { committee, cellId } = rules;
  const signers = signersOf(committee, names);
  const root = asDigest(hash('state', utf8('state')));
  const vote = {
    epoch: frame.epoch,
    index: frame.index,
    commitDigest: frame.commitDigest,
    stateRoot: root,
    receiptsRoot: root,
    frameRoot: frameRootOf(frame),
  };
  const votes = authors.map((i) => signVote(cellId, signers[i] as Signer, i, vote));
  return { frame, cert: certOf(committee, votes) };
}
