export { viewOf } from './clients/delivered.ts';
export { type ClockSample, OwnClock } from './clock.ts';
export type { ReplicaConfig } from './context.ts';
export type * from './contract.ts';
export { jobKey } from './intake/verdicts.ts';
export {
  decodeMessage,
  encodeMessage,
  type PeerMessage,
  peerMessageShape,
  type Status,
} from './messages.ts';
export { Replica } from './replica.ts';
export {
  decodeMark,
  ownerShape,
  RECORD_BLOCK,
  RECORD_OWNER,
  type SignerMark,
  signerMarkShape,
} from './signing/persistence.ts';
export type { ReplicaStatus } from './status.ts';
export {
  type NoteTelling,
  Teller,
  type Telling,
} from './telling.ts';
export { DEFAULT_TUNING, type Tuning } from './tuning.ts';
