import type { Cell } from '@fatty/api';
import { type SignatureScheme, type Signer, equalBytes as same } from '@fatty/codec';
import type { Failure, Link } from '@fatty/interface';
import { admitOnly, type Dialer, type DialOptions } from '@fatty/network/client';
import { ClientCore } from '../core/core.ts';
import type {
  CallOutcome,
  CallRequest,
  ClientEffect,
  ClientEvent,
  CoreConfig,
  SessionStatus,
} from '../core/types.ts';
import { clientError, type FattyError } from '../error.ts';
import { attempt, type FaultListener, logFault } from './faults.ts';
import { Feed } from './feed.ts';

/** How a link is dialled: `dialClient` with a WebSocket class, or Node's `dial`. */
export type Dial = (options: DialOptions) => Dialer;

/** Every async method of the SDK takes these. */
export interface CallOptions {
  /** Aborts the call; an acquire is undone at the cell. */
  readonly signal?: AbortSignal;
  /** ms until the call is answered `timeout`. Default: the client's `timeoutMs`. */
  readonly timeoutMs?: number;
}

export interface DriverConfig extends Omit<CoreConfig, 'cell' | 'signer' | 'scheme' | 'seed'> {
  readonly cell: Cell;
  readonly signer: Signer;
  readonly scheme: SignatureScheme;
  readonly dial: Dial;
  /** The cell again, when a replica cannot be reached where it was: addresses change. */
  readonly refresh?: (signal: AbortSignal) => Promise<Cell>;
  /** Replicas that said something impossible; for logs. */
  readonly onSuspect?: (replica: number, failure: Failure) => void;
  /**
   * What was thrown outside of any call: faults of this SDK, and of listeners. Nothing of it ends the
   * process; the client goes on. Default: `console.error`.
   */
  readonly onFault?: FaultListener;
}

/** A session outlives a lost link only if several tries to come back fit into its lease. */
const TRIES_PER_LEASE = 6;

/** After a fault the core is woken again, whatever it had in mind, ms. */
const FAULT_PAUSE_MS = 500;

/** The close code of whatever was not said by the other end. */
const LOST = 1006;

/** Why a replica is not linked, in the words of whoever knows most. */
function whyOf(state: { readonly code: number; readonly reason: string }, failure?: Failure) {
  if (failure !== undefined) return `${failure.code}: ${failure.actual}`;
  return state.reason === '' ? `closed with ${state.code}` : state.reason;
}

/** setTimeout's longest delay. */
export const TIMER_MS_MAX: number = 2 ** 31 - 1;

/** Gives a core its links, its clock and its one timer. */
export class Driver {
  readonly core: ClientCore;
  readonly statuses: Feed<SessionStatus> = new Feed();
  readonly closed: Promise<void>;
  readonly #config: DriverConfig;
  readonly #heard: (status: SessionStatus) => void;
  readonly #onFault: FaultListener;
  readonly #dialers = new Map<number, Dialer>();
  readonly #links = new Map<number, Link>();
  readonly #settlers = new Map<number, (outcome: CallOutcome) => void>();
  readonly #lost = new Map<number, (failure: Failure) => void>();
  /** Losses of holds whose owner has not yet had its turn to listen. */
  readonly #lostEarly = new Map<number, Failure>();
  readonly #backlog: ClientEvent[] = [];
  readonly #over = new AbortController();
  #resolveClosed: () => void = () => undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #nextCall = 1;
  #busy = false;
  #ended = false;
  #refreshing = false;

  /** `heard` is told of every status in the turn that makes it. */
  constructor(config: DriverConfig, heard: (status: SessionStatus) => void = () => undefined) {
    this.#config = config;
    this.#heard = heard;
    this.#onFault = config.onFault ?? logFault;
    const seed = crypto.getRandomValues(new Uint8Array(32));
    this.core = new ClientCore({ ...config, seed });
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.dispatch({ kind: 'start', atMs: this.nowMs() });
    for (const { client, key } of config.cell.addresses) {
      const replica = config.cell.committee.members.findIndex((member) => same(member, key));
      if (replica >= 0 && client !== '') this.#dial(replica, client);
    }
  }

  /** Monotonic ms: the clock of every deadline. */
  nowMs(): number {
    return performance.now();
  }

  #dial(replica: number, url: string): void {
    const { cell, signer, scheme, dial } = this.#config;
    const key = cell.committee.members[replica];
    if (key === undefined) return;
    const capMs = Math.ceil(cell.committee.params.leaseMs / TRIES_PER_LEASE);
    const dialer = dial({
      url,
      backoff: { capMs },
      identity: {
        cellId: cell.cellId,
        epoch: () => cell.committee.epoch,
        role: 'client',
        signer,
        scheme,
        admit: admitOnly([key]),
      },
      handler: {
        up: (link) => {
          this.#links.set(replica, link);
          this.dispatch({ kind: 'linkUp', replica, atMs: this.nowMs() });
        },
        message: (_, bytes) => {
          this.dispatch({ kind: 'message', replica, bytes, atMs: this.nowMs() });
        },
        down: (_, code, reason) => this.#down(replica, code, reason),
      },
      onState: (state, failure) => {
        if (state.kind !== 'waiting' && state.kind !== 'stopped') return;
        const refused = state.kind === 'waiting' && state.refused;
        this.#down(replica, refused ? state.code : LOST, whyOf(state, failure));
        this.#refresh();
      },
    });
    this.#dialers.set(replica, dialer);
  }

  #down(replica: number, code: number, why: string): void {
    this.#links.delete(replica);
    if (!this.#ended) this.dispatch({ kind: 'linkDown', replica, code, why, atMs: this.nowMs() });
  }

  /** Looks whether a replica has moved; one look at a time. */
  #refresh(): void {
    const { refresh } = this.#config;
    if (refresh === undefined || this.#refreshing || this.#ended) return;
    this.#refreshing = true;
    Promise.resolve(this.#over.signal)
      .then(refresh)
      .then((cell) => this.#readdress(cell))
      .catch(() => undefined)
      .finally(() => {
        this.#refreshing = false;
      });
  }

  #readdress(cell: Cell): void {
    if (this.#ended || !same(cell.cellId, this.#config.cell.cellId)) return;
    for (const { client, key } of cell.addresses) {
      const replica = this.#config.cell.committee.members.findIndex((one) => same(one, key));
      const dialer = this.#dialers.get(replica);
      // Whoever is linked is where we think: a stale or withheld address costs no link.
      if (replica < 0 || client === '' || this.#links.has(replica)) continue;
      if (dialer?.url === client) continue;
      dialer?.close();
      this.#dial(replica, client);
    }
  }

  /**
   * Events that arise while another is handled wait their turn. Never throws: it is run by timers
   * and links, where nobody would catch.
   */
  dispatch(event: ClientEvent): void {
    this.#backlog.push(event);
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#backlog.shift(); next !== undefined; next = this.#backlog.shift()) {
      for (const effect of this.#step(next)) {
        attempt(() => this.#perform(effect), this.#onFault);
      }
    }
    this.#busy = false;
  }

  /** A step that throws is a fault of ours: what it had decided before still holds. */
  #step(event: ClientEvent): readonly ClientEffect[] {
    try {
      return this.core.step(event);
    } catch (error) {
      attempt(
        () => this.#onFault(error),
        () => undefined,
      );
      const { unfinished } = this.core;
      const again: ClientEffect = { kind: 'wake', atMs: this.nowMs() + FAULT_PAUSE_MS };
      return [...unfinished, ...this.#giveUp(event, error), again];
    }
  }

  /** The call at fault is answered, and forgotten by the core. */
  #giveUp(event: ClientEvent, cause: unknown): ClientEffect[] {
    if (event.kind !== 'call') return [];
    const { call } = event;
    this.#backlog.push({ kind: 'abort', call, atMs: event.atMs });
    const failure = { code: 'sdk_fault', expected: 'an answer', actual: String(cause) };
    const outcome = {
      kind: 'failed',
      failure,
      outcome: 'unknown',
      retryable: false,
      cause,
    } as const;
    return [{ kind: 'settled', call, outcome }];
  }

  #perform(effect: ClientEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#links.get(effect.replica)?.send(effect.bytes, effect.priority);
        return;
      case 'wake':
        this.#wakeAt(effect.atMs);
        return;
      case 'settled': {
        const settle = this.#settlers.get(effect.call);
        this.#settlers.delete(effect.call);
        settle?.(effect.outcome);
        return;
      }
      case 'lost': {
        const lost = this.#lost.get(effect.hold);
        this.#lost.delete(effect.hold);
        if (lost === undefined) this.#lostEarly.set(effect.hold, effect.failure);
        else lost(effect.failure);
        return;
      }
      case 'status':
        this.statuses.push(effect.status);
        this.#heard(effect.status);
        return;
      case 'suspect':
        this.#config.onSuspect?.(effect.replica, effect.failure);
        return;
      case 'closed':
        this.#end();
        return;
    }
  }

  #wakeAt(atMs: number): void {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    const delay = Math.min(TIMER_MS_MAX, Math.max(0, Math.ceil(atMs - this.nowMs())));
    this.#timer = setTimeout(() => this.dispatch({ kind: 'wake', atMs: this.nowMs() }), delay);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#over.abort();
    clearTimeout(this.#timer);
    for (const dialer of this.#dialers.values()) dialer.close();
    this.statuses.end();
    this.#resolveClosed();
  }

  /**
   * One call of the core as a promise of its outcome, and the id under which its hold is known.
   * @throws FattyError `aborted`, when the signal was aborted before anything was sent
   */
  call(
    request: CallRequest,
    options: CallOptions,
  ): { call: number; outcome: Promise<CallOutcome> } {
    const { signal, timeoutMs } = options;
    if (signal?.aborted) throw abortError(signal);
    const call = this.#nextCall++;
    const atMs = this.nowMs();
    const finite = timeoutMs !== undefined && Number.isFinite(timeoutMs);
    const deadline = finite ? { deadlineMs: atMs + Math.max(0, timeoutMs) } : {};
    const outcome = new Promise<CallOutcome>((resolve) => {
      if (this.#ended) {
        const failure = { code: 'closed', expected: 'an open client', actual: 'a closed one' };
        resolve({ kind: 'failed', failure, outcome: 'not_applied', retryable: false });
        return;
      }
      const abort = (): void => this.dispatch({ kind: 'abort', call, atMs: this.nowMs() });
      signal?.addEventListener('abort', abort, { once: true });
      this.#settlers.set(call, (settled) => {
        signal?.removeEventListener('abort', abort);
        resolve(settled);
      });
      this.dispatch({ kind: 'call', call, request, atMs, ...deadline });
    });
    return { call, outcome };
  }

  /** `heard` runs at most once, when what `hold` got is lost. */
  onLost(hold: number, heard: (failure: Failure) => void): void {
    const early = this.#lostEarly.get(hold);
    this.#lostEarly.delete(hold);
    if (early === undefined) this.#lost.set(hold, heard);
    else heard(early);
  }

  forget(hold: number): void {
    this.#lost.delete(hold);
  }

  close(): Promise<void> {
    if (!this.#ended) this.dispatch({ kind: 'close', atMs: this.nowMs() });
    return this.closed;
  }
}

export function abortError(signal: AbortSignal): FattyError {
  return clientError('aborted', 'a live signal', 'an aborted one', { cause: signal.reason });
}
