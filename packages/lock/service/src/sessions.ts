// What the lock service keeps for a session.
import { type ErrorResult, errorResult, type LockMode, type Op } from '@fatty/api';
import { toHex, utf8 } from '@fatty/codec';
import { type Entries, LayeredMap } from '@fatty/crdt';
import type { OrderedBatch, Position, PublicKey } from '@fatty/interface';
import { openRecord, type SessionRecord, type Sessions as SessionsOf } from '@fatty/sessions';
import type { Ledger } from './ledger.ts';
import type { Quotas } from './quotas.ts';

/** All live sessions of the lock service. */
export type Sessions = SessionsOf<Session>;

/** A lock request of a session: waiting, or held. */
export interface Claim {
  readonly path: string;
  readonly session: Session;
  readonly seq: number;
  readonly index: number;
  readonly mode: LockMode;
  readonly lockDelayMs: number;
  held: boolean;
  /** Place in the queue while waiting, lock generation once held. */
  position: Position;
  /** End of maxWait on the lease clock, while waiting. */
  deadline: number | undefined;
}

/** A session, and what the lock service keeps for it. */
export interface Session extends SessionRecord {
  /** The first key of its client: whom lists, owners, machines and jobs name. */
  readonly identity: PublicKey;
  /** Of the last notice about its locks and waits (R21b). */
  lastNumber: number;
  /** By path: a session waits for or holds a path at most once. */
  readonly claims: Map<string, Claim>;
  /** Claims by `seq:index`, for cancel. */
  readonly claimOf: Map<string, Claim>;
  /** Its ephemeral dots: op key to path. */
  readonly ephemerals: Entries<string, string>;
  /** What an answer takes for its claims and ephemerals at most. */
  bytes: number;
}

/** A session with nothing in it yet, or none of it back from a snapshot yet. */
export function withNothing(
  record: SessionRecord,
  identity: PublicKey,
  lastNumber: number,
): Session {
  return {
    ...record,
    identity,
    owner: toHex(identity),
    lastNumber,
    claims: new Map(),
    claimOf: new Map(),
    ephemerals: new Map(),
    bytes: 0,
  };
}

/** Opens the session that this batch asks for, and says so in the ledger. */
export function openSession(
  sessions: Sessions,
  batch: OrderedBatch,
  op: Extract<Op, { kind: 'openSession' }>,
  identity: PublicKey,
  ledger: Ledger,
  basisCommitsMax: number,
): Session {
  const record = openRecord(batch, op, ledger.next(), ledger.now, basisCommitsMax);
  const session = withNothing(record, identity, 0);
  sessions.add(session);
  return session;
}

/** A copy for views, with ephemerals of its own. Good while the original does not change. */
export function borrowed(session: Session): Session {
  return { ...session, ephemerals: new LayeredMap(session.ephemerals) };
}

/** What ends with a session, besides what is below its ephemerals. */
export function ownThings({ claims, ephemerals }: Session): number {
  return claims.size + ephemerals.size;
}

/** What an answer takes for a claim or an ephemeral besides its path, at most. Bytes. */
const ENTRY_BYTES = 48;

/** What a hold, wait or ephemeral at this path costs its session, bytes. */
export function entryBytes(path: string): number {
  return ENTRY_BYTES + utf8(path).length;
}

/** Why this session can have no further hold, wait or ephemeral at this path. */
export function refuseEntry(
  { bytes }: Session,
  path: string,
  { sessionBytesMax }: Quotas,
): ErrorResult | undefined {
  if (bytes + entryBytes(path) <= sessionBytesMax) return undefined;
  const expected = `at most ${sessionBytesMax} bytes of holds, waits and ephemerals`;
  return errorResult('session_full', expected, `${bytes} and one more`);
}

/** Enters an ephemeral node into its session. */
export function addEphemeral(session: Session, dot: string, path: string): void {
  session.ephemerals.set(dot, path);
  session.bytes += entryBytes(path);
}

/** Takes an ephemeral node out of its session; nothing when it is not there. */
export function dropEphemeral(session: Session, dot: string): void {
  const path = session.ephemerals.get(dot);
  if (path === undefined) return;
  session.ephemerals.delete(dot);
  session.bytes -= entryBytes(path);
}

/** Map key of a lock request within its session. */
export function claimKey(seq: number, index: number): string {
  return `${seq}:${index}`;
}
