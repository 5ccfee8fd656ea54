// The platform-free entry: browsers, and whatever has fetch and WebSocket.

/// <reference lib="esnext.disposable" preserve="true" />
// Types of other packages that calls of a client name: who makes the calls imports them from here.
export type {
  Answer,
  ContentMode,
  Entry,
  LockMode,
  Op,
  Query,
  Result,
  Sibling,
  Stat,
} from '@fatty/api';
export type { Signer } from '@fatty/codec';
export type {
  CallRequest,
  Landed,
  SessionState,
  SessionStatus,
} from '@fatty/core';
export type { Position, PublicKey } from '@fatty/interface';
export type { Cell } from '@fatty/protocol';
export type { NodeAcl } from './sdk/acl.ts';
export type { Cached, CachedOptions } from './sdk/cached.ts';
export { Client } from './sdk/client.ts';
export { type CellSource, type ConnectOptions, connect } from './sdk/connect.ts';
export type { CallOptions } from './sdk/driver.ts';
export * from './sdk/error.ts';
export type { Created } from './sdk/files.ts';
export {
  type ClaimedJob,
  type DeclareJobOptions,
  Job,
  type JobProofOptions,
  type JobProved,
  type JobState,
} from './sdk/job.ts';
export type { KeyState, Keys } from './sdk/keys.ts';
export type { Lock } from './sdk/lock.ts';
export {
  type DeclareOptions,
  Machine,
  type MachineAnswer,
  type MachineHeld,
  type Posted,
  type ProofOptions,
} from './sdk/machine.ts';
export { MachineLease } from './sdk/machine-lease.ts';
export type * from './sdk/options.ts';
export type { TxnCompare, TxnDone, TxnOp, TxnSpec, TxnStep } from './sdk/txn.ts';
export type { Watch, WatchEvent, WatchGap, WatchOptions } from './sdk/watch.ts';
