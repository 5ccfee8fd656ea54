// What jobs and their queues do: loaded when the first is asked for.
import {
  type JobEntry,
  type JobInput,
  joinPath,
  type MachinePolicy,
  type Op,
  splitPath,
} from '@fatty/api';
import type { Position } from '@fatty/interface';
import { expectResult } from './answers.ts';
import { CALL, inOp } from './arguments.ts';
import { type Checks, isObject, may, optionsOf } from './checks.ts';
import type { CallOptions } from './driver.ts';
import type {
  ClaimedJob,
  DeclareJobOptions,
  Job,
  JobClient,
  JobProofOptions,
  JobProved,
  JobState,
} from './job.ts';

const DECLARE_JOB: Checks<DeclareJobOptions> = {
  ...CALL,
  programId: inOp,
  s: inOp,
  steps: inOp,
  span: inOp,
  inputs: may('an array', Array.isArray),
  window: inOp,
  outputs: inOp,
  policy: may('an object', isObject),
  leaseMs: inOp,
  deadlineMs: inOp,
  giveUpAfter: inOp,
  priority: inOp,
  workers: inOp,
  keepProofs: inOp,
  retainMs: inOp,
  fence: inOp,
};

const DEFAULT_POLICY: MachinePolicy = { layout: 'plain', bitsMin: 96, collisionBitsMin: 80 };
const LEASE_MS = 12_000;
const DEADLINE_MS = 3_600_000;
const PAGE = 256;

/** What {@link Job} does. */
export class JobCalls implements Pick<Job, keyof Job> {
  readonly path: string;
  readonly #client: JobClient;

  constructor(client: JobClient, path: string) {
    this.#client = client;
    this.path = path;
  }

  async declare(options: DeclareJobOptions): Promise<Position> {
    const { signal, timeoutMs, ...terms } = optionsOf(DECLARE_JOB, options, ['programId']);
    const { s = 0n, steps = 1n, inputs = [], policy } = terms;
    const op: Op = {
      kind: 'declareJob',
      path: this.path,
      span: steps,
      window: 0,
      outputs: 0,
      leaseMs: LEASE_MS,
      deadlineMs: DEADLINE_MS,
      giveUpAfter: 3,
      priority: 0,
      workers: [],
      keepProofs: true,
      retainMs: 0,
      fence: undefined,
      ...terms,
      s,
      steps,
      inputs: inputs.map(inputOf),
      policy: { ...DEFAULT_POLICY, ...policy },
    };
    const [result] = await this.#client.submit([op], callOf({ signal, timeoutMs }), this.path);
    return expectResult(result, 'jobDeclared', this.path).position;
  }

  async claim(options: CallOptions = {}): Promise<ClaimedJob> {
    const { path } = this;
    const op: Op = { kind: 'claimJob', path };
    const [result] = await this.#client.submit([op], optionsOf(CALL, options), path);
    const { name, nonce, leaseExpiry } = expectResult(result, 'jobClaimed', path);
    const own = splitPath(path);
    const isJob = own.ok && own.value.at(-1) === name && !(await this.#isQueue(options));
    return { path: isJob ? path : below(path, name), nonce, leaseExpiry };
  }

  /** A queue may be called like its job. */
  async #isQueue(options: CallOptions): Promise<boolean> {
    return this.stat(options).then(
      () => false,
      () => true,
    );
  }

  async prove(proofs: readonly Uint8Array[], options: JobProofOptions): Promise<JobProved> {
    const { nonce, outputs, window, ...terms } = options;
    const { path } = this;
    const op: Op = { kind: 'proveJob', path, nonce, outputs, inbox: window, proofs };
    const [result] = await this.#client.submit([op], optionsOf(CALL, terms), path);
    return expectResult(result, 'jobProved', path);
  }

  async fail(nonce: Position, options: CallOptions = {}): Promise<boolean> {
    const { path } = this;
    const op: Op = { kind: 'failJob', path, nonce };
    const [result] = await this.#client.submit([op], optionsOf(CALL, options), path);
    return expectResult(result, 'jobFailed', path).ended;
  }

  async cancel(options: CallOptions = {}): Promise<void> {
    const { path } = this;
    const [result] = await this.#client.submit(
      [{ kind: 'cancelJob', path }],
      optionsOf(CALL, options),
      path,
    );
    expectResult(result, 'jobCancelled', path);
  }

  async stat(options: CallOptions = {}): Promise<JobState> {
    const query = { kind: 'job', path: this.path } as const;
    return (await this.#client.reads.read(query, 'job', optionsOf(CALL, options))).value;
  }

  async *list(options: CallOptions = {}): AsyncGenerator<JobEntry, void, undefined> {
    let after: string | undefined;
    for (let more = true; more; ) {
      const query = { kind: 'jobs', path: this.path, after, limit: PAGE } as const;
      const { value } = await this.#client.reads.read(query, 'jobs', optionsOf(CALL, options));
      yield* value.entries;
      after = value.entries.at(-1)?.name;
      more = value.more;
    }
  }
}

function below(path: string, name: string): string {
  const names = splitPath(path);
  return joinPath([...(names.ok ? names.value : []), name]);
}

function inputOf(input: bigint | { readonly path: string; readonly output?: number }): JobInput {
  if (typeof input === 'bigint') return { kind: 'value', value: input };
  return { kind: 'result', path: input.path, output: input.output };
}

function callOf({ signal, timeoutMs }: { [K in keyof CallOptions]: CallOptions[K] | undefined }) {
  const options: CallOptions = {
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
  return options;
}
