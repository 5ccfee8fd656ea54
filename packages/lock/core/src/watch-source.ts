// What one replica says about one watch.
import { comparePositions } from '@fatty/api';
import type { Failure, Position } from '@fatty/interface';
import type { GatewayMessageOf, WatchedEvent } from '@fatty/protocol';

type Watched = Extract<GatewayMessageOf<never>, { kind: 'watched' }>;

/** The first place of a commit. */
export function startOf(commit: number): Position {
  return { commit, index: 0 };
}

/**
 * Where a watch stands with a replica. `idle`: not asked. `asked`: has not answered. `open`: tells.
 * `gone`: does not have the events any more. `shunned`: has said what cannot be, on this link.
 */
export type SourceState = 'idle' | 'asked' | 'open' | 'gone' | 'shunned';

/**
 * One replica's word about one watch: events from a place on, none left out, as far as it has told.
 * Holds at most as many events as it was given room for.
 */
export class Source {
  readonly replica: number;
  state: SourceState = 'idle';
  /** Number of the watch on this link; each time another. */
  wire = 0;
  /** Of `gone`: the first commit whose events it has all. */
  first = 0;
  /** When it may be asked (again), ms. */
  retryAtMs = 0;
  /** Refusals in a row. */
  refusals = 0;
  /** Room that can be given back: events that are not kept here any more. */
  owed = 0;
  #queue: WatchedEvent[] = [];
  /** Everything before this place has been told; undefined: it began where it was, and has not said where. */
  #until: Position | undefined;
  /** Where its word begins. */
  #from: Position | undefined;
  #room = 0;

  constructor(replica: number) {
    this.replica = replica;
  }

  /** It is asked from this place on, or (undefined) from where it is. */
  ask(wire: number, from: Position | undefined, room: number): void {
    this.state = 'asked';
    this.wire = wire;
    this.owed = 0;
    this.#queue = [];
    this.#from = from;
    this.#until = from;
    this.#room = room;
  }

  /** Nothing it has said counts any more. */
  leave(state: SourceState): void {
    this.state = state;
    this.wire = 0;
    this.#queue = [];
    this.#from = undefined;
    this.#until = undefined;
  }

  get from(): Position | undefined {
    return this.#from;
  }

  /** It may send events: that it says nothing means something. */
  get hasRoom(): boolean {
    return this.#room > 0;
  }

  /** Takes what it says; answers what cannot be. */
  hear({ events, until }: Watched): Failure | undefined {
    if (this.#until === undefined && events.length > 0) {
      return { code: 'watch_unsorted', expected: 'where it begins', actual: 'events' };
    }
    let least = this.#until ?? until;
    for (const { position } of events) {
      if (comparePositions(position, least) < 0) return unsorted(least, position);
      least = { commit: position.commit, index: position.index + 1 };
    }
    if (comparePositions(until, least) < 0) return unsorted(least, until);
    if (events.length > this.#room) {
      return {
        code: 'watch_flooded',
        expected: `${this.#room} events`,
        actual: `${events.length}`,
      };
    }
    this.#room -= events.length;
    this.#queue.push(...events);
    this.#from ??= until;
    this.#until = until;
    this.state = 'open';
    this.refusals = 0;
    return undefined;
  }

  /** What is settled is not kept: it can tell as much more. */
  passed(cursor: Position): void {
    const keep = this.#queue.findIndex(({ position }) => comparePositions(position, cursor) >= 0);
    const gone = keep < 0 ? this.#queue.length : keep;
    if (gone === 0) return;
    this.#queue.splice(0, gone);
    this.owed += gone;
  }

  /** It was told that it may send so many more. */
  giveRoom(): number {
    const room = this.owed;
    this.owed = 0;
    this.#room += room;
    return room;
  }

  /** Whether its word covers what comes at the cursor. */
  covers(cursor: Position): boolean {
    return (
      this.state === 'open' && this.#from !== undefined && comparePositions(this.#from, cursor) <= 0
    );
  }

  /** The next event by its word, the settled ones being gone. */
  get head(): WatchedEvent | undefined {
    return this.#queue[0];
  }

  /** By its word there is nothing before this place. */
  silentUntil(cursor: Position): Position {
    return this.head?.position ?? this.#until ?? cursor;
  }
}

function unsorted(least: Position, found: Position): Failure {
  const show = ({ commit, index }: Position): string => `${commit}.${index}`;
  return { code: 'watch_unsorted', expected: `${show(least)} or later`, actual: show(found) };
}
