// Locks, and the sessions that hold them or wait for them.
import { type ClockSeen, type LeaseBar, leaseBar } from './lease.ts';

/** Who holds a lock or waits for it; keys and ids in hex. */
export interface PartySeen {
  readonly session: string;
  readonly client: string;
  readonly mode: 'exclusive' | 'shared';
  /** Of a holder the fencing token, of a waiter its place in the order. */
  readonly token: string;
  /** ms on the lease clock. */
  readonly leaseExpiry: number;
}

/** A lock that somebody holds or waits for. */
export interface LockSeen {
  readonly path: string;
  readonly holders: readonly PartySeen[];
  readonly waiters: readonly PartySeen[];
  /** End of the lock-delay, ms on the lease clock; 0: none runs. */
  readonly notBefore: number;
}

/** A holder or waiter with its bar. */
export interface PartyRow extends PartySeen {
  readonly bar: LeaseBar | undefined;
}

/** A lock as it is drawn. */
export interface LockRow {
  readonly path: string;
  readonly holders: readonly PartyRow[];
  readonly waiters: readonly PartyRow[];
  /** Words about the lock-delay; undefined: nobody has to wait for it. */
  readonly delay: string | undefined;
}

/** A session as it is drawn: what the locks tell of it. */
export interface SessionRow {
  readonly session: string;
  readonly client: string;
  readonly bar: LeaseBar | undefined;
  readonly holds: readonly string[];
  readonly waits: readonly string[];
}

/** Whoever neither holds nor waits, and is no lock in delay, is nothing to show. */
export const isBusy = ({ holders, waiters, notBefore }: LockSeen, leaseClock: number): boolean =>
  holders.length + waiters.length > 0 || notBefore > leaseClock;

/** By path. `leases`: lengths of leases by session, ms, as far as they are known. */
export function lockRows(
  locks: readonly LockSeen[],
  leases: ReadonlyMap<string, number>,
  clock: ClockSeen | undefined,
  nowMs: number,
): readonly LockRow[] {
  const rowOf = (party: PartySeen): PartyRow => {
    const bar = leaseBar(party.leaseExpiry, clock, nowMs, leases.get(party.session));
    return { ...party, bar };
  };
  return [...locks]
    .filter((lock) => isBusy(lock, clock?.leaseClock ?? 0))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map((lock) => {
      const delay = leaseBar(lock.notBefore, clock, nowMs, undefined);
      return {
        path: lock.path,
        holders: lock.holders.map(rowOf),
        waiters: lock.waiters.map(rowOf),
        delay: delay && delay.leftMs > 0 ? `free in ${delay.words}` : undefined,
      };
    });
}

/** The sessions that hold or wait, in order of their ids. */
export function sessionRows(rows: readonly LockRow[]): readonly SessionRow[] {
  const found = new Map<string, SessionRow & { holds: string[]; waits: string[] }>();
  const seat = ({ session, client, bar }: PartyRow): { holds: string[]; waits: string[] } => {
    const row = found.get(session) ?? { session, client, bar, holds: [], waits: [] };
    found.set(session, row);
    return row;
  };
  for (const { path, holders, waiters } of rows) {
    for (const party of holders) seat(party).holds.push(path);
    for (const party of waiters) seat(party).waits.push(path);
  }
  return [...found.values()].sort((a, b) => (a.session < b.session ? -1 : 1));
}
