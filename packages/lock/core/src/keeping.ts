// What a keeper of sessions is given, and whom it tells.
import type { Failure } from '@fatty/interface';
import type { SessionState } from './types.ts';

/** As in `CoreConfig`. */
export interface KeeperOptions {
  readonly leaseMs: number;
  readonly graceMs: number;
  readonly chainLength: number;
}

/** What the keeper tells its core. */
export interface KeeperOwner {
  status(state: SessionState): void;
  lost(hold: number, failure: Failure): void;
}
