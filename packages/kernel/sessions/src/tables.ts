// Sessions and graves as snapshots write them.
import { array, digest, publicKey, record, type Shape, toHex, u53 } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import type { Floor, Grave, Graves } from './graves.ts';
import { keptReceipt, type StoredReceipt, storedReceiptShape } from './receipts.ts';
import { type SessionRow, sessionFields } from './session-row.ts';
import { digestOf } from './session-tries.ts';
import type { SessionRecord, Sessions } from './sessions.ts';

const COUNT_MAX = 2 ** 32 - 1;

type GraveRow = Omit<Grave, 'key'> & { readonly key: Digest };

/** Graves and floors, as snapshots write them. */
export interface GraveTables {
  readonly graves: readonly GraveRow[];
  readonly floors: readonly Floor[];
}

/** The shapes of both tables, to be put behind one another in a record. */
export const graveTables: { [K in keyof GraveTables]: Shape<GraveTables[K]> } = {
  graves: array(
    record<GraveRow>({ key: digest, client: publicKey, author: publicKey, openableUntil: u53 }),
    COUNT_MAX,
  ),
  floors: array(
    record<Floor>({ client: publicKey, author: publicKey, openableUntil: u53 }),
    COUNT_MAX,
  ),
};

/** Ascending by key; the floors by client. */
export function rowsOfGraves(graves: Graves): GraveTables {
  return {
    graves: [...graves.all()].sort(byKey).map((one) => ({ ...one, key: digestOf(one.key) })),
    floors: [...graves.floors()].sort((a, b) => (toHex(a.client) < toHex(b.client) ? -1 : 1)),
  };
}

/** Puts rows of a snapshot back into graves that are empty. */
export function restoreGraves(graves: Graves, rows: GraveTables): void {
  for (const row of rows.graves) graves.add({ ...row, key: toHex(row.key) });
  for (const floor of rows.floors) graves.setFloor(floor);
}

/** Ascending by id: hex of equal length sorts as its bytes do. */
export function sortedSessions<S extends SessionRecord>(sessions: Sessions<S>): S[] {
  return [...sessions.all()].sort(byKey);
}

function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : 1;
}

interface StoredSession extends SessionRow {
  readonly receipts: readonly StoredReceipt[];
}

/** Sessions that nothing was added to, with their graves. */
export interface SessionTables extends GraveTables {
  readonly sessions: readonly StoredSession[];
}

/** Canonical bytes of the tables of a snapshot. */
export const sessionTablesShape: Shape<SessionTables> = record<SessionTables>({
  sessions: array(
    record<StoredSession>({ ...sessionFields, receipts: array(storedReceiptShape, COUNT_MAX) }),
    COUNT_MAX,
  ),
  ...graveTables,
});

/** What a snapshot keeps of sessions and graves. */
export function sessionTables(sessions: Sessions<SessionRecord>): SessionTables {
  return { sessions: sortedSessions(sessions), ...rowsOfGraves(sessions.graves) };
}

/** Into sessions that have none yet. */
export function restoreSessions(sessions: Sessions<SessionRecord>, tables: SessionTables): void {
  for (const row of tables.sessions) {
    const [key, owner] = [toHex(row.id), toHex(row.client)];
    sessions.add({ ...row, key, owner, receipts: row.receipts.map(keptReceipt) });
  }
  restoreGraves(sessions.graves, tables);
}
