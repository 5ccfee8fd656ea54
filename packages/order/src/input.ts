import type { Committee } from '@fatty/api';
import type { Block } from '@fatty/broadcast';
import { keptBytes, toHex } from '@fatty/codec';
import type { CommitInput, OrderedBatch } from '@fatty/interface';
import type { Ordered } from './orderer.ts';

/**
 * A commit as input of `StateMachine.applyCommit`: batches in linearised order, the first of equal
 * ids (R19). Dedupe across commits is by (session, seq), in the state.
 */
export function commitInput(commit: Ordered, dag: { readonly committee: Committee }): CommitInput {
  return {
    index: commit.index,
    epoch: dag.committee.epoch,
    commitTs: commit.commitTs,
    leaseClock: commit.leaseClock,
    batches: uniqueBatches(commit.content),
    keepAlives: commit.content.flatMap((block) => block.body.keepAlives),
    evidence: commit.convicted,
  };
}

function uniqueBatches(blocks: readonly Block[]): readonly OrderedBatch[] {
  const found = new Map<string, OrderedBatch>();
  for (const block of blocks) {
    const { author } = block.header;
    for (const { id, batch } of block.batches) {
      const key = toHex(id);
      if (found.has(key)) continue;
      // What the state keeps of an op must not keep the block.
      found.set(key, { id, author, ...batch, ops: batch.ops.map(keptBytes) });
    }
  }
  return [...found.values()];
}
