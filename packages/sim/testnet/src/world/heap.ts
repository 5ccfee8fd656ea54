/** A thing that happens at a virtual time. Ties are broken by the order of scheduling. */
export interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

function before(a: Scheduled, b: Scheduled): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Binary heap of scheduled events: the whole clockwork of a simulated world. */
export class EventHeap {
  #items: Scheduled[] = [];
  #order = 0;

  get size(): number {
    return this.#items.length;
  }

  peekMs(): number | undefined {
    return this.#items[0]?.atMs;
  }

  push(atMs: number, run: () => void): void {
    const items = this.#items;
    const item = { atMs, order: this.#order++, run };
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = items[up] as Scheduled;
      if (!before(item, parent)) break;
      items[at] = parent;
      at = up;
    }
    items[at] = item;
  }

  pop(): Scheduled | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= items.length) break;
      const right = left + 1;
      const a = items[left] as Scheduled;
      const b = items[right];
      const child = b !== undefined && before(b, a) ? right : left;
      const best = items[child] as Scheduled;
      if (!before(best, last)) break;
      items[at] = best;
      at = child;
    }
    items[at] = last;
    return top;
  }
}
