// Test helper: a cell of four whose members sign what they are told.
import {
  ACCEPT,
  asSessionId,
  compareBytes,
  decode,
  encode,
  fixed,
  ok,
  record,
  type SignatureScheme,
  type Signer,
  standIn,
  u32,
} from '@fatty/codec';
import type { CellId, Outcome, Unsigned } from '@fatty/interface';
import {
  type Batch,
  type Committee,
  cellIdOf,
  DEFAULT_LIMITS,
  DEFAULT_PARAMS,
  type Limits,
  type SignedBatch,
  signBatch,
} from '@fatty/protocol';
import {
  type BlockRules,
  type Body,
  bodyDigest,
  bodyShape,
  type Header,
  headerMessage,
  headerShape,
  type SignedBlock,
  signedBlockShape,
  virtualRef,
} from '../src/index.ts';

/** Unsigned messages of an algorithm made up for these tests. */
export const messageShape = record({ about: fixed(32), rank: u32, proof: fixed(32) });
export const WEIGHT = 64;

export function openUnsigned(bytes: Uint8Array): Outcome<Unsigned> {
  const opened = decode(messageShape, bytes, bytes.length);
  return opened.ok ? ok({ bytes, ...opened.value, weight: WEIGHT }) : opened;
}

export const message = (about: number, rank = 1): Uint8Array =>
  encode(messageShape, {
    about: new Uint8Array(32).map((_, at) => (at < 2 ? about >> (8 - 8 * at) : 0)),
    rank,
    proof: new Uint8Array(32),
  });

/** A cell of four with stand-in or real signatures, and everything needed to sign in its name. */
export class Cell {
  readonly scheme: SignatureScheme;
  readonly members: readonly Signer[];
  readonly committee: Committee;
  readonly cellId: CellId;
  readonly rules: BlockRules;

  constructor(scheme: SignatureScheme = standIn(), change: Partial<Limits> = {}) {
    const seeds = [1, 2, 3, 4].map((byte) => new Uint8Array(32).fill(byte));
    this.scheme = scheme;
    this.members = seeds
      .map((seed) => scheme.signer(seed))
      .sort((a, b) => compareBytes(a.publicKey, b.publicKey));
    const limits = {
      ...DEFAULT_LIMITS,
      batchOpsMax: 4,
      blockOpsMax: 6,
      opBytesMax: 100,
      blockBytesMax: 16_384,
      blockProofsMax: 2,
      ...change,
    };
    this.committee = {
      epoch: 0,
      members: this.members.map((member) => member.publicKey),
      genesisTs: 1_000,
      params: { ...DEFAULT_PARAMS, limits },
    };
    this.cellId = cellIdOf(this.committee);
    const { committee, cellId } = this;
    this.rules = { committee, cellId, scheme, open: ok, validate: () => ACCEPT, openUnsigned };
  }

  signer(author: number): Signer {
    return this.members[author] as Signer;
  }

  /** A valid first-round header of `author`, with changes. */
  header(author: number, change: Partial<Header> = {}): Omit<Header, 'bodyHash'> {
    const others = [0, 1, 2, 3].filter((other) => other !== author);
    const parents = [author, ...others].map((member) => virtualRef(this.cellId, member));
    const { cellId } = this;
    return { cellId, epoch: 0, round: 1, author, ts: 1_500, seal: false, parents, ...change };
  }

  batch(
    session: number,
    seq: number,
    change: Partial<Batch> = {},
    client: Signer = this.scheme.signer(new Uint8Array(32).fill(90)),
  ): SignedBatch {
    return signBatch(this.cellId, client, {
      client: client.publicKey,
      session: asSessionId(new Uint8Array(32).fill(session)),
      seq,
      basis: { epoch: 0, commit: 3 },
      ops: [Uint8Array.of(session, seq)],
      ...change,
    });
  }

  /** Signs whatever it is given: liars do. */
  sign(
    author: number,
    header: Omit<Header, 'bodyHash'>,
    body: Partial<Body> = {},
    bodyBytes: Uint8Array = encode(bodyShape, { ...EMPTY, ...body }),
  ): SignedBlock {
    const bytes = encode(headerShape, { ...header, bodyHash: bodyDigest(bodyBytes) });
    const sig = this.signer(author).sign(headerMessage(this.cellId, bytes));
    return { header: bytes, sig, body: bodyBytes };
  }

  bytes(author: number, header: Partial<Header> = {}, body: Partial<Body> = {}): Uint8Array {
    return encode(signedBlockShape, this.sign(author, this.header(author, header), body));
  }
}

export const EMPTY: Body = {
  batches: [],
  unsigned: [],
  statements: [],
  evidence: [],
  coinShare: [],
};
