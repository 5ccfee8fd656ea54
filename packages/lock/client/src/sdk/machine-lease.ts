// Leases of machines, which renew by proof.
import { type Op, tokenOf } from '@fatty/api';
import type { Position } from '@fatty/interface';
import { expectResult, resultsOf } from './answers.ts';
import { CALL, PROOF } from './arguments.ts';
import { optionsOf } from './checks.ts';
import type { CallOptions } from './driver.ts';
import type { FattyError } from './error.ts';
import type { Hold } from './lock.ts';
import type { MachineClient, MachineHeld, ProofOptions } from './machine.ts';

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
