// What a replica is made of.
import type { SignatureScheme, Signer } from '@fatty/codec';
import type { CellId, StateMachine } from '@fatty/interface';
import type { Committee, EpochLink, Origin } from '@fatty/protocol';
import type { Copying } from './copying.ts';
import type { Tuning } from './tuning.ts';

/** What one replica is made of. */
export interface ReplicaConfig {
  readonly committee: Committee;
  readonly cellId: CellId;
  /** Where the epoch of the committee begins (R31); none: it is the first one of the cell. */
  readonly origin?: Origin;
  /** The chain of epochs from the genesis to this one (R31), checked; none: it is the first one. */
  readonly links?: readonly EpochLink[];
  /** Own index in the committee. */
  readonly me: number;
  readonly signer: Signer;
  readonly scheme: SignatureScheme;
  /** Fresh: the log is replayed into it. */
  readonly machine: StateMachine;
  /** Default {@link COPYING}; small worlds copy more often. */
  readonly copying?: Copying;
  readonly tuning?: Partial<Tuning>;
}
