// Machines, and leases of machines that renew by proof.
import {
  type Answer,
  type Binding,
  entryOf,
  type MachinePolicy,
  type Neglect,
  type Op,
  type Result,
  tokenOf,
} from '@fatty/api';
import type { Digest, Position } from '@fatty/interface';
import { expectResult, resultsOf } from './answers.ts';
import { bytesOf, CALL, DECLARE, PROOF } from './arguments.ts';
import { optionsOf } from './checks.ts';
import type { CallOptions, Driver } from './driver.ts';
import { clientError, type FattyError } from './error.ts';
import { Hold } from './lock.ts';

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
  readonly policy?: Partial<MachinePolicy>;
  /** `lessee` (default): proofs name who uses them. `open`: anybody's will do. */
  readonly binding?: Binding;
  /** Cells at the end of the lease statement that the program shows, 0 to 30. Default 0. */
  readonly outputs?: number;
  /**
   * An inbox, of which one proof consumes so many entries at most (1 to 31). `neglect`: what
   * becomes of a worker that lets an entry wait for longer than a period: it is `shown` (default),
   * or its renewals are `refused`. Default: no inbox.
   */
  readonly inbox?: { readonly window: number; readonly neglect?: Neglect };
  /** Longest time between two proofs, ms. Default 12,000. */
  readonly periodMs?: number;
  /** Default 0. */
  readonly lockDelayMs?: number;
}

/** What proofs are sent with. */
export interface ProofOptions extends CallOptions {
  /** For binding `lessee`: the machine's last event, which the proofs name. */
  readonly nonce?: Position;
  /** As the machine declared. Default 0. */
  readonly outputs?: number;
  /** The window of its inbox, as the machine declared. Default 0: none. */
  readonly inbox?: number;
}

const DEFAULT_POLICY: MachinePolicy = {
  layout: 'plain',
  bitsMin: 96,
  collisionBitsMin: 80,
};
const PERIOD_MS = 12_000;

/** What a machine needs of its client. */
export interface MachineClient {
  readonly driver: Driver;
  readonly defaults: CallOptions;
  /** One batch; `path` is what an error is about. */
  submit(ops: readonly Op[], options: CallOptions, path: string): Promise<readonly Result[]>;
  readMachine(path: string, options: CallOptions): Promise<MachineAnswer>;
}

/** A lease that lives only as long as its program's proofs keep coming (service: machines). */
export class MachineLease implements AsyncDisposable {
  readonly path: string;
  readonly #client: MachineClient;
  readonly #hold: Hold;
  #held: MachineHeld;

  constructor(client: MachineClient, hold: Hold, held: MachineHeld) {
    this.#client = client;
    this.path = hold.path;
    this.#hold = hold;
    this.#held = held;
  }

  /** Constant from take to loss; grows from lessee to lessee: the fencing token. */
  get generation(): Position {
    return this.#held.lockGen;
  }

  /** {@link generation} as text of fixed width: the larger text is the later lease. */
  get token(): string {
    return tokenOf(this.generation);
  }

  /** What the next proof must name (binding `lessee`), and where it must start. */
  get nonce(): Position {
    return this.#held.nonce;
  }

  get t(): bigint {
    return this.#held.t;
  }

  get s(): bigint {
    return this.#held.s;
  }

  /** Aborted when the lease is lost, can no longer be proved, or was released. */
  get signal(): AbortSignal {
    return this.#hold.signal;
  }

  get lost(): Promise<FattyError> {
    return this.#hold.lost;
  }

  get deadlineMs(): number {
    return this.#hold.deadlineMs;
  }

  get held(): boolean {
    return this.#hold.held;
  }

  /**
   * Advances the machine by one or more consecutive proofs.
   * @throws FattyError `stale_t`, `wrong_t`, `wrong_s`, `no_advance`, `not_lessee`… or the
   * verifier's own code (`outcome: 'not_applied'`)
   */
  async renew(proofs: readonly Uint8Array[], options: ProofOptions = {}): Promise<MachineHeld> {
    const { nonce, outputs = 0, inbox = 0, ...terms } = optionsOf(PROOF, options);
    const { path } = this;
    const op = { kind: 'renewMachine', path, nonce, outputs, inbox, proofs } as const;
    const all = { ...this.#client.defaults, ...terms };
    const { outcome } = this.#client.driver.call(
      { kind: 'machine', op, hold: this.#hold.call },
      all,
    );
    const { results } = resultsOf(await outcome, { path, signal: all.signal });
    this.#held = expectResult(results[0], 'machineHeld', path);
    return this.#held;
  }

  /** Shows an address and a small file for as long as the lease is held. */
  async publish(address: string, content: Uint8Array, options: CallOptions = {}): Promise<void> {
    const { path } = this;
    const op: Op = { kind: 'publish', path, address, content };
    const [result] = await this.#client.submit([op], optionsOf(CALL, options), path);
    expectResult(result, 'published', path);
  }

  async release(options: CallOptions = {}): Promise<void> {
    const all = { ...this.#client.defaults, ...optionsOf(CALL, options) };
    await this.#hold.release('machineReleased', all);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/** A machine node by its path. */
export class Machine {
  readonly path: string;
  readonly #client: MachineClient;

  constructor(client: MachineClient, path: string) {
    this.#client = client;
    this.path = path;
  }

  /** Makes the node. Answers the nonce that a first take must name. */
  async declare(options: DeclareOptions): Promise<Position> {
    const { programId, t, s, policy, inbox, ...rest } = optionsOf(DECLARE, options);
    const {
      binding = 'lessee',
      outputs = 0,
      periodMs = PERIOD_MS,
      lockDelayMs = 0,
      ...terms
    } = rest;
    const { path } = this;
    const op: Op = {
      kind: 'declareMachine',
      path,
      programId,
      t,
      s,
      policy: { ...DEFAULT_POLICY, ...policy },
      binding,
      outputs,
      inbox: inbox && { neglect: 'shown', ...inbox },
      periodMs,
      lockDelayMs,
    };
    const [result] = await this.#client.submit([op], terms, path);
    return expectResult(result, 'machineDeclared', path).nonce;
  }

  /** Takes the lease by proving the next transitions. @throws FattyError `held`, `lock_delay`… */
  take(proofs: readonly Uint8Array[], options: ProofOptions = {}): Promise<MachineLease> {
    return this.#prove('takeMachine', proofs, options);
  }

  /**
   * Goes on with a lease that this client's key holds already: a holder that crashed and is back
   * before its period is over. @throws FattyError `not_lessee`… as `MachineLease.renew`
   */
  resume(proofs: readonly Uint8Array[], options: ProofOptions = {}): Promise<MachineLease> {
    return this.#prove('renewMachine', proofs, options);
  }

  async #prove(
    kind: 'takeMachine' | 'renewMachine',
    proofs: readonly Uint8Array[],
    options: ProofOptions,
  ): Promise<MachineLease> {
    const { nonce, outputs = 0, inbox = 0, ...terms } = optionsOf(PROOF, options);
    const { path } = this;
    const op = { kind, path, nonce, outputs, inbox, proofs } as const;
    const all = { ...this.#client.defaults, ...terms };
    const request = { kind: 'machine', op, hold: undefined } as const;
    const { driver } = this.#client;
    let hold: Hold | undefined;
    const { outcome } = driver.call(request, all, (settled, call) => {
      if (settled.kind === 'results' && settled.results[0]?.kind === 'machineHeld') {
        hold = new Hold(driver, call, path);
      }
    });
    const { results } = resultsOf(await outcome, { path, signal: all.signal });
    const held = expectResult(results[0], 'machineHeld', path);
    if (hold === undefined) throw clientError('bad_answer', 'a lease', 'none', { path });
    hold.check();
    return new MachineLease(this.#client, hold, held);
  }

  /**
   * Puts an entry in the machine's inbox: a number of the field other than 0, or bytes, of which
   * only the hash goes in (`entryOf` of `@fatty/api`). Consumed as soon as the machine's `consumed`
   * is at least the `number` answered. @throws FattyError `no_inbox`, `inbox_full`, `bad_entry`…
   */
  async post(entry: bigint | Uint8Array | string, options: CallOptions = {}): Promise<Posted> {
    const { path } = this;
    const value = typeof entry === 'bigint' ? entry : entryOf(bytesOf(entry, 'entry'));
    const op: Op = { kind: 'post', path, entry: value };
    const [result] = await this.#client.submit([op], optionsOf(CALL, options), path);
    return expectResult(result, 'posted', path);
  }

  /** Program, stored state, inbox and outputs, lessee and what it publishes. */
  stat(options: CallOptions = {}): Promise<MachineAnswer> {
    return this.#client.readMachine(this.path, options);
  }
}
