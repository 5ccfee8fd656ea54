// What every part of a core may look at and do.

import type { SignatureScheme, Signer } from '@fatty/codec';
import type { CellId, Failure, Priority, PublicKey } from '@fatty/interface';
import type { Limits } from '@fatty/protocol';
import type { ClockBounds } from './clock.ts';
import type { Entropy } from './entropy.ts';
import type { Links } from './links.ts';

/** What the parts of a core share. The core is its only maker. */
export interface Shared {
  readonly cellId: CellId;
  readonly epoch: number;
  readonly members: readonly PublicKey[];
  readonly faults: number;
  readonly quorum: number;
  readonly limits: Limits;
  readonly signer: Signer;
  readonly scheme: SignatureScheme;
  readonly entropy: Entropy;
  readonly links: Links;
  readonly bounds: ClockBounds;
  readonly deltaMs: number;
  readonly opsPerBatchMax: number;
  readonly batchesInFlightMax: number;
  /** Monotonic time of the event being handled. */
  readonly nowMs: number;
  /** The newest commit some honest replica is known to have applied: basis and floor of reads. */
  readonly commit: number;
  readonly draw: (below: number) => number;
  readonly send: (replica: number, bytes: Uint8Array, priority: Priority) => void;
  readonly sawCommit: (commit: number) => void;
  readonly suspect: (replica: number, code: string, expected: string, actual: string) => void;
  /** f+1 replicas showed a commit at which there was no such session (any more). */
  readonly sessionGone: (failure: Failure) => void;
  /** f+1 gateways know no such session: one of them may be late, so f+1 states have to say. */
  readonly sessionDoubted: () => void;
}
