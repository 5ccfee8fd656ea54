// How a node that has a slot is made.
import type { Slot } from './machine-state.ts';
import type { Creation } from './names.ts';

/** A machine or a job: to the tree a guarded file with a slot, which nobody joins. */
export function creationWith(
  slot: Slot,
  what: Pick<Creation, 'path' | 'id' | 'owner' | 'stamp'>,
): Creation {
  return {
    ...what,
    kind: 'file',
    mode: 'guarded',
    ephemeral: false,
    exclusive: true,
    content: new Uint8Array(0),
    slot,
  };
}
