// A commit as input of the state machine.
import type { Block } from '@fatty/broadcast';
import { compareBytes, toHex } from '@fatty/codec';
import type { CommitInput, OrderedBatch, PublicKey } from '@fatty/interface';
import { type Committee, memberKey } from '@fatty/protocol';
import type { Ordered } from './orderer.ts';

/**
 * A commit as input of `StateMachine.applyCommit`: every copy of every batch, in linear order, with
 * the key of the author of the block that carries it (R19). The state decides which copy counts.
 */
export function commitInput(commit: Ordered, dag: { readonly committee: Committee }): CommitInput {
  const { epoch } = dag.committee;
  const keyOf = (author: number): PublicKey => memberKey(dag.committee, author);
  return {
    index: commit.index,
    epoch,
    commitTs: commit.commitTs,
    leaseClock: commit.leaseClock,
    batches: copiesIn(commit.content, keyOf),
    unsigned: commit.content.flatMap((block) => block.unsigned),
    evidence: commit.convicted.map(keyOf).sort(compareBytes),
  };
}

/** Copies of one batch share its opened ops. */
function copiesIn(
  blocks: readonly Block[],
  keyOf: (author: number) => PublicKey,
): readonly OrderedBatch[] {
  const openedOf = new Map<string, OrderedBatch['opened']>();
  return blocks.flatMap(({ header, batches }) => {
    const author = keyOf(header.author);
    return batches.map(({ id, batch, opened }) => {
      const key = toHex(id);
      const copy = { id, author, ...batch, opened: openedOf.get(key) ?? opened };
      openedOf.set(key, copy.opened);
      return copy;
    });
  });
}
