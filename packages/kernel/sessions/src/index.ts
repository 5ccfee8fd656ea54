// Sessions round any algorithm: exactly once, leases, receipts, expiry.
export { Deadlines } from './deadlines.ts';
export type { Floor, Grave } from './graves.ts';
export { type Head, Hosted, type HostedOptions, hosted, REPLY_BYTES_MAX } from './hosted.ts';
export { keepAliveRules, LINKS_MAX, openKeepAlive } from './keep-alives.ts';
export { DEFAULT_SESSION_LIMITS, type SessionLimits, shareSessions } from './limits.ts';
export { LEASE_MS_MAX, LEASE_MS_MIN, type OpenedHostedOp } from './opening.ts';
export {
  ANSWER_BYTES_MAX,
  decodeHostedOp,
  decodeHostedResult,
  encodeHostedOp,
  type HostedNotice,
  type HostedOp,
  type HostedResult,
  hostedNoticeShape,
  hostedOpShape,
  hostedResultShape,
  ownOp,
} from './ops.ts';
export {
  GROUP_BYTES,
  groupBytes,
  groupDigest,
  groupDigestOf,
  receiptDigest,
  receiptsIn,
} from './receipt-groups.ts';
export {
  keptReceipt,
  type StoredReceipt,
  storedReceipt,
  storedReceiptShape,
} from './receipts.ts';
export { type SessionRow, sessionFields } from './session-row.ts';
export {
  EXTRA_LINKS_PER_COMMIT,
  type Opening,
  openRecord,
  type SessionRecord,
  Sessions,
} from './sessions.ts';
export {
  type GraveTables,
  graveTables,
  restoreGraves,
  rowsOfGraves,
  sortedSessions,
} from './tables.ts';
export { type Desk, receiptOf, takeTurns } from './turns.ts';
