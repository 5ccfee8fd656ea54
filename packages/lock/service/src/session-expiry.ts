// How sessions end: overdue, or closed.
import { comparePaths, parentPath, sessionPath } from '@fatty/api';
import type { Ledger } from './ledger.ts';
import { lose, tellReleased } from './lock-told.ts';
import { type Claim, ownThings, type Session } from './sessions.ts';
import type { State } from './state.ts';

/**
 * R21 (4): sessions whose lease is over on the lease clock end, the longest overdue first, as many as a
 * commit may end. Those that are left end at the next: late is safe, for a lease only lasts longer.
 */
export function endOverdueSessions(state: State, ledger: Ledger): void {
  for (const session of state.sessions.takeExpired(ledger.now, ledger.room, ownThings)) {
    if (fits(state, session, ledger)) expire(state, session, ledger);
    else thin(state, session, ledger);
  }
}

/** Holds fail, waits and ephemerals go, all at this commit. */
function expire(state: State, session: Session, ledger: Ledger): void {
  const position = ledger.next();
  for (const claim of inPathOrder(session)) {
    state.locks.drop(claim, 'failed', ledger);
    if (claim.held) lose(claim, 'session_expired', ledger);
  }
  dropEphemerals(state, session, undefined, ledger);
  state.sessions.bury(session);
  ledger.tell(session, { kind: 'sessionExpired', position });
  const { id, client } = session;
  ledger.happened({ kind: 'sessionExpired', path: sessionPath(id), session: id, client });
}

/** The client is done: everything is given back, no lock-delay, grants at once. */
export function closeSession(state: State, session: Session, ledger: Ledger): void {
  for (const claim of inPathOrder(session)) {
    state.locks.drop(claim, 'clean', ledger);
    if (claim.held) tellReleased(claim, ledger);
  }
  dropEphemerals(state, session, session, ledger);
  state.sessions.bury(session);
  state.locks.settle(ledger);
}

function dropEphemerals(
  state: State,
  session: Session,
  remover: Session | undefined,
  ledger: Ledger,
): void {
  const dots = [...session.ephemerals];
  dots.sort(([a, one], [b, two]) => comparePaths(one, two) || (a < b ? -1 : 1));
  for (const [dotKey, path] of dots) {
    // A dot may have gone already, with the directory above it.
    if (!session.ephemerals.has(dotKey)) continue;
    ledger.next();
    state.bury(state.names.expireDot(path, dotKey), remover, ledger);
  }
}

/** What the end of a session ends with it: holds, waits, ephemerals, and what is below those. */
export function thingsOf(state: State, session: Session): number {
  let things = ownThings(session);
  const paths = new Set(session.ephemerals.values());
  for (const path of paths) {
    const below = state.names.find(path)?.below ?? 0;
    // A node below two of its ephemerals counts once, with the upper one.
    if (below > 0 && !isBelowAny(path, paths)) things += below;
  }
  return things;
}

/**
 * Whether the end of this session fits into the commit. Its own things always fit: they are bounded
 * (`sessionBytesMax`).
 */
function fits(state: State, session: Session, ledger: Ledger): boolean {
  return thingsOf(state, session) - ownThings(session) <= ledger.room;
}

/** Takes what is below the ephemerals of an overdue session, deepest first; it ends later. */
function thin(state: State, session: Session, ledger: Ledger): void {
  for (const path of [...session.ephemerals.values()].sort(comparePaths)) {
    const nodes = Math.min(ledger.room, state.names.find(path)?.below ?? 0);
    if (nodes === 0) continue;
    const removed = state.names.removeSubtree(path, nodes);
    if (!('kind' in removed)) state.bury(removed.died, undefined, ledger);
  }
  state.sessions.postpone(session);
}

function isBelowAny(path: string, paths: ReadonlySet<string>): boolean {
  for (let above = parentPath(path); above !== '/'; above = parentPath(above)) {
    if (paths.has(above)) return true;
  }
  return false;
}

function inPathOrder(session: Session): Claim[] {
  return [...session.claims.values()].sort((a, b) => comparePaths(a.path, b.path));
}
