// Checks S6: committed blocks are valid, in order, and committed once.
import { toHex } from '@fatty/codec';
import type { CheckedCell, Checker, Observation, Violation } from '../world/observation.ts';
import type { SeenBlock } from '../world/sight.ts';
import type { BlockBook } from './book.ts';
import type { CommitSeen } from './commits.ts';

type Say = (rule: string, expected: string, actual: string) => void;

/**
 * S6: committed blocks are valid by a second reading of R8 to R10, sorted by (round, author, digest),
 * committed once, and their parents are committed before them or at or below the horizon.
 * S11: commitTs is the lower median of the leader's previous-round parents, inside the range of the
 * honest ones, monotone; the lease clock steps by at most STEP and never runs ahead of real time.
 */
export class BlockChecker implements Checker {
  readonly rules: readonly string[] = ['S6', 'S11'];
  readonly #checked: CheckedCell;
  readonly #book: BlockBook;
  readonly #committed = new Set<string>();
  #last: CommitSeen | undefined;
  /** Of the latest commit. */
  #epoch = 0;
  #firstLease = 0;
  #horizon = 0;

  constructor(checked: CheckedCell, book: BlockBook) {
    this.#checked = checked;
    this.#book = book;
  }

  see(observation: Observation): readonly Violation[] {
    if (observation.kind !== 'committed') return [];
    if (this.#last !== undefined && observation.commit.index <= this.#last.commit.index) return [];
    const out: Violation[] = [];
    const { atMs, by } = observation;
    const say: Say = (rule, expected, actual) =>
      void out.push({ rule, expected, actual, atMs, replica: by });
    this.#enter(observation, say);
    this.#blocks(observation, say);
    this.#time(observation, say);
    this.#horizon = observation.commit.horizon;
    this.#last = observation;
    return out;
  }

  finish(): readonly Violation[] {
    return [];
  }

  /** S20: epochs come one after the other, each behind the commit that its beginning names. */
  #enter({ commit, input: { epoch } }: CommitSeen, say: Say): void {
    if (epoch === this.#epoch) return;
    const origin = this.#checked.cell.roll.of(epoch)?.origin;
    if (epoch !== this.#epoch + 1) say('S20', `epoch ${this.#epoch + 1}`, `epoch ${epoch}`);
    if (origin?.index !== commit.index - 1) {
      say('S20', `epoch ${epoch} behind commit ${commit.index - 1}`, `behind ${origin?.index}`);
    }
    this.#epoch = epoch;
    this.#horizon = 0;
  }

  #blocks({ commit }: CommitSeen, say: Say): void {
    const keys = commit.blocks.map((ref) => toHex(ref.digest));
    if (keys.at(-1) !== toHex(commit.leader.digest)) say('S6', 'the leader last', 'another block');
    let before = '';
    for (const key of keys) {
      const block = this.#book.get(key);
      if (block === undefined) {
        say('S6', 'a block somebody sent or stored', key);
        continue;
      }
      const order = `${String(block.round).padStart(9, '0')} ${String(block.author).padStart(4)}${key}`;
      if (order <= before) say('S6', `blocks ascending after ${before}`, order);
      before = order;
      if (this.#committed.has(key)) say('S6', 'each block committed once', key);
      const flaw = this.#flawOf(block);
      if (flaw !== undefined) say('S6', `block ${block.round}/r${block.author} valid`, flaw);
      this.#committed.add(key);
      for (const parent of block.parents) {
        if (!this.#committed.has(parent.key) && parent.round > this.#horizon) {
          say('S6', `parent ${parent.round}/r${parent.author} committed before`, 'it is not');
        }
      }
    }
  }

  /** A second reading of R8 to R10, as text when broken. */
  #flawOf(block: SeenBlock): string | undefined {
    const { cell } = this.#checked;
    const [own, ...others] = block.parents;
    if (toHex(block.cellId) !== toHex(cell.cellId)) return 'cell id';
    if (block.epoch !== this.#epoch || block.round < 1) return 'epoch or round';
    if (own === undefined || own.author !== block.author || own.round >= block.round) {
      return 'own parent first';
    }
    let author = -1;
    for (const parent of others) {
      if (parent.author <= author || parent.author === block.author) return 'parents ascending';
      if (parent.round !== block.round - 1) return 'parents of the round before';
      author = parent.author;
    }
    const before = others.length + (own.round === block.round - 1 ? 1 : 0);
    // R11's time against the own parent is not here: a replica that cannot know the parent any more
    // takes the block, so all must when something references it. S11 bounds what it can do.
    return before < (cell.roll.of(block.epoch)?.quorum ?? Infinity)
      ? `${before} parents of the round before`
      : undefined;
  }

  #time({ commit, atMs }: CommitSeen, say: Say): void {
    const { cell, skewMsMax } = this.#checked;
    const { genesisTs } = (cell.roll.of(this.#epoch) ?? cell).committee;
    const leader = this.#book.find(commit.leader);
    if (leader === undefined) return;
    const parents = leader.parents.filter((parent) => parent.round === leader.round - 1);
    const stamp = (key: string): number => this.#book.get(key)?.ts ?? genesisTs;
    const stamps = parents.map((parent) => stamp(parent.key)).sort((a, b) => a - b);
    const median = stamps[Math.floor((stamps.length - 1) / 2)] ?? 0;
    const previous = this.#last?.commit.commitTs ?? cell.committee.genesisTs;
    const want = Math.max(previous, median);
    if (commit.commitTs !== want) say('S11', `commitTs ${want}`, String(commit.commitTs));
    const { epoch } = leader;
    const honest = parents.filter(({ author }) => !this.#book.isLying({ epoch, author }));
    const truths = honest.map((parent) => stamp(parent.key));
    if (median < Math.min(...truths) || median > Math.max(...truths)) {
      say('S11', `between ${Math.min(...truths)} and ${Math.max(...truths)}`, String(median));
    }
    this.#lease(commit, atMs + skewMsMax, say);
  }

  #lease(commit: CommitSeen['commit'], realMsMax: number, say: Say): void {
    const { genesisTs, params } = this.#checked.cell.committee;
    if (this.#last === undefined) {
      this.#firstLease = commit.leaseClock;
    } else {
      const passed = commit.commitTs - this.#last.commit.commitTs;
      const want = this.#last.commit.leaseClock + Math.min(passed, params.leaseStepMsMax);
      if (commit.leaseClock !== want) say('S11', `lease clock ${want}`, String(commit.leaseClock));
    }
    if (commit.leaseClock - this.#firstLease > realMsMax - genesisTs) {
      say('S11', `lease clock at most real time ${realMsMax}`, String(commit.leaseClock));
    }
  }
}
