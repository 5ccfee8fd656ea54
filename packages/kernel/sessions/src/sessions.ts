// Live sessions: leases, keep-alives, shares of gateways.
import { ACCEPT, equalBytes, ignore, reject, type Shape, toHex } from '@fatty/codec';
import type {
  Digest,
  Failure,
  OrderedBatch,
  Position,
  PublicKey,
  SessionId,
  Unsigned,
  Verdict,
} from '@fatty/interface';
import { keepAliveLink } from '@fatty/protocol';
import { Deadlines } from './deadlines.ts';
import { Graves } from './graves.ts';
import { LINKS_MAX } from './keep-alives.ts';
import type { SessionLimits } from './limits.ts';
import { Receipts, type StoredReceipt } from './receipts.ts';
import { SessionTries } from './session-tries.ts';

/** R3: the keep-alives of a commit are checked by at most so many hashes, besides the first of each. */
export const EXTRA_LINKS_PER_COMMIT = 16_384;

/** What is committed of a session, whatever its algorithm adds. Map keys are hex. */
export interface SessionRecord {
  readonly id: SessionId;
  /** Map key of the id. */
  readonly key: string;
  /** The key that signs for it now. */
  client: PublicKey;
  /** Map key of whom it counts for: of the client that opened it, unless the algorithm knows another name. */
  readonly owner: string;
  /** Member whose block carried the open. */
  readonly author: PublicKey;
  readonly opened: Position;
  /** Last commit at which this session's open could still be replayed. */
  readonly openableUntil: number;
  readonly leaseMs: number;
  /** Last accepted link of the keep-alive chain, and how many links it is from its anchor. */
  link: Uint8Array;
  i: number;
  /** On the lease clock, ms. */
  expiry: number;
  lastSeq: number;
  /** Oldest first; kept by {@link Receipts}. */
  readonly receipts: StoredReceipt[];
}

/** What an opening asks for. */
export interface Opening {
  /** End of its keep-alive chain. */
  readonly anchor: Digest;
  readonly leaseMs: number;
}

/** The record of a session that this batch opens; `now`: of the lease clock, ms. */
export function openRecord(
  batch: OrderedBatch,
  { anchor, leaseMs }: Opening,
  opened: Position,
  now: number,
  basisCommitsMax: number,
): SessionRecord {
  return {
    id: batch.session,
    key: toHex(batch.session),
    client: batch.client,
    owner: toHex(batch.client),
    author: batch.author,
    opened,
    openableUntil: batch.basis.commit + basisCommitsMax,
    leaseMs,
    link: anchor,
    i: 0,
    expiry: now + leaseMs,
    lastSeq: 0,
    receipts: [],
  };
}

/**
 * Live sessions, and the graves that keep a dead one from being opened again by a replay (R3). `S` is
 * what the algorithm keeps of a session. All of it follows from the commit sequence, and is bounded by
 * {@link SessionLimits}.
 */
export class Sessions<S extends SessionRecord> {
  readonly receipts: Receipts;
  readonly graves: Graves;
  /** What is committed; of a fork nothing. */
  readonly tries: SessionTries<S>;
  readonly #limits: SessionLimits;
  readonly #row: Shape<S>;
  /** Of a fork: the sessions it started from. It copies a session when somebody asks for it. */
  #base: Sessions<S> | undefined;
  #borrowed: (session: S) => S = (session) => session;
  readonly #live = new Map<string, S>();
  readonly #expiries = new Deadlines();
  readonly #perAuthor = new Map<string, number>();
  /** By gateway and client. */
  readonly #perOrigin = new Map<string, number>();
  readonly #perClient = new Map<string, number>();
  /** Whose sessions are kept no longer. */
  readonly #sealed = new Set<string>();

  /** `row`: a session as {@link SessionTries} covers it, without its receipts. */
  constructor(limits: SessionLimits, row: Shape<S>) {
    this.#limits = limits;
    this.#row = row;
    this.receipts = new Receipts(limits);
    this.graves = new Graves(limits);
    this.tries = new SessionTries((key) => this.#live.get(key), row);
  }

  /**
   * A fork for views: it makes a `borrowed` copy of a session when somebody asks for it. Good while
   * these sessions do not change.
   */
  fork(borrowed: (session: S) => S): Sessions<S> {
    const forked = new Sessions<S>(this.#limits, this.#row);
    forked.#base = this;
    forked.#borrowed = borrowed;
    return forked;
  }

  get size(): number {
    return this.#base?.size ?? this.#live.size;
  }

  get(key: string): S | undefined {
    return this.#live.get(key) ?? this.#borrow(key);
  }

  #borrow(key: string): S | undefined {
    const found = this.#base?.get(key);
    if (found === undefined) return undefined;
    const session = this.#borrowed(found);
    this.#live.set(key, session);
    return session;
  }

  /** Live sessions of a client, by the map key of its key. */
  countOf(owner: string): number {
    return this.#perClient.get(owner) ?? 0;
  }

  all(): IterableIterator<S> {
    return this.#live.values();
  }

  /** Why this open is refused, if it is. `commit`: the one that applies it; `owner`: whom it would count for. */
  refuseOpen(
    batch: Pick<OrderedBatch, 'client' | 'session' | 'basis' | 'author'>,
    commit: number,
    basisCommitsMax: number,
    owner: string = toHex(batch.client),
  ): Failure | undefined {
    const { basis, author } = batch;
    if (basis.commit > commit) {
      return failure('future_basis', `at most ${commit}`, String(basis.commit));
    }
    if (commit - basis.commit > basisCommitsMax) {
      const age = `${commit - basis.commit} commits`;
      return failure('stale_basis', `at most ${basisCommitsMax} commits old`, age);
    }
    if (this.graves.has(toHex(batch.session))) {
      return failure('session_reused', 'a fresh nonce', 'a session that has ended');
    }
    const floor = this.graves.floorOf(batch.client) - basisCommitsMax;
    if (basis.commit <= floor) {
      const expected = `a basis above ${floor}: this key has ended many sessions`;
      return failure('stale_basis', expected, String(basis.commit));
    }
    return this.#refuseFull(owner, author);
  }

  /** The cell's limits come before the gateway's: only for the latter does another gateway help. */
  #refuseFull(client: string, author: PublicKey): Failure | undefined {
    const { sessionsMax, sessionsPerClientMax } = this.#limits;
    const own = this.#perClient.get(client) ?? 0;
    if (own >= sessionsPerClientMax) {
      return failure('too_many_sessions', `${sessionsPerClientMax} a client`, String(own));
    }
    if (this.#live.size >= sessionsMax) {
      return failure('too_many_sessions', `${sessionsMax} in the cell`, `${this.#live.size}`);
    }
    return this.#refuseAt(author, client);
  }

  #refuseAt(author: PublicKey, client: string): Failure | undefined {
    const { sessionsPerOriginMax, sessionsPerAuthorMax, gravesPerAuthorMax } = this.#limits;
    const full = (most: number, what: string, count: number): Failure | undefined =>
      count < most ? undefined : failure('gateway_full', `${most} ${what}`, String(count));
    return (
      full(
        sessionsPerOriginMax,
        'of a client at a gateway',
        this.#perOrigin.get(originOf(author, client)) ?? 0,
      ) ??
      full(sessionsPerAuthorMax, 'a gateway', this.#perAuthor.get(toHex(author)) ?? 0) ??
      full(gravesPerAuthorMax, 'lately ended', this.graves.carriedBy(author))
    );
  }

  /** A session that was opened, or comes back from a snapshot. */
  add(session: S): void {
    this.#live.set(session.key, session);
    this.#expiries.set(session.key, session.expiry);
    this.#count(session, 1);
    this.receipts.add(session.receipts);
    this.touch(session);
    this.tries.touchReceipts(session.key);
  }

  /** Something of it has changed besides its receipts. */
  touch({ key }: S): void {
    this.tries.touch(key);
  }

  /** It keeps a receipt of its next batch, and as few of the older ones as it must. */
  store(session: S, receipt: StoredReceipt): void {
    const { key, receipts } = session;
    this.receipts.store(receipts, receipt, (seq) => this.tries.touchReceipt(key, seq));
  }

  /** Forgets a session whose things are gone already; its grave stays. */
  bury(session: S): void {
    this.#live.delete(session.key);
    this.#expiries.delete(session.key);
    this.#count(session, -1);
    this.receipts.forget(session.receipts);
    this.touch(session);
    this.tries.touchReceipts(session.key);
    const { key, client, author, openableUntil } = session;
    this.graves.add({ key, client, author, openableUntil });
  }

  #count(session: S, one: 1 | -1): void {
    bump(this.#perAuthor, toHex(session.author), one);
    bump(this.#perClient, session.owner, one);
    bump(this.#perOrigin, originOf(session.author, session.owner), one);
  }

  /** Its lease starts anew. `now`: of the lease clock, ms. */
  keep(session: S, now: number): void {
    session.expiry = now + session.leaseMs;
    this.#expiries.set(session.key, session.expiry);
    this.touch(session);
  }

  /** From now on another key signs for all sessions of this owner. Costs a look at every session there is. */
  rekey(owner: string, client: PublicKey): void {
    for (const session of this.#live.values()) {
      if (session.owner !== owner) continue;
      session.client = client;
      this.touch(session);
    }
  }

  /** No keep-alive counts for the sessions of this owner any more: they end with their leases. */
  seal(owner: string): void {
    this.#sealed.add(owner);
  }

  /** Begins another keep-alive chain, and keeps the session. */
  reanchor(session: S, anchor: Digest, now: number): void {
    session.link = anchor;
    session.i = 0;
    this.keep(session, now);
  }

  /**
   * Accepts a keep-alive that continues the chain; bounded by {@link LINKS_MAX} hashes. Old news is
   * ignored, what cannot have come from the client is rejected.
   */
  checkKeepAlive({ about, rank, proof }: Unsigned): Verdict {
    const session = this.#live.get(toHex(about));
    if (session === undefined) return ignore('session_unknown', 'a live session', 'none');
    if (this.#sealed.has(session.owner)) {
      return ignore('session_unknown', 'a session that may be kept', 'one that only ends');
    }
    const links = rank - session.i;
    if (links < 1) return ignore('bad_keep_alive', `link ${session.i + 1}`, `link ${rank}`);
    if (links > LINKS_MAX) {
      const expected = `at most link ${session.i + LINKS_MAX}`;
      return reject('bad_keep_alive', expected, `link ${rank}`);
    }
    let link = proof;
    for (let step = 0; step < links; step++) link = keepAliveLink(link);
    if (equalBytes(link, session.link)) return ACCEPT;
    return reject('bad_keep_alive', 'a preimage of the last link', 'other bytes');
  }

  /**
   * Takes the nearest keep-alives first. So whatever lying gateways put into their blocks costs the
   * cell no more hashes than {@link EXTRA_LINKS_PER_COMMIT}, and keeps no chain from taking its
   * next link. `renewed` is called for each session that was kept.
   */
  applyKeepAlives(
    keepAlives: readonly Unsigned[],
    now: number,
    renewed: (session: S) => void,
  ): void {
    const links = ({ about, rank }: Unsigned): number =>
      rank - (this.#live.get(toHex(about))?.i ?? rank);
    const near = keepAlives.filter((one) => links(one) >= 1 && links(one) <= LINKS_MAX);
    const byLinks = near.map((one) => ({ one, links: links(one) }));
    let extra = EXTRA_LINKS_PER_COMMIT;
    for (const { one } of byLinks.sort((a, b) => a.links - b.links)) {
      const cost = links(one) - 1;
      if (cost > extra) continue;
      extra -= Math.max(0, cost);
      const session = this.#applyKeepAlive(one, now);
      if (session) renewed(session);
    }
  }

  #applyKeepAlive(keepAlive: Unsigned, now: number): S | undefined {
    if (this.checkKeepAlive(keepAlive).kind !== 'accept') return undefined;
    const session = this.#live.get(toHex(keepAlive.about));
    if (session === undefined) return undefined;
    session.link = keepAlive.proof;
    session.i = keepAlive.rank;
    this.keep(session, now);
    return session;
  }

  /** R3: this batch's session lives, is its client's, and has used its seq up. */
  hasUsed({ session: id, client, seq }: Pick<OrderedBatch, 'client' | 'session' | 'seq'>): boolean {
    const session = this.get(toHex(id));
    return session !== undefined && equalBytes(session.client, client) && seq <= session.lastSeq;
  }

  /** Whether the chain has already come as far as this keep-alive. */
  hasReached({ about, rank }: Unsigned): boolean {
    const session = this.get(toHex(about));
    return session !== undefined && rank <= session.i;
  }

  /**
   * Sessions past their lease, in ascending order of their ids. It takes those whose lease ended
   * first, as many as together have about `room` things of `thingsOf`. They stay until they are
   * buried.
   */
  takeExpired(now: number, room: number, thingsOf: (session: S) => number): S[] {
    const taken: S[] = [];
    for (let left = room; left > 0; ) {
      const [key] = this.#expiries.take(now, 1);
      if (key === undefined) break;
      const session = this.#live.get(key);
      if (session === undefined) continue;
      taken.push(session);
      left -= 1 + thingsOf(session);
    }
    return taken.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /**
   * Puts back a session that was taken and cannot end at this commit: it is due again at the next.
   */
  postpone({ key, expiry }: S): void {
    this.#expiries.set(key, expiry);
  }
}

function failure(code: string, expected: string, actual: string): Failure {
  return { code, expected, actual };
}

function originOf(author: PublicKey, client: string): string {
  return `${toHex(author)} ${client}`;
}

function bump<K>(counts: Map<K, number>, key: K, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
