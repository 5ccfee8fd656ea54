// The delivered view of a replica.
import { type Block, compareRefs, type Dag, type Ref, refKey } from '@fatty/broadcast';
import type { OrderedBatch, StateMachine } from '@fatty/interface';
import type { Orderer } from '@fatty/order';
import { memberKey } from '@fatty/protocol';
import { orderedBatch } from '../checks/validate.ts';

/** A machine over the committed state of this one, for pending batches (see `StateMachine.view`). */
export function viewOf(machine: StateMachine): StateMachine {
  const view = machine.view?.();
  if (view) return view;
  const copy = machine.fresh();
  copy.restore(machine.snapshot());
  return copy;
}

/** What Delivered needs of its replica. */
export interface DeliveredPort {
  readonly dag: Dag;
  readonly machine: StateMachine;
  readonly orderer: Orderer;
}

/**
 * Blocks that are delivered and not committed yet, and the view that folds their batches over the
 * committed state (R21a). A function of (committed state, delivered set): the order of arrival
 * does not show.
 */
export class Delivered {
  readonly #port: DeliveredPort;
  readonly #pending = new Map<string, Block>();
  #view: StateMachine | undefined;

  constructor(port: DeliveredPort) {
    this.#port = port;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** The block is delivered; it may have been committed before. */
  add(ref: Ref): void {
    const { dag, orderer } = this.#port;
    const block = orderer.isCommitted(ref) ? undefined : dag.whole(ref);
    if (block === undefined || block.batches.length === 0) return;
    this.#pending.set(refKey(ref), block);
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
    const view = viewOf(this.#port.machine);
    for (const batch of this.#batches()) view.deliverBatch(batch);
    this.#view = view;
    return view;
  }

  /** Every copy by the ref of its block, as a commit would try them. */
  #batches(): readonly OrderedBatch[] {
    const { committee } = this.#port.dag;
    const blocks = [...this.#pending.values()].sort((a, b) => compareRefs(a.ref, b.ref));
    return blocks.flatMap(({ batches, ref }) =>
      batches.map((carried) => orderedBatch(carried, memberKey(committee, ref.author))),
    );
  }
}
