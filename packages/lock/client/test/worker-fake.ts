// A machine, a prover and a clock that obey the test.
import { readFileSync } from 'node:fs';
import { cellCount, inboxChain, type Result } from '@fatty/api';
import {
  type Assembled,
  assemble,
  bindingCell,
  COMMITTEE_POLICY,
  checkRenewal,
  idOfProgram,
  type Proof,
  type ProofParameters,
  type Run,
} from '@fatty/cairo';
import { equalBytes, fail, ok } from '@fatty/codec';
import type { CellId, Outcome, Position, PublicKey } from '@fatty/interface';
import { clientError, FattyError } from '../src/index.ts';
import type { MachineAnswer, MachineHeld, ProofOptions } from '../src/sdk/machine.ts';
import type {
  ProofJobOptions,
  Prover,
  WorkerClient,
  WorkerClock,
  WorkerLease,
  WorkerMachine,
} from '../src/worker/index.ts';

export const PATH = '/machines/one';
export const ALICE: PublicKey = new Uint8Array(32).fill(1) as PublicKey;
export const BOB: PublicKey = new Uint8Array(32).fill(2) as PublicKey;
const CELL_ID = new Uint8Array(32).fill(9) as CellId;

export function programOf(name: string): Assembled {
  const url = new URL(`../../../cairo/prove/machines/${name}.casm`, import.meta.url);
  const program = assemble(readFileSync(url, 'utf8'));
  if (!program.ok) throw new Error(program.failure.code);
  return program.value;
}

/** Time that passes only where somebody waits; what is planned happens on the way. */
export class VirtualClock implements WorkerClock {
  #nowMs = 1_000;
  readonly #plans: { atMs: number; act: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  at(atMs: number, act: () => void): void {
    this.#plans.push({ atMs, act });
    this.#plans.sort((a, b) => a.atMs - b.atMs);
  }

  /** Passes so much time, or less when `signal` is aborted on the way. */
  async pass(ms: number, signal?: AbortSignal): Promise<void> {
    const endMs = this.#nowMs + ms;
    while (!signal?.aborted && (this.#plans[0]?.atMs ?? endMs + 1) <= endMs) {
      const plan = this.#plans.shift();
      if (plan === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, plan.atMs);
      plan.act();
    }
    if (!signal?.aborted) this.#nowMs = endMs;
    await Promise.resolve();
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.pass(ms, signal);
  }
}

/** Takes the time it is told, and makes proofs that say the right thing and prove nothing. */
export class FakeProver implements Prover {
  readonly steps: number[] = [];
  cancelled = 0;
  closed = false;
  failure: Outcome<Proof> | undefined;
  msOf: (nSteps: number) => number = (nSteps) => 100 + nSteps;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  async prove(
    { publicInput }: Run,
    parameters: ProofParameters,
    { signal }: ProofJobOptions = {},
  ): Promise<Outcome<Proof>> {
    this.steps.push(publicInput.nSteps);
    await this.#clock.pass(this.msOf(publicInput.nSteps), signal);
    if (signal?.aborted) {
      this.cancelled++;
      return fail('cancelled', 'no cancellation', 'one');
    }
    return this.failure ?? ok({ parameters, publicInput, proofBytes: new Uint8Array(1_000) });
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

type Refusal = Extract<Result, { readonly kind: 'error' }>['code'];

/** One machine as the cell keeps it, in virtual time: statements are checked, STARKs are not. */
export class FakeMachine implements WorkerMachine {
  readonly clock: VirtualClock;
  readonly program: Assembled;
  periodMs = 4_000;
  latencyMs = 50;
  t = 0n;
  s = 1n;
  nonce: Position = { commit: 1, index: 0 };
  lessee: PublicKey | undefined;
  expiryMs = 0;
  outputs = 0;
  /** 0: no inbox. */
  window = 0;
  in = 0n;
  readonly consumed: bigint[] = [];
  readonly pending: bigint[] = [];
  notBeforeMs = 0;
  releases = 0;
  readonly published: string[] = [];
  /** Proofs of every applied op. */
  readonly applied: number[] = [];
  /** Instead of the next answers; `then` runs after the op was applied, or not. */
  readonly faults: { readonly error: FattyError; readonly applied: boolean }[] = [];
  /** Instead of the next publications. */
  readonly publishFaults: FattyError[] = [];
  #lease = new AbortController();
  readonly key: PublicKey;

  constructor(clock: VirtualClock, program: Assembled, key: PublicKey = ALICE) {
    this.clock = clock;
    this.program = program;
    this.key = key;
  }

  get client(): WorkerClient {
    const committee = { params: { limits: { opBytesMax: 320 * 1024 } } };
    return { key: this.key, cell: { cellId: CELL_ID, committee }, machine: () => this };
  }

  #refuse(code: Refusal, waitMs?: number): never {
    const wait = waitMs === undefined ? {} : { waitMs };
    throw new FattyError(
      { code, expected: 'another', actual: 'this' },
      { outcome: 'not_applied', retryable: false, ...wait },
    );
  }

  #move(): void {
    this.nonce = { commit: this.nonce.commit + 1, index: 0 };
  }

  /** The lease passes to somebody else, or to nobody, whatever its holder does. */
  lose(to?: PublicKey): void {
    this.#move();
    this.lessee = to;
    this.#lease.abort(clientError('lock_lost', 'a lease', 'lost'));
  }

  #tick(): void {
    if (this.lessee !== undefined && this.clock.nowMs() >= this.expiryMs) this.lose();
  }

  async #apply(
    proofs: readonly Uint8Array[],
    { nonce, outputs, inbox }: ProofOptions,
  ): Promise<void> {
    await this.clock.pass(this.latencyMs / 2);
    this.#tick();
    if (nonce === undefined) this.#refuse('other_binding');
    if (outputs !== this.outputs || inbox !== this.window) this.#refuse('bad_outputs');
    if (nonce.commit !== this.nonce.commit) this.#refuse('wrong_nonce');
    const renewal = checkRenewal({
      proofs,
      policy: COMMITTEE_POLICY,
      programId: idOfProgram(this.program, 'plain'),
      binding: bindingCell(CELL_ID, PATH, this.key, nonce),
      extra: cellCount(this.window, this.outputs),
    });
    if (!renewal.ok) throw new Error(renewal.failure.code);
    const [first] = renewal.value.leases;
    const last = renewal.value.leases.at(-1);
    if (first?.tFrom !== this.t || first.sFrom !== this.s) this.#refuse('wrong_t');
    const entries = this.#entriesOf(renewal.value.leases.map(({ extra }) => extra));
    const fault = this.faults.shift();
    if (fault === undefined || fault.applied) {
      this.t = last?.tTo ?? 0n;
      this.s = last?.sTo ?? 0n;
      this.lessee = this.key;
      this.expiryMs = this.clock.nowMs() + this.periodMs;
      this.#move();
      this.applied.push(proofs.length);
      this.consumed.push(...this.pending.splice(0, entries.length));
      this.in = entries.reduce(inboxChain, this.in);
    }
    await this.clock.pass(this.latencyMs / 2);
    if (fault !== undefined) throw fault.error;
  }

  /** What the statements consume, when that is what comes next. */
  #entriesOf(statements: readonly (readonly bigint[])[]): readonly bigint[] {
    const entries: bigint[] = [];
    if (this.window === 0) return entries;
    for (const [shown, ...cells] of statements) {
      const window = cells.slice(0, this.window);
      const some = window.filter((cell) => cell !== 0n);
      if (some.some((cell, i) => cell !== window[i])) this.#refuse('wrong_in');
      entries.push(...some);
      if (shown !== entries.reduce(inboxChain, this.in)) this.#refuse('wrong_in');
    }
    if (entries.some((entry, i) => entry !== this.pending[i])) this.#refuse('wrong_in');
    return entries;
  }

  stat(): Promise<MachineAnswer> {
    this.#tick();
    const { t, s, nonce, lessee, periodMs, outputs, window } = this;
    const pending = this.pending.map((value) => ({ value, by: BOB, postedAt: 0 }));
    const policy = { layout: 'plain', bitsMin: 96, collisionBitsMin: 80 };
    return Promise.resolve({
      kind: 'machine',
      id: { commit: 1, index: 0 } as never,
      programId: idOfProgram(this.program, 'plain'),
      t,
      s,
      policy,
      binding: 'lessee',
      periodMs,
      lockDelayMs: 0,
      nonce,
      outputCount: outputs,
      outputs: [],
      inbox:
        window === 0
          ? undefined
          : {
              terms: { window, neglect: 'shown' },
              in: this.in,
              consumed: this.consumed.length,
              pending,
              neglectedSince: undefined,
            },
      lessee,
      lockGen: undefined,
      leaseExpiry: 0,
      notBefore: 0,
      address: '',
      published: new Uint8Array(),
    });
  }

  async take(proofs: readonly Uint8Array[], options: ProofOptions): Promise<WorkerLease> {
    this.#tick();
    if (this.lessee !== undefined) this.#refuse('held');
    const waitMs = this.notBeforeMs - this.clock.nowMs();
    if (waitMs > 0) this.#refuse('lock_delay', waitMs);
    await this.#apply(proofs, options);
    return this.#hold();
  }

  async resume(proofs: readonly Uint8Array[], options: ProofOptions): Promise<WorkerLease> {
    await this.#renew(proofs, options);
    return this.#hold();
  }

  async #renew(proofs: readonly Uint8Array[], options: ProofOptions): Promise<MachineHeld> {
    this.#tick();
    if (this.lessee === undefined || !equalBytes(this.lessee, this.key)) this.#refuse('not_lessee');
    await this.#apply(proofs, options);
    const { nonce, t, s } = this;
    return { kind: 'machineHeld', nonce, t, s, lockGen: nonce, leaseExpiry: 0 };
  }

  #hold(): WorkerLease {
    this.#lease = new AbortController();
    const { nonce, t, s } = this;
    return {
      nonce,
      t,
      s,
      signal: this.#lease.signal,
      renew: (proofs, options) => this.#renew(proofs, options),
      publish: async (address) => {
        await this.clock.pass(this.latencyMs);
        if (this.lessee === undefined) this.#refuse('not_lessee');
        const fault = this.publishFaults.shift();
        if (fault !== undefined) throw fault;
        this.published.push(address);
      },
      release: () => {
        this.releases++;
        this.lessee = undefined;
        this.#move();
        return Promise.resolve();
      },
    };
  }
}
