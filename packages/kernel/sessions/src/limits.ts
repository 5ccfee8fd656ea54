// Bounds on sessions.
import { RECEIPT_BYTES_KEPT } from '@fatty/protocol';

/** How many sessions there may be, and what is kept of them. Counts of committed state. */
export interface SessionLimits {
  /** Live sessions, in the cell and per client key. Code `too_many_sessions`. */
  readonly sessionsMax: number;
  readonly sessionsPerClientMax: number;
  /** Dead sessions whose open could still be replayed. */
  readonly gravesMax: number;
  /**
   * Both again, of those whose open came in one replica's blocks; at most an even share of the cell's
   * (see {@link shareSessions}). Code `gateway_full`.
   */
  readonly sessionsPerAuthorMax: number;
  readonly gravesPerAuthorMax: number;
  /** Live sessions that one client key opens through one gateway. Code `gateway_full`. */
  readonly sessionsPerOriginMax: number;
  /** Of one client key; beyond, its older openings are stale (see `Graves`). */
  readonly gravesPerClientMax: number;
  /** Receipts kept for retries, bytes; beyond, the results of the oldest go. */
  readonly receiptBytesMax: number;
  readonly receiptBytesPerSessionMax: number;
}

/** Bounds of a cell that names no others. */
export const DEFAULT_SESSION_LIMITS: SessionLimits = {
  sessionsMax: 65_536,
  sessionsPerClientMax: 16_384,
  gravesMax: 524_288,
  sessionsPerAuthorMax: 65_536,
  gravesPerAuthorMax: 524_288,
  sessionsPerOriginMax: 16_384,
  gravesPerClientMax: 1_024,
  receiptBytesMax: 256 * 1024 * 1024,
  receiptBytesPerSessionMax: RECEIPT_BYTES_KEPT,
};

/** A key may use up one in so many of a gateway's share. */
const KEY_SHARE = 4;

/**
 * Client keys are free, so the limit that holds is by gateway: each carries an even share of the
 * sessions. Whoever fills the share of one gateway, or f liars theirs, leaves the other shares to
 * their clients. One key alone fills no gateway's share.
 */
export function shareSessions<L extends SessionLimits>(limits: L, members: number): L {
  const part = (most: number, parts: number): number =>
    Math.max(1, Math.floor(most / Math.max(1, parts)));
  const { sessionsMax, gravesMax, sessionsPerOriginMax, gravesPerClientMax } = limits;
  const sessionsPerAuthorMax = Math.min(limits.sessionsPerAuthorMax, part(sessionsMax, members));
  const gravesPerAuthorMax = Math.min(limits.gravesPerAuthorMax, part(gravesMax, members));
  return {
    ...limits,
    sessionsPerAuthorMax,
    gravesPerAuthorMax,
    sessionsPerOriginMax: Math.min(sessionsPerOriginMax, part(sessionsPerAuthorMax, KEY_SHARE)),
    gravesPerClientMax: Math.min(gravesPerClientMax, part(gravesPerAuthorMax, KEY_SHARE)),
  };
}
