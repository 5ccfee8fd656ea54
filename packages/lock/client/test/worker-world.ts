// A worker, its machine and its prover in virtual time.
import { clientError } from '../src/index.ts';
import {
  type RunMachineOptions,
  runMachine,
  type WorkerEnd,
  type WorkerEvent,
} from '../src/worker/index.ts';
import { FakeMachine, FakeProver, PATH, programOf, VirtualClock } from './worker-fake.ts';

export const PERIOD_MS = 4_000;

/** A worker, its machine and its prover in virtual time. */
export class World {
  readonly clock = new VirtualClock();
  readonly machine: FakeMachine;
  readonly prover: FakeProver;
  readonly events: WorkerEvent[] = [];
  readonly #stop = new AbortController();

  constructor(program = programOf('tick')) {
    this.machine = new FakeMachine(this.clock, program);
    this.prover = new FakeProver(this.clock);
  }

  /** Works until `forMs` have passed. */
  run(forMs: number, options: Partial<RunMachineOptions> = {}): Promise<WorkerEnd> {
    this.clock.at(this.clock.nowMs() + forMs, () => this.#stop.abort());
    const { program } = this.machine;
    return runMachine(this.machine.client, {
      path: PATH,
      program,
      prover: this.prover,
      clock: this.clock,
      signal: this.#stop.signal,
      onProgress: (event) => void this.events.push(event),
      ...options,
    });
  }

  held(): Extract<WorkerEvent, { kind: 'held' }>[] {
    return this.events.filter((event) => event.kind === 'held');
  }

  kinds(kind: WorkerEvent['kind']): number {
    return this.events.filter((event) => event.kind === kind).length;
  }
}

/** What a call that was never answered rejects with. */
export const unanswered = (): ReturnType<typeof clientError> =>
  clientError('timeout', 'an answer', 'none', { outcome: 'unknown' });
