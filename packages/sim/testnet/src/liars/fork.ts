// A liar that forks its chain without using a slot twice.
import type { Ref } from '@fatty/broadcast';
import { bend, type Draft, type Insider, swapParent } from './craft.ts';
import { type Outgoing, type Puppet, type Trick, toAll } from './puppet.ts';

/** A branch that waits to be shown. */
interface Branch {
  /** The own block that both branches grow from. */
  readonly base: Ref;
  readonly tip: Ref;
  readonly bytes: Uint8Array;
  /** What the others were shown instead is there. */
  readonly rivalled: boolean;
}

/** How many rounds the first branch stays in the dark. */
const DARK_ROUNDS = 4;

/** The draft as successor of another own block; undefined while it lacks a quorum without the own. */
function grown(insider: Insider, { header, body, bytes }: Draft, on: Ref): Uint8Array | undefined {
  if (header.parents.length - 1 < insider.cell.quorum) return undefined;
  return bend(insider, { header, body, bytes }, { parents: swapParent(header.parents, 0, on) });
}

/**
 * Two branches from one own block (R14), and no slot used twice: a block is shown to few or nobody,
 * a later one grows beside it from the block before, and then the first is shown with a successor.
 */
export function fork(insider: Insider): Trick {
  let dark: Branch | undefined;

  function hide(puppet: Puppet, draft: Draft): readonly Outgoing[] {
    const [base] = draft.header.parents;
    const tip = puppet.accept(draft.bytes);
    const worth = draft.body.batches.length > 0 || insider.rng.chance(150);
    if (!worth || base === undefined || tip === undefined) return [toAll(puppet, draft.bytes)];
    dark = { base, tip, bytes: draft.bytes, rivalled: false };
    const few = insider.rng.below(insider.cell.faultsMax + 2);
    return [{ bytes: draft.bytes, to: insider.rng.shuffle(puppet.others).slice(0, few) }];
  }

  return {
    craft(puppet, draft) {
      if (dark === undefined) return hide(puppet, draft);
      const { base, tip, bytes, rivalled } = dark;
      if (rivalled && draft.header.round < tip.round + DARK_ROUNDS) {
        return [toAll(puppet, draft.bytes)];
      }
      const other = grown(insider, draft, rivalled ? tip : base);
      if (other === undefined) return undefined;
      insider.lied('fork');
      dark = rivalled ? undefined : { ...dark, rivalled: true };
      const shown = toAll(puppet, other);
      return rivalled ? [shown, toAll(puppet, bytes)] : [shown];
    },
  };
}
