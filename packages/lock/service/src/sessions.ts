import { type ErrorResult, errorResult, keepAliveLink, type LockMode, type Op } from '@fatty/api';
import { ACCEPT, equalBytes, ignore, reject, toHex, utf8 } from '@fatty/codec';
import { type Entries, LayeredMap } from '@fatty/crdt';
import type {
  Digest,
  OrderedBatch,
  OrderedKeepAlive,
  Position,
  PublicKey,
  SessionId,
  Verdict,
} from '@fatty/interface';
import { Deadlines } from './deadlines.ts';
import { Graves } from './graves.ts';
import type { Ledger } from './ledger.ts';
import type { Quotas } from './quotas.ts';
import { Receipts, type StoredReceipt } from './receipts.ts';

/** R3: a keep-alive is checked by at most so many hashes. */
export const LINKS_MAX = 64;
/** R3: and all those of a commit by so many, besides the first of each. */
export const EXTRA_LINKS_PER_COMMIT = 16_384;

/** A lock request of a session: waiting, or held. */
export interface Claim {
  readonly path: string;
  readonly session: Session;
  readonly seq: number;
  readonly index: number;
  readonly mode: LockMode;
  readonly lockDelayMs: number;
  held: boolean;
  /** Place in the queue while waiting, lock generation once held. */
  position: Position;
  /** End of maxWait on the lease clock, while waiting. */
  deadline: number | undefined;
}

export interface Session {
  readonly id: SessionId;
  /** Map key of the id. */
  readonly key: string;
  readonly client: PublicKey;
  /** Map key of the client. */
  readonly owner: string;
  /** Replica whose block carried the open. */
  readonly author: number;
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
  /** Of the last notice about its locks and waits (R21b). */
  lastNumber: number;
  /** Oldest first; kept by {@link Receipts}. */
  readonly receipts: StoredReceipt[];
  /** By path: a session waits for or holds a path at most once. */
  readonly claims: Map<string, Claim>;
  /** Claims by `seq:index`, for cancel. */
  readonly claimOf: Map<string, Claim>;
  /** Its ephemeral dots: op key to path. */
  readonly ephemerals: Entries<string, string>;
  /** What an answer takes for its claims and ephemerals at most. */
  bytes: number;
}

/** What an answer takes for a claim or an ephemeral besides its path, at most. Bytes. */
const ENTRY_BYTES = 48;

export function entryBytes(path: string): number {
  return ENTRY_BYTES + utf8(path).length;
}

/** Why this session can have no further hold, wait or ephemeral at this path. */
export function refuseEntry(
  { bytes }: Session,
  path: string,
  { sessionBytesMax }: Quotas,
): ErrorResult | undefined {
  if (bytes + entryBytes(path) <= sessionBytesMax) return undefined;
  const expected = `at most ${sessionBytesMax} bytes of holds, waits and ephemerals`;
  return errorResult('session_full', expected, `${bytes} and one more`);
}

export function addEphemeral(session: Session, dot: string, path: string): void {
  session.ephemerals.set(dot, path);
  session.bytes += entryBytes(path);
}

export function dropEphemeral(session: Session, dot: string): void {
  const path = session.ephemerals.get(dot);
  if (path === undefined) return;
  session.ephemerals.delete(dot);
  session.bytes -= entryBytes(path);
}

/** Sessions, and the graves that keep a dead one from being opened again by a replay (R3). */
export class Sessions {
  readonly receipts: Receipts;
  readonly graves: Graves;
  readonly #limits: Quotas;
  /** Of a fork: the sessions it started from; it has its own of those that were asked for. */
  #base: Sessions | undefined;
  readonly #live = new Map<string, Session>();
  readonly #expiries = new Deadlines();
  readonly #perAuthor = new Map<number, number>();
  /** By gateway and client. */
  readonly #perOrigin = new Map<string, number>();
  readonly #perClient = new Map<string, number>();

  constructor(limits: Quotas) {
    this.#limits = limits;
    this.receipts = new Receipts(limits);
    this.graves = new Graves(limits);
  }

  /** Sessions whose ephemeral dots go their own way, while these do not change; for reads. */
  fork(): Sessions {
    const forked = new Sessions(this.#limits);
    forked.#base = this;
    return forked;
  }

  get size(): number {
    return this.#base?.size ?? this.#live.size;
  }

  get(key: string): Session | undefined {
    return this.#live.get(key) ?? this.#borrow(key);
  }

  #borrow(key: string): Session | undefined {
    const found = this.#base?.get(key);
    if (found === undefined) return undefined;
    const session = { ...found, ephemerals: new LayeredMap(found.ephemerals) };
    this.#live.set(key, session);
    return session;
  }

  /** Live sessions of a client, by the map key of its key. */
  countOf(owner: string): number {
    return this.#perClient.get(owner) ?? 0;
  }

  all(): IterableIterator<Session> {
    return this.#live.values();
  }

  /** Why this open is refused, if it is. `commit`: the one that applies it. */
  refuseOpen(
    batch: Pick<OrderedBatch, 'client' | 'session' | 'basis' | 'author'>,
    commit: number,
    basisCommitsMax: number,
  ): ErrorResult | undefined {
    const { basis, author } = batch;
    if (basis.commit > commit) {
      return errorResult('future_basis', `at most ${commit}`, String(basis.commit));
    }
    if (commit - basis.commit > basisCommitsMax) {
      const age = `${commit - basis.commit} commits`;
      return errorResult('stale_basis', `at most ${basisCommitsMax} commits old`, age);
    }
    if (this.graves.has(toHex(batch.session))) {
      return errorResult('session_reused', 'a fresh nonce', 'a session that has ended');
    }
    const floor = this.graves.floorOf(batch.client) - basisCommitsMax;
    if (basis.commit <= floor) {
      const expected = `a basis above ${floor}: this key has ended many sessions`;
      return errorResult('stale_basis', expected, String(basis.commit));
    }
    return this.#refuseFull(toHex(batch.client), author);
  }

  /** The cell's limits before the gateway's: only the latter does another gateway cure. */
  #refuseFull(client: string, author: number): ErrorResult | undefined {
    const { sessionsMax, sessionsPerClientMax } = this.#limits;
    const own = this.#perClient.get(client) ?? 0;
    if (own >= sessionsPerClientMax) {
      return errorResult('too_many_sessions', `${sessionsPerClientMax} a client`, String(own));
    }
    if (this.#live.size >= sessionsMax) {
      return errorResult('too_many_sessions', `${sessionsMax} in the cell`, `${this.#live.size}`);
    }
    return this.#refuseAt(author, client);
  }

  #refuseAt(author: number, client: string): ErrorResult | undefined {
    const { sessionsPerOriginMax, sessionsPerAuthorMax, gravesPerAuthorMax } = this.#limits;
    const full = (most: number, what: string, count: number): ErrorResult | undefined =>
      count < most ? undefined : errorResult('gateway_full', `${most} ${what}`, String(count));
    return (
      full(
        sessionsPerOriginMax,
        'of a client at a gateway',
        this.#perOrigin.get(originOf(author, client)) ?? 0,
      ) ??
      full(sessionsPerAuthorMax, 'a gateway', this.#perAuthor.get(author) ?? 0) ??
      full(gravesPerAuthorMax, 'lately ended', this.graves.carriedBy(author))
    );
  }

  open(
    batch: OrderedBatch,
    op: Extract<Op, { kind: 'openSession' }>,
    opened: Position,
    ledger: Ledger,
    basisCommitsMax: number,
  ): Session {
    const session: Session = {
      id: batch.session,
      key: toHex(batch.session),
      client: batch.client,
      owner: toHex(batch.client),
      author: batch.author,
      opened,
      openableUntil: batch.basis.commit + basisCommitsMax,
      leaseMs: op.leaseMs,
      link: op.anchor,
      i: 0,
      expiry: ledger.now + op.leaseMs,
      lastSeq: 0,
      lastNumber: 0,
      receipts: [],
      claims: new Map(),
      claimOf: new Map(),
      ephemerals: new Map(),
      bytes: 0,
    };
    this.add(session);
    return session;
  }

  /** Also how a snapshot comes back. */
  add(session: Session): void {
    this.#live.set(session.key, session);
    this.#expiries.set(session.key, session.expiry);
    this.#count(session, 1);
    this.receipts.add(session.receipts);
  }

  /** Forgets a session whose claims and ephemerals are gone already. */
  bury(session: Session): void {
    this.#live.delete(session.key);
    this.#expiries.delete(session.key);
    this.#count(session, -1);
    this.receipts.forget(session.receipts);
    const { key, client, author, openableUntil } = session;
    this.graves.add({ key, client, author, openableUntil });
  }

  #count(session: Session, one: 1 | -1): void {
    bump(this.#perAuthor, session.author, one);
    bump(this.#perClient, session.owner, one);
    bump(this.#perOrigin, originOf(session.author, session.owner), one);
  }

  keep(session: Session, now: number): void {
    session.expiry = now + session.leaseMs;
    this.#expiries.set(session.key, session.expiry);
  }

  reanchor(session: Session, anchor: Digest, now: number): void {
    session.link = anchor;
    session.i = 0;
    this.keep(session, now);
  }

  /**
   * Accepts a keep-alive that continues the chain; bounded by {@link LINKS_MAX} hashes. Old news is
   * ignored, what cannot have come from the client is rejected.
   */
  checkKeepAlive(keepAlive: OrderedKeepAlive): Verdict {
    const session = this.#live.get(toHex(keepAlive.session));
    if (session === undefined) return ignore('session_unknown', 'a live session', 'none');
    const links = keepAlive.i - session.i;
    if (links < 1) return ignore('bad_keep_alive', `link ${session.i + 1}`, `link ${keepAlive.i}`);
    if (links > LINKS_MAX) {
      const expected = `at most link ${session.i + LINKS_MAX}`;
      return reject('bad_keep_alive', expected, `link ${keepAlive.i}`);
    }
    let link = keepAlive.preimage;
    for (let step = 0; step < links; step++) link = keepAliveLink(link);
    if (equalBytes(link, session.link)) return ACCEPT;
    return reject('bad_keep_alive', 'a preimage of the last link', 'other bytes');
  }

  /**
   * Nearest first: what lying gateways fill their blocks with can cost the cell no more hashes than
   * {@link EXTRA_LINKS_PER_COMMIT}, and keeps no chain from taking its next link.
   */
  applyKeepAlives(keepAlives: readonly OrderedKeepAlive[], ledger: Ledger): void {
    const links = (one: OrderedKeepAlive): number =>
      one.i - (this.#live.get(toHex(one.session))?.i ?? one.i);
    const near = keepAlives.filter((one) => links(one) >= 1 && links(one) <= LINKS_MAX);
    const byLinks = near.map((one) => ({ one, links: links(one) }));
    let extra = EXTRA_LINKS_PER_COMMIT;
    for (const { one } of byLinks.sort((a, b) => a.links - b.links)) {
      const cost = links(one) - 1;
      if (cost > extra) continue;
      extra -= Math.max(0, cost);
      this.#applyKeepAlive(one, ledger);
    }
  }

  #applyKeepAlive(keepAlive: OrderedKeepAlive, ledger: Ledger): void {
    if (this.checkKeepAlive(keepAlive).kind !== 'accept') return;
    const session = this.#live.get(toHex(keepAlive.session));
    if (session === undefined) return;
    session.link = keepAlive.preimage;
    session.i = keepAlive.i;
    this.keep(session, ledger.now);
    const { i, expiry: leaseExpiry, lastNumber } = session;
    ledger.tell(session, { kind: 'renewed', i, leaseExpiry, lastNumber });
  }

  /**
   * Sessions past their lease, ascending by id: those whose lease ended first, as many as have about
   * `room` holds, waits and ephemerals together. They stay until buried.
   */
  takeExpired(now: number, room: number): Session[] {
    const taken: Session[] = [];
    for (let left = room; left > 0; ) {
      const [key] = this.#expiries.take(now, 1);
      if (key === undefined) break;
      const session = this.#live.get(key);
      if (session === undefined) continue;
      taken.push(session);
      left -= 1 + session.claims.size + session.ephemerals.size;
    }
    return taken.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** One that was taken, and cannot end at this commit, is due again at the next. */
  postpone({ key, expiry }: Session): void {
    this.#expiries.set(key, expiry);
  }
}

function originOf(author: number, client: string): string {
  return `${author} ${client}`;
}

function bump<K>(counts: Map<K, number>, key: K, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

export function claimKey(seq: number, index: number): string {
  return `${seq}:${index}`;
}
