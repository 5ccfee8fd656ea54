export { Deadlines } from './deadlines.ts';
export type { Floor, Grave } from './graves.ts';
export { DEFAULT_SESSION_LIMITS, type SessionLimits, shareSessions } from './limits.ts';
export { type StoredReceipt, storedReceipt } from './receipts.ts';
export {
  EXTRA_LINKS_PER_COMMIT,
  LINKS_MAX,
  type Opening,
  openRecord,
  type SessionRecord,
  Sessions,
} from './sessions.ts';
export { type Desk, receiptOf, takeTurns } from './turns.ts';
