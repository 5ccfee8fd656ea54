// What is told of locks: to their sessions by numbered notices, to whoever watches by events.
import type { LossReason } from '@fatty/api';
import type { Ledger } from './ledger.ts';
import type { Lock } from './lock-state.ts';
import type { Claim } from './sessions.ts';

/** Tells a waiter that it holds now. */
export function tellGranted(claim: Claim, ledger: Ledger): void {
  const { path, seq, index, mode, position: lockGen, session } = claim;
  const leaseExpiry = session.expiry;
  ledger.tellNext(session, { kind: 'granted', path, seq, index, mode, lockGen, leaseExpiry });
  tellAcquired(claim, ledger);
}

/** Somebody holds from now on. */
export function tellAcquired({ path, position, mode, session }: Claim, ledger: Ledger): void {
  const { client } = session;
  ledger.happened({ kind: 'lockAcquired', path, lockGen: position, mode, client });
}

/** A holder has given its hold back. */
export function tellReleased({ path, position }: Claim, ledger: Ledger): void {
  ledger.happened({ kind: 'lockReleased', path, lockGen: position });
}

/** Tells a holder that its hold is gone; takes an index of its own (R21). */
export function lose(claim: Claim, reason: LossReason, ledger: Ledger): void {
  const { path, position: lockGen, session } = claim;
  ledger.tellNext(session, { kind: 'lost', path, lockGen, reason, position: ledger.next() });
  ledger.happened({ kind: 'lockLost', path, lockGen, reason });
}

/** Tells a waiter that it will never hold. */
export function endWait(
  claim: Claim,
  code: 'max_wait' | 'not_found' | 'key_revoked',
  ledger: Ledger,
): void {
  const { path, seq, index, session } = claim;
  ledger.tellNext(session, { kind: 'waitEnded', path, seq, index, code, position: ledger.next() });
}

/** A request was not granted at once: an event only where somebody holds what it asks for. */
export function tellConflict(
  lock: Lock,
  { path, mode, session }: Pick<Claim, 'path' | 'mode' | 'session'>,
  waits: boolean,
  ledger: Ledger,
): void {
  if (lock.holders.length === 0) return;
  ledger.happened({ kind: 'lockConflict', path, mode, client: session.client, waits });
}
