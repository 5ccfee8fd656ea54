// What machines do: loaded when the first is asked for.
import { entryOf, type MachinePolicy, type Op } from '@fatty/api';
import type { Position } from '@fatty/interface';
import { expectResult, resultsOf } from './answers.ts';
import { bytesOf, CALL, DECLARE, PROOF } from './arguments.ts';
import { optionsOf } from './checks.ts';
import type { CallOptions } from './driver.ts';
import { clientError } from './error.ts';
import { Hold } from './lock.ts';
import type {
  DeclareOptions,
  Machine,
  MachineAnswer,
  MachineClient,
  Posted,
  ProofOptions,
} from './machine.ts';
import { MachineLease } from './machine-lease.ts';

const DEFAULT_POLICY: MachinePolicy = {
  layout: 'plain',
  bitsMin: 96,
  collisionBitsMin: 80,
};
const PERIOD_MS = 12_000;

/** What {@link Machine} does. */
export class MachineCalls implements Pick<Machine, keyof Machine> {
  readonly path: string;
  readonly #client: MachineClient;

  constructor(client: MachineClient, path: string) {
    this.#client = client;
    this.path = path;
  }

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

  take(proofs: readonly Uint8Array[], options: ProofOptions = {}): Promise<MachineLease> {
    return this.#prove('takeMachine', proofs, options);
  }

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

  async post(entry: bigint | Uint8Array | string, options: CallOptions = {}): Promise<Posted> {
    const { path } = this;
    const value = typeof entry === 'bigint' ? entry : entryOf(bytesOf(entry, 'entry'));
    const op: Op = { kind: 'post', path, entry: value };
    const [result] = await this.#client.submit([op], optionsOf(CALL, options), path);
    return expectResult(result, 'posted', path);
  }

  stat(options: CallOptions = {}): Promise<MachineAnswer> {
    return this.#client.readMachine(this.path, options);
  }
}
