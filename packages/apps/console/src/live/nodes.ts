// Locks, machines and jobs of the cell: found by a bounded walk, kept fresh by what happens.
import { type EventBody, type Query, tokenOf } from '@fatty/api';
import { asSessionId, fromHex, toHex } from '@fatty/codec';
import { type Signal, signal } from '@preact/signals';
import type { Believed } from '../model/believed.ts';
import { Fresh } from '../model/fresh.ts';
import { isBusy, type LockSeen, type PartySeen } from '../model/locks.ts';
import { childPath } from '../model/tree.ts';
import type { AnswerOf, LinkedCell } from './cell.ts';
import { codeOf } from './names.ts';

/** Nodes that a walk looks at. */
const WALK_MAX = 500;
/** A walk that is older is made again: whatever was missed is seen then, ms. */
const WALK_MS = 30_000;
/** Children of one page of the walk. */
const PAGE_MAX = 250;
/** Locks, machines and jobs that are kept fresh, of each. */
const FRESH_MAX = 40;
/** Questions at once: the page shares a budget with all who have no session. */
const ASKED_AT_ONCE = 8;

/** A lock, and who says so. */
export type LockFound = Believed<LockSeen>;
/** A machine, and who says so. */
export type MachineFound = Believed<AnswerOf<'machine'>> & { readonly path: string };
/** A job, and who says so. */
export type JobFound = Believed<AnswerOf<'job'>> & { readonly path: string };

/** How far the walk has come. */
export interface Walked {
  readonly nodes: number;
  /** The cell has more nodes than were looked at. */
  readonly cut: boolean;
}

/** What a walk has found. */
interface Found extends Walked {
  /** Directories and files. */
  readonly lockable: readonly string[];
  /** The listings are those of this commit or of later ones. */
  readonly commit: number;
}

/** What holds, waits, proves and works, as far as the walk has seen it. */
export class Nodes {
  readonly locks: Signal<readonly LockFound[]> = signal([]);
  /** Lengths of leases by session, ms. */
  readonly leases: Signal<ReadonlyMap<string, number>> = signal(new Map());
  readonly machines: Signal<readonly MachineFound[]> = signal([]);
  readonly jobs: Signal<readonly JobFound[]> = signal([]);
  readonly walked: Signal<Walked> = signal({ nodes: 0, cut: false });
  readonly #locks = new Fresh<LockSeen>();
  readonly #machines = new Fresh<AnswerOf<'machine'>>();
  readonly #jobs = new Fresh<AnswerOf<'job'>>();
  /** From this commit on all that happens is told. */
  #from = 0;
  /** The last walk saw the cell as it was at {@link #from}, or later. */
  #isKnown = false;
  /** When the last walk was over, ms of the page's clock. */
  #walkedAtMs = 0;

  /** From this commit on all that happens is told; what was seen of earlier ones is walked again. */
  watched(from: number): void {
    this.#from = from;
    this.#isKnown = false;
  }

  happened(event: EventBody, commit: number): void {
    const { kind, path } = event;
    const kept = [this.#locks, this.#machines, this.#jobs];
    if (kind === 'removed') for (const one of kept) one.drop(path);
    if (kind.startsWith('lock')) this.#locks.touch(path, commit);
    if (kind !== 'added') return;
    if (event.node === 'machine') this.#machines.touch(path, commit);
    if (event.node === 'job') this.#jobs.touch(path, commit);
  }

  /** Looks again at all that is busy. Never rejects. */
  async refresh(linked: LinkedCell, leaseClock: number): Promise<void> {
    const isDue = performance.now() >= this.#walkedAtMs + WALK_MS;
    if (!this.#isKnown || isDue) await this.#walk(linked).catch(() => undefined);
    await ask(this.#locks, async (path) => {
      const { value, ...word } = await linked.ask({ kind: 'lock', path }, 'lock');
      const lock = seenLock(path, value);
      this.#locks.heard(path, { ...word, value: lock }, !isBusy(lock, leaseClock));
    });
    this.locks.value = this.#locks.all.map(([, found]) => found);
    await this.#learnLeases(linked);
    await ask(this.#machines, async (path) => {
      this.#machines.heard(path, await linked.ask({ kind: 'machine', path }, 'machine'), false);
    });
    this.machines.value = this.#machines.all.map(([path, found]) => ({ path, ...found }));
    await ask(this.#jobs, async (path) => {
      this.#jobs.heard(path, await linked.ask({ kind: 'job', path }, 'job'), false);
    });
    this.jobs.value = this.#jobs.all.map(([path, found]) => ({ path, ...found }));
  }

  /** How long a lease is its session tells once. */
  async #learnLeases(linked: LinkedCell): Promise<void> {
    const parties = this.locks.value.flatMap(({ value }) => [...value.holders, ...value.waiters]);
    const known = this.leases.value;
    const alive = new Set(parties.map(({ session }) => session));
    const news = [...alive].filter((one) => !known.has(one)).slice(0, FRESH_MAX);
    if (news.length === 0) return;
    const told = new Map(known);
    await inTurns(news, async (session) => {
      const id = asSessionId(fromHex(session) ?? new Uint8Array(32));
      const { value } = await linked.ask({ kind: 'session', id }, 'session');
      told.set(session, value.leaseMs);
    });
    this.leases.value = new Map([...told].filter(([session]) => alive.has(session)));
  }

  async #walk(linked: LinkedCell): Promise<void> {
    const { lockable, commit, ...walked } = await this.#found(linked);
    this.walked.value = walked;
    await inTurns(lockable, async (path) => {
      const { value, commit: at } = await linked.ask({ kind: 'lock', path }, 'lock');
      const isFree = value.holders.length + value.waiters.length === 0;
      if (!isFree || at < this.#from) this.#locks.touch(path, this.#from);
    });
    this.#isKnown = commit >= this.#from;
    this.#walkedAtMs = performance.now();
  }

  /** Breadth first. @throws FattyError when the root cannot be listed */
  async #found(linked: LinkedCell): Promise<Found> {
    const [queue, lockable] = [['/'], [] as string[]];
    let [nodes, commit, cut] = [0, Number.POSITIVE_INFINITY, false];
    for (let path = queue.shift(); path !== undefined && nodes < WALK_MAX; path = queue.shift()) {
      const query: Query = { kind: 'list', path, after: undefined, limit: PAGE_MAX };
      const listed = linked.ask(query, 'list');
      const found = await (path === '/' ? listed : listed.catch(() => undefined));
      if (found === undefined) continue;
      const { entries, more } = found.value;
      commit = Math.min(commit, found.commit);
      cut ||= more || nodes + entries.length > WALK_MAX;
      for (const { name, node } of entries.slice(0, WALK_MAX - nodes)) {
        nodes++;
        const at = childPath(path, name);
        if (node === 'directory') queue.push(at);
        if (node === 'machine') this.#machines.touch(at, 0);
        else if (node === 'job') this.#jobs.touch(at, 0);
        else lockable.push(at);
      }
    }
    return { nodes, cut: cut || queue.length > 0, lockable, commit };
  }
}

/** Asks for all that is kept; what does not answer stays as it was, and what is not there goes. */
function ask<T>(fresh: Fresh<T>, one: (path: string) => Promise<void>): Promise<void> {
  return inTurns(fresh.paths(FRESH_MAX), (path) =>
    one(path).catch((error: unknown) => {
      if (codeOf(error) === 'not_found') fresh.drop(path);
    }),
  );
}

/** A few at a time; what fails is left out. */
async function inTurns<A>(all: readonly A[], act: (one: A) => Promise<void>): Promise<void> {
  for (let i = 0; i < all.length; i += ASKED_AT_ONCE) {
    await Promise.allSettled(all.slice(i, i + ASKED_AT_ONCE).map(act));
  }
}

function seenLock(path: string, { holders, waiters, notBefore }: AnswerOf<'lock'>): LockSeen {
  type Party = (typeof holders)[number];
  const seen = ({ session, client, mode, position, leaseExpiry }: Party): PartySeen => {
    return {
      session: toHex(session),
      client: toHex(client),
      mode,
      token: tokenOf(position),
      leaseExpiry,
    };
  };
  return { path, holders: holders.map(seen), waiters: waiters.map(seen), notBefore };
}
