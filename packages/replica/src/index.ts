export { type ClockSample, OwnClock } from './clock.ts';
export type * from './contract.ts';
export { viewOf } from './delivered.ts';
export { hosted } from './hosted.ts';
export {
  decodeMessage,
  encodeMessage,
  type PeerMessage,
  peerMessageShape,
  type Status,
} from './messages.ts';
export {
  decodeMark,
  ownerShape,
  RECORD_BLOCK,
  RECORD_OWNER,
  type SignerMark,
  signerMarkShape,
} from './persistence.ts';
export { Replica } from './replica.ts';
export type { ReplicaConfig } from './shared.ts';
export type { ReplicaStatus } from './status.ts';
export {
  type NoteTelling,
  noticeWords,
  resultWords,
  Teller,
  type Telling,
} from './telling.ts';
export { DEFAULT_TUNING, type Tuning } from './tuning.ts';
export { jobKey } from './verdicts.ts';
