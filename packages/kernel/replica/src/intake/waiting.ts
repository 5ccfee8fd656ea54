// Blocks on their way into the DAG.
import { type Block, type Ref, refKey } from '@fatty/broadcast';
import type { Ask } from '@fatty/interface';

/** A valid block on its way into the DAG. */
export interface WaitingBlock {
  readonly block: Block;
  /** Who sent it. */
  readonly peer: number;
  /** Author of the block in whose missing cone it was found; its own author otherwise. */
  readonly root: number;
  /** Its slow checks. */
  readonly asks: readonly Ask[];
  /** Keys of those that were asked for and are not answered; undefined before they are. */
  jobs: Set<string> | undefined;
  /** Its time stamp is too far ahead. */
  early: boolean;
  /** Keys of missing parents, with their rounds. */
  readonly missing: Map<string, number>;
  queued: boolean;
}

const FRESH = { jobs: undefined, queued: false };

/** A map to sets that forgets empty sets. */
class Index {
  readonly #sets = new Map<string, Set<WaitingBlock>>();

  add(key: string, entry: WaitingBlock): void {
    const set = this.#sets.get(key) ?? new Set();
    this.#sets.set(key, set.add(entry));
  }

  /** True when nothing is left under the key. */
  delete(key: string, entry: WaitingBlock): boolean {
    const set = this.#sets.get(key);
    if (!set?.delete(entry) || set.size > 0) return false;
    return this.#sets.delete(key);
  }

  get(key: string): readonly WaitingBlock[] {
    return [...(this.#sets.get(key) ?? [])];
  }

  has(key: string): boolean {
    return this.#sets.has(key);
  }
}

/** The blocks that wait (R12), found by what they wait for. Bookkeeping only, no rules. */
export class Waiting {
  readonly #entries = new Map<string, WaitingBlock>();
  readonly #children = new Index();
  readonly #jobs = new Index();
  readonly #slots = new Map<string, Block>();
  readonly #byAuthor: { blocks: number; bytes: number }[];
  readonly #early = new Set<WaitingBlock>();
  readonly #ready: WaitingBlock[] = [];
  #unneeded: string[] = [];

  constructor(members: number) {
    this.#byAuthor = Array.from({ length: members }, () => ({ blocks: 0, bytes: 0 }));
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): WaitingBlock | undefined {
    return this.#entries.get(key);
  }

  all(): readonly WaitingBlock[] {
    return [...this.#entries.values()];
  }

  of(author: number): readonly WaitingBlock[] {
    return this.all().filter(({ block }) => block.ref.author === author);
  }

  countOf(author: number): number {
    return this.#byAuthor[author]?.blocks ?? 0;
  }

  bytesOf(author: number): number {
    return this.#byAuthor[author]?.bytes ?? 0;
  }

  highestOf(author: number): WaitingBlock | undefined {
    let highest: WaitingBlock | undefined;
    for (const entry of this.#entries.values()) {
      const { ref } = entry.block;
      if (ref.author !== author || ref.round <= (highest?.block.ref.round ?? 0)) continue;
      highest = entry;
    }
    return highest;
  }

  inSlot(author: number, round: number): Block | undefined {
    return this.#slots.get(`${author}/${round}`);
  }

  byJob(key: string): readonly WaitingBlock[] {
    return this.#jobs.get(key);
  }

  childrenOf(key: string): readonly WaitingBlock[] {
    return this.#children.get(key);
  }

  /** Some waiting block references it. */
  isNeeded(key: string): boolean {
    return this.#children.has(key);
  }

  add(
    given: Omit<WaitingBlock, 'missing' | 'queued' | 'jobs'>,
    missing: readonly Ref[],
  ): WaitingBlock {
    const { ref } = given.block;
    const rounds = missing.map((one): [string, number] => [refKey(one), one.round]);
    const entry: WaitingBlock = { ...given, missing: new Map(rounds), ...FRESH };
    this.#entries.set(refKey(ref), entry);
    for (const [key] of rounds) this.#children.add(key, entry);
    const slot = `${ref.author}/${ref.round}`;
    if (!this.#slots.has(slot)) this.#slots.set(slot, entry.block);
    if (entry.early) this.#early.add(entry);
    this.#count(entry, 1);
    return entry;
  }

  remove(entry: WaitingBlock): void {
    const { ref } = entry.block;
    if (!this.#entries.delete(refKey(ref))) return;
    for (const key of entry.missing.keys()) this.#unlink(key, entry);
    for (const key of entry.jobs ?? []) this.#jobs.delete(key, entry);
    if (entry.jobs?.size) this.#checkEnded(entry);
    const slot = `${ref.author}/${ref.round}`;
    if (this.#slots.get(slot) === entry.block) this.#slots.delete(slot);
    this.#early.delete(entry);
    this.#count(entry, -1);
  }

  /** Its slow checks are under way. It becomes ready again when all are answered. */
  startChecks(entry: WaitingBlock, jobs: Set<string>): void {
    entry.jobs = jobs;
    for (const key of jobs) this.#jobs.add(key, entry);
    this.markReady(entry);
  }

  isChecking(author: number): boolean {
    return this.of(author).some(({ jobs }) => jobs !== undefined && jobs.size > 0);
  }

  jobAccepted(entry: WaitingBlock, key: string): void {
    entry.jobs?.delete(key);
    this.#jobs.delete(key, entry);
    this.markReady(entry);
    if (entry.jobs?.size === 0) this.#checkEnded(entry);
  }

  parentCame(key: string): void {
    for (const child of this.#children.get(key)) {
      child.missing.delete(key);
      this.#children.delete(key, child);
      this.markReady(child);
    }
  }

  /** Parents at or below the horizon are opaque; stamps up to `latestTs` have come. */
  refresh(entry: WaitingBlock, horizon: number, latestTs: number): void {
    for (const [key, round] of entry.missing) {
      if (round > horizon) continue;
      entry.missing.delete(key);
      this.#unlink(key, entry);
    }
    if (entry.early && entry.block.header.ts <= latestTs) {
      entry.early = false;
      this.#early.delete(entry);
    }
    this.markReady(entry);
  }

  markReady(entry: WaitingBlock): void {
    if (entry.queued || entry.early || entry.jobs?.size || entry.missing.size > 0) return;
    entry.queued = true;
    this.#ready.push(entry);
  }

  /** Next one that waits for nothing but perhaps its turn to be checked. */
  shift(): WaitingBlock | undefined {
    for (let entry = this.#ready.shift(); entry; entry = this.#ready.shift()) {
      entry.queued = false;
      if (this.#entries.get(refKey(entry.block.ref)) === entry) return entry;
    }
    return undefined;
  }

  earliestTs(): number | undefined {
    let earliest: number | undefined;
    for (const { block } of this.#early) {
      earliest = Math.min(earliest ?? block.header.ts, block.header.ts);
    }
    return earliest;
  }

  /** Parents that nothing waits for any more, since the last call. */
  takeUnneeded(): readonly string[] {
    const keys = this.#unneeded.filter((key) => !this.#children.has(key));
    this.#unneeded = [];
    return keys;
  }

  /** There is room for another slow check of the author. */
  #checkEnded({ block }: WaitingBlock): void {
    for (const entry of this.of(block.ref.author)) this.markReady(entry);
  }

  #unlink(key: string, entry: WaitingBlock): void {
    if (this.#children.delete(key, entry)) this.#unneeded.push(key);
  }

  #count({ block }: WaitingBlock, sign: 1 | -1): void {
    const share = this.#byAuthor[block.ref.author];
    if (share === undefined) return;
    share.blocks += sign;
    share.bytes += sign * block.bytes.length;
  }
}
