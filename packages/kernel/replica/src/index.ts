// One replica without IO: the protocol of PROTOCOL.md.
export type { ReplicaConfig } from './boundary/config.ts';
export type * from './boundary/contract.ts';
export { COPYING, type Copying } from './boundary/copying.ts';
export type { Fetching, Sent } from './boundary/fetching.ts';
export {
  decodeMessage,
  encodeMessage,
  type PeerMessage,
  peerMessageShape,
  type Status,
} from './boundary/messages.ts';
export { DEFAULT_TUNING, type Tuning } from './boundary/tuning.ts';
export { CheckedChain, firstEpoch, linkBytes, type OpenedEpoch } from './cell/checked-chain.ts';
export { type ClockSample, OwnClock } from './cell/clock.ts';
export { jobKey } from './checks/verdicts.ts';
export { viewOf } from './clients/delivered.ts';
export {
  type Beginning,
  beginBehind,
  epochOf,
  frameIndexOf,
  type KeptFrame,
  type Resumable,
} from './epochs/opening.ts';
export { Follower, type FollowerConfig } from './follower.ts';
export { CHECKPOINT_MS, type Checkpoint, Checkpoints } from './frames/checkpoints.ts';
export type { FramesStatus } from './frames/frames.ts';
export { NODE_STATES, type NodeState, nodeStateOf, type Situation } from './node-state.ts';
export { Replica } from './replica.ts';
export {
  decodeMark,
  ownerShape,
  RECORD_ACCUSATION,
  RECORD_BLOCK,
  RECORD_OWNER,
  RECORD_VOTE,
  type SignerMark,
  signerMarkShape,
} from './signing/persistence.ts';
export type { ReplicaStatus } from './status.ts';
export {
  type NoteTelling,
  Teller,
  type Telling,
} from './telling.ts';
