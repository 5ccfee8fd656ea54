// What a gateway says to clients.
import type { Receipt } from '@fatty/interface';
import type { GatewayMessageOf } from '@fatty/protocol';

/** A receipt, as the client it belongs to is told of it. */
export function receiptMessage({
  batch,
  session,
  seq,
  commit,
  results,
}: Receipt): GatewayMessageOf<never> {
  return { kind: 'receipt', batch, session, seq, commit, results };
}
