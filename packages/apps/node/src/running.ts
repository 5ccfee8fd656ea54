// What may be asked of a replica process, and what it is while it runs.
import type { SignatureScheme, Signer } from '@fatty/codec';
import type { ReplicaCore } from '@fatty/host';
import type { Failure } from '@fatty/interface';
import type { Cell, SignedAddresses } from '@fatty/protocol';
import type { Copying, Replica, Tuning } from '@fatty/replica';
import type { LogOptions } from '@fatty/storage';
import type { NodeConfig } from './config.ts';

/** What may be changed about a replica, for tests and tours. */
export interface RunOptions {
  /** Puts another program in the replica's place (a liar of a test cell). */
  readonly wrap?: (replica: Replica, signer: Signer, cell: Cell) => ReplicaCore;
  /** When states are copied; default that of every cell. All members of a cell must say the same. */
  readonly copying?: Copying;
  readonly tuning?: Partial<Tuning>;
  /** Of the log files. */
  readonly log?: Pick<LogOptions, 'segmentBytesMax'>;
  /** Default: node:crypto in front of the rule. */
  readonly scheme?: SignatureScheme;
  /** Told how many records of the log are replayed, while they are. */
  readonly onReplay?: (records: number) => void;
  /** Called once when the process cannot go on: the disk failed, or an invariant is broken. */
  readonly onFatal: (error: Error) => void;
}

/** A replica process at work. */
export interface RunningNode {
  /** Where it can be reached, signed; ports are the real ones. */
  readonly addresses: SignedAddresses;
  /** Reads cell.json, certificates and authorities again, and takes the log level; the log says how it went. */
  reload(config: NodeConfig): void;
  /** Says in the log why there is nothing to reload. */
  complain(failure: Failure): void;
  close(): Promise<void>;
}
