// Watches: clients that hear of events, each at its own pace.
import { toHex } from '@fatty/codec';
import type { CommitEvent, Failure, Position } from '@fatty/interface';
import { BULK, PROTOCOL } from '@fatty/interface';
import { type ClientMessageOf, type GatewayMessageOf, WATCHED_EVENTS_MAX } from '@fatty/protocol';
import type { GatewayLimits, GatewayTimers, WatchRules } from './contract.ts';
import { isBefore, type PlacedEvent, RetainedEvents, startOf } from './retained.ts';
import type { Telling } from './telling.ts';
import type { Visitor } from './visitors.ts';

type Watch = Extract<ClientMessageOf<never>, { kind: 'watch' }>;
type More = Extract<ClientMessageOf<never>, { kind: 'watchMore' }>;
type Watched = Extract<GatewayMessageOf<never>, { kind: 'watched' }>;

/** Watches that hear of nothing are told so this often, ms. */
const MARK_MS = 1_000;
/** When what a link did not take is tried again, ms. */
const RETRY_MS = 50;
/** Events that are looked at in one turn of the event loop, for all who are behind together. */
const SCAN_MAX = 4_096;
/** Body bytes of one message; a single event may be longer. */
const MESSAGE_BYTES_MAX = 64 << 10;

/** Who watches what, and how far it has been told. Holds no events: those are in the ring. */
interface Watcher {
  readonly visitor: Visitor;
  readonly id: number;
  readonly topic: string;
  /** Events it may still be sent: the client bounds what it has to hold. */
  room: number;
  /** It has been told of everything before this place. */
  cursor: Position;
  /** It has been told of all there is; else it is behind, and catches up from the ring. */
  isLive: boolean;
  /** Something was told: from here on what it misses is its own lag. */
  hasBegun: boolean;
}

/** What watches need of their gateway. */
export interface WatchParts {
  readonly rules: WatchRules | undefined;
  readonly limits: Pick<GatewayLimits, 'watchesPerClientMax' | 'watchesMax' | 'eventBytesMax'>;
  readonly timers: GatewayTimers;
  readonly telling: Pick<Telling<never>, 'bytesOf' | 'send' | 'serve'>;
}

/**
 * The watches of all clients of one gateway. A commit is told to those that are live and have room, in
 * passing; who is behind catches up from the ring, some events a turn. So a slow watch costs a place in
 * the ring and nothing else: no writer and no other watch waits for it.
 */
export class Watches {
  readonly #parts: WatchParts;
  readonly #ring: RetainedEvents;
  readonly #byVisitor = new Map<Visitor, Map<number, Watcher>>();
  readonly #byTopic = new Map<string, Set<Watcher>>();
  /** By client key. */
  readonly #counts = new Map<string, number>();
  /** Behind, with room: their turns come round. */
  readonly #behind = new Set<Watcher>();
  #size = 0;
  #isArmed = false;
  #isMarking = false;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    this.#ring = new RetainedEvents(parts.limits.eventBytesMax);
  }

  get size(): number {
    return this.#size;
  }

  /** A core begins behind this commit. */
  resume(commit: number): void {
    this.#ring.resume(commit);
  }

  /** A commit that a core has replayed: nobody is told, but it is here for who asks. */
  replayed(commit: number, events: readonly CommitEvent[] = []): void {
    this.#ring.push(commit, events);
  }

  watch(visitor: Visitor, message: Watch, slowDown: Failure | undefined): void {
    const { watch: id, topic, from, room } = message;
    const refusal = slowDown ?? this.#refusal(visitor, message);
    if (refusal) return this.#tellEnd(visitor, id, refusal);
    const watcher: Watcher = {
      visitor,
      id,
      topic,
      room: Math.min(room, WATCHED_EVENTS_MAX),
      cursor: from ?? startOf(this.#ring.next),
      isLive: false,
      hasBegun: false,
    };
    this.#add(watcher);
    this.#catchUp(watcher, SCAN_MAX);
    this.#mark();
  }

  #refusal(visitor: Visitor, { watch, topic }: Watch): Failure | undefined {
    const { rules, limits } = this.#parts;
    if (rules === undefined) return failure('no_events', 'an algorithm with events', 'one without');
    if (!rules.isTopic(topic)) return failure('bad_topic', 'a topic', topic.slice(0, 80));
    if (this.#byVisitor.get(visitor)?.has(watch)) {
      return failure('watch_reused', 'a new number', String(watch));
    }
    const own = this.#counts.get(toHex(visitor.link.peer)) ?? 0;
    if (own >= limits.watchesPerClientMax) {
      return failure('too_many_watches', `at most ${limits.watchesPerClientMax} a key`, `${own}`);
    }
    if (this.#size < limits.watchesMax) return undefined;
    return failure('too_many_watches', `at most ${limits.watchesMax}`, `${this.#size}`);
  }

  #add(watcher: Watcher): void {
    const { visitor, id, topic } = watcher;
    const own = this.#byVisitor.get(visitor) ?? new Map<number, Watcher>();
    this.#byVisitor.set(visitor, own.set(id, watcher));
    const same = this.#byTopic.get(topic) ?? new Set<Watcher>();
    this.#byTopic.set(topic, same.add(watcher));
    this.#count(visitor, 1);
  }

  #count(visitor: Visitor, by: number): void {
    const key = toHex(visitor.link.peer);
    const own = (this.#counts.get(key) ?? 0) + by;
    if (own > 0) this.#counts.set(key, own);
    else this.#counts.delete(key);
    this.#size += by;
  }

  /** The client has room for so many events more. */
  more(visitor: Visitor, { watch, room }: More): void {
    const watcher = this.#byVisitor.get(visitor)?.get(watch);
    if (watcher === undefined) return;
    watcher.room = Math.min(watcher.room + room, WATCHED_EVENTS_MAX);
    if (!watcher.isLive) this.#queue(watcher);
  }

  unwatch(visitor: Visitor, id: number): void {
    const watcher = this.#byVisitor.get(visitor)?.get(id);
    if (watcher) this.#remove(watcher);
  }

  /** Its link has ended. */
  forget(visitor: Visitor): void {
    for (const watcher of this.#byVisitor.get(visitor)?.values() ?? []) this.#remove(watcher);
  }

  #remove(watcher: Watcher): void {
    const { visitor, id, topic } = watcher;
    const own = this.#byVisitor.get(visitor);
    own?.delete(id);
    if (own?.size === 0) this.#byVisitor.delete(visitor);
    const same = this.#byTopic.get(topic);
    same?.delete(watcher);
    if (same?.size === 0) this.#byTopic.delete(topic);
    this.#behind.delete(watcher);
    this.#count(visitor, -1);
  }

  /** Tells whoever is live, and keeps the events for the others. */
  committed(commit: number, events: readonly CommitEvent[] = []): void {
    this.#ring.push(commit, events);
    if (this.#size === 0 || events.length === 0) return;
    const told = new Map<Watcher, PlacedEvent[]>();
    for (const [index, event] of events.entries()) {
      const placed = { ...event, position: { commit, index } };
      for (const watcher of this.#live(placed)) {
        const own = told.get(watcher);
        if (own) own.push(placed);
        else told.set(watcher, [placed]);
      }
    }
    for (const [watcher, own] of told) {
      // It is live: there was nothing for it before this commit.
      if (watcher.cursor.commit < commit) watcher.cursor = startOf(commit);
      this.#tell(watcher, own, startOf(commit + 1));
    }
  }

  *#live({ about, position }: PlacedEvent): Generator<Watcher> {
    for (const topic of this.#parts.rules?.topicsOf(about) ?? []) {
      for (const watcher of this.#byTopic.get(topic) ?? []) {
        const isDue = watcher.isLive && !isBefore(position, watcher.cursor);
        if (isDue && this.#mayHear(watcher, about)) yield watcher;
      }
    }
  }

  /** All events of this watch before `until`: as many as there is room for, the others from the ring. */
  #tell(watcher: Watcher, events: readonly PlacedEvent[], until: Position): boolean {
    const count = fitting(events, watcher.room);
    const cut = events[count];
    const reached = cut === undefined ? until : cut.position;
    if (count > 0 || cut === undefined) {
      if (!this.#send(watcher, events.slice(0, count), reached)) {
        watcher.isLive = false;
        this.#queue(watcher, RETRY_MS);
        return false;
      }
      watcher.room -= count;
      watcher.cursor = reached;
    }
    if (cut === undefined) return true;
    watcher.isLive = false;
    watcher.cursor = reached;
    this.#queue(watcher);
    return true;
  }

  #send(watcher: Watcher, placed: readonly PlacedEvent[], until: Position): boolean {
    const { visitor, id } = watcher;
    const events = placed.map(({ position, body }) => ({ position, body }));
    const message: Watched = { kind: 'watched', watch: id, until, events };
    const { telling } = this.#parts;
    let isTaken = false;
    telling.serve(visitor.link, 'watched', () => {
      isTaken = visitor.link.send(telling.bytesOf(message), BULK);
    });
    watcher.hasBegun ||= isTaken;
    return isTaken;
  }

  /** One turn of a watch that is behind; answers how many events were looked at. */
  #catchUp(watcher: Watcher, scanMax: number): number {
    const ring = this.#ring;
    this.#behind.delete(watcher);
    if (watcher.cursor.commit < ring.first) {
      this.#endLate(watcher);
      return 0;
    }
    const { events, until } = ring.from(watcher.cursor, scanMax);
    const isAll = until.commit === ring.next;
    const own = events.filter(
      ({ about }) => this.#isAbout(watcher.topic, about) && this.#mayHear(watcher, about),
    );
    // Ahead of this replica: what comes is told from there on.
    const reached = isBefore(until, watcher.cursor) ? watcher.cursor : until;
    watcher.isLive = isAll;
    const isTaken = this.#tell(watcher, own, reached);
    if (isTaken && !watcher.isLive) this.#queue(watcher);
    return events.length;
  }

  #isAbout(topic: string, about: string): boolean {
    return this.#parts.rules?.topicsOf(about).includes(topic) ?? false;
  }

  #mayHear({ visitor }: Watcher, about: string): boolean {
    return this.#parts.rules?.mayHear(about, visitor.link.peer) ?? false;
  }

  /** What it has not heard is gone from the ring. */
  #endLate(watcher: Watcher): void {
    const { visitor, id, cursor, hasBegun } = watcher;
    const code = hasBegun ? 'lagged' : 'compacted';
    const { first } = this.#ring;
    this.#remove(watcher);
    const expected = `events from commit ${cursor.commit} on`;
    this.#tellEnd(visitor, id, failure(code, expected, `from ${first} on`), first);
  }

  #tellEnd(visitor: Visitor, watch: number, why: Failure, first = 0): void {
    this.#parts.telling.send(visitor, { kind: 'watchEnded', watch, first, failure: why }, PROTOCOL);
  }

  #queue(watcher: Watcher, delayMs = 0): void {
    if (watcher.room === 0) return;
    this.#behind.add(watcher);
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#parts.timers.after(delayMs, () => this.#turn());
  }

  /** Some of those that are behind go on, the longest waiting first. */
  #turn(): void {
    this.#isArmed = false;
    let left = SCAN_MAX;
    for (const watcher of Array.from(this.#behind)) {
      if (left <= 0) break;
      left -= 1 + this.#catchUp(watcher, left);
    }
    const [next] = this.#behind;
    if (next) this.#queue(next, RETRY_MS);
  }

  /** While there are watches: who has heard nothing for a while hears that there was nothing. */
  #mark(): void {
    if (this.#isMarking || this.#size === 0) return;
    this.#isMarking = true;
    this.#parts.timers.after(MARK_MS, () => {
      this.#isMarking = false;
      for (const own of Array.from(this.#byVisitor.values())) {
        for (const watcher of Array.from(own.values())) this.#markOne(watcher);
      }
      this.#mark();
    });
  }

  #markOne(watcher: Watcher): void {
    const until = startOf(this.#ring.next);
    if (!watcher.isLive) {
      if (watcher.cursor.commit < this.#ring.first) this.#endLate(watcher);
    } else if (isBefore(watcher.cursor, until)) this.#tell(watcher, [], until);
  }
}

/** How many of these one message takes. */
function fitting(events: readonly PlacedEvent[], room: number): number {
  let bytes = 0;
  for (const [count, { body }] of events.entries()) {
    bytes += body.length;
    if (count === room || (count > 0 && bytes > MESSAGE_BYTES_MAX)) return count;
  }
  return events.length;
}

function failure(code: string, expected: string, actual: string): Failure {
  return { code, expected, actual };
}
