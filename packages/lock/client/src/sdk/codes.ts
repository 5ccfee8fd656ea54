// Every code that an error of the SDK carries.
import type { ErrorCode } from '@fatty/api';
import type { ProofCode, RunCode } from '@fatty/cairo-air';
import type { ClientErrorCode } from '@fatty/core';

/** A cell that cannot be connected to: its description, or this platform's signatures. */
export type CellCode =
  | 'bad_cell_file'
  | 'cell_unreadable'
  | 'wrong_cell_id'
  | 'bad_windows'
  | 'bad_address_signature'
  | 'bad_ed25519';

/** What keeps a worker from proving, besides the codes of the VM and of the proofs. */
export type WorkerCode =
  | 'no_prover'
  | 'no_advance'
  | 'bad_run'
  | 'no_room'
  | 'no_memory'
  | 'cancelled'
  | 'unwritable'
  | 'wrong_statement'
  | 'prover_died'
  | 'prover_failed'
  | 'prover_timeout';

/**
 * Every code that a `FattyError` of this version carries. (A cell of a newer version may say others:
 * a `switch` wants its `default`.)
 */
export type FattyErrorCode =
  | ClientErrorCode
  | ErrorCode
  | CellCode
  | WorkerCode
  | ProofCode
  | RunCode;
