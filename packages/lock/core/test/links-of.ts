// Test helper: links between epochs, as their members sign them.
import type { GatewayMessage } from '@fatty/api';
import { asDigest, encode, equalBytes, hash, type Signer, utf8 } from '@fatty/codec';
import {
  type CertRules,
  type Change,
  certOf,
  EMPTY_AGENDA,
  type EpochLink,
  epochLinkShape,
  type Frame,
  frameRootOf,
  nextCommittee,
  quorum,
  signVote,
} from '@fatty/protocol';

/** The link that ends the epoch of `rules`; of the members the first q sign, or `count` of them. */
export function linkFor(
  rules: CertRules,
  signers: readonly Signer[],
  changes: readonly Change[],
  end: { readonly index: number; readonly leaseClock: number },
  count = quorum(rules.committee),
): EpochLink {
  const { committee, cellId } = rules;
  const next = nextCommittee(committee, changes, committee.genesisTs + 1_000);
  if (!next.ok) throw new Error(next.failure.code);
  const { index, leaseClock } = end;
  const frame: Frame = {
    epoch: committee.epoch,
    index,
    commitDigest: asDigest(hash('commit', utf8(`${index}`))),
    firstCommit: index,
    convicted: [],
    authors: committee.members.map(() => ({ round: 9, ts: 1_500 })),
    agenda: { ...EMPTY_AGENDA, plan: { index, changes } },
    end: { leaseClock, next: next.value },
    copy: undefined,
  };
  const state = asDigest(hash('state', utf8(`${index}`)));
  const { commitDigest } = frame;
  const vote = { epoch: committee.epoch, index, commitDigest, stateRoot: state };
  const whole = { ...vote, receiptsRoot: state, frameRoot: frameRootOf(frame) };
  const votes = committee.members.slice(0, count).map((key, author) => {
    const signer = signers.find(({ publicKey }) => equalBytes(publicKey, key));
    if (signer === undefined) throw new Error('a member without a signer');
    return signVote(cellId, signer, author, whole);
  });
  return { frame, cert: certOf(committee, votes) };
}

export const bytesOf = (link: EpochLink): Uint8Array => encode(epochLinkShape, link);

/** What a gateway of the newest epoch answers. */
export function linksFrom(chain: readonly EpochLink[], from: number): GatewayMessage {
  const links = chain.filter(({ frame }) => frame.epoch >= from).map(bytesOf);
  return { kind: 'links', epoch: chain.length, links };
}
