// Machines: declared, taken, posted to, looked at.
import type { Answer, Binding, MachinePolicy, Neglect, Op, Result } from '@fatty/api';
import type { Digest, Position } from '@fatty/interface';
import type { CallOptions, Driver } from './driver.ts';
import type { MachineCalls } from './machine-calls.ts';
import type { MachineLease } from './machine-lease.ts';

/** The state of a machine, as f + 1 replicas answer it. */
export type MachineAnswer = Extract<Answer, { kind: 'machine' }>;
/** What posting an entry answered. */
export type Posted = Extract<Result, { kind: 'posted' }>;
/** What a take or a renewal answered. */
export type MachineHeld = Extract<Result, { kind: 'machineHeld' }>;

/** What a machine is declared with. */
export interface DeclareOptions extends CallOptions {
  /** SHA-256 over layout, builtins and program words, as `fatty proof inspect` prints it. */
  readonly programId: Digest;
  /** State clock and state the first proof starts from. */
  readonly t: bigint;
  readonly s: bigint;
  readonly policy?: Partial<MachinePolicy> | undefined;
  /** `lessee` (default): proofs name who uses them. `open`: anybody's will do. */
  readonly binding?: Binding | undefined;
  /** Cells at the end of the lease statement that the program shows, 0 to 30. Default 0. */
  readonly outputs?: number | undefined;
  /**
   * An inbox, of which one proof consumes so many entries at most (1 to 31). `neglect`: what
   * becomes of a worker that lets an entry wait for longer than a period: it is `shown` (default),
   * or its renewals are `refused`. Default: no inbox.
   */
  readonly inbox?: { readonly window: number; readonly neglect?: Neglect };
  /** Longest time between two proofs, ms. Default 12,000. */
  readonly periodMs?: number | undefined;
  /** Default 0. */
  readonly lockDelayMs?: number | undefined;
}

/** What proofs are sent with. */
export interface ProofOptions extends CallOptions {
  /** For binding `lessee`: the machine's last event, which the proofs name. */
  readonly nonce?: Position | undefined;
  /** As the machine declared. Default 0. */
  readonly outputs?: number | undefined;
  /** The window of its inbox, as the machine declared. Default 0: none. */
  readonly inbox?: number | undefined;
}

/** What a machine needs of its client. */
export interface MachineClient {
  readonly driver: Driver;
  readonly defaults: CallOptions;
  /** One batch; `path` is what an error is about. */
  submit(ops: readonly Op[], options: CallOptions, path: string): Promise<readonly Result[]>;
  readMachine(path: string, options: CallOptions): Promise<MachineAnswer>;
}

/** A machine node by its path. */
export class Machine {
  readonly path: string;
  readonly #calls: () => Promise<MachineCalls>;

  constructor(client: MachineClient, path: string) {
    this.path = path;
    this.#calls = async () => new (await import('./machine-calls.ts')).MachineCalls(client, path);
  }

  /** Makes the node. Answers the nonce that a first take must name. */
  async declare(options: DeclareOptions): Promise<Position> {
    return (await this.#calls()).declare(options);
  }

  /** Takes the lease by proving the next transitions. @throws FattyError `held`, `lock_delay`… */
  async take(proofs: readonly Uint8Array[], options?: ProofOptions): Promise<MachineLease> {
    return (await this.#calls()).take(proofs, options);
  }

  /**
   * Goes on with a lease that this client's key holds already: a holder that crashed and is back
   * before its period is over. @throws FattyError `not_lessee`… as `MachineLease.renew`
   */
  async resume(proofs: readonly Uint8Array[], options?: ProofOptions): Promise<MachineLease> {
    return (await this.#calls()).resume(proofs, options);
  }

  /**
   * Puts an entry in the machine's inbox: a number of the field other than 0, or bytes, of which
   * only the hash goes in (`entryOf` of `@fatty/api`). Consumed as soon as the machine's `consumed`
   * is at least the `number` answered. @throws FattyError `no_inbox`, `inbox_full`, `bad_entry`…
   */
  async post(entry: bigint | Uint8Array | string, options?: CallOptions): Promise<Posted> {
    return (await this.#calls()).post(entry, options);
  }

  /** Program, stored state, inbox and outputs, lessee and what it publishes. */
  async stat(options?: CallOptions): Promise<MachineAnswer> {
    return (await this.#calls()).stat(options);
  }
}
