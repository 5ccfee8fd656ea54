// What members say of a checkpoint, and what a quorum of them proves (R6).
import {
  bytes,
  decode,
  digest,
  encode,
  fail,
  ok,
  record,
  type Shape,
  type SignatureScheme,
  type Signer,
  signature,
  signedBytes,
  u16,
  u32,
  u53,
} from '@fatty/codec';
import type { CellId, Digest, Outcome, Signature } from '@fatty/interface';
import { type Cert, VOTE_BYTES_MAX } from './cert.ts';
import { type Committee, quorum } from './committee.ts';

/** R6. What one member has come to at a checkpoint: a function of the commit sequence. */
export interface Vote {
  readonly epoch: number;
  /** Of the commit. */
  readonly index: number;
  readonly commitDigest: Digest;
  /** `root()` of the state machine after that commit. */
  readonly stateRoot: Digest;
  /** Until the contract of algorithms has a root of receipts of its own: the state root, which covers them. */
  readonly receiptsRoot: Digest;
  /** Of the frame that resumes the order behind this commit. */
  readonly frameRoot: Digest;
}

/** A vote as it travels: its canonical bytes, and the signature of the member over them. */
export interface SignedVote {
  readonly author: number;
  readonly core: Uint8Array;
  readonly sig: Signature;
}

/** What votes and certificates are checked against. */
export interface CertRules {
  readonly committee: Committee;
  readonly cellId: CellId;
  readonly scheme: SignatureScheme;
}

/** Canonical bytes of a vote, which its signature covers. */
export const voteShape: Shape<Vote> = record({
  epoch: u32,
  index: u53,
  commitDigest: digest,
  stateRoot: digest,
  receiptsRoot: digest,
  frameRoot: digest,
});

/** Canonical bytes of a signed vote. */
export const signedVoteShape: Shape<SignedVote> = record({
  author: u16,
  core: bytes(VOTE_BYTES_MAX),
  sig: signature,
});

/** Reads the bytes of a vote. Codes of `decode`. */
export function openVote(core: Uint8Array): Outcome<Vote> {
  return decode(voteShape, core, VOTE_BYTES_MAX);
}

/** `author`: index of the signer in the committee. */
export function signVote(cellId: CellId, signer: Signer, author: number, vote: Vote): SignedVote {
  const core = encode(voteShape, vote);
  return { author, core, sig: signer.sign(signedBytes('vote', cellId, core)) };
}

/** True when the author is a member and has signed these bytes. */
export function isVoteSigned(
  { committee, cellId, scheme }: CertRules,
  { author, core, sig }: SignedVote,
): boolean {
  const key = committee.members[author];
  return key !== undefined && scheme.verify(key, signedBytes('vote', cellId, core), sig);
}

/** The certificate that these votes make; they have one content, and each member has one of them. */
export function certOf(committee: Committee, votes: readonly SignedVote[]): Cert {
  const bitmap = new Uint8Array(Math.ceil(committee.members.length / 8));
  const ascending = [...votes].sort((a, b) => a.author - b.author);
  for (const { author } of ascending) {
    const at = Math.floor(author / 8);
    bitmap[at] = (bitmap[at] ?? 0) | (1 << (author % 8));
  }
  return { core: votes[0]?.core ?? bitmap, bitmap, sigs: ascending.map(({ sig }) => sig) };
}

/** The members whose bits are set, ascending; some may be no members. */
export function membersIn(bitmap: Uint8Array): readonly number[] {
  const members: number[] = [];
  for (let i = 0; i < bitmap.length * 8; i++) {
    if (((bitmap[Math.floor(i / 8)] ?? 0) >> (i % 8)) & 1) members.push(i);
  }
  return members;
}

/**
 * R6, pure: what a certificate proves, or why it proves nothing. Signatures are looked at last and no more
 * of them than there are members. Codes: those of {@link openVote}, `wrong_epoch`, `bad_bitmap`,
 * `no_quorum`, `bad_signature`.
 */
export function checkCert(rules: CertRules, { core, bitmap, sigs }: Cert): Outcome<Vote> {
  const { committee } = rules;
  const n = committee.members.length;
  const vote = openVote(core);
  if (!vote.ok) return vote;
  if (vote.value.epoch !== committee.epoch) {
    return fail('wrong_epoch', `epoch ${committee.epoch}`, `${vote.value.epoch}`);
  }
  const authors = membersIn(bitmap);
  const isFit = bitmap.length === Math.ceil(n / 8) && authors.every((author) => author < n);
  if (!isFit || authors.length !== sigs.length) {
    const actual = `${bitmap.length} bytes for ${sigs.length} signatures`;
    return fail('bad_bitmap', `a bit for each signature of ${n} members`, actual);
  }
  if (authors.length < quorum(committee)) {
    return fail('no_quorum', `${quorum(committee)} members`, `${authors.length}`);
  }
  const isSigned = authors.every((author, i) =>
    isVoteSigned(rules, { author, core, sig: sigs[i] as Signature }),
  );
  return isSigned
    ? ok(vote.value)
    : fail('bad_signature', 'the signature of each member', 'another');
}
