// Checks S1 and S2: one block per slot, one delivered branch per author.
import { toHex } from '@fatty/codec';
import type { CheckedCell, Checker, Observation, Violation } from '../world/observation.ts';
import type { SeenBlock } from '../world/sight.ts';
import type { BlockBook } from './book.ts';
import { DeliveredChains } from './branches.ts';

const slotOf = ({ epoch, author, round }: Pick<SeenBlock, 'epoch' | 'author' | 'round'>): string =>
  `${epoch}/${author}/${round}`;

/**
 * S1: an honest author signs one block per slot, ever, across crashes.
 * S2: no two blocks of one slot, nor of two branches of one author, are delivered, in whatever
 * views.
 * S19: evidence only ever names liars.
 */
export class SlotChecker implements Checker {
  readonly rules: readonly string[] = ['S1', 'S2', 'S19'];
  readonly #checked: CheckedCell;
  readonly #book: BlockBook;
  readonly #signed = new Map<string, string>();
  readonly #delivered = new Map<string, string>();
  /** By epoch: there each author begins a chain of its own. */
  readonly #chains = new Map<number, DeliveredChains>();

  constructor(checked: CheckedCell, book: BlockBook) {
    this.#checked = checked;
    this.#book = book;
  }

  see(observation: Observation): readonly Violation[] {
    const out: Violation[] = [];
    const say = (rule: string, expected: string, actual: string): void => {
      out.push({ rule, expected, actual, atMs: observation.atMs, replica: observation.by });
    };
    for (const block of this.#book.news) {
      if (this.#book.isLying(block)) continue;
      const other = this.#remember(this.#signed, slotOf(block), block.key);
      if (other) say('S1', `one block in slot ${slotOf(block)}`, `${other} and ${block.key}`);
    }
    if (observation.kind === 'delivered') {
      const { epoch = 0 } = observation;
      const slot = slotOf({ ...observation.ref, epoch });
      const other = this.#remember(this.#delivered, slot, toHex(observation.ref.digest));
      if (other) say('S2', `one delivered block in slot ${slot}`, `${other} and another`);
      const branched = this.#chainsOf(epoch).add(observation.ref);
      if (branched) {
        const { lower, upper } = branched;
        say('S2', `${slotOf(upper)} above ${slotOf(lower)} on one chain`, 'on another branch');
      }
    }
    if (observation.kind === 'committed') {
      this.#chainsOf(observation.input.epoch).raiseHorizon(observation.commit.horizon);
      for (const key of observation.input.evidence) {
        const host = this.#checked.cell.roll.hostWith(key);
        if (!this.#checked.liars.has(host)) say('S19', 'evidence against liars only', `r${host}`);
      }
    }
    return out;
  }

  finish(): readonly Violation[] {
    return [];
  }

  #chainsOf(epoch: number): DeliveredChains {
    const chains = this.#chains.get(epoch) ?? new DeliveredChains(this.#book);
    this.#chains.set(epoch, chains);
    return chains;
  }

  /** Answers what was there before, if it was something else. */
  #remember(map: Map<string, string>, slot: string, key: string): string | undefined {
    const before = map.get(slot);
    if (before === undefined) map.set(slot, key);
    return before === key ? undefined : before;
  }
}
