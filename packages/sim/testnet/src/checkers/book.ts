// The book of every block that was ever seen.
import type { Ref } from '@fatty/broadcast';
import { asSignature, hash, signedBytes, toHex } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { memberKey } from '@fatty/protocol';
import {
  type CheckedCell,
  type Checker,
  NOTHING_WRONG,
  type Observation,
  type Violation,
} from '../world/observation.ts';
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
  /** Highest round an honest replica has signed a block for. */
  roundMax = 0;

  constructor(checked: CheckedCell) {
    this.#checked = checked;
  }

  get(key: string): SeenBlock | undefined {
    return this.#blocks.get(key);
  }

  all(): Iterable<SeenBlock> {
    return this.#blocks.values();
  }

  /** Key of the block's author. */
  keyOf({ author }: SeenBlock): PublicKey {
    return memberKey(this.#checked.cell.committee, author);
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
      if (this.#checked.liars.has(block.author)) continue;
      this.roundMax = Math.max(this.roundMax, block.round);
    }
  }

  #signed(block: SeenBlock): boolean {
    const { cell } = this.#checked;
    const key = cell.signers[block.author]?.publicKey;
    if (key === undefined) return false;
    // Anyone can put another body next to a good header: that is no block.
    if (toHex(hash('body', block.body)) !== toHex(block.bodyHash)) return false;
    const message = signedBytes('block', cell.cellId, block.header);
    return cell.scheme.verify(key, message, asSignature(block.sig));
  }
}
