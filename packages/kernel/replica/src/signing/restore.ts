// Reads the own log back.
import {
  type Block,
  type BlockRules,
  checkBlock,
  checkOpened,
  type Dag,
  type OpenedBlock,
  openBlock,
  trusting,
} from '@fatty/broadcast';
import { equalBytes, failure, failureOf } from '@fatty/codec';
import type { Failure, LogRecord, PlacedRecord } from '@fatty/interface';
import type { Committee } from '@fatty/protocol';
import type { IndexedBlock } from '../boundary/contract.ts';
import type { Outbox } from '../boundary/outbox.ts';
import type { Bodies } from '../catchup/bodies.ts';
import {
  decodeMark,
  type Persistence,
  RECORD_BLOCK,
  RECORD_OWNER,
  type SignerMark,
} from './persistence.ts';

/** Blocks of the log between two looks at what they decide: each looks at all that is undecided. */
const BLOCKS_AT_ONCE = 32;

/** A record of the log of an earlier life, and the segment it is in where that is known. */
export type ReplayedRecord = LogRecord & Partial<PlacedRecord>;

/** What is to be done with the log. */
export type RestoreStep =
  /** Insert the block. */
  | { readonly kind: 'block'; readonly block: Block }
  /** Apply what the blocks so far decide. */
  | { readonly kind: 'advance' };

const ADVANCE: RestoreStep = { kind: 'advance' };

/** What Restore needs of its replica. */
export interface RestorePort {
  readonly bodies: Bodies;
  readonly committee: Committee;
  readonly dag: Dag;
  readonly me: number;
  readonly out: Outbox;
  readonly persistence: Persistence;
  readonly rules: BlockRules;
}

/** Reads the own log back (R24–R26) and judges whether it is whole. */
export class Restore {
  readonly #port: RestorePort;
  readonly #rules: BlockRules;
  #mark: SignerMark | undefined;
  #flaw: Failure | undefined;
  #indexed: IndexedBlock[] = [];
  /** An own block of this round is in the state. */
  #ownCommitted = 0;
  /** Own blocks of this epoch in the log. */
  #ownBlocks = 0;
  #epochRead = 0;

  constructor(port: RestorePort) {
    this.#port = port;
    this.#rules = trusting(port.rules);
  }

  readMark(bytes: Uint8Array | undefined): void {
    if (bytes === undefined) return;
    const opened = decodeMark(bytes);
    if (!opened.ok) {
      this.#flaw ??= opened.failure;
      return;
    }
    this.#mark = opened.value;
    this.#port.persistence.restoredMark(opened.value);
  }

  /** Of the newest block that was read: the records of one epoch stand before those of the next. */
  get epochRead(): number {
    return this.#flaw ? this.#port.committee.epoch : this.#epochRead;
  }

  /** What is to be done with the records, step by step: each before the next is asked for. */
  *read(records: Iterable<LogRecord>): Generator<RestoreStep> {
    let undecided = 0;
    for (const record of records) {
      const block = this.#readRecord(record);
      if (block === undefined) continue;
      // It may have been logged when its parents were below the horizon, which commits move.
      if (!this.#hasParents(block)) yield ADVANCE;
      if (!this.#hasParents(block)) {
        const { round } = block.ref;
        this.#flaw = failure('log_gap', 'every parent before its child', `round ${round}`);
        continue;
      }
      yield { kind: 'block', block };
      undecided = (undecided + 1) % BLOCKS_AT_ONCE;
      if (undecided === 0) yield ADVANCE;
    }
    yield ADVANCE;
  }

  /** The block of a record, unless it is there already. */
  #readRecord(record: LogRecord): Block | undefined {
    if (record.type === RECORD_OWNER) {
      const owner = this.#port.persistence.restoredOwner(record.body);
      if (!owner.ok) this.#flaw ??= owner.failure;
    }
    if (record.type !== RECORD_BLOCK || this.#flaw) return undefined;
    const opened = openBlock(record.body, record.body.length);
    if (!opened.ok) {
      this.#flaw = opened.failure;
      return undefined;
    }
    const { epoch, cellId } = opened.value.header;
    this.#epochRead = epoch;
    const { committee, cellId: ours } = this.#port.rules;
    if (epoch === committee.epoch || !equalBytes(cellId, ours)) return this.#judge(opened.value);
    // Members that are still in that epoch may ask for it.
    this.#toIndex(opened.value);
    return undefined;
  }

  #judge(opened: OpenedBlock): Block | undefined {
    const checked = checkOpened(opened, this.#rules);
    if (checked.kind !== 'accept') {
      this.#flaw = failureOf(checked);
      return undefined;
    }
    const { block } = checked;
    const { dag, me } = this.#port;
    if (block.ref.author === me) this.#ownBlocks += 1;
    // It is in the state, and others may ask for it.
    const isBelow = block.ref.round <= dag.horizon;
    if (isBelow) this.#toIndex(block);
    return isBelow || dag.has(block.ref) ? undefined : block;
  }

  #toIndex({ header, ref, bytes }: OpenedBlock): void {
    this.#indexed.push({ epoch: header.epoch, ref, bytes });
  }

  #hasParents(block: Block): boolean {
    return this.#port.dag.missingParents(block).length === 0;
  }

  /** An own block that a frame of an earlier life came with; undefined: none, or none that can be read. */
  ownBeside(bytes: Uint8Array): Block | undefined {
    const checked = bytes.length === 0 ? undefined : checkBlock(bytes, this.#rules);
    return checked?.kind === 'accept' ? checked.block : undefined;
  }

  /** The frame that this life begins behind has taken an own block of this round. */
  ownCommitted(round: number): void {
    this.#ownCommitted = round;
  }

  index(block: Block): void {
    this.#toIndex(block);
    this.#port.bodies.indexed(block.ref);
  }

  flushIndex(): void {
    if (this.#indexed.length === 0) return;
    this.#port.out.push({ kind: 'index', blocks: this.#indexed });
    this.#indexed = [];
  }

  /**
   * R26: why this replica may not sign in this epoch, if so. Codes `log_behind_mark`, `mark_lost`,
   * `foreign_log`, `log_gap`, and those of `checkBlock` and of `decode` for the mark.
   */
  verdict(lastOwnRound: number): Failure | undefined {
    if (this.#flaw) return this.#flaw;
    if (this.#ownCommitted > lastOwnRound) {
      const expected = `own round ${this.#ownCommitted}, which is committed, in the log`;
      return failure('log_behind_mark', expected, `${lastOwnRound}`);
    }
    if (this.#mark === undefined) return this.#withoutMark(lastOwnRound);
    const { durable, epoch } = this.#mark;
    const { committee } = this.#port;
    if (epoch > committee.epoch || (epoch === committee.epoch && durable > lastOwnRound)) {
      return failure('log_behind_mark', `own round ${durable} in the log`, `${lastOwnRound}`);
    }
    return undefined;
  }

  /** An own block is sent, and the next one made, when the mark is durable: of one block alone it may be missing. */
  #withoutMark(lastOwnRound: number): Failure | undefined {
    if (this.#ownBlocks < 2 && this.#ownCommitted === 0) return undefined;
    return failure('mark_lost', `a signer mark beside own round ${lastOwnRound}`, 'none');
  }
}
