// The lock service as a gateway serves it: its queries, its sessions, what its answers cost.
import { type Answer, answerShape, isTopic, type Query, queryShape, topicsOf } from '@fatty/api';
import type { Served } from '@fatty/host';
import type { StateMachine } from '@fatty/interface';
import type { StateView } from '@fatty/protocol';
import { LockService } from '@fatty/service';

/** `state`: the lock service as a view shows it; undefined where that view is not to be had. */
export function lockServed(
  state: (view: StateView) => StateMachine | undefined,
): Served<Query, Answer> {
  const service = (view: StateView): LockService => {
    const machine = state(view) ?? state('committed');
    if (machine instanceof LockService) return machine;
    throw new TypeError('this gateway serves the lock service');
  };
  return {
    query: queryShape,
    answer: answerShape,
    ask: (query, view, client) => service(view).query(query, client),
    refuseProof: (question, client) => service('committed').refuseProof(question, client),
    entriesOf,
    hasSession: (client) => service('committed').hasSession(client),
    receiptOf: (batch) => service('committed').receiptOf(batch),
    watched: {
      isTopic,
      topicsOf,
      mayHear: (path, client) => service('committed').mayHear(path, client),
    },
    get unsigned() {
      return service('committed').unsigned;
    },
  };
}

function entriesOf(answer: Answer): number {
  if (answer.kind === 'list') return answer.entries.length;
  if (answer.kind === 'lock') return answer.holders.length + answer.waiters.length;
  if (answer.kind !== 'session') return 0;
  return answer.holds.length + answer.waits.length + answer.ephemerals.length;
}
