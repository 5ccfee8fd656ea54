// Keys with a due time, the earliest first.
import TinyQueue from 'tinyqueue';

interface Entry {
  readonly time: number;
  readonly key: string;
}

/** Fewer entries are not worth a sweep. */
const SWEEP_MIN = 32;

/**
 * Keys with a due time, ready in O(log n), never scanned. Times mostly move later (keep-alives), so
 * a key has one heap entry that is put back when it comes up early, instead of one per renewal.
 * Entries of keys that are gone, or due earlier by now, are swept out once they are the most.
 * Derived data: rebuilt from the state it mirrors, never part of a snapshot.
 */
export class Deadlines {
  readonly #due = new Map<string, number>();
  /** Time of the key's live heap entry; any other entry of that key is stale. */
  readonly #scheduled = new Map<string, number>();
  #heap = new TinyQueue<Entry>([], compareEntries);

  get size(): number {
    return this.#due.size;
  }

  set(key: string, time: number): void {
    this.#due.set(key, time);
    const scheduled = this.#scheduled.get(key);
    if (scheduled !== undefined && time >= scheduled) return;
    this.#push(key, time);
    this.#sweep();
  }

  delete(key: string): void {
    if (this.#due.delete(key)) this.#sweep();
  }

  /** Heap entries, stale ones among them: at most twice {@link size}, and a few. */
  get entries(): number {
    return this.#heap.length;
  }

  /** O(n), once for every n entries that went stale. */
  #sweep(): void {
    if (this.#heap.length <= 2 * this.#due.size + SWEEP_MIN) return;
    this.#heap = new TinyQueue<Entry>([], compareEntries);
    this.#scheduled.clear();
    for (const [key, time] of this.#due) this.#push(key, time);
  }

  /**
   * Removes and answers the keys due at or before `now`, by their time, then by key: at most `max`
   * of them. The rest is due again at the next call.
   */
  take(now: number, max: number = Number.POSITIVE_INFINITY): string[] {
    const ready: string[] = [];
    while (ready.length < max) {
      const top = this.#heap.peek();
      if (top === undefined || top.time > now) break;
      this.#heap.pop();
      if (this.#scheduled.get(top.key) !== top.time) continue;
      this.#scheduled.delete(top.key);
      const due = this.#due.get(top.key);
      if (due === undefined) continue;
      // Its time has moved: it has its turn then, or the order would depend on when it moved.
      if (due > top.time) {
        this.#push(top.key, due);
        continue;
      }
      this.#due.delete(top.key);
      ready.push(top.key);
    }
    return ready;
  }

  #push(key: string, time: number): void {
    this.#scheduled.set(key, time);
    this.#heap.push({ time, key });
  }
}

/** By time, then by key: the same order on every replica. */
function compareEntries(a: Entry, b: Entry): number {
  if (a.time !== b.time) return a.time - b.time;
  return a.key < b.key ? -1 : Number(a.key > b.key);
}
