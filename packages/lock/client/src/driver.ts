// The entry for worlds of their own: the SDK in virtual time.

/// <reference lib="esnext.disposable" preserve="true" />
/**
 * `@fatty/client/driver`, for whoever runs the SDK in a world of its own, as the lock's nets do in virtual
 * time: give {@link DriverConfig} a `host` and a `dial`. Applications use `connect`; no version promises
 * that this entry stays as it is.
 */
export type { Dial } from './sdk/cell-links.ts';
export { type CallOptions, Driver, type DriverConfig } from './sdk/driver.ts';
export type { Host } from './sdk/host.ts';
export { askForLock, type Lock, type LockRequest } from './sdk/lock.ts';
export { readOne } from './sdk/read-one.ts';
export { Watch, type WatchEvent } from './sdk/watch.ts';
