// A core in a fake cell: its links, its timer, and what came out of it.
import { type ClientMessage, decodeClientMessage } from '@fatty/api';
import type { Failure } from '@fatty/interface';
import { Epochs } from '../src/epochs.ts';
import {
  type CallOutcome,
  type CallRequest,
  ClientCore,
  type ClientEffect,
  type ClientEvent,
  type CoreConfig,
} from '../src/index.ts';
import { type FakeCell, scheme } from './fake-cell.ts';

/** A core in a {@link FakeCell}: its links, its timer, and what came out of it. */
export class SimClient {
  readonly core: ClientCore;
  readonly outcomes = new Map<number, CallOutcome>();
  readonly lost = new Map<number, Failure>();
  readonly states: string[] = [];
  readonly suspects: { replica: number; failure: Failure }[] = [];
  readonly sent: { atMs: number; replica: number; message: ClientMessage }[] = [];
  readonly epochs: number[] = [];
  /** Does not hang up on who is no member any more. */
  keepsOld = false;
  closed = false;
  /** By so much our clock has jumped ahead of the time that really passed, ms. */
  skipMs = 0;
  /** Our monotonic clock runs this much faster or slower than real time, parts per million. */
  readonly ratePpm: number;
  /** Timers come so much too soon, as Node's do at the end of a long turn, ms. */
  readonly earlyMs: number;
  readonly #cell: FakeCell;
  readonly #index: number;
  readonly #up: boolean[];
  #wakes = 0;
  #nextCall = 1;

  constructor(
    cell: FakeCell,
    options: Partial<CoreConfig> & { ratePpm?: number; earlyMs?: number } = {},
  ) {
    this.#cell = cell;
    this.ratePpm = options.ratePpm ?? 0;
    this.earlyMs = options.earlyMs ?? 0;
    this.#index = cell.clients.length;
    this.#up = cell.behaviours.map(() => false);
    cell.clients.push(this);
    const seed = new Uint8Array(32).fill(100 + this.#index);
    const signer = scheme.signer(seed);
    this.core = new ClientCore({
      cell: cell.cell,
      signer,
      scheme,
      seed,
      chainLength: 256,
      ...options,
    });
    this.core.attach({ epochs: (shared, tell) => new Epochs(shared, tell) });
    // By the numbers that the cell has for them.
    for (const { publicKey } of cell.signers) this.core.members.numberOf(publicKey);
    this.step({ kind: 'start', atMs: this.nowMs() });
  }

  nowMs(): number {
    return this.#cell.nowMs * (1 + this.ratePpm / 1e6) + 77_000 + this.skipMs;
  }

  connect(...replicas: number[]): this {
    const all = replicas.length > 0 ? replicas : [...this.#up.keys()];
    for (const replica of all) {
      this.#up[replica] = true;
      this.step({ kind: 'linkUp', replica, atMs: this.nowMs() });
    }
    return this;
  }

  disconnect(replica: number, why = 'closed with 1006'): void {
    this.#down(replica, false, why);
  }

  /** The replica says that it will not have this client. */
  refuse(replica: number): void {
    this.#down(replica, true, 'refuses us');
  }

  #down(replica: number, refused: boolean, why: string): void {
    this.#up[replica] = false;
    this.step({ kind: 'linkDown', replica, refused, why, atMs: this.nowMs() });
  }

  hear(replica: number, bytes: Uint8Array): void {
    if (this.#up[replica]) this.step({ kind: 'message', replica, bytes, atMs: this.nowMs() });
  }

  call(request: CallRequest, timeoutMs?: number): number {
    const call = this.#nextCall++;
    const deadline = timeoutMs === undefined ? {} : { deadlineMs: this.nowMs() + timeoutMs };
    this.step({ kind: 'call', call, request, atMs: this.nowMs(), ...deadline });
    return call;
  }

  write(path = '/a', text = 'x'): number {
    const content = new TextEncoder().encode(text);
    return this.call({ kind: 'ops', ops: [{ kind: 'write', path, content, observed: [] }] });
  }

  acquire(path = '/lock', wait = true, timeoutMs?: number): number {
    const mode = 'exclusive' as const;
    return this.call(
      { kind: 'acquire', path, mode, wait, maxWaitMs: undefined, lockDelayMs: 0 },
      timeoutMs,
    );
  }

  abort(call: number): void {
    this.step({ kind: 'abort', call, atMs: this.nowMs() });
  }

  close(): void {
    this.step({ kind: 'close', atMs: this.nowMs() });
  }

  step(event: ClientEvent): void {
    for (const effect of this.core.step(event)) this.#perform(effect);
  }

  /** As the SDK does: hangs up on who is no member any more, dials who has become one. */
  #relink(replicas: readonly number[]): void {
    const linked = replicas.filter((replica) => this.#up[replica]).length;
    if (linked < this.core.members.linksMin) return this.#dial(replicas);
    for (const replica of this.#up.keys()) {
      const isMember = replicas.includes(replica);
      if (this.#up[replica] && !isMember && !this.keepsOld) this.disconnect(replica);
    }
    this.#dial(replicas);
  }

  #dial(replicas: readonly number[]): void {
    for (const replica of replicas) if (!this.#up[replica]) this.connect(replica);
  }

  #perform(effect: ClientEffect): void {
    switch (effect.kind) {
      case 'rekeyed':
      case 'watched':
      case 'watchGap':
      case 'watchFailed':
        return;
      case 'send': {
        const decoded = decodeClientMessage(effect.bytes, 2_000_000);
        if (decoded.ok) {
          const { replica } = effect;
          this.sent.push({ atMs: this.#cell.nowMs, replica, message: decoded.value });
        }
        if (!this.#up[effect.replica]) return;
        this.#cell.at(5, () => this.#cell.receive(effect.replica, this.#index, effect.bytes));
        return;
      }
      case 'wake': {
        this.#wakes += 1;
        const mine = this.#wakes;
        const delay = (effect.atMs - this.nowMs()) / (1 + this.ratePpm / 1e6);
        const exact = Math.max(0, Math.ceil(delay));
        const early = exact > this.earlyMs ? exact - this.earlyMs : exact;
        this.#cell.at(early, () => {
          if (mine === this.#wakes) this.step({ kind: 'wake', atMs: this.nowMs() });
        });
        return;
      }
      case 'settled':
        if (this.outcomes.has(effect.call)) throw new Error(`call ${effect.call} settled twice`);
        this.outcomes.set(effect.call, effect.outcome);
        return;
      case 'lost':
        if (this.lost.has(effect.hold)) throw new Error(`hold ${effect.hold} lost twice`);
        this.lost.set(effect.hold, effect.failure);
        return;
      case 'status':
        if (this.states.at(-1) !== effect.status.state) this.states.push(effect.status.state);
        return;
      case 'epoch': {
        const { epoch, members } = effect.committee;
        this.epochs.push(epoch);
        const replicas = members.map((key) => this.core.members.numberOf(key));
        this.#cell.at(10, () => this.#relink(replicas));
        return;
      }
      case 'epochs':
        return;
      case 'suspect':
        this.suspects.push({ replica: effect.replica, failure: effect.failure });
        return;
      case 'closed':
        this.closed = true;
        return;
    }
  }

  /** The code of a failed call, or the kind of what it answered. */
  answer(call: number): string | undefined {
    const outcome = this.outcomes.get(call);
    return outcome?.kind === 'failed' ? outcome.failure.code : outcome?.kind;
  }

  failure(call: number): Extract<CallOutcome, { kind: 'failed' }> {
    const outcome = this.outcomes.get(call);
    if (outcome?.kind !== 'failed') throw new Error(`call ${call}: ${outcome?.kind}`);
    return outcome;
  }

  /** Where the last batch went. */
  gateway(): number {
    return this.sent.findLast((one) => one.message.kind === 'submit')?.replica ?? -1;
  }

  count(kind: ClientMessage['kind']): number {
    return this.sent.filter((one) => one.message.kind === kind).length;
  }
}
