// Events in, effects out: the core itself, and which of its parts hears of what.
import {
  decodeGatewayMessage,
  encodeClientMessage,
  type GatewayMessage,
  LEASE_MS_MAX,
} from '@fatty/api';
import { equalBytes, type Signer, toHex } from '@fatty/codec';
import { type Failure, KEEP_ALIVE } from '@fatty/interface';
import { Calls } from './calls.ts';
import { Closing } from './closing.ts';
import { Desk } from './desk.ts';
import { Entropy } from './entropy.ts';
import { Following } from './following.ts';
import { SessionKeeper } from './keeper.ts';
import { Links } from './links.ts';
import type { Makers } from './makers.ts';
import { Members } from './members.ts';
import { Notices } from './notices.ts';
import { Reads } from './reads.ts';
import { type Shared, sharedOf } from './shared.ts';
import {
  type Belief,
  type ClientEffect,
  type ClientEvent,
  CORE_DEFAULTS,
  type CoreConfig,
  type SessionState,
  type SessionStatus,
} from './types.ts';
import type { Watches } from './watches.ts';

type NoticeMessage = Extract<GatewayMessage, { kind: 'notice' }>;

/** No frame of a gateway is larger, bytes (the links' own limit). */
const FRAME_BYTES_MAX = 1_310_720;

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
  /** Who they are now, and the numbers that everybody has in links, events and effects. */
  readonly members: Members;
  readonly #links: Links;
  readonly #shared: Shared;
  readonly #calls: Calls;
  readonly #reads: Reads;
  readonly #keeper: SessionKeeper;
  readonly #desk: Desk;
  readonly #notices: Notices;
  #watches: Watches | undefined;
  readonly #following: Following;
  #effects: ClientEffect[] = [];
  /** What every part may look at: the event's time, and the newest vouched-for commit. */
  readonly #state: { nowMs: number; commit: number; signer: Signer };
  #wakeAtMs = Number.POSITIVE_INFINITY;
  readonly #closing: Closing;
  #isClosed = false;
  #goneAs: Failure | undefined;

  constructor(config: CoreConfig) {
    this.#config = config;
    this.#state = { nowMs: 0, commit: 0, signer: config.signer };
    const entropy = new Entropy(config.seed);
    const draw = (below: number): number => entropy.draw(below);
    this.members = new Members(config.cell.committee);
    this.#links = new Links(this.members, draw);
    const { graceMs = CORE_DEFAULTS.graceMs, chainLength = CORE_DEFAULTS.chainLength } = config;
    this.#following = new Following(this.members, LEASE_MS_MAX + graceMs, {
      links: this.#links,
      state: this.#state,
      emit: (effect) => this.#emit(effect),
      countAnew: () => this.#countAnew(),
    });
    this.#shared = this.#makeShared(entropy, draw);
    this.#notices = new Notices(this.members);
    this.#calls = new Calls((call, outcome) => this.#emit({ kind: 'settled', call, outcome }));
    this.#reads = new Reads(this.#shared);
    const { leaseMs = config.cell.committee.params.leaseMs } = config;
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
    this.#desk = new Desk(this.#shared, callsQueuedMax, {
      calls: this.#calls,
      reads: this.#reads,
      keeper: this.#keeper,
    });
    this.#closing = new Closing({
      shared: this.#shared,
      desk: this.#desk,
      calls: this.#calls,
      keeper: this.#keeper,
    });
  }

  #makeShared(entropy: Entropy, draw: (below: number) => number): Shared {
    const members = this.members;
    const state = this.#state;
    return sharedOf(this.#config, members, {
      entropy,
      links: this.#links,
      state,
      draw,
      send: (replica, bytes, priority) => this.#emit({ kind: 'send', replica, bytes, priority }),
      sawCommit: (commit) => {
        state.commit = Math.max(state.commit, commit);
        this.#following.believed(state.nowMs);
      },
      suspect: (replica, code, expected, actual) =>
        this.#emit({ kind: 'suspect', replica, failure: { code, expected, actual } }),
      // Noted, and acted on once the event is handled: the pipeline that says so is mid-loop.
      sessionGone: (failure) => {
        this.#goneAs = failure;
      },
      // What is sent on the links of the key before would be a forgery.
      rekey: (signer) => {
        state.signer = signer;
        for (const replica of this.#links.all()) this.#links.down(replica, false, 'another key');
        this.#emit({ kind: 'rekeyed', signer });
      },
      sessionDoubted: () => this.#keeper.doubt(),
    });
  }

  /**
   * Parts that pages load when they need them: `@fatty/core/watching` before the first event `watch`,
   * `@fatty/core/asking` before the first call `prove`, `@fatty/core/epochs` when effect `epochs` asks for it. Each once.
   */
  attach({ watches, asks, epochs }: Makers): void {
    if (watches) this.#watches ??= watches(this.#shared, (effect) => this.#emit(effect));
    if (asks) this.#reads.attachAsks(asks);
    if (epochs) this.#following.attach(epochs, this.#shared);
  }

  /** Handles one event; `atMs` never goes back. Effects are to be performed in order. */
  step(event: ClientEvent): readonly ClientEffect[] {
    this.#effects = [];
    if (this.#isClosed) return [];
    this.#state.nowMs = Math.max(this.#state.nowMs, event.atMs);
    this.#following.look(this.#state.nowMs);
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
      epoch: this.#shared.epoch,
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
      case 'epochs':
        this.#following.begin();
        return;
      case 'close':
        this.#closing.begin();
        return;
    }
  }

  /** R32d.2: nothing counts any more that was said before. */
  #countAnew(): void {
    this.#notices.clear();
    this.#keeper.moved();
    this.#reads.moved(this.#state.nowMs);
    this.#watches?.moved();
    this.#status(this.#keeper.state);
  }

  /** The gateway is gone: another one gets everything unanswered, at once and in order. */
  #linkUp(replica: number): void {
    const isFirst = this.#links.live().length === 0;
    this.#links.up(replica);
    this.#following.linkUp(replica);
    if (!this.members.isMember(replica)) return;
    if (isFirst) this.#keeper.session?.pipeline.relinked(this.#state.nowMs);
    this.#keeper.linkUp();
    this.#reads.linkUp(replica, this.#state.nowMs);
    this.#watches?.linkUp(replica);
  }

  #linkDown(replica: number, refused: boolean, why: string): void {
    const wasGateway = this.#links.isUp(replica) && this.#links.gateway() === replica;
    this.#links.down(replica, refused, why);
    this.#following.linkDown(replica);
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
    this.#following.tick();
    this.#keeper.tick(this.#state.nowMs);
    this.#reads.tick(this.#state.nowMs);
    this.#watches?.tick();
    if (this.#closing.ends()) {
      this.#isClosed = true;
      this.#emit({ kind: 'closed' });
    }
    this.#wake();
  }

  /**
   * Says why nothing can be believed while things are as they are: no more than f replicas are left
   * that do not refuse this client, so at least f+1 honest ones do. Undefined otherwise.
   */
  get shutOut(): Failure | undefined {
    return this.#links.shutOut(this.#shared.faults);
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
      this.#following.nextAtMs,
      this.#watches?.nextAtMs ?? Number.POSITIVE_INFINITY,
      this.#calls.nextAtMs,
      this.#closing.atMs,
    );
    if (next === this.#wakeAtMs && next > this.#state.nowMs) return;
    this.#wakeAtMs = next;
    // Never in the past, so that a driver without patience cannot spin on one instant.
    const atMs = Math.max(next, this.#state.nowMs + 1);
    if (Number.isFinite(next) && !this.#isClosed) this.#emit({ kind: 'wake', atMs });
  }

  #message(replica: number, bytes: Uint8Array): void {
    const decoded = decodeGatewayMessage(bytes, FRAME_BYTES_MAX);
    if (!decoded.ok) {
      this.#emit({ kind: 'suspect', replica, failure: decoded.failure });
      return;
    }
    const { value } = decoded;
    if (value.kind === 'links') this.#following.hear(replica, value);
    else if (value.kind === 'ping' || this.#following.mayCount(replica))
      this.#receive(replica, value);
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
        return this.#reads.asks?.proved(replica, message);
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
}
