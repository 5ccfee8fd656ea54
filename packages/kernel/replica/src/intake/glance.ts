import {
  type BlockRules,
  checkSigner,
  type OpenedBlock,
  refKey,
  type SeenCache,
  seenCache,
} from '@fatty/broadcast';
import { failure } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import type { Shared } from '../context.ts';
import type { Waiting } from './waiting.ts';

/** Blocks that were put off and whose signature was good; forgetting one costs a signature. */
const SEEN_MAX = 4_096;

/** Why a block is not looked into now. `blamed`: its sender is to blame. */
export interface PutOff {
  readonly what: 'blockRejected' | 'blockIgnored' | 'blockDeferred';
  readonly flaw: Failure;
  readonly blamed: boolean;
}

/**
 * R12: the first look at a block, at its header alone. What would be left anyway, for its round or
 * for want of room, is left before its body is read: that may hold hundreds of signatures. What a
 * header claims decides nothing but delay, and the signature is checked once, so that nobody speaks
 * in another's name.
 */
export class Glance {
  readonly #shared: Shared;
  readonly #rules: BlockRules;
  readonly #waiting: Waiting;
  readonly #shareBytes: number;
  readonly #seen: SeenCache = seenCache(SEEN_MAX);

  constructor(shared: Shared, rules: BlockRules, waiting: Waiting, shareBytes: number) {
    this.#shared = shared;
    this.#rules = rules;
    this.#waiting = waiting;
    this.#shareBytes = shareBytes;
  }

  /** Undefined: worth its checks. An unknown block of the own key always is (R26). */
  putOff(block: OpenedBlock): PutOff | undefined {
    const { author, round } = block.ref;
    if (author === this.#shared.me) return undefined;
    const left = this.#outOfRange(round) ?? this.#noRoom(block);
    if (left === undefined || this.#seen.has(refKey(block.ref))) return left;
    const signer = checkSigner(block.header, block.signed, this.#rules);
    if (signer.kind !== 'accept') {
      const { kind, code, expected, actual } = signer;
      const blamed = kind === 'reject';
      const what = blamed ? 'blockRejected' : 'blockIgnored';
      return { what, flaw: failure(code, expected, actual), blamed };
    }
    this.#seen.add(refKey(block.ref));
    this.#shared.peers.signed(author, round);
    return left;
  }

  /** In sync mode no round is too high. */
  #outOfRange(round: number): PutOff | undefined {
    const { dag, completeRound, tuning, syncing } = this.#shared;
    if (round <= dag.horizon) {
      const flaw = failure('below_horizon', `above ${dag.horizon}`, `${round}`);
      return { what: 'blockIgnored', flaw, blamed: false };
    }
    const top = completeRound + tuning.holdRounds;
    if (round <= top || syncing) return undefined;
    return deferred(failure('round_ahead', `at most ${top}`, `${round}`));
  }

  /** The author's share is full, and of lower blocks than this one, which would not give way. */
  #noRoom({ ref, header, bytes }: OpenedBlock): PutOff | undefined {
    const { dag, tuning } = this.#shared;
    const { author, round } = ref;
    const held = this.#waiting.bytesOf(author);
    const count = this.#waiting.countOf(author);
    const isOver = held > 0 && held + bytes.length > this.#shareBytes;
    const isMany = count >= tuning.pendingPerAuthor;
    if (!isOver && !isMany) return undefined;
    if ((this.#waiting.highestOf(author)?.block.ref.round ?? 0) > round) return undefined;
    if (isOver) {
      const max = `${this.#shareBytes} bytes of one author`;
      return deferred(failure('pending_full', max, `${held}`));
    }
    const isReady = header.parents.every((one) => one.round <= dag.horizon || dag.has(one));
    if (isReady) return undefined;
    const most = `at most ${tuning.pendingPerAuthor} waiting`;
    return deferred(failure('author_pending', most, `${count}`));
  }
}

function deferred(flaw: Failure): PutOff {
  return { what: 'blockDeferred', flaw, blamed: false };
}
