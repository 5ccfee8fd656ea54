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
 */
export class Fence {
  readonly #rules: CertRules;
  readonly #seen: Map<string, Seen>;

  /** `seen`: what was kept of an earlier life. */
  constructor(rules: CertRules, seen: Iterable<readonly [string, Seen]> = []) {
    this.#rules = rules;
    this.#seen = new Map(seen);
  }

  /** By path; to be kept by a resource that restarts. */
  get seen(): ReadonlyMap<string, Seen> {
    return this.#seen;
  }

  /**
   * Whether whoever shows this certificate may go on. Codes of {@link checkFencing}, `other_path`,
   * `stale_generation`.
   */
  admit(path: string, certificate: Uint8Array): Outcome<Grant> {
    const grant = checkFencing(this.#rules, certificate);
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
}

function later(a: Position, b: Position): Position {
  return comparePositions(a, b) < 0 ? b : a;
}
