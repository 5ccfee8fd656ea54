// The replica at work in a process, and the one that is opened to take its place.
import type { SignatureScheme, Signer } from '@fatty/codec';
import type { FrameBytes, ReplicaCore, ResumedAt } from '@fatty/host';
import type { Failure, StateMachine } from '@fatty/interface';
import { type Cell, type Committee, memberIndex } from '@fatty/protocol';
import { beginBehind, firstEpoch, type OpenedEpoch, Replica } from '@fatty/replica';

/** How a replica without a past is made. */
export interface CoreParts {
  /** With the genesis committee. */
  readonly cell: Cell;
  readonly signer: Signer;
  readonly scheme: SignatureScheme;
  /** The machine of a replica that begins, for members of such a committee. */
  fresh(committee: Committee): StateMachine;
  /** Puts another program in its place. */
  readonly wrap?: ((replica: Replica, signer: Signer, cell: Cell) => ReplicaCore) | undefined;
}

/** A replica that is opened. */
export interface OpenedCore {
  readonly core: ReplicaCore;
  /** The commit that it goes on behind; undefined: it has none but those of its log. */
  readonly at: ResumedAt | undefined;
  /** Why newer frames were not taken. */
  readonly failures: readonly Failure[];
}

/**
 * One replica after another, each of the epoch that the disk leads to. The old one is shown until the new one
 * has read the disk; which members there are is known as soon as the new one is opened.
 */
export class Core {
  readonly #parts: CoreParts;
  #epoch: OpenedEpoch;
  #replica: Replica;
  #opened: Replica;

  /** @throws Error when the own key is not one of the genesis committee's */
  constructor(parts: CoreParts) {
    this.#parts = parts;
    this.#epoch = firstEpoch(parts.cell.committee);
    const replica = this.#make(this.#epoch);
    if (replica === undefined) throw new Error('not a member');
    this.#replica = replica;
    this.#opened = replica;
  }

  /** The cell as it is in the epoch of the opened replica. */
  get cell(): Cell {
    return { ...this.#parts.cell, committee: this.#epoch.committee };
  }

  /** Own committee index in that epoch. */
  get me(): number {
    return memberIndex(this.#epoch.committee, this.#parts.signer.publicKey);
  }

  /** The replica whose state is shown. */
  get replica(): Replica {
    return this.#replica;
  }

  /** The replica that reads the disk, or has read it. */
  get opened(): Replica {
    return this.#opened;
  }

  get machine(): StateMachine {
    return this.#replica.machine;
  }

  /** As a driver wants the opened replica. */
  get driven(): ReplicaCore {
    return this.#driven(this.#opened);
  }

  /**
   * Makes the replica that the frames of the disk lead to, the newest first; undefined: the own key is no
   * member in that epoch, which is the epoch of {@link cell} then.
   */
  open(frames: readonly FrameBytes[]): OpenedCore | undefined {
    const { cell, scheme } = this.#parts;
    const rules = { cellId: cell.cellId, scheme, genesis: cell.committee };
    const begun = beginBehind<ResumedAt, Replica>(rules, frames, (epoch) => this.#make(epoch));
    this.#epoch = begun.epoch;
    if (begun.core === undefined) return undefined;
    this.#opened = begun.core;
    const { at, failures } = begun;
    return { core: this.driven, at, failures };
  }

  /** The opened replica has read the disk. */
  begin(): void {
    this.#replica = this.#opened;
  }

  #make({ committee, origin, links }: OpenedEpoch): Replica | undefined {
    const { cell, signer, scheme, fresh } = this.#parts;
    const me = memberIndex(committee, signer.publicKey);
    if (me < 0) return undefined;
    const { cellId } = cell;
    const machine = fresh(committee);
    return new Replica({ committee, cellId, origin, links, me, signer, scheme, machine });
  }

  #driven(replica: Replica): ReplicaCore {
    const core = this.#parts.wrap?.(replica, this.#parts.signer, this.cell) ?? replica;
    return {
      step: (event) => core.step(event),
      resume: (head, state) => replica.resume(head, state),
      restore: (records, mark) => replica.restore(records, mark),
    };
  }
}
