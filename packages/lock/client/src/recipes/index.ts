// What others have as built-ins, made of locks, files, watches and transactions.

/// <reference lib="esnext.disposable" preserve="true" />
export { Barrier, DoubleBarrier, type Entered } from './barrier.ts';
export { Counter } from './counter.ts';
export { Election, type Leader, Leadership } from './election.ts';
export { Group, type JoinOptions, type Member, Membership } from './group.ts';
export { Item, Queue } from './queue.ts';
export { ReadWriteLock } from './read-write-lock.ts';
export { Semaphore } from './semaphore.ts';
export { type FollowOptions, follow, type WaitOptions } from './shared.ts';
export {
  type Snapshot,
  type SnapshotEvent,
  type SnapshotWatchOptions,
  watchWithSnapshot,
} from './snapshot-watch.ts';
