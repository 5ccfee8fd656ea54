// Events in, effects out: the core itself, and which of its parts hears of what.
import {
  decodeGatewayMessage,
  encodeClientMessage,
  type GatewayMessage,
  type Op,
} from '@fatty/api';
import { equalBytes, toHex } from '@fatty/codec';
import { type Failure, KEEP_ALIVE } from '@fatty/interface';
import { faultsMax, quorum, RECEIPTS_KEPT } from '@fatty/protocol';
import { Calls } from './calls.ts';
import { DEFAULT_CLOCK_BOUNDS } from './clock.ts';
import { Desk } from './desk.ts';
import { Entropy } from './entropy.ts';
import { SessionKeeper } from './keeper.ts';
import { Links } from './links.ts';
import { Notices } from './notices.ts';
import { Reads } from './reads.ts';
import type { Shared } from './shared.ts';
import {
  type Belief,
  type ClientEffect,
  type ClientEvent,
  CORE_DEFAULTS,
  type CoreConfig,
  type SessionState,
  type SessionStatus,
} from './types.ts';
import type { Watches, WatchesTell } from './watches.ts';

type NoticeMessage = Extract<GatewayMessage, { kind: 'notice' }>;

/** No frame of a gateway is larger, bytes (the links' own limit). */
const FRAME_BYTES_MAX = 1_310_720;
/** How long a goodbye may take before the session is left to expire, ms. */
const CLOSE_MS_MAX = 2_000;
const CLOSE_CALL = -4;
const ENDED_BY_CLOSE: ReadonlySet<string> = new Set(['acquire', 'read', 'prove']);

/**
 * The client without IO: `step(event)` answers the effects, and nothing else happens. Time comes in
 * events (`atMs`, monotonic), chance from `config.seed`, so every run can be replayed.
 *
 * 1. Nothing is believed on the word of fewer than f+1 replicas (R32).
 * 2. A hold is believed only before its proved deadline (TIME.md), and never again after.
 * 3. Every call is answered exactly once; what may have happened is answered `unknown`.
 * 4. Batches of a session are signed once, numbered without gaps, and sent in order (R3).
 */
export class ClientCore {
  readonly #config: CoreConfig;
  readonly #links: Links;
  readonly #shared: Shared;
  readonly #calls: Calls;
  readonly #reads: Reads;
  readonly #keeper: SessionKeeper;
  readonly #desk: Desk;
  readonly #notices: Notices;
  #watches: Watches | undefined;
  #effects: ClientEffect[] = [];
  /** What every part may look at: the event's time, and the newest vouched-for commit. */
  readonly #state = { nowMs: 0, commit: 0 };
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #closing: 'open' | 'closing' | 'closed' = 'open';
  #closeAtMs = Number.POSITIVE_INFINITY;
  #goneAs: Failure | undefined;

  constructor(config: CoreConfig) {
    this.#config = config;
    const entropy = new Entropy(config.seed);
    const draw = (below: number): number => entropy.draw(below);
    const { members } = config.cell.committee;
    this.#links = new Links(members.length, draw);
    this.#shared = this.#makeShared(entropy, draw);
    this.#notices = new Notices(members.length, this.#shared.faults);
    this.#calls = new Calls((call, outcome) => this.#emit({ kind: 'settled', call, outcome }));
    this.#reads = new Reads(this.#shared);
    const { leaseMs = config.cell.committee.params.leaseMs } = config;
    const { graceMs = CORE_DEFAULTS.graceMs, chainLength = CORE_DEFAULTS.chainLength } = config;
    this.#keeper = new SessionKeeper(
      this.#shared,
      this.#reads,
      { leaseMs, graceMs, chainLength },
      {
        status: (state) => this.#status(state),
        lost: (hold, failure) => this.#emit({ kind: 'lost', hold, failure }),
      },
    );
    const { callsQueuedMax = CORE_DEFAULTS.callsQueuedMax } = config;
    this.#desk = new Desk(
      this.#shared,
      { params: config.cell.committee.params, callsQueuedMax },
      { calls: this.#calls, reads: this.#reads, keeper: this.#keeper },
    );
  }

  #makeShared(entropy: Entropy, draw: (below: number) => number): Shared {
    const { cell, signer, scheme, bounds = DEFAULT_CLOCK_BOUNDS } = this.#config;
    const { committee, cellId } = cell;
    const { limits } = committee.params;
    const { opsPerBatchMax = limits.batchOpsMax } = this.#config;
    const { deltaMs = CORE_DEFAULTS.deltaMs } = this.#config;
    const { batchesInFlightMax = CORE_DEFAULTS.batchesInFlightMax } = this.#config;
    const state = this.#state;
    return {
      cellId,
      epoch: committee.epoch,
      members: committee.members,
      faults: faultsMax(committee),
      quorum: quorum(committee),
      limits,
      signer,
      scheme,
      entropy,
      links: this.#links,
      bounds,
      deltaMs,
      opsPerBatchMax: Math.min(opsPerBatchMax, limits.batchOpsMax),
      batchesInFlightMax: Math.min(batchesInFlightMax, RECEIPTS_KEPT),
      get nowMs() {
        return state.nowMs;
      },
      get commit() {
        return state.commit;
      },
      draw,
      send: (replica, bytes, priority) => this.#emit({ kind: 'send', replica, bytes, priority }),
      sawCommit: (commit) => {
        this.#state.commit = Math.max(this.#state.commit, commit);
      },
      suspect: (replica, code, expected, actual) =>
        this.#emit({ kind: 'suspect', replica, failure: { code, expected, actual } }),
      // Noted, and acted on once the event is handled: the pipeline that says so is mid-loop.
      sessionGone: (failure) => {
        this.#goneAs = failure;
      },
      sessionDoubted: () => this.#keeper.doubt(),
    };
  }

  /** Before the first event `watch`: watches are a part that pages load when they need it (`@fatty/core/watching`). */
  attach(make: (shared: Shared, tell: WatchesTell) => Watches): void {
    this.#watches ??= make(this.#shared, (effect) => this.#emit(effect));
  }

  /** Handles one event; `atMs` never goes back. Effects are to be performed in order. */
  step(event: ClientEvent): readonly ClientEffect[] {
    this.#effects = [];
    if (this.#closing === 'closed') return [];
    this.#state.nowMs = Math.max(this.#state.nowMs, event.atMs);
    this.#note(event);
    this.#decide();
    return this.#effects;
  }

  /** What a step that threw had decided before it did: still to be performed. */
  get unfinished(): readonly ClientEffect[] {
    return this.#effects;
  }

  /** What this client may act on right now: provable holds only. For checkers and for the SDK. */
  beliefs(atMs: number): readonly Belief[] {
    return this.#keeper.holds.beliefs({ ...this.#keeper.now, atMs });
  }

  /** Who is linked and why the others are not, for people. */
  get linkage(): string {
    return this.#links.describe();
  }

  get status(): SessionStatus {
    const session = this.#keeper.session;
    return {
      state: this.#keeper.state,
      session: session?.id,
      deadlineMs: session?.deadlineMs ?? Number.NEGATIVE_INFINITY,
      links: this.#links.live().length,
      commit: this.#state.commit,
    };
  }

  #emit(effect: ClientEffect): void {
    this.#effects.push(effect);
  }

  #status(state: SessionState): void {
    this.#emit({ kind: 'status', status: { ...this.status, state } });
  }

  #note(event: ClientEvent): void {
    switch (event.kind) {
      case 'start':
        return;
      case 'wake':
        // Timers fire early at times; whatever is due next has no timer any more.
        this.#wakeAtMs = Number.POSITIVE_INFINITY;
        return;
      case 'linkUp':
        this.#linkUp(event.replica);
        this.#status(this.#keeper.state);
        return;
      case 'linkDown':
        this.#linkDown(event.replica, event.refused, event.why);
        return;
      case 'message':
        this.#message(event.replica, event.bytes);
        return;
      case 'jumped':
        this.#wakeAtMs = Number.POSITIVE_INFINITY;
        this.#keeper.jumped();
        return;
      case 'call':
        this.#desk.call({
          call: event.call,
          request: event.request,
          deadlineMs: event.deadlineMs ?? Number.POSITIVE_INFINITY,
        });
        return;
      case 'abort':
        this.#desk.abandon(event.call, 'aborted', 'the call to go on');
        return;
      case 'watch':
      case 'watchTaken':
      case 'unwatch':
        this.#watches?.note(event);
        return;
      case 'close':
        this.#close();
        return;
    }
  }

  /** The gateway is gone: another one gets everything unanswered, at once and in order. */
  #linkUp(replica: number): void {
    const isFirst = this.#links.live().length === 0;
    this.#links.up(replica);
    if (isFirst) this.#keeper.session?.pipeline.relinked(this.#state.nowMs);
    this.#keeper.linkUp();
    this.#reads.linkUp(replica, this.#state.nowMs);
    this.#watches?.linkUp(replica);
  }

  #linkDown(replica: number, refused: boolean, why: string): void {
    const wasGateway = this.#links.isUp(replica) && this.#links.gateway() === replica;
    this.#links.down(replica, refused, why);
    this.#reads.linkDown(replica, this.#state.nowMs);
    this.#watches?.linkDown(replica);
    if (wasGateway) this.#keeper.session?.pipeline.resend();
    this.#status(this.#keeper.state);
  }

  /** All events have been noted: what follows from them now. */
  #decide(): void {
    if (this.#goneAs !== undefined) {
      const { expected, actual } = this.#goneAs;
      this.#goneAs = undefined;
      this.#keeper.expire(expected, actual);
    }
    for (const { call } of this.#calls.due(this.#state.nowMs)) {
      this.#desk.abandon(call, 'timeout', 'a believed answer in time');
    }
    this.#failIfShutOut();
    this.#keeper.tick(this.#state.nowMs);
    this.#reads.tick(this.#state.nowMs);
    this.#watches?.tick();
    if (this.#closing === 'closing') this.#finishClosing();
    this.#wake();
  }

  /**
   * Says why nothing can be believed while things are as they are: no more than f replicas are left
   * that do not refuse this client, so at least f+1 honest ones do. Undefined otherwise.
   */
  get shutOut(): Failure | undefined {
    const { members, faults } = this.#shared;
    const { refused } = this.#links;
    if (members.length - refused > faults) return undefined;
    const expected = `${faults + 1} replicas that take this client`;
    const actual = `${refused} of ${members.length} refuse it; ${this.linkage}`;
    return { code: 'not_authenticated', expected, actual };
  }

  #failIfShutOut(): void {
    const failure = this.shutOut;
    if (failure === undefined) return;
    for (const { call } of this.#calls.all()) this.#desk.giveUp(call, failure);
  }

  #wake(): void {
    const next = Math.min(
      this.#keeper.nextAtMs,
      this.#reads.nextAtMs,
      this.#watches?.nextAtMs ?? Number.POSITIVE_INFINITY,
      this.#calls.nextAtMs,
      this.#closeAtMs,
    );
    if (next === this.#wakeAtMs && next > this.#state.nowMs) return;
    this.#wakeAtMs = next;
    // Never in the past, so that a driver without patience cannot spin on one instant.
    const atMs = Math.max(next, this.#state.nowMs + 1);
    if (Number.isFinite(next) && this.#closing !== 'closed') this.#emit({ kind: 'wake', atMs });
  }

  #message(replica: number, bytes: Uint8Array): void {
    const decoded = decodeGatewayMessage(bytes, FRAME_BYTES_MAX);
    if (!decoded.ok) {
      this.#emit({ kind: 'suspect', replica, failure: decoded.failure });
      return;
    }
    this.#receive(replica, decoded.value);
  }

  #receive(replica: number, message: GatewayMessage): void {
    const session = this.#keeper.session;
    switch (message.kind) {
      case 'receipt':
        if (session !== undefined && equalBytes(message.session, session.id)) {
          session.pipeline.receipt(replica, message, this.#state.nowMs);
        }
        return;
      case 'refused':
        session?.pipeline.refused(
          replica,
          toHex(message.batch),
          message.failure,
          this.#state.nowMs,
        );
        return;
      case 'readResult':
        this.#reads.result(replica, message, this.#state.nowMs);
        return;
      case 'proved':
        return this.#reads.asks.proved(replica, message);
      case 'error':
        this.#reads.failed(replica, message.request, message.failure, this.#state.nowMs);
        return;
      case 'nowReading':
        if (this.#keeper.clock.reading(replica, message))
          this.#keeper.clockProved(this.#state.nowMs);
        return;
      case 'notice':
        this.#notice(replica, message);
        return;
      case 'watched':
      case 'watchEnded':
        this.#watches?.hear(replica, message);
        return;
      case 'ping':
        this.#shared.send(
          replica,
          encodeClientMessage({ kind: 'pong', id: message.id }),
          KEEP_ALIVE,
        );
        return;
      case 'links':
      case 'pong':
        return;
    }
  }

  /** R32: believed when f+1 replicas say the same bytes about the same commit. */
  #notice(replica: number, message: NoticeMessage): void {
    const session = this.#keeper.session;
    if (session === undefined || !equalBytes(message.session, session.id)) return;
    const heard = this.#notices.hear(replica, message);
    if (heard === undefined) return;
    if (!('kind' in heard)) return this.#emit({ kind: 'suspect', replica, failure: heard });
    this.#keeper.notice(heard, message.commit);
    if (this.#keeper.session === undefined) this.#notices.clear();
  }

  /** Waits end, everything else may finish, then the session is closed so that nothing lingers. */
  #close(): void {
    if (this.#closing !== 'open') return;
    this.#closing = 'closing';
    this.#desk.close();
    this.#closeAtMs = this.#state.nowMs + CLOSE_MS_MAX;
    for (const { call, request } of this.#calls.all()) {
      if (ENDED_BY_CLOSE.has(request.kind)) this.#desk.abandon(call, 'closed', 'an open client');
    }
    // The cell may pass on what we hold before its receipt is here: nothing is believed from now on.
    const failure = { code: 'lock_released', expected: 'an open client', actual: 'a closed one' };
    this.#keeper.holds.endAll(failure);
    const session = this.#keeper.session;
    if (session?.isOpen !== true || this.#links.gateway() === undefined) return;
    const ops: Op[] = [{ kind: 'closeSession' }];
    this.#desk.submit(CLOSE_CALL, ops, () => this.#keeper.expire('an open client', 'a closed one'));
  }

  #finishClosing(): void {
    const open = this.#keeper.session?.isOpen === true;
    const waiting = open || this.#calls.size > 0;
    if (waiting && this.#state.nowMs < this.#closeAtMs) return;
    for (const { call } of this.#calls.all()) this.#desk.abandon(call, 'closed', 'an open client');
    this.#keeper.expire('an open client', 'a closed one');
    this.#closing = 'closed';
    this.#emit({ kind: 'closed' });
  }
}
