// What needs the own parent.
import { type BlockHead, checkAgainstParent, type Dag } from '@fatty/broadcast';
import { ACCEPT, failure } from '@fatty/codec';
import type { Verdict } from '@fatty/interface';
import type { Committee } from '@fatty/protocol';

/** What the check needs of its replica. */
export interface OwnParentPort {
  readonly committee: Committee;
  readonly dag: Dag;
}

/** R11 against the own parent, where that is known: code `ts_backwards`, `seal_cleared`. */
export function againstOwnParent(block: BlockHead, { dag, committee }: OwnParentPort): Verdict {
  const [own] = block.header.parents;
  const parent = own && dag.get(own);
  if (parent) return checkAgainstParent(block, parent);
  const { ts } = block.header;
  if (own?.round !== 0 || ts >= committee.genesisTs) return ACCEPT;
  return { kind: 'reject', ...failure('ts_backwards', `≥ ${committee.genesisTs}`, `${ts}`) };
}
