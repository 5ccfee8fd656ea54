import { type Block, type BlockRules, checkBlock, trusting } from '@fatty/broadcast';
import { failure } from '@fatty/codec';
import type { Failure, LogRecord } from '@fatty/interface';
import type { IndexedBlock } from '../boundary/contract.ts';
import type { Shared } from '../context.ts';
import {
  decodeMark,
  type Persistence,
  RECORD_BLOCK,
  RECORD_OWNER,
  type SignerMark,
} from './persistence.ts';

/** Blocks of the log between two looks at what they decide: each looks at all that is undecided. */
const BLOCKS_AT_ONCE = 32;

/** Reads the own log back (R24–R26) and judges whether it is whole. */
export class Restore {
  readonly #shared: Shared;
  readonly #rules: BlockRules;
  #mark: SignerMark | undefined;
  #flaw: Failure | undefined;
  #indexed: IndexedBlock[] = [];

  constructor(shared: Shared, rules: BlockRules) {
    this.#shared = shared;
    this.#rules = trusting(rules);
  }

  mark(bytes: Uint8Array | undefined, persistence: Persistence): void {
    if (bytes === undefined) return;
    const opened = decodeMark(bytes);
    if (!opened.ok) {
      this.#flaw ??= opened.failure;
      return;
    }
    this.#mark = opened.value;
    persistence.restoredMark(opened.value);
  }

  /**
   * The blocks of records that can be inserted, each to be inserted before the next is asked for.
   * `advance` applies what the blocks so far decide.
   */
  *blocks(
    records: Iterable<LogRecord>,
    persistence: Persistence,
    advance: () => void,
  ): Generator<Block> {
    let undecided = 0;
    for (const record of records) {
      const block = this.#block(record, persistence, advance);
      if (block === undefined) continue;
      yield block;
      undecided = (undecided + 1) % BLOCKS_AT_ONCE;
      if (undecided === 0) advance();
    }
    advance();
  }

  /**
   * The block of a record, when it can be inserted now. A block that is there already is skipped.
   */
  #block(record: LogRecord, persistence: Persistence, advance: () => void): Block | undefined {
    if (record.type === RECORD_OWNER) {
      const owner = persistence.restoredOwner(record.body);
      if (!owner.ok) this.#flaw ??= owner.failure;
    }
    if (record.type !== RECORD_BLOCK || this.#flaw) return undefined;
    const checked = checkBlock(record.body, this.#rules);
    if (checked.kind !== 'accept') {
      const { code, expected, actual } = checked;
      this.#flaw = failure(code, expected, actual);
      return undefined;
    }
    const { block } = checked;
    const { dag } = this.#shared;
    if (dag.has(block.ref) || block.ref.round <= dag.horizon) return undefined;
    // It may have been logged when its parents were below the horizon, which commits move.
    if (dag.missingParents(block).length > 0) advance();
    if (dag.missingParents(block).length === 0) return block;
    this.#flaw = failure('log_gap', 'every parent before its child', `round ${block.ref.round}`);
    return undefined;
  }

  index(block: Block): void {
    this.#indexed.push({ ref: block.ref, bytes: block.bytes });
    this.#shared.bodies.indexed(block.ref);
  }

  flushIndex(): void {
    if (this.#indexed.length === 0) return;
    this.#shared.out.push({ kind: 'index', blocks: this.#indexed });
    this.#indexed = [];
  }

  /**
   * R26: why this replica may not sign in this epoch, if so. Codes `log_behind_mark`,
   * `foreign_log`, `log_gap`, and those of `checkBlock` and of `decode` for the mark.
   */
  verdict(lastOwnRound: number): Failure | undefined {
    if (this.#flaw || this.#mark === undefined) return this.#flaw;
    const { durable, epoch } = this.#mark;
    const { committee } = this.#shared;
    if (epoch > committee.epoch || (epoch === committee.epoch && durable > lastOwnRound)) {
      return failure('log_behind_mark', `own round ${durable} in the log`, `${lastOwnRound}`);
    }
    return undefined;
  }
}
