import { type Block, compareRefs, type Ref, refKey } from '@fatty/broadcast';
import { toHex } from '@fatty/codec';
import type { OrderedBatch, StateMachine } from '@fatty/interface';
import { orderedBatch } from './validate.ts';

/** A machine over the committed state of this one, for pending batches (see `StateMachine.view`). */
export function viewOf(machine: StateMachine): StateMachine {
  const view = machine.view?.();
  if (view) return view;
  const copy = machine.fresh();
  copy.restore(machine.snapshot());
  return copy;
}

/**
 * Blocks that are delivered and not committed yet, and the view that folds their batches over the
 * committed state (R21a). A function of (committed state, delivered set): the order of arrival
 * does not show.
 */
export class Delivered {
  readonly #machine: StateMachine;
  readonly #pending = new Map<string, Block>();
  #view: StateMachine | undefined;

  constructor(machine: StateMachine) {
    this.#machine = machine;
  }

  get size(): number {
    return this.#pending.size;
  }

  add(block: Block): void {
    if (block.batches.length === 0) return;
    this.#pending.set(refKey(block.ref), block);
    this.#view = undefined;
  }

  /** The committed state moved, and these blocks are part of it. */
  committed(refs: readonly Ref[]): void {
    for (const ref of refs) this.#pending.delete(refKey(ref));
    this.#view = undefined;
  }

  /** Cached until something changes. The caller must not change it. */
  view(): StateMachine {
    if (this.#view) return this.#view;
    const view = viewOf(this.#machine);
    for (const batch of this.#batches()) view.deliverBatch(batch);
    this.#view = view;
    return view;
  }

  /**
   * By lowest ref that carries it; of two with one (session, seq) the first counts, as at commit.
   * A batch waits for the batch before it in its session if that one is pending too.
   */
  #batches(): readonly OrderedBatch[] {
    const places = new Map<string, OrderedBatch>();
    const place = (session: Uint8Array, seq: number): string => `${toHex(session)}/${seq}`;
    const blocks = [...this.#pending.values()].sort((a, b) => compareRefs(a.ref, b.ref));
    for (const block of blocks) {
      for (const carried of block.batches) {
        const key = place(carried.batch.session, carried.batch.seq);
        if (!places.has(key)) places.set(key, orderedBatch(carried, block.ref.author));
      }
    }
    const ordered = new Set<OrderedBatch>();
    for (const batch of places.values()) {
      const chain: OrderedBatch[] = [];
      let next: OrderedBatch | undefined = batch;
      for (; next && !ordered.has(next); next = places.get(place(next.session, next.seq - 1))) {
        chain.push(next);
      }
      for (const one of chain.reverse()) ordered.add(one);
    }
    return [...ordered];
  }
}
