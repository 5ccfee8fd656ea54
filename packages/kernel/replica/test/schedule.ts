// Test helper: what will happen in virtual time, as a heap.
interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

const isBefore = (a: Scheduled, b: Scheduled): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** What is due at one moment runs in the order in which it was added. */
export class Schedule {
  #heap: Scheduled[] = [];
  #order = 0;

  get next(): Scheduled | undefined {
    return this.#heap[0];
  }

  add(atMs: number, run: () => void): void {
    const entry = { atMs, order: this.#order++, run };
    let at = this.#heap.length;
    this.#heap.push(entry);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = this.#heap[up] as Scheduled;
      if (isBefore(parent, entry)) break;
      this.#heap[at] = parent;
      at = up;
    }
    this.#heap[at] = entry;
  }

  /** Takes the next one out. */
  take(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && isBefore(heap[right] as Scheduled, heap[child] as Scheduled)) {
        child = right;
      }
      if (!isBefore(heap[child] as Scheduled, last)) break;
      heap[at] = heap[child] as Scheduled;
      at = child;
    }
    heap[at] = last;
  }
}
