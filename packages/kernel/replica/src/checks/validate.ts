// The algorithm's checks of one batch.
import { type CarriedBatch, type ClosedBatch, type OpenedOps, openOps } from '@fatty/broadcast';
import type { Ask, OrderedBatch, PublicKey, StateMachine, Verdict } from '@fatty/interface';

/** R11a over a batch: what it costs, and the first refusal if there is one. */
export interface Judged {
  /** The slow checks. */
  readonly asks: readonly Ask[];
  /** R11: what applying it may cost, in ordinary ops. */
  readonly weight: number;
  readonly refusal: Exclude<Verdict, { kind: 'accept' }> | undefined;
}

/** What a batch costs every replica: slow checks, and work of apply in ordinary ops. */
export interface Cost {
  readonly proofs: number;
  readonly weight: number;
}

/** What a judged batch costs. */
export function costOf({ asks, weight }: Judged): Cost {
  return { proofs: asks.length, weight };
}

/** Op by op, as a block's check does: what cannot be opened is refused where its turn comes. */
export function validateBatch(
  machine: StateMachine,
  author: PublicKey,
  { batch }: ClosedBatch,
  { opened, flaw }: Pick<OpenedOps, 'opened'> & Partial<OpenedOps>,
): Judged {
  const { client, session, seq, basis } = batch;
  const asks: Ask[] = [];
  let weight = 0;
  for (const [index, op] of opened.entries()) {
    const answer = machine.validate({ client, session, seq, index, author, basis }, op);
    if (answer.kind === 'ignore' || answer.kind === 'reject') {
      return { asks, weight, refusal: answer };
    }
    weight += answer.weight ?? 1;
    if (answer.kind === 'ask') asks.push(answer);
  }
  return { asks, weight, refusal: flaw && { kind: 'reject', ...flaw } };
}

/** A batch as the state machine sees it. */
export function orderedBatch({ id, batch, opened }: CarriedBatch, author: PublicKey): OrderedBatch {
  return { id, author, ...batch, opened };
}

/** A batch at a gateway's door, whose ops are opened when somebody looks at them, and once. */
export class Arrival {
  readonly closed: ClosedBatch;
  readonly #open: StateMachine['open'];
  #ops: OpenedOps | undefined;

  constructor(closed: ClosedBatch, machine: StateMachine) {
    this.closed = closed;
    this.#open = (bytes) => machine.open(bytes);
  }

  get ops(): OpenedOps {
    this.#ops ??= openOps(this.closed, this.#open);
    return this.#ops;
  }

  /** For the check before the signature: it refuses most of what it refuses without opening it. */
  ordered(author: PublicKey): OrderedBatch {
    const { id, batch } = this.closed;
    const opened = (): OrderedBatch['opened'] => this.ops.opened;
    return {
      id,
      author,
      ...batch,
      get opened() {
        return opened();
      },
    };
  }

  /** To be called when every op could be opened. */
  get carried(): CarriedBatch {
    return { ...this.closed, opened: this.ops.opened };
  }
}
