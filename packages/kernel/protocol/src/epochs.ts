// The chain of epochs, from the genesis on: who the members are now, and how everybody can know (R31).
import {
  asDigest,
  compareBytes,
  equalBytes,
  fail,
  failure,
  ok,
  record,
  type Shape,
} from '@fatty/codec';
import type { CellId, Digest, Failure, Outcome, PublicKey } from '@fatty/interface';
import { type Cert, certShape } from './cert.ts';
import { MEMBERS_MIN, nextCommittee } from './changes.ts';
import { type CertRules, checkCert } from './checkpoint.ts';
import { type Committee, cellIdOf, MEMBERS_MAX } from './committee.ts';
import { type Founding, foundingRoot } from './founding.ts';
import { type Frame, frameRootOf, frameShape } from './frame.ts';

/** Where the order of an epoch begins. The stamp of its virtual blocks is the committee's genesisTs. */
export interface Origin {
  /** What its virtual blocks are named by: the cell id, later the root of the final frame before. */
  readonly root: Uint8Array;
  /** Of the last commit before; 0: there is none. */
  readonly index: number;
  /** Of the last commit before; the cell id where there is none. */
  readonly digest: Digest;
  /** Of the last commit before, ms; genesisTs where there is none. */
  readonly leaseClock: number;
}

/** An epoch that can begin. */
export interface Epoch {
  readonly committee: Committee;
  readonly origin: Origin;
}

/** The last word of an epoch: its final frame, which names the next members, signed by q of the old ones. */
export interface EpochLink {
  readonly frame: Frame;
  readonly cert: Cert;
}

/** Canonical bytes of a link. */
export const epochLinkShape: Shape<EpochLink> = record({ frame: frameShape, cert: certShape });

/** Where a cell begins. */
export function genesisOrigin(cellId: CellId, { genesisTs }: Committee): Origin {
  return { root: cellId, index: 0, digest: asDigest(cellId), leaseClock: genesisTs };
}

/** Where a cell begins that goes on from the state of another. */
export function foundedOrigin(cellId: CellId, founding: Founding): Origin {
  const root = foundingRoot(cellId, founding);
  return { root, index: founding.commit, digest: root, leaseClock: founding.leaseClock };
}

/** The first epoch of the cell that a committee makes, perhaps from the state of another. */
export function genesisOf(committee: Committee, founding?: Founding): Epoch {
  const cellId = cellIdOf(committee);
  if (founding) return { committee, origin: foundedOrigin(cellId, founding) };
  return { committee, origin: genesisOrigin(cellId, committee) };
}

/**
 * R31, pure: the epoch that a link opens behind the epoch of `rules`, or why it opens none. The certificate
 * is held against that epoch's own members and no others. Codes: those of `checkCert`, `wrong_frame`,
 * `not_final`, `bad_committee`, `no_progress`.
 */
export function openLink(rules: CertRules, origin: Origin, link: EpochLink): Outcome<Epoch> {
  const { frame, cert } = link;
  const vote = checkCert(rules, cert);
  if (!vote.ok) return vote;
  const { epoch, index, commitDigest, frameRoot } = vote.value;
  const root = frameRootOf(frame);
  const isNamed = frame.epoch === epoch && frame.index === index && equalBytes(root, frameRoot);
  if (!isNamed || !equalBytes(frame.commitDigest, commitDigest)) {
    return fail('wrong_frame', 'the frame that the certificate names', 'another');
  }
  const { end } = frame;
  if (end === undefined) return fail('not_final', 'the last frame of an epoch', 'an earlier one');
  const flaw = checkNext(rules.committee, frame, end.next);
  if (flaw) return { ok: false, failure: flaw };
  if (index <= origin.index) return fail('no_progress', `above ${origin.index}`, `${index}`);
  const { leaseClock, next } = end;
  return ok({ committee: next, origin: { root, index, digest: commitDigest, leaseClock } });
}

/** A quorum would have to lie; what everybody computes from the frame is held against it all the same. */
function checkNext(committee: Committee, { agenda }: Frame, next: Committee): Failure | undefined {
  const n = next.members.length;
  const isSorted = next.members.every(
    (key, i) => i === 0 || compareBytes(next.members[i - 1] as PublicKey, key) < 0,
  );
  const made = nextCommittee(committee, agenda.plan?.changes ?? [], next.genesisTs);
  const isMade =
    agenda.plan !== undefined && made.ok && equalBytes(cellIdOf(made.value), cellIdOf(next));
  if (isMade && isSorted && n >= MEMBERS_MIN && n <= MEMBERS_MAX) return undefined;
  return failure('bad_committee', 'the committee that the changes make', 'another');
}

/** What a chain is followed with: one's own trust root, the genesis committee or what has its hash. */
export interface ChainRules extends Pick<CertRules, 'cellId' | 'scheme'> {
  /** Claimed by anybody; counts only under the cell id. */
  readonly genesis: Committee;
  /** Members of a cell that was founded on another need it; who only believes certificates does not. */
  readonly founding?: Founding | undefined;
}

/**
 * The newest epoch that a chain of links proves, from the genesis on; whoever sent the links. The first link
 * that fails makes the answer. Codes: `wrong_cell_id`, those of {@link openLink}.
 */
export function followChain(rules: ChainRules, links: readonly EpochLink[]): Outcome<Epoch> {
  const { genesis, founding, cellId, scheme } = rules;
  if (!equalBytes(cellIdOf(genesis), cellId)) {
    return fail('wrong_cell_id', 'the genesis committee of this cell', 'another');
  }
  let at = genesisOf(genesis, founding);
  for (const link of links) {
    const next = openLink({ committee: at.committee, cellId, scheme }, at.origin, link);
    if (!next.ok) return next;
    at = next.value;
  }
  return ok(at);
}
