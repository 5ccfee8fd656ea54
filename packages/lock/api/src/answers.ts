// Answers to queries, and their bytes.
import {
  array,
  bool,
  bytes,
  decode,
  digest,
  encode,
  optional,
  publicKey,
  record,
  type Shape,
  sessionId,
  text,
  u8,
  u32,
  u53,
  u64,
  union,
} from '@fatty/codec';
import type { Digest, Outcome, Position, PublicKey, SessionId } from '@fatty/interface';
import { type CellParams, MEMBERS_MAX, paramsShape } from '@fatty/protocol';
import { type Acl, aclShape } from './acl.ts';
import { feltShape } from './felt.ts';
import { CONTENT_BYTES_MAX, type ContentMode, contentModeShape } from './file-ops.ts';
import { type Dot, type OpId, opIdShape, positionShape } from './ids.ts';
import { type InboxEntry, type InboxTerms, inboxEntriesShape, inboxTermsShape } from './inbox.ts';
import { type JobAnswer, type JobEntry, jobAnswerShape, jobEntryShape } from './jobs.ts';
import { type KeyStanding, keyStandingShape } from './keys.ts';
import { type MachinePolicy, machinePolicyShape } from './machine-policy.ts';
import {
  ADDRESS_LENGTH_MAX,
  type Binding,
  bindingShape,
  type LockMode,
  lockModeShape,
  type NodeKind,
  nodeKindShape,
  OUTPUTS_MAX,
  PUBLISHED_BYTES_MAX,
} from './ops.ts';
import { pathShape, SEGMENT_BYTES_MAX } from './path.ts';
import { LIST_MAX } from './queries.ts';
import { type ErrorResult, errorFieldsShape } from './results.ts';

/** Content bytes of one answer, unless its first value alone has more. */
export const CONTENTS_BYTES_MAX: number = 1024 * 1024;
/** Longest answer of a hosted algorithm. */
export const OWN_ANSWER_BYTES_MAX: number = 1024 * 1024;

/** Metadata of a node, as Chubby has them. Positions grow for ever, across delete and recreate. */
export interface Stat {
  readonly id: OpId;
  readonly node: NodeKind;
  readonly mode: ContentMode;
  /** The session it dies with. */
  readonly ephemeral: SessionId | undefined;
  /** What a remove has to name. */
  readonly dots: readonly Dot[];
  /** Undefined while only delivered. */
  readonly instance: Position | undefined;
  readonly contentGen: Position | undefined;
  /** Of the last grant on this node. */
  readonly lockGen: Position | undefined;
  /** Of the create, or of the last change of the ACL. */
  readonly aclGen: Position | undefined;
  /** SHA-256 of the content shown first. */
  readonly checksum: Digest;
  readonly sizeBytes: number;
  /** ms since the Unix epoch (commit time). */
  readonly createdTs: number;
  readonly modifiedTs: number;
  readonly owner: PublicKey;
  readonly children: number;
}

/** One of the concurrent values of a shared content; `siblings[0]` is the one shown first. */
export interface Sibling {
  readonly dot: Dot;
  readonly content: Uint8Array;
}

/** A child of a directory. */
export interface Entry {
  readonly name: string;
  readonly id: OpId;
  readonly node: NodeKind;
}

/** A lock that a session holds. */
export interface Hold {
  readonly path: string;
  readonly seq: number;
  readonly index: number;
  readonly mode: LockMode;
  readonly lockGen: Position;
}

/** A place of a session in a lock's queue. */
export interface Wait {
  readonly path: string;
  readonly seq: number;
  readonly index: number;
  readonly mode: LockMode;
  readonly position: Position;
}

/** A holder or waiter as others see it. */
export interface Party {
  readonly session: SessionId;
  readonly client: PublicKey;
  readonly seq: number;
  readonly index: number;
  readonly mode: LockMode;
  /** lockGen of a holder, queue position of a waiter. */
  readonly position: Position;
  /** ms on the lease clock. */
  readonly leaseExpiry: number;
}

/** The inbox of a machine. */
export interface InboxAnswer {
  readonly terms: InboxTerms;
  /** The hash chain of every entry consumed so far: cell `in` of the last statement. */
  readonly in: bigint;
  readonly consumed: number;
  /** What waits, oldest first. */
  readonly pending: readonly InboxEntry[];
  /**
   * Since when (ms on the lease clock) the oldest entry has waited for longer than the period: the
   * machine ignores its inbox. Undefined: it does not.
   */
  readonly neglectedSince: number | undefined;
}

/** What one replica answers to a query. */
export type Answer =
  | {
      readonly kind: 'value';
      readonly stat: Stat;
      /** In order: the first is the one shown. Asked for by name: those of them that are there. */
      readonly siblings: readonly Sibling[];
      /** Those behind them, which this answer has no room for: ask for their `contents`. */
      readonly more: readonly Dot[];
    }
  | { readonly kind: 'stat'; readonly stat: Stat }
  | { readonly kind: 'list'; readonly entries: readonly Entry[]; readonly more: boolean }
  | {
      readonly kind: 'session';
      readonly client: PublicKey;
      readonly lastSeq: number;
      readonly leaseMs: number;
      readonly leaseExpiry: number;
      /** Last accepted keep-alive link. */
      readonly i: number;
      /** Of the last numbered notice; what it told of is in {@link holds} and {@link waits}. */
      readonly lastNumber: number;
      readonly holds: readonly Hold[];
      readonly waits: readonly Wait[];
      readonly ephemerals: readonly string[];
    }
  | {
      readonly kind: 'lock';
      readonly holders: readonly Party[];
      readonly waiters: readonly Party[];
      readonly lockGen: Position | undefined;
      /** End of the lock-delay, ms on the lease clock; 0 when none runs. */
      readonly notBefore: number;
    }
  | {
      readonly kind: 'machine';
      readonly id: OpId;
      readonly programId: Digest;
      readonly t: bigint;
      readonly s: bigint;
      readonly policy: MachinePolicy;
      readonly binding: Binding;
      readonly periodMs: number;
      readonly lockDelayMs: number;
      /** Position of the last applied event of this machine. */
      readonly nonce: Position;
      /** How many output cells it declared. */
      readonly outputCount: number;
      /** Output cells of the last statement; empty before the first. */
      readonly outputs: readonly bigint[];
      readonly inbox: InboxAnswer | undefined;
      readonly lessee: PublicKey | undefined;
      readonly lockGen: Position | undefined;
      readonly leaseExpiry: number;
      readonly notBefore: number;
      readonly address: string;
      readonly published: Uint8Array;
    }
  | {
      readonly kind: 'members';
      readonly epoch: number;
      readonly members: readonly PublicKey[];
      readonly params: CellParams;
      /** Indices in `members` of those convicted of contradicting themselves, ascending. */
      readonly convicted: readonly number[];
    }
  | {
      readonly kind: 'status';
      readonly epoch: number;
      readonly commit: number;
      readonly commitTs: number;
      readonly leaseClock: number;
      readonly sessions: number;
      readonly nodes: number;
      readonly holds: number;
      readonly waits: number;
      readonly machines: number;
    }
  /** `aclGen`: 0.0 for `/` as the cell began. */
  | { readonly kind: 'acl'; readonly acl: Acl; readonly aclGen: Position }
  /** Of an `own` query: in the words of the algorithm that the cell hosts. */
  | { readonly kind: 'own'; readonly answer: Uint8Array }
  | ({ readonly kind: 'job' } & JobAnswer)
  /** `identity`: what lists and owners call the client, its first key. */
  | {
      readonly kind: 'key';
      readonly identity: PublicKey;
      /** The key that acts for it, or was the last to. */
      readonly current: PublicKey;
      /** Of the key that was asked about. */
      readonly standing: KeyStanding;
      /** Whether nobody acts for the identity any more. */
      readonly isRevoked: boolean;
    }
  | { readonly kind: 'jobs'; readonly entries: readonly JobEntry[]; readonly more: boolean }
  | ErrorResult;

const statShape: Shape<Stat> = record<Stat>({
  id: opIdShape,
  node: nodeKindShape,
  mode: contentModeShape,
  ephemeral: optional(sessionId),
  dots: array(opIdShape, 65_536),
  instance: optional(positionShape),
  contentGen: optional(positionShape),
  lockGen: optional(positionShape),
  aclGen: optional(positionShape),
  checksum: digest,
  sizeBytes: u32,
  createdTs: u53,
  modifiedTs: u53,
  owner: publicKey,
  children: u32,
});

const MANY = 65_536;
const place = { path: pathShape, seq: u53, index: u32, mode: lockModeShape };
const partyShape: Shape<Party> = record<Party>({
  session: sessionId,
  client: publicKey,
  seq: u53,
  index: u32,
  mode: lockModeShape,
  position: positionShape,
  leaseExpiry: u53,
});

/** Canonical bytes of an answer. Tags are wire format: never reused, never renumbered. */
export const answerShape: Shape<Answer> = union<Answer>({
  error: [0, errorFieldsShape],
  value: [
    1,
    record({
      stat: statShape,
      siblings: array(record({ dot: opIdShape, content: bytes(CONTENT_BYTES_MAX) }), MANY),
      more: array(opIdShape, MANY),
    }),
  ],
  stat: [2, record({ stat: statShape })],
  list: [
    3,
    record({
      entries: array(
        record({ name: text(SEGMENT_BYTES_MAX), id: opIdShape, node: nodeKindShape }),
        LIST_MAX,
      ),
      more: bool,
    }),
  ],
  session: [
    4,
    record({
      client: publicKey,
      lastSeq: u53,
      leaseMs: u32,
      leaseExpiry: u53,
      i: u32,
      lastNumber: u53,
      holds: array(record<Hold>({ ...place, lockGen: positionShape }), MANY),
      waits: array(record<Wait>({ ...place, position: positionShape }), MANY),
      ephemerals: array(pathShape, MANY),
    }),
  ],
  lock: [
    5,
    record({
      holders: array(partyShape, MANY),
      waiters: array(partyShape, MANY),
      lockGen: optional(positionShape),
      notBefore: u53,
    }),
  ],
  machine: [
    6,
    record({
      id: opIdShape,
      programId: digest,
      t: u64,
      s: feltShape,
      policy: machinePolicyShape,
      binding: bindingShape,
      periodMs: u32,
      lockDelayMs: u32,
      nonce: positionShape,
      outputCount: u8,
      outputs: array(feltShape, OUTPUTS_MAX),
      inbox: optional(
        record<InboxAnswer>({
          terms: inboxTermsShape,
          in: feltShape,
          consumed: u53,
          pending: inboxEntriesShape,
          neglectedSince: optional(u53),
        }),
      ),
      lessee: optional(publicKey),
      lockGen: optional(positionShape),
      leaseExpiry: u53,
      notBefore: u53,
      address: text(ADDRESS_LENGTH_MAX),
      published: bytes(PUBLISHED_BYTES_MAX),
    }),
  ],
  members: [
    7,
    record({
      epoch: u32,
      members: array(publicKey, MEMBERS_MAX),
      params: paramsShape,
      convicted: array(u32, MEMBERS_MAX),
    }),
  ],
  status: [
    8,
    record({
      epoch: u32,
      commit: u53,
      commitTs: u53,
      leaseClock: u53,
      sessions: u32,
      nodes: u32,
      holds: u32,
      waits: u32,
      machines: u32,
    }),
  ],
  acl: [12, record({ acl: aclShape, aclGen: positionShape })],
  own: [10, record({ answer: bytes(OWN_ANSWER_BYTES_MAX) })],
  job: [13, jobAnswerShape],
  key: [
    15,
    record({
      identity: publicKey,
      current: publicKey,
      standing: keyStandingShape,
      isRevoked: bool,
    }),
  ],
  jobs: [14, record({ entries: array(jobEntryShape, LIST_MAX), more: bool })],
});

const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** Canonical bytes of an answer. */
export function encodeAnswer(answer: Answer): Uint8Array {
  return encode(answerShape, answer);
}

/** Reads the bytes of an answer. Codes of `decode`. */
export function decodeAnswer(input: Uint8Array): Outcome<Answer> {
  return decode(answerShape, input, ANSWER_BYTES_MAX);
}
