// Locks, machines and jobs of the cell: found by a bounded walk, kept fresh by what happens.
import { type EventBody, tokenOf } from '@fatty/api';
import { asSessionId, fromHex, toHex } from '@fatty/codec';
import { type Signal, signal } from '@preact/signals';
import type { Believed } from '../model/believed.ts';
import { isBusy, type LockSeen, type PartySeen } from '../model/locks.ts';
import { childPath } from '../model/tree.ts';
import type { AnswerOf, LinkedCell } from './cell.ts';

/** Nodes that a walk looks at. */
const WALK_MAX = 500;
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

/** What holds, waits, proves and works, as far as the walk has seen it. */
export class Nodes {
  readonly locks: Signal<readonly LockFound[]> = signal([]);
  /** Lengths of leases by session, ms. */
  readonly leases: Signal<ReadonlyMap<string, number>> = signal(new Map());
  readonly machines: Signal<readonly MachineFound[]> = signal([]);
  readonly jobs: Signal<readonly JobFound[]> = signal([]);
  readonly walked: Signal<Walked> = signal({ nodes: 0, cut: false });
  #linked: LinkedCell | undefined;
  #isKnown = false;
  #busy = new Set<string>();
  #machines = new Set<string>();
  #jobs = new Set<string>();

  begin(linked: LinkedCell): void {
    this.#linked = linked;
  }

  /** What was seen is not believed to be whole any more: the next look walks again. */
  forget(): void {
    this.#isKnown = false;
  }

  happened(event: EventBody): void {
    const { kind, path } = event;
    if (kind.startsWith('lock')) this.#busy.add(path);
    if (kind === 'added' && event.node === 'machine') this.#machines.add(path);
    if (kind === 'added' && event.node === 'job') this.#jobs.add(path);
    if (kind === 'removed')
      for (const set of [this.#busy, this.#machines, this.#jobs]) set.delete(path);
  }

  /** Looks again at all that is busy. Never rejects. */
  async refresh(leaseClock: number): Promise<void> {
    const linked = this.#linked;
    if (linked === undefined) return;
    if (!this.#isKnown) await this.#walk(linked).catch(() => undefined);
    const found = await asked([...this.#busy].slice(0, FRESH_MAX), async (path) => {
      const { value, ...word } = await linked.ask({ kind: 'lock', path }, 'lock');
      return { ...word, value: seenLock(path, value) };
    });
    const busy = found.filter(({ value }) => isBusy(value, leaseClock));
    this.#busy = new Set(busy.map(({ value }) => value.path));
    this.locks.value = busy;
    await this.#learnLeases(linked, busy);
    this.machines.value = await asked([...this.#machines].slice(0, FRESH_MAX), async (path) => {
      return { path, ...(await linked.ask({ kind: 'machine', path }, 'machine')) };
    });
    this.jobs.value = await asked([...this.#jobs].slice(0, FRESH_MAX), async (path) => {
      return { path, ...(await linked.ask({ kind: 'job', path }, 'job')) };
    });
  }

  /** How long a lease is its session tells once. */
  async #learnLeases(linked: LinkedCell, busy: readonly LockFound[]): Promise<void> {
    const parties = busy.flatMap(({ value }) => [...value.holders, ...value.waiters]);
    const known = this.leases.value;
    const fresh = new Set(parties.map(({ session }) => session).filter((one) => !known.has(one)));
    if (fresh.size === 0) return;
    const told = await asked([...fresh].slice(0, FRESH_MAX), async (session) => {
      const id = asSessionId(fromHex(session) ?? new Uint8Array(32));
      const { value } = await linked.ask({ kind: 'session', id }, 'session');
      return [session, value.leaseMs] as const;
    });
    const alive = new Set(parties.map(({ session }) => session));
    this.leases.value = new Map([...known, ...told].filter(([session]) => alive.has(session)));
  }

  /** Breadth first. @throws FattyError when the root cannot be listed */
  async #walk(linked: LinkedCell): Promise<void> {
    const queue = ['/'];
    const lockable: string[] = [];
    let nodes = 0;
    let cut = false;
    for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
      const query = { kind: 'list', path, after: undefined, limit: PAGE_MAX } as const;
      const listed =
        path === '/' ? linked.ask(query, 'list') : linked.ask(query, 'list').catch(() => undefined);
      const { entries = [], more = false } = (await listed)?.value ?? {};
      cut ||= more;
      for (const { name, node } of entries) {
        if (nodes++ >= WALK_MAX) {
          cut = true;
          break;
        }
        const at = childPath(path, name);
        if (node === 'directory') queue.push(at);
        if (node === 'machine') this.#machines.add(at);
        else if (node === 'job') this.#jobs.add(at);
        else lockable.push(at);
      }
      if (nodes >= WALK_MAX) break;
    }
    this.#isKnown = true;
    this.walked.value = { nodes: Math.min(nodes, WALK_MAX), cut };
    await asked(lockable, async (path) => {
      const { value } = await linked.ask({ kind: 'lock', path }, 'lock');
      if (value.holders.length + value.waiters.length > 0) this.#busy.add(path);
    });
  }
}

/** What could be answered, in order; a few at a time. */
async function asked<A, T>(all: readonly A[], ask: (one: A) => Promise<T>): Promise<readonly T[]> {
  const found: (T | undefined)[] = [];
  for (let i = 0; i < all.length; i += ASKED_AT_ONCE) {
    const some = all.slice(i, i + ASKED_AT_ONCE).map((one) => ask(one).catch(() => undefined));
    found.push(...(await Promise.all(some)));
  }
  return found.filter((one) => one !== undefined);
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
