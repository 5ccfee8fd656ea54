// What checkers see of a world.
import type { Ref } from '@fatty/broadcast';
import type { Applied, CommitInput, Digest, Failure, LogRecord } from '@fatty/interface';
import type { Commit } from '@fatty/order';
import type { ReplicaNote } from '@fatty/replica';
import type { Cell } from './cell.ts';

/** What a world sees of its replicas, in order: the only input of the checkers. */
export type Observation = {
  /** World time, ms since the epoch; replicas' own clocks may be skewed against it. */
  readonly atMs: number;
  /** Number of the host: in the first epoch the committee index. */
  readonly by: number;
  /** Epoch of the replica's core; default: the first. Indices of members in what it tells are of this one. */
  readonly epoch?: number;
} & (
  | { readonly kind: 'sent'; readonly to: number; readonly bytes: Uint8Array }
  /** Durable from now on. `mark` is the signer mark on disk at this moment. */
  | {
      readonly kind: 'synced';
      readonly records: readonly LogRecord[];
      readonly mark: Uint8Array | undefined;
    }
  | { readonly kind: 'delivered'; readonly ref: Ref }
  | {
      readonly kind: 'committed';
      readonly commit: Commit;
      readonly input: CommitInput;
      readonly applied: Applied;
      readonly root: Digest | undefined;
      /** By an algorithm in sessions: its batches carry `HostedOp`s. */
      readonly isHosted?: boolean;
    }
  | { readonly kind: 'crashed'; readonly lost: number }
  | { readonly kind: 'restarted' }
  /** It goes on behind a frame of this commit, its own or one of others. */
  | { readonly kind: 'resumed'; readonly index: number }
  | { readonly kind: 'noted'; readonly note: ReplicaNote }
  | { readonly kind: 'halted'; readonly failure: Failure }
  /** The gateway did not take the batch that came with this tag. */
  | { readonly kind: 'refused'; readonly tag: number; readonly failure: Failure }
);

/** A broken invariant, as data. `rule` is the name the protocol text gives it (S1…, L1…). */
export interface Violation {
  readonly rule: string;
  readonly atMs: number;
  readonly replica: number;
  readonly expected: string;
  readonly actual: string;
}

/** What checkers may know beforehand. */
export interface CheckedCell {
  readonly cell: Cell;
  /** Hosts that lie, in whatever epoch: nothing is promised about what they do. */
  readonly liars: ReadonlySet<number>;
  /** Largest deviation of an honest clock from world time, in ms. */
  readonly skewMsMax: number;
}

/** Watches one world. `finish` is asked once, after the world has come to rest. */
export interface Checker {
  readonly rules: readonly string[];
  see(observation: Observation): readonly Violation[];
  finish(atMs: number): readonly Violation[];
}

/** No violations. */
export const NOTHING_WRONG: readonly Violation[] = [];
