// Fencing certificates: a grant that shows by itself that it was one.
import { comparePositions, type LockMode, showPosition } from '@fatty/api';
import { fail, ok } from '@fatty/codec';
import type { Outcome, Position, PublicKey, SessionId } from '@fatty/interface';
import type { CertRules } from '@fatty/protocol';
import { checkCertified } from './certified.ts';

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
  /** The commit at which all this was so, with its times in ms. */
  readonly commit: number;
  readonly commitTs: number;
  readonly leaseClock: number;
}

/**
 * What a fencing certificate, the certified answer about a claim, proves to somebody who knows the committee.
 * It is no secret and no bearer token: it names its holder. It says nothing of the time after its commit:
 * hold it to the newest generation that you have seen ({@link Fence}). Codes of `checkCertified`, `not_held`.
 */
export function checkFencing(rules: CertRules, certificate: Uint8Array): Outcome<Grant> {
  const fact = checkCertified(rules, certificate);
  if (!fact.ok) return fact;
  if (fact.value.kind !== 'claim') return fail('not_held', 'a holder of a lock', fact.value.kind);
  const { path, session, head, claim } = fact.value;
  if (claim === undefined || !claim.record.held) {
    return fail('not_held', `a holder of ${path}`, claim === undefined ? 'a stranger' : 'a waiter');
  }
  const { position: generation, mode } = claim.record;
  const { client: holder, expiry: leaseExpiry } = claim.session;
  const { commit, commitTs, leaseClock } = head;
  const when = { commit, commitTs, leaseClock };
  return ok({ path, generation, mode, holder, session, leaseExpiry, ...when });
}

/**
 * What a resource keeps: the highest generation it has seen of each path. Whoever shows a lower one has
 * lost the lock since, whatever it believes.
 */
export class Fence {
  readonly #rules: CertRules;
  readonly #highest: Map<string, Position>;

  /** `highest`: what was kept of an earlier life. */
  constructor(rules: CertRules, highest: Iterable<readonly [string, Position]> = []) {
    this.#rules = rules;
    this.#highest = new Map(highest);
  }

  /** To be kept by a resource that restarts: path to generation. */
  get highest(): ReadonlyMap<string, Position> {
    return this.#highest;
  }

  /**
   * Whether whoever shows this certificate may go on. Codes of {@link checkFencing}, `other_path`,
   * `stale_generation`.
   */
  admit(path: string, certificate: Uint8Array): Outcome<Grant> {
    const grant = checkFencing(this.#rules, certificate);
    if (!grant.ok) return grant;
    const { generation } = grant.value;
    if (grant.value.path !== path) return fail('other_path', `a lock of ${path}`, grant.value.path);
    const highest = this.#highest.get(path);
    if (highest !== undefined && comparePositions(generation, highest) < 0) {
      const least = `${showPosition(highest)} or later`;
      return fail('stale_generation', least, showPosition(generation));
    }
    this.#highest.set(path, generation);
    return grant;
  }
}
