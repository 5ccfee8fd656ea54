import type { Op, Result } from '@fatty/api';
import { expectResult } from './answers.ts';

/** Signs ops as one batch; answers a result per op. */
export type Submit = (ops: readonly Op[]) => Promise<readonly Result[]>;

/**
 * Removes a node and all below it, step by step until nothing is left: an op takes at most 1,000
 * nodes, children first. @throws FattyError of the step that failed; what went before it is gone
 */
export async function removeTree(submit: Submit, path: string): Promise<void> {
  for (let step = 0; ; step++) {
    const [result] = await submit([{ kind: 'removeSubtree', path }]);
    // Somebody else has removed what the step before left.
    if (step > 0 && result?.kind === 'error' && result.code === 'not_found') return;
    if (expectResult(result, 'subtreeRemoved').left === 0) return;
  }
}
