// The canonical bytes of the state, and its root.
import {
  comparePaths,
  keyStandingShape,
  type LockMode,
  lockModeShape,
  pathShape,
  positionShape,
} from '@fatty/api';
import {
  array,
  bytes,
  decode,
  encode,
  InvariantError,
  invariant,
  optional,
  publicKey,
  record,
  type Shape,
  sessionId,
  toHex,
  u32,
  u53,
} from '@fatty/codec';
import type { Position, PublicKey, SessionId } from '@fatty/interface';
import {
  type GraveTables,
  graveTables,
  keptReceipt,
  restoreGraves,
  rowsOfGraves,
  type StoredReceipt,
  sessionFields,
  sortedSessions,
  storedReceiptShape,
} from '@fatty/sessions';
import { type Head, headShape, type KeyRecord, type SessionRow } from '@fatty/verify';
import type { Lock } from './lock-state.ts';
import type { Quotas } from './quotas.ts';
import { type Claim, type Session, withNothing } from './sessions.ts';
import { State } from './state.ts';

const COUNT_MAX = 2 ** 32 - 1;

interface StoredSession extends SessionRow {
  readonly receipts: readonly StoredReceipt[];
}

interface ClaimRow {
  readonly session: SessionId;
  readonly seq: number;
  readonly index: number;
  readonly mode: LockMode;
  readonly lockDelayMs: number;
  readonly position: Position;
  readonly deadline: number | undefined;
}

interface LockRow {
  readonly path: string;
  readonly holders: readonly ClaimRow[];
  readonly queue: readonly ClaimRow[];
  readonly allFrom: number;
  readonly exclusiveFrom: number;
}

type KeyRow = KeyRecord & { readonly key: PublicKey };

/** Everything but the namespace, which has its own canonical form in package crdt. */
interface Tables extends GraveTables {
  readonly head: Head;
  readonly sessions: readonly StoredSession[];
  readonly locks: readonly LockRow[];
  readonly keys: readonly KeyRow[];
}

const claimRow: Shape<ClaimRow> = record<ClaimRow>({
  session: sessionId,
  seq: u53,
  index: u32,
  mode: lockModeShape,
  lockDelayMs: u32,
  position: positionShape,
  deadline: optional(u53),
});

const tablesShape: Shape<Tables> = record<Tables>({
  head: headShape,
  sessions: array(
    record<StoredSession>({
      ...sessionFields,
      lastNumber: u53,
      receipts: array(storedReceiptShape, COUNT_MAX),
    }),
    COUNT_MAX,
  ),
  ...graveTables,
  locks: array(
    record<LockRow>({
      path: pathShape,
      holders: array(claimRow, COUNT_MAX),
      queue: array(claimRow, COUNT_MAX),
      allFrom: u53,
      exclusiveFrom: u53,
    }),
    COUNT_MAX,
  ),
  keys: array(
    record<KeyRow>({
      key: publicKey,
      identity: publicKey,
      standing: keyStandingShape,
      since: positionShape,
    }),
    COUNT_MAX,
  ),
});

interface Snapshot {
  readonly tables: Uint8Array;
  readonly names: Uint8Array;
}

const snapshotShape: Shape<Snapshot> = record<Snapshot>({
  tables: bytes(COUNT_MAX),
  names: bytes(COUNT_MAX),
});

function toClaimRow(claim: Claim): ClaimRow {
  const { seq, index, mode, lockDelayMs, position, deadline } = claim;
  return { session: claim.session.id, seq, index, mode, lockDelayMs, position, deadline };
}

function encodeTables({ head, sessions, locks, keys }: State): Uint8Array {
  return encode(tablesShape, {
    head,
    sessions: sortedSessions(sessions),
    ...rowsOfGraves(sessions.graves),
    locks: [...locks.all()]
      .sort((a, b) => comparePaths(a.path, b.path))
      .map(({ path, holders, queue, allFrom, exclusiveFrom }) => ({
        path,
        holders: holders.map(toClaimRow),
        queue: queue.map(toClaimRow),
        allFrom,
        exclusiveFrom,
      })),
    keys: keys.all(),
  });
}

/** Canonical: equal states give equal bytes. */
export function writeSnapshot(state: State): Uint8Array {
  return encode(snapshotShape, { tables: encodeTables(state), names: state.names.snapshot() });
}

/**
 * @throws InvariantError on bytes that no {@link writeSnapshot} wrote: they are certified before.
 */
export function readSnapshot(input: Uint8Array, quotas: Quotas): State {
  const { tables, names } = must(decode(snapshotShape, input, input.length));
  const rows = must(decode(tablesShape, tables, tables.length));
  const { head, sessions, locks } = rows;
  const state = new State(quotas);
  state.head = head;
  for (const row of rows.keys) state.keys.add(row);
  for (const { identity } of rows.keys) {
    if (state.keys.isRevoked(toHex(identity))) state.sessions.seal(toHex(identity));
  }
  for (const row of sessions) state.sessions.add(toSession(row, state));
  restoreGraves(state.sessions.graves, rows);
  state.names.restore(names);
  for (const row of locks) state.locks.add(toLock(row, state), head.leaseClock);
  state.machines.rebuild(head.leaseClock);
  state.jobs.rebuild();
  return state;
}

function must<T>(outcome: { ok: true; value: T } | { ok: false; failure: { code: string } }): T {
  if (!outcome.ok) throw new InvariantError(`a snapshot: ${outcome.failure.code}`);
  return outcome.value;
}

function toSession(row: StoredSession, { keys }: State): Session {
  const record = { ...row, key: toHex(row.id), owner: toHex(row.client) };
  const identity = keys.identityOf(row.client);
  const receipts = row.receipts.map(keptReceipt);
  return withNothing({ ...record, receipts }, identity, row.lastNumber);
}

function toLock(row: LockRow, state: State): Lock {
  const { path, allFrom, exclusiveFrom } = row;
  const claims = (rows: readonly ClaimRow[], held: boolean): Claim[] =>
    rows.map((one) => {
      const session = state.sessions.get(toHex(one.session));
      invariant(session !== undefined, 'a claim belongs to a live session');
      return { ...one, path, session, held };
    });
  const holders = claims(row.holders, true);
  return { path, holders, queue: claims(row.queue, false), allFrom, exclusiveFrom };
}
