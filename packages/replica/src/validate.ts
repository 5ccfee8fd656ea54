import type { CarriedBatch } from '@fatty/broadcast';
import type { Ask, OrderedBatch, StateMachine, Verdict } from '@fatty/interface';

/** R11a over a batch: the slow checks it costs, and the first refusal if there is one. */
export interface Judged {
  readonly asks: readonly Ask[];
  readonly refusal: Exclude<Verdict, { kind: 'accept' }> | undefined;
}

export function validateBatch(
  machine: StateMachine,
  author: number,
  { batch }: CarriedBatch,
): Judged {
  const { client, session, seq, basis } = batch;
  const asks: Ask[] = [];
  for (const [index, op] of batch.ops.entries()) {
    const answer = machine.validate({ client, session, seq, index, author, basis }, op);
    if (answer.kind === 'ask') asks.push(answer);
    else if (answer.kind !== 'accept') return { asks, refusal: answer };
  }
  return { asks, refusal: undefined };
}

/** A batch as the state machine sees it. */
export function orderedBatch({ id, batch }: CarriedBatch, author: number): OrderedBatch {
  return { id, author, ...batch };
}
