// The newest events of the cell, for watches that begin, or go on, in the past.
import type { CommitEvent, Position } from '@fatty/interface';

/** An event in its place: its commit, and its index among the events of that commit. */
export interface PlacedEvent extends CommitEvent {
  readonly position: Position;
}

/** Some events in a row, and where they end: what lies before `until` is in them. */
export interface Span {
  readonly events: readonly PlacedEvent[];
  readonly until: Position;
}

interface KeptCommit {
  readonly commit: number;
  readonly events: readonly CommitEvent[];
  readonly bytes: number;
}

/** What keeping an event takes besides what it says, bytes. */
const EVENT_OVERHEAD_BYTES = 120;
/** Dropped commits stay in the array until they are so many, and half of it. */
const COMPACT_FROM = 1_024;

/** The first place of a commit. */
export function startOf(commit: number): Position {
  return { commit, index: 0 };
}

/** Whether `a` comes before `b`. */
export function isBefore(a: Position, b: Position): boolean {
  return a.commit < b.commit || (a.commit === b.commit && a.index < b.index);
}

/**
 * The events of the newest commits, whole commits, as many as `bytesMax` allows; the newest commit always.
 * Commits without events take no room.
 */
export class RetainedEvents {
  readonly #bytesMax: number;
  #kept: KeptCommit[] = [];
  /** Of `#kept`: how many at its beginning are gone. */
  #gone = 0;
  #bytes = 0;
  #first = 1;
  #next = 1;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** All events from this commit on are here. */
  get first(): number {
    return this.#first;
  }

  /** The commit after the last one. */
  get next(): number {
    return this.#next;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Nothing is known before what comes behind this commit, unless it is where we are. */
  resume(commit: number): void {
    if (commit < this.#next) return;
    this.#kept = [];
    this.#gone = 0;
    this.#bytes = 0;
    this.#first = commit + 1;
    this.#next = commit + 1;
  }

  /** The next commit. One that was here before, which a core replays, says nothing new. */
  push(commit: number, events: readonly CommitEvent[]): void {
    if (commit < this.#next) return;
    this.resume(commit - 1);
    this.#next = commit + 1;
    if (events.length === 0) return;
    const bytes = events.reduce((sum, event) => sum + bytesOf(event), 0);
    this.#kept.push({ commit, events, bytes });
    this.#bytes += bytes;
    this.#drop();
  }

  #drop(): void {
    while (this.#bytes > this.#bytesMax && this.#kept.length - this.#gone > 1) {
      const oldest = this.#kept[this.#gone];
      if (oldest === undefined) return;
      this.#gone += 1;
      this.#bytes -= oldest.bytes;
      this.#first = oldest.commit + 1;
    }
    if (this.#gone < COMPACT_FROM || this.#gone * 2 < this.#kept.length) return;
    this.#kept = this.#kept.slice(this.#gone);
    this.#gone = 0;
  }

  /**
   * At most `eventsMax` events from a place that is still here. A span of fewer ends where the last
   * commit does.
   */
  from(from: Position, eventsMax: number): Span {
    const events: PlacedEvent[] = [];
    for (let at = this.#find(from.commit); at < this.#kept.length; at++) {
      const kept = this.#kept[at];
      if (kept === undefined) break;
      for (let index = kept.commit === from.commit ? from.index : 0; ; index++) {
        const event = kept.events[index];
        if (event === undefined) break;
        const position = { commit: kept.commit, index };
        if (events.length === eventsMax) return { events, until: position };
        events.push({ ...event, position });
      }
    }
    return { events, until: startOf(this.#next) };
  }

  /** Where the first kept commit stands that is no earlier than this one. */
  #find(commit: number): number {
    let [low, high] = [this.#gone, this.#kept.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#kept[middle]?.commit ?? commit) < commit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function bytesOf({ about, body }: CommitEvent): number {
  return EVENT_OVERHEAD_BYTES + 2 * about.length + body.length;
}
