// One small cell, and one value of everything its members and clients say. All of it is recomputed from seeds.
import {
  type Block,
  type Content,
  type Evidence,
  type Header,
  type Ref,
  type SignedHeader,
  signBlock,
  virtualRef,
} from '@fatty/broadcast';
import { asDigest, compareBytes, encode, hash, record, type Signer, text, u8 } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { CellId, Digest } from '@fatty/interface';
import { type Commit, type CommitCore, sealCommit } from '@fatty/order';
import {
  type Batch,
  batchId,
  type Cert,
  type Committee,
  cellIdOf,
  certOf,
  DEFAULT_PARAMS,
  EMPTY_AGENDA,
  type Frame,
  frameRootOf,
  type KeepAlive,
  keepAliveLink,
  keepAliveShape,
  type SignedBatch,
  type SignedVote,
  sessionIdOf,
  signBatch,
  signMotion,
  signReady,
  signVote,
  type Vote,
  type VoteEvidence,
  votePair,
} from '@fatty/protocol';

const scheme = nodeScheme();
const seedOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const signerOf = (byte: number): Signer => scheme.signer(seedOf(byte));
export const GENESIS_TS = 1_700_000_000_000;

/** Members are made from these bytes, 32 of each; the client, and who wants to be a member, from these. */
export const SEED_BYTES: readonly number[] = [1, 2, 3, 4];
export const CLIENT_SEED_BYTE = 9;
export const JOINER_SEED_BYTE = 5;

const signers = SEED_BYTES.map(signerOf).sort((a, b) => compareBytes(a.publicKey, b.publicKey));
export const signerAt = (i: number): Signer => {
  const signer = signers[i];
  if (signer === undefined) throw new Error('a member');
  return signer;
};

export const committee: Committee = {
  epoch: 0,
  members: signers.map(({ publicKey }) => publicKey),
  genesisTs: GENESIS_TS,
  params: DEFAULT_PARAMS,
};
export const cellId: CellId = cellIdOf(committee);

export const client: Signer = signerOf(CLIENT_SEED_BYTE);
export const nonce: Uint8Array = new Uint8Array(16).fill(0x11);
const basis = { epoch: 0, commit: 0 };
export const session = sessionIdOf(client.publicKey, nonce, basis);

/** An op of an algorithm that knows words. */
const opShape = record<{ tag: number; word: string }>({ tag: u8, word: text(16) });
export const op: Uint8Array = encode(opShape, { tag: 1, word: 'hello' });

const batch: Batch = { client: client.publicKey, session, seq: 0, basis, ops: [op] };
export const signedBatch: SignedBatch = signBatch(cellId, client, batch);

/** Two links from the anchor that the session's opening has committed to. */
const preimage = new Uint8Array(32).fill(0x22);
export const anchor: Digest = keepAliveLink(keepAliveLink(preimage));
const keepAlive: KeepAlive = { session, i: 2, preimage };
export const keepAliveBytes: Uint8Array = encode(keepAliveShape, keepAlive);

const unsigned = { bytes: keepAliveBytes, about: session, rank: 2, proof: preimage, weight: 2 };
const EMPTY: Content = { batches: [], unsigned: [], evidence: [] };

function blockOf(
  author: number,
  over: Pick<Header, 'round' | 'ts' | 'parents'>,
  content = EMPTY,
): Block {
  const header = { cellId, epoch: 0, author, seal: false, ...over };
  return signBlock(header, content, signerAt(author));
}

const virtual = committee.members.map((_, i) => virtualRef(cellId, i));

/** The own parent first, then the others by author. */
function parentsOf(author: number, refs: readonly Ref[]): readonly Ref[] {
  return [
    ...refs.filter((ref) => ref.author === author),
    ...refs.filter((ref) => ref.author !== author),
  ];
}

const first = committee.members.map((_, author) =>
  blockOf(author, { round: 1, ts: GENESIS_TS + 10, parents: parentsOf(author, virtual) }),
);
export const virtualOfMember2: Ref = virtual[2] ?? virtualRef(cellId, 2);

/** The same slot, filled a second time. */
const forked = blockOf(3, { round: 1, ts: GENESIS_TS + 11, parents: parentsOf(3, virtual) });
const pair = [first[3] ?? forked, forked].sort((a, b) => compareBytes(a.ref.digest, b.ref.digest));
export const evidence: Evidence = {
  a: signedHeaderOf(pair[0] ?? forked),
  b: signedHeaderOf(pair[1] ?? forked),
};

function signedHeaderOf({ signed: { header, sig } }: Block): SignedHeader {
  return { header, sig };
}

/** Of round 2: with a batch, a keep-alive and the evidence. */
export const block: Block = blockOf(
  1,
  {
    round: 2,
    ts: GENESIS_TS + 20,
    parents: parentsOf(
      1,
      first.map(({ ref }) => ref),
    ),
  },
  {
    batches: [{ id: batchId(signedBatch.core), batch, signed: signedBatch, opened: [] }],
    unsigned: [unsigned],
    evidence: [evidence],
  },
);

export const commitCore: CommitCore = {
  index: 1,
  prevDigest: asDigest(cellId),
  leader: block.ref,
  blocks: [...first.map(({ ref }) => ref), block.ref],
  commitTs: GENESIS_TS + 10,
  leaseClock: GENESIS_TS + 10,
  horizon: 0,
};
export const commit: Commit = sealCommit(commitCore);

export const frame: Frame = {
  epoch: 0,
  index: commit.index,
  commitDigest: commit.digest,
  firstCommit: 1,
  convicted: [3],
  authors: committee.members.map((_, i) =>
    i === 1 ? { round: 2, ts: GENESIS_TS + 20 } : { round: 1, ts: GENESIS_TS + 10 },
  ),
  agenda: EMPTY_AGENDA,
  end: undefined,
  copy: undefined,
};

const stateRoot = hash('state', op);
const vote: Vote = {
  epoch: 0,
  index: commit.index,
  commitDigest: commit.digest,
  stateRoot,
  receiptsRoot: stateRoot,
  frameRoot: frameRootOf(frame),
};
const votes = [0, 1, 2].map((author) => signVote(cellId, signerAt(author), author, vote));
export const signedVote: SignedVote = votes[2] ?? signVote(cellId, signerAt(2), 2, vote);
export const cert: Cert = certOf(committee, votes);

const otherVote = signVote(cellId, signerAt(2), 2, { ...vote, stateRoot: hash('state', nonce) });
export const voteEvidence: VoteEvidence = votePair(signedVote, otherVote);

export const joiner: Signer = signerOf(JOINER_SEED_BYTE);
export const motion: Uint8Array = signMotion(cellId, signerAt(0), 0, {
  epoch: 0,
  number: 1,
  change: { kind: 'add', key: joiner.publicKey },
});
export const ready: Uint8Array = signReady(cellId, joiner, { epoch: 0, index: commit.index });
