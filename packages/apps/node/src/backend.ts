import {
  type Answer,
  type Batch,
  type KeepAlive,
  keepAliveShape,
  type Query,
  type View,
} from '@fatty/api';
import { encode, type Signer } from '@fatty/codec';
import { type AppliedCommit, type Driver, type GatewayBackend, sampleOf } from '@fatty/host';
import type { CellId, Clock, PublicKey, Receipt, Verdict } from '@fatty/interface';
import type { Replica } from '@fatty/replica';
import { LockService } from '@fatty/service';
import { TIMERS } from './host-ports.ts';

/** The replica as its gateway sees it. */
export class Backend implements GatewayBackend {
  readonly cellId: CellId;
  readonly signer: Signer;
  readonly #machine: LockService;
  readonly #replica: Replica;
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #onLatency: (ms: number) => void;
  #applied: AppliedCommit = { commit: 0, commitTs: 0, leaseClock: 0 };

  constructor(
    cellId: CellId,
    signer: Signer,
    machine: LockService,
    replica: Replica,
    driver: Driver,
    clock: Clock,
    onLatency: (ms: number) => void,
  ) {
    this.cellId = cellId;
    this.signer = signer;
    this.#machine = machine;
    this.#replica = replica;
    this.#driver = driver;
    this.#clock = clock;
    this.#onLatency = onLatency;
  }

  applied(): AppliedCommit {
    return this.#applied;
  }

  advance(commit: AppliedCommit): void {
    this.#applied = commit;
  }

  /** Takes the last applied commit from the state: after a replay. */
  refresh(): void {
    const status = this.#machine.query({ kind: 'status' });
    if (status.kind !== 'status') return;
    const { commit, commitTs, leaseClock } = status;
    this.#applied = { commit, commitTs, leaseClock };
  }

  submit(batch: Uint8Array, tag: number): void {
    this.#driver.dispatch({ kind: 'submit', batch, tag });
  }

  keepAlive(keepAlive: KeepAlive): Verdict {
    const verdict = this.#machine.precheckKeepAlive(keepAlive);
    if (verdict.kind === 'accept') {
      this.#driver.dispatch({ kind: 'keepAlive', bytes: encode(keepAliveShape, keepAlive) });
    }
    return verdict;
  }

  hasSession(client: PublicKey): boolean {
    return this.#machine.hasSession(client);
  }

  after(delayMs: number, run: () => void): void {
    TIMERS.after(delayMs, run);
  }

  receiptOf(batch: Batch): Receipt | undefined {
    return this.#machine.receiptOf(batch);
  }

  query(query: Query, view: View): Answer {
    if (view === 'committed') return this.#machine.query(query);
    const delivered = this.#replica.deliveredView();
    return (delivered instanceof LockService ? delivered : this.#machine).query(query);
  }

  /** Open sessions. */
  get sessions(): number {
    const status = this.#machine.query({ kind: 'status' });
    return status.kind === 'status' ? status.sessions : 0;
  }

  latency(ms: number): void {
    this.#onLatency(ms);
  }

  /** The replica's own clock (R12a): what clients are told is what blocks are stamped with. */
  clockMs(): number {
    return this.#replica.clockMs(sampleOf(this.#clock));
  }
}
