// Drives a core: its links, its clock, its one timer, its promises.
import type { Signer } from '@fatty/codec';
import {
  type CallOutcome,
  type CallRequest,
  ClientCore,
  type ClientEffect,
  type ClientEvent,
  type CoreConfig,
  type SessionStatus,
} from '@fatty/core';
import type { Failure, Position } from '@fatty/interface';
import type { ChainRules, Committee, EpochLink } from '@fatty/protocol';
import { CellLinks, type Happening, type LinksConfig } from './cell-links.ts';
import { ElapsedClock } from './elapsed.ts';
import { abortError } from './error.ts';
import { attempt, type FaultListener, logFault } from './faults.ts';
import { Feed } from './feed.ts';
import { type Host, systemHost } from './host.ts';
import type { Followed } from './options.ts';
import type { Watcher } from './watcher.ts';

/** Every async method of the SDK takes these. */
export interface CallOptions {
  /** Aborts the call; an acquire is undone at the cell. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Elapsed ms (TIME.md, T6) until the call is answered `timeout`: earlier, by as much as the wall clock
   * is set forward meanwhile. Default: the client's `timeoutMs`.
   */
  readonly timeoutMs?: number | undefined;
}

/** What a driver is made of: that of its core and of its links, and who watches. */
export interface DriverConfig
  extends Omit<CoreConfig, 'cell' | 'signer' | 'scheme' | 'seed'>,
    LinksConfig {
  /** Clocks, timers and chance. Default: those of the platform. */
  readonly host?: Host | undefined;
  /** Sees every effect before it is performed; for checkers. */
  readonly watch?: ((effect: ClientEffect) => void) | undefined;
  /** Replicas that said something impossible; for logs. */
  readonly onSuspect?: ((replica: number, failure: Failure) => void) | undefined;
  /**
   * What was thrown outside of any call: faults of this SDK, and of listeners. Nothing of it ends the
   * process; the client goes on. Default: `console.error`.
   */
  readonly onFault?: FaultListener | undefined;
}

/** While a session is open the clocks are looked at so often: the host may have slept, ms. */
const TICK_MS = 250;

/** After a fault the core is woken again, whatever it had in mind, ms. */
const FAULT_PAUSE_MS = 500;

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
  readonly #links: CellLinks;
  #committee: Committee;
  #epochLinks: readonly EpochLink[] = [];
  readonly #settlers = new Map<number, (outcome: CallOutcome) => void>();
  readonly #lost = new Map<number, (failure: Failure) => void>();
  readonly #watchers = new Map<number, Watcher>();
  readonly #backlog: ClientEvent[] = [];
  #resolveClosed: () => void = () => undefined;
  readonly #host: Host;
  readonly #clock: ElapsedClock;
  #cancelTimer: () => void = () => undefined;
  /** When the core wants to be woken. */
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #jumped = false;
  #nextCall = 1;
  #nextWatch = 1;
  #busy = false;
  #ended = false;

  /** `heard` is told of every status in the turn that makes it. */
  constructor(config: DriverConfig, heard: (status: SessionStatus) => void = () => undefined) {
    this.#config = config;
    this.#heard = heard;
    this.#onFault = config.onFault ?? logFault;
    this.#host = config.host ?? systemHost;
    this.#clock = new ElapsedClock(this.#host);
    this.#committee = config.cell.committee;
    this.core = new ClientCore({ ...config, seed: this.#host.random(32) });
    this.#links = new CellLinks(config, {
      tell: (event) => this.dispatch(event),
      numberOf: (key) => this.core.members.numberOf(key),
      after: (delayMs, act) => this.#host.after(delayMs, act),
    });
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.dispatch({ kind: 'start' });
    this.#links.dialAll();
  }

  /** Elapsed ms (TIME.md, T6): the clock of the core. */
  nowMs(): number {
    const { nowMs, jumped } = this.#clock.sample();
    this.#jumped ||= jumped;
    return nowMs;
  }

  /** Whose key acts for this client now. */
  get signer(): Signer {
    return this.#links.signer;
  }

  /** The members of now. */
  get committee(): Committee {
    return this.#committee;
  }

  /** The cell as it has been followed. */
  get followed(): Followed {
    const [committee, links] = [this.#committee, this.#epochLinks];
    return { ...this.#config.cell, committee, addresses: this.#links.addresses, links };
  }

  /** What certificates of the cell are checked against. */
  get rules(): ChainRules & { readonly links: readonly EpochLink[] } {
    const { cell, scheme } = this.#config;
    const { cellId, committee: genesis } = cell;
    return { genesis, cellId, scheme, links: this.#epochLinks };
  }

  get status(): SessionStatus {
    return this.#shown(this.core.status);
  }

  /** With its deadline on the platform's monotonic clock. */
  #shown(status: SessionStatus): SessionStatus {
    this.nowMs();
    return { ...status, deadlineMs: this.#clock.toMonotonic(status.deadlineMs) };
  }

  /**
   * Whoever is about to look at a hold calls this first: what is due by now happens now, so that its
   * signal, its deadline and `held` say the same. Answers whether anything was due.
   */
  look(): boolean {
    const nowMs = this.nowMs();
    if (this.#busy || this.#ended) return false;
    const due = this.#jumped || nowMs >= this.#wakeAtMs;
    if (due) this.dispatch({ kind: 'wake' });
    this.#endUnbelieved();
    return due;
  }

  /** A hold that the core does not believe in has no owner who may, whatever the core has said. */
  #endUnbelieved(): void {
    if (this.#lost.size === 0) return;
    const believed = new Set(this.core.beliefs(this.nowMs()).map(({ hold }) => hold));
    for (const [hold, lost] of Array.from(this.#lost)) {
      if (believed.has(hold)) continue;
      this.#lost.delete(hold);
      const expected = 'a proof that the lease still runs';
      attempt(() => lost({ code: 'in_jeopardy', expected, actual: 'none' }), this.#onFault);
    }
  }

  /** Monotonic ms (`performance.now()`) until which a hold is proved; −∞ when it is not. */
  deadlineOf(hold: number): number {
    const belief = this.core.beliefs(this.nowMs()).find((one) => one.hold === hold);
    return this.#clock.toMonotonic(belief?.untilMs ?? Number.NEGATIVE_INFINITY);
  }

  /**
   * Events that arise while another is handled wait their turn. Never throws: it is run by timers
   * and links, where nobody would catch.
   */
  dispatch(happening: Happening): void {
    const atMs = this.nowMs();
    if (this.#jumped) this.#backlog.push({ kind: 'jumped', atMs });
    this.#jumped = false;
    this.#backlog.push({ ...happening, atMs } as ClientEvent);
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
    this.#config.watch?.(effect);
    switch (effect.kind) {
      case 'send':
        this.#links.send(effect.replica, effect.bytes, effect.priority);
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
        lost?.(effect.failure);
        return;
      }
      case 'watched':
        this.#watchers.get(effect.watch)?.believed(effect.events, effect.until);
        return;
      case 'watchGap':
        this.#watchers.get(effect.watch)?.gap(effect.code, effect.from);
        return;
      case 'watchFailed':
        this.#watchers.get(effect.watch)?.ended(effect.failure);
        return;
      case 'status': {
        const status = this.#shown(effect.status);
        this.statuses.push(status);
        this.#heard(status);
        return;
      }
      case 'epochs':
        return this.#followEpochs();
      case 'epoch':
        this.#committee = effect.committee;
        this.#epochLinks = effect.links;
        this.#moveLinks(effect.committee);
        return;
      case 'rekeyed':
        return this.#links.redial(effect.signer);
      case 'suspect':
        this.#config.onSuspect?.(effect.replica, effect.failure);
        return;
      case 'closed':
        this.#end();
        return;
    }
  }

  /** Most clients see no change of members: the way along the chain is loaded with the first. */
  #followEpochs(): void {
    void import('./moving.ts').then(
      ({ Epochs }) => {
        this.core.attach({ epochs: (shared, tell) => new Epochs(shared, tell) });
        this.dispatch({ kind: 'epochs' });
      },
      (error) => this.#onFault(error),
    );
  }

  #moveLinks(committee: Committee): void {
    void import('./moving.ts').then(
      ({ Moving }) => this.#links.moved(committee, (links) => new Moving(links)),
      (error) => this.#onFault(error),
    );
  }

  #wakeAt(atMs: number): void {
    this.#wakeAtMs = atMs;
    this.#arm();
  }

  #arm(): void {
    this.#cancelTimer();
    if (this.#ended) return;
    const delayMs = Math.max(0, Math.ceil(this.#wakeAtMs - this.nowMs()));
    const delayMsMax = this.core.status.session === undefined ? TIMER_MS_MAX : TICK_MS;
    this.#cancelTimer = this.#host.after(Math.min(delayMsMax, delayMs), () => {
      if (!this.look()) this.#arm();
    });
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTimer();
    this.#links.close();
    this.statuses.end();
    for (const watcher of Array.from(this.#watchers.values())) watcher.ended();
    this.#resolveClosed();
  }

  /**
   * One call of the core as a promise of its outcome, and the id under which its hold is known.
   * `heard` runs in the very turn that settles it: who takes a hold there misses no loss of it.
   * @throws FattyError `aborted`, when the signal was aborted before anything was sent
   */
  call(
    request: CallRequest,
    options: CallOptions,
    heard: (outcome: CallOutcome, call: number) => void = () => undefined,
  ): { call: number; outcome: Promise<CallOutcome> } {
    const { signal, timeoutMs } = options;
    if (signal?.aborted) throw abortError(signal);
    const call = this.#nextCall++;
    const finite = timeoutMs !== undefined && Number.isFinite(timeoutMs);
    const deadline = finite ? { deadlineMs: this.nowMs() + Math.max(0, timeoutMs) } : {};
    const outcome = new Promise<CallOutcome>((resolve) => {
      if (this.#ended) {
        const failure = { code: 'closed', expected: 'an open client', actual: 'a closed one' };
        resolve({ kind: 'failed', failure, outcome: 'not_applied', retryable: false });
        return;
      }
      const abort = (): void => this.dispatch({ kind: 'abort', call });
      signal?.addEventListener('abort', abort, { once: true });
      this.#settlers.set(call, (settled) => {
        signal?.removeEventListener('abort', abort);
        resolve(settled);
        heard(settled, call);
      });
      this.dispatch({ kind: 'call', call, request, ...deadline });
    });
    return { call, outcome };
  }

  /** `heard` runs at most once, when what `hold` got is lost. To be called as it is got. */
  onLost(hold: number, heard: (failure: Failure) => void): void {
    this.#lost.set(hold, heard);
  }

  /** Watches a topic; answers the number of the watch. `watcher` is not called within this call. */
  watch(topic: string, from: Position | undefined, watcher: Watcher): number {
    const watch = this.#nextWatch++;
    this.#watchers.set(watch, watcher);
    void import('@fatty/core/watching').then(
      ({ Watches }) => {
        this.core.attach({ watches: (shared, tell) => new Watches(shared, tell) });
        if (this.#ended) watcher.ended();
        else if (this.#watchers.has(watch)) this.dispatch({ kind: 'watch', watch, topic, from });
      },
      (error) => watcher.ended({ code: 'sdk_fault', expected: 'watches', actual: String(error) }),
    );
    return watch;
  }

  watchTaken(watch: number, count: number): void {
    if (this.#watchers.has(watch)) this.dispatch({ kind: 'watchTaken', watch, count });
  }

  unwatch(watch: number): void {
    if (this.#watchers.delete(watch) && !this.#ended) this.dispatch({ kind: 'unwatch', watch });
  }

  forget(hold: number): void {
    this.#lost.delete(hold);
  }

  close(): Promise<void> {
    if (!this.#ended) this.dispatch({ kind: 'close' });
    return this.closed;
  }
}
