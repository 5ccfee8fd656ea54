// The book of every block that was ever seen.
import type { Ref } from '@fatty/broadcast';
import { asSignature, hash, signedBytes, toHex } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import {
  type CheckedCell,
  type Checker,
  NOTHING_WRONG,
  type Observation,
  type Violation,
} from '../world/observation.ts';
import { order } from '../world/roll.ts';
import { blocksIn, type SeenBlock } from '../world/sight.ts';

/**
 * Every properly signed block that was ever put on a wire or a disk, by digest. All checkers look
 * blocks up here; none asks a replica.
 */
export class BlockBook implements Checker {
  readonly rules: readonly string[] = [];
  readonly #checked: CheckedCell;
  readonly #blocks = new Map<string, SeenBlock>();
  readonly #fresh: SeenBlock[] = [];
  readonly #roundMax = new Map<number, number>();
  /** The latest round that an honest replica has signed a block for, over all epochs. */
  last = 0;

  constructor(checked: CheckedCell) {
    this.#checked = checked;
  }

  get(key: string): SeenBlock | undefined {
    return this.#blocks.get(key);
  }

  all(): Iterable<SeenBlock> {
    return this.#blocks.values();
  }

  /** Highest round of an epoch that an honest replica has signed a block for. */
  roundMax(epoch: number): number {
    return this.#roundMax.get(epoch) ?? 0;
  }

  /** Key of the block's author. */
  keyOf({ epoch, author }: SeenBlock): PublicKey {
    const key = this.#checked.cell.roll.of(epoch)?.committee.members[author];
    if (key === undefined) throw new RangeError(`no member ${author} of epoch ${epoch}`);
    return key;
  }

  /** Host of the author; below 0: there is none. */
  hostOf({ epoch, author }: Pick<SeenBlock, 'epoch' | 'author'>): number {
    return this.#checked.cell.roll.hostOf(epoch, author) ?? -1;
  }

  /** Nothing is promised of its author. */
  isLying(block: Pick<SeenBlock, 'epoch' | 'author'>): boolean {
    return this.#checked.liars.has(this.hostOf(block));
  }

  find(ref: Ref): SeenBlock | undefined {
    return this.#blocks.get(toHex(ref.digest));
  }

  /** Blocks first met in the latest observation. */
  get news(): readonly SeenBlock[] {
    return this.#fresh;
  }

  see(observation: Observation): readonly Violation[] {
    this.#fresh.length = 0;
    if (observation.kind === 'sent') this.#note(blocksIn(observation.bytes));
    if (observation.kind === 'synced') {
      for (const { body } of observation.records) this.#note(blocksIn(body));
    }
    return NOTHING_WRONG;
  }

  finish(): readonly Violation[] {
    return NOTHING_WRONG;
  }

  #note(blocks: readonly SeenBlock[]): void {
    for (const block of blocks) {
      if (this.#blocks.has(block.key) || !this.#signed(block)) continue;
      this.#blocks.set(block.key, block);
      this.#fresh.push(block);
      if (this.isLying(block)) continue;
      const { epoch, round } = block;
      this.#roundMax.set(epoch, Math.max(this.roundMax(epoch), round));
      this.last = Math.max(this.last, order(epoch, round));
    }
  }

  #signed(block: SeenBlock): boolean {
    const { cell } = this.#checked;
    const key = cell.roll.of(block.epoch)?.committee.members[block.author];
    if (key === undefined) return false;
    // Anyone can put another body next to a good header: that is no block.
    if (toHex(hash('body', block.body)) !== toHex(block.bodyHash)) return false;
    const message = signedBytes('block', cell.cellId, block.header);
    return cell.scheme.verify(key, message, asSignature(block.sig));
  }
}
