// Watches: events as an async iterator.
import { type EventBody, splitPath, topicOf } from '@fatty/api';
import type { BelievedEvent } from '@fatty/core';
import type { Failure, Position } from '@fatty/interface';
import type { Driver } from './driver.ts';
import { FattyError } from './error.ts';

/** Options of `watch`. */
export interface WatchOptions {
  /** All that is below the path, too. Default: the node itself and what stands in it. */
  readonly recursive?: boolean | undefined;
  /**
   * Where to begin: the `next` of the last event dealt with, or the `position` of an earlier watch.
   * Default: now; what this client has seen by then does not come again.
   */
  readonly from?: Position | undefined;
  /** Ends the watch, and the loop over it, without an error. */
  readonly signal?: AbortSignal | undefined;
}

/** Its place, and where a watch goes on that has dealt with it. */
interface Placed {
  readonly position: Position;
  readonly next: Position;
}

/**
 * Events between the place asked for and `next` cannot be had any more. Read the state, then go on: the
 * events after `next` come. `compacted`: the watch began too early; `lagged`: it, or its reader, was too slow.
 */
export interface WatchGap {
  readonly kind: 'compacted' | 'lagged';
  readonly next: Position;
}

/** What a watch needs of its client. */
export type WatchDriver = Pick<Driver, 'nowMs' | 'unwatch' | 'watch' | 'watchTaken'>;

/** What a watch tells, in order; more than f replicas say so. */
export type WatchEvent = (EventBody & Placed) | WatchGap;

type Answer = IteratorResult<WatchEvent, undefined>;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

const DONE: Answer = { done: true, value: undefined };

/**
 * A watch at work from the call on; ends with its loop, its signal, `return()` or the client. Holds a
 * bounded number of events: whoever reads too slowly may be told `lagged`.
 */
export class Watch implements AsyncIterableIterator<WatchEvent, undefined>, AsyncDisposable {
  /** Resolves when it is known where the watch begins, or when it has ended. */
  readonly started: Promise<void>;
  readonly #driver: WatchDriver;
  readonly #id: number;
  readonly #signal: AbortSignal | undefined;
  readonly #stop = (): void => this.#end();
  readonly #path: string;
  readonly #buffer: WatchEvent[] = [];
  readonly #waiting: Waiting[] = [];
  #start: () => void = () => undefined;
  #until: Position | undefined;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #failure: Failure | undefined;
  /** Nothing more comes. */
  ended = false;

  /** @throws FattyError `bad_path` */
  constructor(
    driver: WatchDriver,
    path: string,
    { recursive = false, from, signal }: WatchOptions,
  ) {
    // A directory may be written as one.
    const at = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    const segments = splitPath(at);
    if (!segments.ok) throw refused(segments.failure, path);
    this.#driver = driver;
    this.#path = path;
    this.#until = from;
    this.#signal = signal;
    this.started = new Promise((resolve) => {
      this.#start = resolve;
    });
    if (from !== undefined) this.#start();
    this.#id = driver.watch(topicOf(at, recursive), from, {
      believed: (events, until) => this.#believed(events, until),
      gap: (kind, next) => this.#told([{ kind, next }], next),
      ended: (failure) => this.#end(failure),
    });
    signal?.addEventListener('abort', this.#stop);
    if (signal?.aborted) this.#end();
  }

  /**
   * All events before it have been handed out: where to go on later. Undefined: the watch has not begun.
   */
  get position(): Position | undefined {
    const [first] = this.#buffer;
    if (first === undefined) return this.#until;
    return 'position' in first ? first.position : first.next;
  }

  /** How long ago the cell said the last word about this watch, ms of the client's clock. */
  get ageMs(): number {
    return this.#driver.nowMs() - this.#toldAtMs;
  }

  #believed(events: readonly BelievedEvent[], until: Position): void {
    const placed = events.map(({ event, position }): WatchEvent => {
      const next = { commit: position.commit, index: position.index + 1 };
      return { ...event, position, next };
    });
    this.#told(placed, until);
  }

  #told(events: readonly WatchEvent[], until: Position): void {
    this.#until = until;
    this.#toldAtMs = this.#driver.nowMs();
    this.#start();
    this.#buffer.push(...events);
    while (this.#waiting.length > 0 && this.#buffer.length > 0) {
      const answer = this.#take();
      if (answer !== undefined) this.#waiting.shift()?.resolve(answer);
    }
  }

  #take(): Answer | undefined {
    const value = this.#buffer.shift();
    if (value === undefined) return undefined;
    if ('position' in value && !this.ended) this.#driver.watchTaken(this.#id, 1);
    return { done: false, value };
  }

  #end(failure?: Failure): void {
    if (this.ended) return;
    this.ended = true;
    this.#failure = failure;
    this.#signal?.removeEventListener('abort', this.#stop);
    this.#driver.unwatch(this.#id);
    this.#start();
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (failure === undefined) resolve(DONE);
      else reject(refused(failure, this.#path));
    }
  }

  /** The next event. @throws FattyError `no_events`, `too_many_watches` */
  next(): Promise<Answer> {
    const answer = this.#take();
    if (answer !== undefined) return Promise.resolve(answer);
    if (this.#failure !== undefined) return Promise.reject(refused(this.#failure, this.#path));
    if (this.ended) return Promise.resolve(DONE);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** Ends the watch; what it had not handed out is dropped. */
  return(): Promise<Answer> {
    this.#buffer.length = 0;
    this.#end();
    return Promise.resolve(DONE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function refused(failure: Failure, path: string): FattyError {
  return new FattyError(failure, { outcome: 'not_applied', retryable: false, path });
}
