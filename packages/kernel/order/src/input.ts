// A commit as input of the state machine.
import type { Block } from '@fatty/broadcast';
import { toHex } from '@fatty/codec';
import type { CommitInput, OrderedBatch } from '@fatty/interface';
import type { Committee } from '@fatty/protocol';
import type { Ordered } from './orderer.ts';

/**
 * A commit as input of `StateMachine.applyCommit`: every copy of every batch, in linear order, with
 * the author of the block that carries it (R19). The state decides which copy counts.
 */
export function commitInput(commit: Ordered, dag: { readonly committee: Committee }): CommitInput {
  return {
    index: commit.index,
    epoch: dag.committee.epoch,
    commitTs: commit.commitTs,
    leaseClock: commit.leaseClock,
    batches: copiesIn(commit.content),
    unsigned: commit.content.flatMap((block) => block.unsigned),
    evidence: commit.convicted,
  };
}

/** Copies of one batch share its opened ops. */
function copiesIn(blocks: readonly Block[]): readonly OrderedBatch[] {
  const openedOf = new Map<string, OrderedBatch['opened']>();
  return blocks.flatMap(({ header, batches }) =>
    batches.map(({ id, batch, opened }) => {
      const key = toHex(id);
      const copy = { id, author: header.author, ...batch, opened: openedOf.get(key) ?? opened };
      openedOf.set(key, copy.opened);
      return copy;
    }),
  );
}
