// The replica at work in a process, and the one that is opened to take its place.
import type { ReplicaCore } from '@fatty/host';
import type { StateMachine } from '@fatty/interface';
import type { Replica } from '@fatty/replica';

/** How a replica without a past is made. */
export interface CoreParts {
  make(): Replica;
  /** Puts another program in its place. */
  readonly wrap?: ((replica: Replica) => ReplicaCore) | undefined;
}

/** One replica after another: the old one is shown until the new one has read the disk. */
export class Core {
  readonly #parts: CoreParts;
  #replica: Replica;
  #opened: Replica;

  constructor(parts: CoreParts) {
    this.#parts = parts;
    this.#replica = parts.make();
    this.#opened = this.#replica;
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
    const replica = this.#opened;
    const core = this.#parts.wrap?.(replica) ?? replica;
    return {
      step: (event) => core.step(event),
      resume: (head, state) => replica.resume(head, state),
      restore: (records, mark) => replica.restore(records, mark),
    };
  }

  /** Makes another replica without a past. */
  open(): ReplicaCore {
    this.#opened = this.#parts.make();
    return this.driven;
  }

  /** The opened replica has read the disk. */
  begin(): void {
    this.#replica = this.#opened;
  }
}
