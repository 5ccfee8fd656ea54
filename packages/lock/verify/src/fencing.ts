// Fencing certificates: a grant that shows by itself that it was one.
import { comparePositions, type LockMode, showPosition } from '@fatty/api';
import { fail, ok } from '@fatty/codec';
import type { Outcome, Position, PublicKey, SessionId } from '@fatty/interface';
import type { CertRules } from '@fatty/protocol';
import { isBundle, openBundle, type PinnedCell } from './bundle.ts';
import { checkCertified } from './certified.ts';
import { CellChain, type LinkedRules, type VerifyRules } from './chain.ts';

/** What a fencing certificate proves. */
export interface Grant {
  readonly path: string;
  /** Grows for ever at a path, whoever deletes or makes it again. */
  readonly generation: Position;
  readonly mode: LockMode;
  readonly holder: PublicKey;
  readonly session: SessionId;
  /** The lease of the holder's session, ms on the lease clock; later renewals are not in it. */
  readonly leaseExpiry: number;
  /** The epoch and the commit at which all this was so, with its times in ms. */
  readonly epoch: number;
  readonly commit: number;
  readonly commitTs: number;
  readonly leaseClock: number;
}

/**
 * What a fencing certificate, the certified answer about a claim, proves to somebody who knows the committee, or the
 * way to it.
 * It is no secret and no bearer token: it names its holder. It says nothing of the time after its commit:
 * hold it to the newest generation that you have seen ({@link Fence}). Codes of `checkCertified`, `not_held`.
 */
export function checkFencing(rules: VerifyRules, certificate: Uint8Array): Outcome<Grant> {
  const fact = checkCertified(rules, certificate);
  if (!fact.ok) return fact;
  if (fact.value.kind !== 'claim') return fail('not_held', 'a holder of a lock', fact.value.kind);
  const { path, session, head, claim } = fact.value;
  if (claim === undefined || !claim.record.held) {
    return fail('not_held', `a holder of ${path}`, claim === undefined ? 'a stranger' : 'a waiter');
  }
  const { position: generation, mode } = claim.record;
  const { client: holder, expiry: leaseExpiry } = claim.session;
  const { epoch, commit, commitTs, leaseClock } = head;
  const when = { epoch, commit, commitTs, leaseClock };
  return ok({ path, generation, mode, holder, session, leaseExpiry, ...when });
}

/** The highest generations that were seen of a path. */
export interface Seen {
  readonly any: Position;
  /** Of a holder that held it alone. */
  readonly exclusive: Position | undefined;
}

/**
 * What a resource keeps: the highest generations it has seen of each path. Whoever held the lock alone has
 * lost it when anybody shows a higher one; whoever shared it, when a higher one shows that somebody has it
 * alone. Whatever they believe, the resource goes on for neither.
 *
 * It keeps the newest epoch, too, that a bundle has proved to it, and takes no certificate of an earlier one from then
 * on: nothing keeps members of then from signing another generation. A holder asks for a new certificate.
 */
export class Fence {
  readonly #rules: FenceRules;
  readonly #seen: Map<string, Seen>;
  #chain: CellChain | undefined;

  /**
   * `rules`: of one committee for ever; or a cell, as far as it is known: by its id alone, or with links.
   * `seen`: what was kept of an earlier life.
   */
  constructor(rules: FenceRules, seen: Iterable<readonly [string, Seen]> = []) {
    this.#rules = rules;
    this.#seen = new Map(seen);
    if (rules instanceof CellChain) this.#chain = rules;
  }

  /** As far as it has been proved: to be kept with {@link seen}. Undefined: not at all, or of one committee. */
  get chain(): CellChain | undefined {
    return this.#chain;
  }

  /** By path; to be kept by a resource that restarts. */
  get seen(): ReadonlyMap<string, Seen> {
    return this.#seen;
  }

  /**
   * Whether whoever shows this certificate, or a bundle with it, may go on. Codes of {@link checkFencing} and of
   * `checkBundle`, `other_path`, `stale_generation`, `wrong_epoch` (a new certificate is needed), `needs_links`.
   */
  admit(path: string, certificate: Uint8Array): Outcome<Grant> {
    const grant = this.#grantIn(certificate);
    if (!grant.ok) return grant;
    const { generation, mode } = grant.value;
    if (grant.value.path !== path) return fail('other_path', `a lock of ${path}`, grant.value.path);
    const { any, exclusive } = this.#seen.get(path) ?? { any: generation, exclusive: undefined };
    const least = mode === 'exclusive' ? any : exclusive;
    if (least !== undefined && comparePositions(generation, least) < 0) {
      const expected = `${showPosition(least)} or later`;
      return fail('stale_generation', expected, showPosition(generation));
    }
    this.#seen.set(path, {
      any: later(any, generation),
      exclusive: mode === 'exclusive' ? generation : exclusive,
    });
    return grant;
  }

  #grantIn(certificate: Uint8Array): Outcome<Grant> {
    const rules = this.#rules;
    if (!isBundle(certificate) && 'committee' in rules) return checkFencing(rules, certificate);
    const answer = this.#learn(certificate);
    if (!answer.ok) return answer;
    const chain = this.#chain;
    if (chain === undefined) return fail('needs_links', 'a bundle', 'a certificate alone');
    const grant = checkFencing(chain, answer.value);
    const { epoch } = chain.committee;
    if (!grant.ok || grant.value.epoch >= epoch) return grant;
    return fail('wrong_epoch', `epoch ${epoch}`, `${grant.value.epoch}`);
  }

  /** Takes what a bundle proves of the cell; answers the certificate in it. */
  #learn(certificate: Uint8Array): Outcome<Uint8Array> {
    const rules = this.#rules;
    if ('links' in rules && !(rules instanceof CellChain) && this.#chain === undefined) {
      const known = CellChain.open(rules);
      if (!known.ok) return known;
      this.#chain = known.value;
    }
    if (!isBundle(certificate)) return ok(certificate);
    const bundle = openBundle(certificate);
    if (!bundle.ok) return bundle;
    const { genesis, links, answer } = bundle.value;
    const { cellId, scheme } = pinOf(rules);
    const shown = this.#chain ?? CellChain.open({ cellId, scheme, genesis, links: [] });
    const chain = shown instanceof CellChain ? ok(shown) : shown;
    if (!chain.ok) return chain;
    const grown = chain.value.grow(links);
    if (!grown.ok) return grown;
    this.#chain = chain.value;
    return ok(answer);
  }
}

/** What a fence knows of its cell. */
export type FenceRules = CertRules | PinnedCell | LinkedRules | CellChain;

function pinOf(rules: FenceRules): PinnedCell {
  return rules instanceof CellChain ? rules.pin : rules;
}

function later(a: Position, b: Position): Position {
  return comparePositions(a, b) < 0 ? b : a;
}
