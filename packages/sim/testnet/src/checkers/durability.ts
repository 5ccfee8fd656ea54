// Checks S17: nothing leaves before it is durable.

import type { Ref } from '@fatty/broadcast';
import { toHex } from '@fatty/codec';
import type { LogRecord } from '@fatty/interface';
import type { CheckedCell, Checker, Observation, Violation } from '../world/observation.ts';
import { order } from '../world/roll.ts';
import { blocksIn } from '../world/sight.ts';
import type { BlockBook } from './book.ts';

/**
 * S17 (R24): when an honest replica sends a block of its own, that block, every block it references
 * and a signer mark are on its disk.
 * S8: what any honest replica delivered is in the commit sequence as soon as a leader above every
 * round known at that moment is committed (durability lemma).
 */
export class DurabilityChecker implements Checker {
  readonly rules: readonly string[] = ['S8', 'S17'];
  readonly #checked: CheckedCell;
  readonly #book: BlockBook;
  readonly #disks = new Map<number, { keys: Set<string>; marked: boolean }>();
  readonly #proven = new Map<number, Set<string>>();
  readonly #committed = new Set<string>();
  /** Delivered, not yet committed: the round by which it has to be, and in any case by the end of its epoch. */
  readonly #owed = new Map<string, { readonly by: number; readonly name: string }>();
  readonly #delivered = new Set<string>();
  #index = -1;

  constructor(checked: CheckedCell, book: BlockBook) {
    this.#checked = checked;
    this.#book = book;
  }

  see(observation: Observation): readonly Violation[] {
    const out: Violation[] = [];
    const say = (rule: string, expected: string, actual: string): void => {
      out.push({ rule, expected, actual, atMs: observation.atMs, replica: observation.by });
    };
    switch (observation.kind) {
      case 'synced':
        this.#synced(observation.by, observation.records, observation.mark);
        break;
      case 'sent':
        if (!this.#checked.liars.has(observation.by)) this.#sent(observation, say);
        break;
      case 'delivered':
        this.#owe(observation.ref, observation.epoch ?? 0);
        break;
      case 'committed':
        this.#commit(observation, say);
        break;
      case 'crashed':
      case 'restarted':
      case 'resumed':
      case 'noted':
      case 'halted':
      case 'refused':
    }
    return out;
  }

  finish(): readonly Violation[] {
    return [];
  }

  /** Blocks delivered and not yet committed. */
  get owed(): number {
    return this.#owed.size;
  }

  #synced(by: number, records: readonly LogRecord[], mark: Uint8Array | undefined): void {
    const disk = this.#disks.get(by) ?? { keys: new Set<string>(), marked: false };
    for (const { body } of records) for (const block of blocksIn(body)) disk.keys.add(block.key);
    disk.marked ||= mark !== undefined;
    this.#disks.set(by, disk);
  }

  #sent(
    { by, bytes }: Extract<Observation, { kind: 'sent' }>,
    say: (rule: string, expected: string, actual: string) => void,
  ): void {
    const proven = this.#proven.get(by) ?? new Set<string>();
    this.#proven.set(by, proven);
    for (const block of blocksIn(bytes)) {
      if (this.#book.hostOf(block) !== by || proven.has(block.key)) continue;
      proven.add(block.key);
      const name = `block ${block.round}/r${block.author}`;
      const disk = this.#disks.get(by);
      if (disk?.keys.has(block.key) !== true)
        say('S17', `${name} on disk before it is sent`, 'not');
      // The mark of round 1 names round 0 as durable and says no more than none: a power cut may take
      // it and leave the block, which then counts (R26).
      if (disk?.marked !== true && block.round > 1) {
        say('S17', `a signer mark on disk before ${name}`, 'none');
      }
      for (const parent of block.parents) {
        if (parent.round === 0 || disk?.keys.has(parent.key)) continue;
        say('S17', `parent ${parent.round}/r${parent.author} of ${name} on disk`, 'not');
      }
    }
  }

  #owe(ref: Ref, epoch: number): void {
    const key = toHex(ref.digest);
    if (this.#delivered.has(key)) return;
    this.#delivered.add(key);
    if (this.#committed.has(key)) return;
    const name = `block ${ref.round}/r${ref.author}`;
    this.#owed.set(key, { by: order(epoch, this.#book.roundMax(epoch) + 2), name });
  }

  #commit(
    { commit, input }: Extract<Observation, { kind: 'committed' }>,
    say: (rule: string, expected: string, actual: string) => void,
  ): void {
    if (commit.index <= this.#index) return;
    this.#index = commit.index;
    for (const ref of commit.blocks) {
      const key = toHex(ref.digest);
      this.#committed.add(key);
      this.#owed.delete(key);
    }
    const { round } = commit.leader;
    for (const [key, { by, name }] of this.#owed) {
      if (order(input.epoch, round) < by) continue;
      say('S8', `delivered ${name} committed by leader ${input.epoch}/${round}`, 'it is not');
      this.#owed.delete(key);
    }
  }
}
