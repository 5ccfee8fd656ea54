// The jobs of one queue that are not over: who has how many of them, and which are ready.
import { comparePositions } from '@fatty/api';
import { invariant, toHex } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import type { Job } from './job-state.ts';

/** A job that is ready to be claimed. */
export interface Ready {
  readonly path: string;
  readonly priority: number;
  readonly queuedAt: Position;
  /** Hex keys of who may claim it; undefined: anybody. */
  readonly workers: ReadonlySet<string> | undefined;
  /** By hex key of a worker that has failed it: until when (lease clock, ms) it may not. */
  readonly barred: ReadonlyMap<string, number>;
}

/** A job as its queue sees it. Only of one that is ready. */
export function readyOf(path: string, { priority, queuedAt, workers, failedBy }: Job): Ready {
  invariant(queuedAt !== undefined, 'a ready job has its place');
  return {
    path,
    priority,
    queuedAt,
    workers: workers.length === 0 ? undefined : new Set(workers.map(toHex)),
    barred: new Map(failedBy.map(({ worker, until }) => [toHex(worker), until])),
  };
}

/** Whether this worker (hex key) may have the job now. */
export function isFor(worker: string, { workers, barred }: Ready, now: number): boolean {
  return (workers?.has(worker) ?? true) && (barred.get(worker) ?? 0) <= now;
}

/** Higher priorities first, then who has waited longest. */
function compareReady(a: Ready, b: Ready): number {
  return b.priority - a.priority || comparePositions(a.queuedAt, b.queuedAt);
}

/** Derived from the namespace: rebuilt, never in a snapshot. */
export class JobQueue {
  readonly #ready: Ready[] = [];
  readonly #ofOwner = new Map<string, number>();
  #size = 0;

  /** Jobs that have not ended. */
  get size(): number {
    return this.#size;
  }

  /** Those of one owner, by hex key. */
  sizeOf(owner: string): number {
    return this.#ofOwner.get(owner) ?? 0;
  }

  count(owner: string, by: 1 | -1): void {
    this.#size += by;
    const left = this.sizeOf(owner) + by;
    if (left === 0) this.#ofOwner.delete(owner);
    else this.#ofOwner.set(owner, left);
  }

  add(ready: Ready): void {
    this.#ready.splice(this.#placeOf(ready), 0, ready);
  }

  delete(ready: Ready): void {
    const place = this.#placeOf(ready);
    invariant(this.#ready[place]?.path === ready.path, 'a ready job stands in its queue');
    this.#ready.splice(place, 1);
  }

  /** The first that this worker may have now. */
  firstFor(worker: string, now: number, mayWrite: (path: string) => boolean): Ready | undefined {
    return this.#ready.find((ready) => isFor(worker, ready, now) && mayWrite(ready.path));
  }

  #placeOf(ready: Ready): number {
    let [low, high] = [0, this.#ready.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#ready[middle];
      if (other !== undefined && compareReady(other, ready) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
