// What every part of a core may look at and do.

import type { SignatureScheme, Signer } from '@fatty/codec';
import type { CellId, Failure, Priority } from '@fatty/interface';
import { type Limits, RECEIPTS_KEPT } from '@fatty/protocol';
import { type ClockBounds, DEFAULT_CLOCK_BOUNDS } from './clock.ts';
import type { Entropy } from './entropy.ts';
import type { Links } from './links.ts';
import type { Members } from './members.ts';
import { CORE_DEFAULTS, type CoreConfig } from './types.ts';

/** What the parts of a core share. The core is its only maker. */
export interface Shared {
  readonly cellId: CellId;
  /** Those of now: the epoch may change with any event. */
  readonly members: Members;
  readonly epoch: number;
  readonly faults: number;
  readonly quorum: number;
  readonly limits: Limits;
  /** Whose key acts for this client now. */
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
  /** Another key acts from now on. */
  readonly rekey: (signer: Signer) => void;
  /** f+1 gateways know no such session: one of them may be late, so f+1 states have to say. */
  readonly sessionDoubted: () => void;
}

/** What only the core knows. */
export type SharedParts = Pick<
  Shared,
  | 'draw'
  | 'entropy'
  | 'links'
  | 'rekey'
  | 'sawCommit'
  | 'send'
  | 'sessionDoubted'
  | 'sessionGone'
  | 'suspect'
> & { readonly state: Pick<Shared, 'commit' | 'nowMs' | 'signer'> };

/** What parts see: of the members and of the event always what is so now. */
export function sharedOf(config: CoreConfig, members: Members, parts: SharedParts): Shared {
  const { cell, scheme, bounds = DEFAULT_CLOCK_BOUNDS } = config;
  const { deltaMs = CORE_DEFAULTS.deltaMs } = config;
  const { batchesInFlightMax = CORE_DEFAULTS.batchesInFlightMax } = config;
  const { state, ...own } = parts;
  return {
    ...own,
    cellId: cell.cellId,
    members,
    get epoch() {
      return members.committee.epoch;
    },
    get faults() {
      return members.faults;
    },
    get quorum() {
      return members.quorum;
    },
    get limits() {
      return members.params.limits;
    },
    get opsPerBatchMax() {
      const { batchOpsMax } = this.limits;
      return Math.min(config.opsPerBatchMax ?? batchOpsMax, batchOpsMax);
    },
    get signer() {
      return state.signer;
    },
    scheme,
    bounds,
    deltaMs,
    batchesInFlightMax: Math.min(batchesInFlightMax, RECEIPTS_KEPT),
    get nowMs() {
      return state.nowMs;
    },
    get commit() {
      return state.commit;
    },
  };
}
