// One watch of a client: what of it is believed, from what its sources say.
import { comparePositions, decodeEvent, type EventBody } from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { Failure, Position } from '@fatty/interface';
import type { GatewayMessageOf, WatchedEvent } from '@fatty/protocol';
import type { Shared } from './shared.ts';
import { Source, type SourceState, startOf } from './watch-source.ts';

type Watched = Extract<GatewayMessageOf<never>, { kind: 'watched' }>;
type WatchEnded = Extract<GatewayMessageOf<never>, { kind: 'watchEnded' }>;

/** Events that a source may send ahead of what is believed and taken. */
export const WINDOW = 256;
/** Refusals that f + 1 of make an end. */
const FINAL: ReadonlySet<string> = new Set(['no_events', 'bad_topic']);
/** Refusals put off the next try, ms, twice as long each time. */
const RETRY_MS = 500;
const RETRY_MS_MAX = 8_000;
/** Who has not answered, or tells nothing any more, is asked again after so long, ms. */
const ANSWER_MS = 4_000;
const SILENCE_MS = 10_000;
/** How long more replicas are waited for, where fewer would do, in Δ. */
const PATIENCE_DELTAS = 4;

/** An event that f + 1 replicas name as the next one. */
export interface BelievedEvent {
  readonly position: Position;
  readonly event: EventBody;
}

/** What becomes of a watch. */
export interface WatchEnds {
  /** Everything before `until` is told. */
  believed(events: readonly BelievedEvent[], until: Position): void;
  /** What lies before `from` cannot be had any more: the watch goes on there. */
  gap(code: 'compacted' | 'lagged', from: Position): void;
  failed(failure: Failure): void;
}

/** What a watch may use of its core. */
export type WatchShared = Pick<
  Shared,
  'faults' | 'links' | 'deltaMs' | 'commit' | 'sawCommit' | 'suspect' | 'members' | 'nowMs'
>;

/** How a watch speaks to replicas. */
export interface WatchLines {
  /** Answers the number of this watch on that link from now on. */
  ask(replica: number, topic: string, from: Position | undefined, room: number): number;
  more(replica: number, wire: number, room: number): void;
  end(replica: number, wire: number): void;
  /** Nothing more comes under this number. */
  forget(wire: number): void;
}

/** What a watch is made of. `from`: where it begins; undefined: now. */
export interface WatchParts {
  readonly topic: string;
  readonly from: Position | undefined;
  readonly ends: WatchEnds;
  readonly shared: WatchShared;
  readonly lines: WatchLines;
}

/**
 * A watch, believed by R32: the next event is what f + 1 replicas name as the next one after what is
 * settled, and there is none before a place that f + 1 have come to. Each of those sets has an honest
 * replica, which leaves nothing out; so nothing is missed, invented, repeated or out of order, and f liars
 * cost time alone.
 */
export class Watch {
  readonly #topic: string;
  readonly #ends: WatchEnds;
  readonly #shared: WatchShared;
  readonly #lines: WatchLines;
  #sources: readonly Source[];
  /** Replicas that say that the cell has no events. */
  readonly #refusers = new Set<number>();
  /** Everything before it is settled; undefined: it is not known yet where the watch begins. */
  #cursor: Position | undefined;
  /** Something was believed or passed. */
  #hasBegun = false;
  /** Believed events that nobody has taken. */
  #untaken = 0;
  /** When f + 1 starts are enough. */
  #startAtMs = Number.POSITIVE_INFINITY;
  /** When those that could still tell have had their time. */
  #gapAtMs = Number.POSITIVE_INFINITY;
  #isOver = false;

  constructor({ topic, from, ends, shared, lines }: WatchParts) {
    this.#topic = topic;
    this.#ends = ends;
    this.#cursor = from;
    this.#shared = shared;
    this.#lines = lines;
    this.#sources = shared.members.replicas.map((replica) => new Source(replica));
  }

  /** The members are others: what comes next is what f + 1 of these name. */
  moved(): void {
    const { members, nowMs } = this.#shared;
    this.#endAll();
    for (const { wire } of this.#sources) this.#lines.forget(wire);
    this.#sources = members.replicas.map((replica) => new Source(replica));
    for (const source of this.#sources) source.retryAtMs = nowMs;
    this.#refusers.clear();
    this.#startAtMs = Number.POSITIVE_INFINITY;
    this.#gapAtMs = Number.POSITIVE_INFINITY;
  }

  get nextAtMs(): number {
    let next = this.#cursor === undefined ? this.#startAtMs : this.#gapAtMs;
    for (const source of this.#sources) {
      if (this.#mayAsk(source)) next = Math.min(next, source.retryAtMs);
    }
    return next;
  }

  /** Whether asking can help, once it is time to. */
  #mayAsk({ state, replica, first, hasRoom }: Source): boolean {
    if (!this.#shared.links.isUp(replica)) return false;
    if (state === 'gone') return first <= (this.#cursor?.commit ?? first);
    return state === 'open' ? hasRoom : state !== 'shunned';
  }

  tick(): void {
    if (this.#isOver) return;
    const { nowMs } = this.#shared;
    for (const source of this.#sources) {
      if (this.#mayAsk(source) && source.retryAtMs <= nowMs) this.#ask(source);
    }
    if (this.#cursor === undefined && nowMs >= this.#startAtMs) this.#start();
    if (nowMs >= this.#gapAtMs) this.#lookForGap();
  }

  #ask(source: Source): void {
    const { replica, state, wire } = source;
    if (state === 'asked' || state === 'open') this.#lines.end(replica, wire);
    const from = this.#cursor;
    source.ask(this.#lines.ask(replica, this.#topic, from, WINDOW), from, WINDOW);
    source.retryAtMs = this.#shared.nowMs + ANSWER_MS;
  }

  linkUp(replica: number): void {
    const source = this.#sourceAt(replica);
    if (source === undefined) return;
    this.#leave(source, 'idle');
    source.retryAtMs = this.#shared.nowMs;
  }

  linkDown(replica: number): void {
    const source = this.#sourceAt(replica);
    if (source !== undefined) this.#leave(source, 'idle');
  }

  #leave(source: Source, state: SourceState): void {
    this.#lines.forget(source.wire);
    source.leave(state);
  }

  /** The caller has taken so many events. */
  taken(count: number): void {
    this.#untaken = Math.max(0, this.#untaken - count);
    this.#settle();
  }

  /** Nothing more is wanted. */
  end(): void {
    this.#isOver = true;
    this.#endAll();
  }

  #endAll(): void {
    for (const { replica, state, wire } of this.#sources) {
      if (state === 'asked' || state === 'open') this.#lines.end(replica, wire);
    }
  }

  #sourceAt(replica: number): Source | undefined {
    return this.#sources.find((source) => source.replica === replica);
  }

  #sourceOf(replica: number, wire: number): Source | undefined {
    const source = this.#sourceAt(replica);
    return source?.wire === wire && wire !== 0 ? source : undefined;
  }

  hear(replica: number, message: Watched): void {
    const source = this.#sourceOf(replica, message.watch);
    if (source === undefined) return;
    const flaw = source.hear(message);
    if (flaw !== undefined) {
      this.#lines.end(replica, source.wire);
      this.#leave(source, 'shunned');
      return this.#shared.suspect(replica, flaw.code, flaw.expected, flaw.actual);
    }
    source.retryAtMs = this.#shared.nowMs + SILENCE_MS;
    if (this.#cursor === undefined) return this.#start();
    source.passed(this.#cursor);
    this.#settle();
  }

  ended(replica: number, { watch, first, failure }: WatchEnded): void {
    const source = this.#sourceOf(replica, watch);
    if (source === undefined) return;
    source.refusals += 1;
    const pauseMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(source.refusals - 1, 8));
    source.retryAtMs = this.#shared.nowMs + pauseMs;
    const isLate = failure.code === 'compacted' || failure.code === 'lagged';
    this.#leave(source, isLate ? 'gone' : 'idle');
    source.first = first;
    if (FINAL.has(failure.code)) this.#refused(source, failure);
    if (isLate) this.#lookForGap();
  }

  /** f + 1 say that the cell has no such thing. */
  #refused({ replica }: Source, failure: Failure): void {
    this.#refusers.add(replica);
    if (this.#refusers.size <= this.#shared.faults) return;
    this.#isOver = true;
    this.#ends.failed(failure);
  }

  /**
   * Where a watch from now on begins: the (f + 1)-th highest of the places where replicas are, which an
   * honest one has come to; and among 2f + 1, an honest one is no further.
   */
  #start(): void {
    const { faults, deltaMs, commit, nowMs } = this.#shared;
    const begun = this.#sources.filter(({ state }) => state === 'open');
    if (begun.length <= faults) return;
    if (begun.length <= 2 * faults && nowMs < this.#startAtMs) {
      if (!Number.isFinite(this.#startAtMs)) this.#startAtMs = nowMs + PATIENCE_DELTAS * deltaMs;
      return;
    }
    const starts = begun.map(({ from }) => from ?? startOf(0)).sort(comparePositions);
    const chosen = starts[begun.length - 1 - faults] ?? startOf(0);
    this.#move(comparePositions(chosen, startOf(commit + 1)) < 0 ? startOf(commit + 1) : chosen);
    this.#ends.believed([], this.#cursor ?? chosen);
    this.#settle();
  }

  /** Everything before this place is settled; sources that begin behind it are asked from it. */
  #move(cursor: Position): void {
    this.#cursor = cursor;
    if (cursor.commit > 0) this.#shared.sawCommit(cursor.commit - 1);
    for (const source of this.#sources) {
      source.passed(cursor);
      if (source.state === 'open' && !source.covers(cursor)) this.#ask(source);
    }
  }

  /** Believes what can be believed. */
  #settle(): void {
    const before = this.#cursor;
    if (before === undefined) return;
    const events: BelievedEvent[] = [];
    while (this.#untaken + events.length < WINDOW) {
      const next = this.#nextEvent();
      if (next !== undefined) {
        const { position, body } = next;
        const event = decodeEvent(body);
        // An event in words of a later version is not for this client.
        if (event.ok) events.push({ position, event: event.value });
        const { commit, index } = position;
        this.#move({ commit, index: index + 1 });
      } else if (!this.#passSilence()) break;
    }
    this.#untaken += events.length;
    const cursor = this.#cursor ?? before;
    if (comparePositions(cursor, before) > 0) {
      this.#hasBegun = true;
      this.#gapAtMs = Number.POSITIVE_INFINITY;
      this.#ends.believed(events, cursor);
    }
    this.#giveRoom();
  }

  #telling(): readonly Source[] {
    const cursor = this.#cursor;
    return cursor === undefined ? [] : this.#sources.filter((source) => source.covers(cursor));
  }

  /** What f + 1 name as the next event. */
  #nextEvent(): WatchedEvent | undefined {
    const counts = new Map<string, number>();
    for (const { head } of this.#telling()) {
      if (head === undefined) continue;
      const { position, body } = head;
      const key = `${position.commit}.${position.index}.${toHex(body)}`;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      if (count > this.#shared.faults) return head;
    }
    return undefined;
  }

  /** Goes on to where f + 1 have come without an event. */
  #passSilence(): boolean {
    const cursor = this.#cursor;
    if (cursor === undefined) return false;
    const silent = this.#telling().map((source) => source.silentUntil(cursor));
    silent.sort((a, b) => comparePositions(b, a));
    const reached = silent[this.#shared.faults];
    if (reached === undefined || comparePositions(reached, cursor) <= 0) return false;
    this.#move(reached);
    return true;
  }

  /** Sources go on as far as the caller takes what is believed. */
  #giveRoom(): void {
    if (this.#isOver || this.#untaken >= WINDOW / 2) return;
    for (const source of this.#sources) {
      const isLow = source.owed >= WINDOW / 2;
      if (source.state !== 'open' || !isLow) continue;
      this.#lines.more(source.replica, source.wire, source.giveRoom());
    }
  }

  /**
   * More than f say that what comes next is gone from them. Those that are left are too few to be believed, or
   * have had their time: they may only pretend. The place to go on is one that an honest replica has no less
   * than: no liar can move it further.
   */
  #lookForGap(): void {
    const cursor = this.#cursor;
    const { faults, links, deltaMs, nowMs } = this.#shared;
    if (cursor === undefined) return;
    const gone = this.#sources.filter(
      ({ state, first }) => state === 'gone' && first > cursor.commit,
    );
    if (gone.length <= faults) return;
    const left = this.#sources.filter(
      ({ replica, state }) => links.isUp(replica) && state !== 'gone' && state !== 'shunned',
    );
    if (left.length > faults && nowMs < this.#gapAtMs) {
      if (!Number.isFinite(this.#gapAtMs)) this.#gapAtMs = nowMs + PATIENCE_DELTAS * deltaMs;
      return;
    }
    const firsts = gone.map(({ first }) => first).sort((a, b) => a - b);
    this.#skipTo(startOf(firsts[gone.length - 1 - faults] ?? cursor.commit + 1), gone);
  }

  #skipTo(from: Position, gone: readonly Source[]): void {
    this.#gapAtMs = Number.POSITIVE_INFINITY;
    this.#move(from);
    for (const source of gone) source.retryAtMs = this.#shared.nowMs;
    this.#ends.gap(this.#hasBegun ? 'lagged' : 'compacted', from);
    this.#hasBegun = true;
    this.tick();
  }
}
