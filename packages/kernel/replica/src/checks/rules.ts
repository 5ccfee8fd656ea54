// The rules by which a replica judges blocks.
import { type BlockRules, seenCache } from '@fatty/broadcast';
import type { ReplicaConfig } from '../boundary/config.ts';

/** Client batches and keys whose signatures need no second look. */
const SIGNATURES_MAX = 16_384;
const KEYS_MAX = 4_096;

/** Static validity (R8–R11) over the algorithm's own. `heldBatch`: see there. */
export function blockRules(
  { committee, cellId, origin, scheme, machine }: ReplicaConfig,
  heldBatch: NonNullable<BlockRules['heldBatch']>,
): BlockRules {
  const { unsigned } = machine;
  return {
    committee,
    cellId,
    origin,
    scheme,
    batchVerified: seenCache(SIGNATURES_MAX),
    keyAdmitted: seenCache(KEYS_MAX),
    heldBatch,
    open: (bytes) => machine.open(bytes),
    validate: (source, op) => machine.validate(source, op),
    openUnsigned: unsigned && ((bytes) => unsigned.open(bytes)),
  };
}
