// What a worker needs of its client and prover, and what it tells.
import type { Proof, ProofParameters } from '@fatty/cairo-air';
import type { CellId, Outcome, Position, PublicKey } from '@fatty/interface';
import type { CallOptions } from '../sdk/driver.ts';
import type { FattyError } from '../sdk/error.ts';
import type { MachineAnswer, MachineHeld, ProofOptions } from '../sdk/machine.ts';
import type { ParameterOptions, ProverProgress, Run, Runnable } from './toolkit.ts';

export type { ParameterOptions, ProverProgress, Run, Runnable, RunnableHint } from './toolkit.ts';

/** How one proof is watched and called off. */
export interface ProofJobOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ProverProgress) => void;
}

/** Makes a Stone proof of a run. Never rejects; code `cancelled` when its signal was aborted. */
export interface Prover {
  prove(run: Run, parameters: ProofParameters, options?: ProofJobOptions): Promise<Outcome<Proof>>;
  close(): Promise<void>;
}

/** What a worker does to a lease; `MachineLease` of the SDK. */
export interface WorkerLease {
  readonly nonce: Position;
  readonly t: bigint;
  readonly s: bigint;
  readonly signal: AbortSignal;
  renew(proofs: readonly Uint8Array[], options: ProofOptions): Promise<MachineHeld>;
  publish(address: string, content: Uint8Array, options?: CallOptions): Promise<void>;
  release(options?: CallOptions): Promise<void>;
}

/** What a worker needs of a machine; `Machine` of the SDK. */
export interface WorkerMachine {
  stat(options?: CallOptions): Promise<MachineAnswer>;
  take(proofs: readonly Uint8Array[], options: ProofOptions): Promise<WorkerLease>;
  resume(proofs: readonly Uint8Array[], options: ProofOptions): Promise<WorkerLease>;
}

/** What a worker needs of a client; `Client` of the SDK. */
export interface WorkerClient {
  readonly key: PublicKey;
  /** Without it, this client is called by its key. */
  readonly keys?: { stat(): Promise<{ readonly identity: PublicKey }> };
  readonly cell: {
    readonly cellId: CellId;
    readonly committee: {
      readonly params: { readonly limits: { readonly opBytesMax: number } };
    };
  };
  machine(path: string): WorkerMachine;
}

/** Monotonic time, for tests to replace. */
export interface WorkerClock {
  nowMs(): number;
  /** Resolves after that long, or at once when the signal is aborted. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The next stretch of transitions: n of them from (t, s), with the entries they consume. */
export interface Span {
  readonly t: bigint;
  readonly s: bigint;
  readonly n: number;
  /** From the machine's inbox, oldest first; never more than its window. */
  readonly entries: readonly bigint[];
}

/** Values of the statement's output cells, by the name that the program gives them. */
export type CellValues = Readonly<Record<string, bigint>>;

/** What a worker runs, and how. */
export interface RunMachineOptions {
  readonly path: string;
  /** Shown at the machine for as long as this worker holds it: how others find a master. */
  readonly publish?: {
    readonly address: string;
    /** A small file, at most 4 KiB. Default: empty. */
    readonly content?: Uint8Array;
  };
  /** From `assemble` or `loadProgram`; the machine must have been declared with its id. */
  readonly program: Runnable;
  /** Further input cells, the same for every proof or chosen for each. */
  readonly inputs?: CellValues | ((span: Span) => CellValues);
  readonly transitions?: {
    /** The state clock should advance by one in this time, ms. Default: the machine's period. */
    readonly everyMs?: number;
    /** Most transitions in one proof. Default 1,024. */
    readonly max?: number;
  };
  /** Default: a thread of this process. It is not closed here unless it was made here. */
  readonly prover?: Prover;
  /** Default: the machine's bits; blow-up 16 up to 128 steps, else 4. */
  readonly parameters?: ParameterOptions;
  /** Wait for a machine that somebody else holds. Default true; false: throws `held`. */
  readonly wait?: boolean;
  /** Ends the work and gives the lease back. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: WorkerEvent) => void;
  readonly clock?: WorkerClock;
}

/** What a worker tells as it goes on. */
export type WorkerEvent =
  /** Somebody else holds the machine, or its lock-delay runs. */
  | { readonly kind: 'waiting'; readonly code: string; readonly waitMs: number }
  /** A run of n transitions from t is done and about to be proved. */
  | { readonly kind: 'run'; readonly t: bigint; readonly n: number; readonly nSteps: number }
  | { readonly kind: 'proving'; readonly progress: ProverProgress }
  | {
      readonly kind: 'proved';
      readonly t: bigint;
      readonly n: number;
      readonly nSteps: number;
      readonly bytes: number;
      readonly tookMs: number;
    }
  | {
      readonly kind: 'held';
      readonly how: 'taken' | 'resumed' | 'renewed';
      readonly t: bigint;
      readonly s: bigint;
      readonly nonce: Position;
      readonly proofs: number;
      /** How many entries of the inbox they consumed. */
      readonly entries: number;
      /** From submission to receipt. */
      readonly tookMs: number;
      /** How long before the end of the lease it was renewed; infinite for a take. */
      readonly spareMs: number;
    }
  /** What `publish` says stands at the machine. */
  | { readonly kind: 'published'; readonly address: string }
  /** A renewal, or the publication, failed in a way that may pass. */
  | { readonly kind: 'retry'; readonly error: FattyError };

/** How the work ended when nothing was wrong with it. */
export interface WorkerEnd {
  /** `stopped`: by the caller's signal. `lost`: the lease is not held any more. */
  readonly reason: 'stopped' | 'lost';
  readonly error: FattyError | undefined;
  /** The last state that the cell is known to have stored. */
  readonly t: bigint;
  readonly s: bigint;
  readonly renewals: number;
}
