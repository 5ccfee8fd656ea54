// Certificates along the chain of epochs: each is held against the members of its own epoch (R31).
import { equalBytes, fail, ok } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import {
  type Cert,
  type CertRules,
  type ChainRules,
  type Committee,
  cellIdOf,
  checkCert,
  type Epoch,
  type EpochLink,
  genesisOf,
  openLink,
  openVote,
  type Vote,
} from '@fatty/protocol';

/**
 * What answers are checked with: one committee, or the genesis committee with the links that lead on from it. With
 * links, an answer of any of these epochs is checked; what a link proves is proved anew each time, {@link CellChain} keeps it.
 */
export type VerifyRules = CertRules | LinkedRules | CellChain;

/** A cell by its genesis, and how its epochs have ended. */
export interface LinkedRules extends ChainRules {
  /** From the genesis on, without a gap. */
  readonly links: readonly EpochLink[];
}

/** A cell as far as links prove it. It only grows. */
export class CellChain {
  readonly #rules: ChainRules;
  readonly #epochs: Epoch[];
  readonly #links: EpochLink[] = [];

  private constructor(rules: ChainRules) {
    this.#rules = rules;
    this.#epochs = [genesisOf(rules.genesis)];
  }

  /** Codes: `wrong_cell_id`, those of `openLink`. */
  static open({ links, ...rules }: LinkedRules): Outcome<CellChain> {
    if (!equalBytes(cellIdOf(rules.genesis), rules.cellId)) {
      return fail('wrong_cell_id', 'the genesis committee of this cell', 'another');
    }
    const chain = new CellChain(rules);
    const grown = chain.grow(links);
    return grown.ok ? ok(chain) : grown;
  }

  /** From the genesis on. */
  get links(): readonly EpochLink[] {
    return this.#links;
  }

  /** What the chain is pinned to. */
  get pin(): Pick<ChainRules, 'cellId' | 'scheme'> {
    return this.#rules;
  }

  get genesis(): Committee {
    return this.#rules.genesis;
  }

  /** Members of the newest epoch that is proved. */
  get committee(): Committee {
    return this.#newest.committee;
  }

  /**
   * Takes links, from the genesis or from any epoch on. Known epochs are passed over, also when these links say otherwise
   * of them: what q members have signed first is what is kept. Codes of `openLink`.
   */
  grow(links: readonly EpochLink[]): Outcome<number> {
    for (const link of links) {
      if (link.frame.epoch < this.committee.epoch) continue;
      const { cellId, scheme } = this.#rules;
      const { committee, origin } = this.#newest;
      const next = openLink({ committee, cellId, scheme }, origin, link);
      if (!next.ok) return next;
      this.#epochs.push(next.value);
      this.#links.push(link);
    }
    return ok(this.committee.epoch);
  }

  /**
   * What a certificate of any epoch proves. Of an epoch that is over only commits of that epoch, and of its last one only
   * what ended it: members of then may sign anything later. Codes of `checkCert`, `needs_links`, `wrong_epoch`.
   */
  check(cert: Cert): Outcome<Vote> {
    const said = openVote(cert.core);
    if (!said.ok) return said;
    const { epoch, index } = said.value;
    const first = this.#rules.genesis.epoch;
    const at = this.#epochs[epoch - first];
    if (epoch < first) return fail('wrong_epoch', `epoch ${first} or later`, `${epoch}`);
    if (at === undefined) {
      return fail('needs_links', `links to epoch ${epoch}`, `to ${this.committee.epoch}`);
    }
    const { cellId, scheme } = this.#rules;
    const vote = checkCert({ committee: at.committee, cellId, scheme }, cert);
    if (!vote.ok) return vote;
    const end = this.#links[epoch - first];
    const isIn = index > at.origin.index && (end === undefined || index <= end.frame.index);
    if (!isIn) return fail('wrong_epoch', `a commit of epoch ${epoch}`, `${index}`);
    if (end?.frame.index === index && !equalBytes(end.cert.core, cert.core)) {
      return fail('wrong_epoch', `what ended epoch ${epoch}`, 'another state of its last commit');
    }
    return vote;
  }

  get #newest(): Epoch {
    return this.#epochs[this.#epochs.length - 1] as Epoch;
  }
}

/** What a certificate proves by these rules. Codes of `checkCert`, of {@link CellChain}. */
export function checkCertBy(rules: VerifyRules, cert: Cert): Outcome<Vote> {
  if (rules instanceof CellChain) return rules.check(cert);
  if ('committee' in rules) return checkCert(rules, cert);
  const chain = CellChain.open(rules);
  return chain.ok ? chain.value.check(cert) : chain;
}
