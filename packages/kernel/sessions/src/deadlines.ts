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
  readonly #heap: Entry[] = [];

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
    this.#heap.length = 0;
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
      const top = this.#heap[0];
      if (top === undefined || top.time > now) break;
      this.#pop();
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
    const heap = this.#heap;
    let at = heap.push({ time, key }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(heap[at] as Entry, heap[parent] as Entry)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      let least = at;
      for (const child of [left, left + 1]) {
        const entry = heap[child];
        if (entry !== undefined && isBefore(entry, heap[least] as Entry)) least = child;
      }
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #swap(a: number, b: number): void {
    const held = this.#heap[a] as Entry;
    this.#heap[a] = this.#heap[b] as Entry;
    this.#heap[b] = held;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.time < b.time || (a.time === b.time && a.key < b.key);
}
