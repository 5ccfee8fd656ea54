import type { CarriedBatch } from '@fatty/broadcast';
import type { Ask, OrderedBatch, StateMachine, Verdict } from '@fatty/interface';

/** R11a over a batch: what it costs, and the first refusal if there is one. */
export interface Judged {
  /** The slow checks. */
  readonly asks: readonly Ask[];
  /** R11: what applying it may cost, in ordinary ops. */
  readonly weight: number;
  readonly refusal: Exclude<Verdict, { kind: 'accept' }> | undefined;
}

export function validateBatch(
  machine: StateMachine,
  author: number,
  { batch }: CarriedBatch,
): Judged {
  const { client, session, seq, basis } = batch;
  const asks: Ask[] = [];
  let weight = 0;
  for (const [index, op] of batch.ops.entries()) {
    const answer = machine.validate({ client, session, seq, index, author, basis }, op);
    if (answer.kind === 'ignore' || answer.kind === 'reject') {
      return { asks, weight, refusal: answer };
    }
    weight += answer.weight ?? 1;
    if (answer.kind === 'ask') asks.push(answer);
  }
  return { asks, weight, refusal: undefined };
}

/** A batch as the state machine sees it. */
export function orderedBatch({ id, batch }: CarriedBatch, author: number): OrderedBatch {
  return { id, author, ...batch };
}
