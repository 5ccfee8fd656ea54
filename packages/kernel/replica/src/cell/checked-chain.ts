// The chain of epochs, as far as one process has checked it.
import { decode, encode, equalBytes, fail, ok } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import {
  type ChainRules,
  cellIdOf,
  type Epoch,
  type EpochLink,
  epochLinkShape,
  type Founding,
  genesisOf,
  LINK_BYTES_MAX,
  openLink,
} from '@fatty/protocol';

/** An epoch that a replica can go on in, and the chain that leads to it from the genesis. */
export interface OpenedEpoch extends Epoch {
  /** One for each epoch before, checked. */
  readonly links: readonly EpochLink[];
}

/** The first epoch of a cell. */
export function firstEpoch(genesis: Epoch['committee'], founding?: Founding): OpenedEpoch {
  return { ...genesisOf(genesis, founding), links: [] };
}

const encodings = new WeakMap<EpochLink, Uint8Array>();

/** Canonical bytes of a link, made once: every frame that is kept has all links. */
export function linkBytes(link: EpochLink): Uint8Array {
  const known = encodings.get(link);
  if (known) return known;
  const made = encode(epochLinkShape, link);
  encodings.set(link, made);
  return made;
}

/**
 * The epochs from the genesis on and the links between them (R31.3). A process has one, for all cores that it opens
 * one after the other: what was checked once is compared and not checked again, so what an epoch costs does not grow
 * with the number of those before.
 */
export class CheckedChain {
  readonly #rules: ChainRules;
  /** By number. */
  readonly #epochs: Epoch[];
  /** One less: each ends the epoch of its place. */
  readonly #links: EpochLink[] = [];
  readonly #isOfCell: boolean;

  constructor(rules: ChainRules) {
    const { genesis, founding, cellId } = rules;
    this.#rules = rules;
    this.#epochs = [genesisOf(genesis, founding)];
    this.#isOfCell = equalBytes(cellIdOf(genesis), cellId);
  }

  /** Of the cell. */
  get first(): OpenedEpoch {
    return this.#opened(0);
  }

  /** The last epoch that is known. */
  get newest(): OpenedEpoch {
    return this.#opened(this.#links.length);
  }

  /** Undefined: nothing has led so far. */
  at(epoch: number): OpenedEpoch | undefined {
    return epoch < this.#epochs.length ? this.#opened(epoch) : undefined;
  }

  /**
   * The epoch that these links lead to, from the genesis on, each as its bytes. Codes: `wrong_cell_id`, those of
   * `decode` and of `openLink`: nothing is taken then from the first on that fails.
   */
  follow(links: readonly Uint8Array[]): Outcome<OpenedEpoch> {
    let known = 0;
    while (this.#isKnown(known, links[known])) known += 1;
    const rest: EpochLink[] = [];
    for (const bytes of links.slice(known)) {
      const link = decode(epochLinkShape, bytes, LINK_BYTES_MAX);
      if (!link.ok) return link;
      rest.push(link.value);
    }
    return this.extend(known, rest);
  }

  /** Checks links that end the epoch `from` and those behind it. Codes as {@link follow}, `unknown_epoch`. */
  extend(from: number, links: readonly EpochLink[]): Outcome<OpenedEpoch> {
    if (!this.#isOfCell) {
      return fail('wrong_cell_id', 'the genesis committee of this cell', 'another');
    }
    if (from >= this.#epochs.length) {
      return fail('unknown_epoch', `at most ${this.#links.length}`, `${from}`);
    }
    for (const [i, link] of links.entries()) {
      const next = this.#open(from + i, link);
      if (!next.ok) return next;
      this.#put(from + i, link, next.value);
    }
    return ok(this.#opened(from + links.length));
  }

  #isKnown(epoch: number, bytes: Uint8Array | undefined): boolean {
    const known = this.#links[epoch];
    return known !== undefined && bytes !== undefined && equalBytes(linkBytes(known), bytes);
  }

  #open(epoch: number, link: EpochLink): Outcome<Epoch> {
    const { committee, origin } = this.#epochs[epoch] as Epoch;
    const { cellId, scheme } = this.#rules;
    return openLink({ committee, cellId, scheme }, origin, link);
  }

  /** Another link that ends a known epoch names the same end, or more than f have lied: what stood behind goes. */
  #put(epoch: number, link: EpochLink, next: Epoch): void {
    const known = this.#epochs[epoch + 1];
    const isSame = known !== undefined && equalBytes(known.origin.root, next.origin.root);
    if (isSame) {
      this.#links[epoch] = link;
      return;
    }
    this.#links.splice(epoch, this.#links.length, link);
    this.#epochs.splice(epoch + 1, this.#epochs.length, next);
  }

  #opened(epoch: number): OpenedEpoch {
    return { ...(this.#epochs[epoch] as Epoch), links: this.#links.slice(0, epoch) };
  }
}
