import { type Block, type Header, type Ref, signBlock } from '@fatty/broadcast';
import { invariant } from '@fatty/codec';
import { type Cargo, NO_CARGO, type Pool } from '../clients/pool.ts';
import type { Shared } from '../context.ts';

/** Makes own blocks (R4, R9–R11). When is the pacemaker's question. */
export class Proposer {
  readonly #shared: Shared;
  readonly #pool: Pool;
  #last: Block | undefined;

  constructor(shared: Shared, pool: Pool) {
    this.#shared = shared;
    this.#pool = pool;
  }

  /** The newest own block that is durable; undefined before the first. */
  get last(): Block | undefined {
    return this.#last;
  }

  get lastRound(): number {
    return this.#last?.ref.round ?? 0;
  }

  /** An own block is durable: the next one stands on it. */
  stand(block: Block): void {
    if (block.ref.round > this.lastRound) this.#last = block;
    this.#shared.clock.stamped(block.header.ts);
  }

  /**
   * The highest round an own block may be made for, or undefined. R22: q blocks of the round before
   * and the own one; R23: the own ones in between may be left out when all slots up to two rounds
   * below the highest left-out one are decided here.
   */
  nextRound(): number | undefined {
    const { completeRound, orderer, me } = this.#shared;
    const next = this.lastRound + 1;
    // Slots 1 … skipped − 2 decided, where the highest skipped round is one below the target.
    const limit = Math.min(completeRound + 1, orderer.lastDecidedRound + 3);
    // The others wait for the leader of the last complete round: it must not jump over its own slot.
    const leads = completeRound >= next && orderer.leaderOf(completeRound) === me;
    const furthest = leads ? Math.min(completeRound, limit) : limit;
    const rounds = [furthest, next].filter((round) => round >= next && round <= completeRound + 1);
    const willing = rounds.find((round) =>
      this.#canStandOn(round - 1, this.#unshunnedAt(round - 1)),
    );
    return (
      willing ?? rounds.find((round) => this.#canStandOn(round - 1, this.#othersAt(round - 1)))
    );
  }

  /**
   * True when the own block of `round` needs a shunned author to have q parents. Shunning is a local
   * opinion and validity knows nothing of it: somebody may have gone ahead on a block that the others
   * shun, without an own one in the round that they wait for, and then only that block can carry them.
   */
  needsShunned(round: number): boolean {
    return !this.#canStandOn(round - 1, this.#unshunnedAt(round - 1));
  }

  make(round: number, carriesBatches: boolean): Block {
    const { committee, config, me, clock } = this.#shared;
    this.#pool.requeueLost(round);
    const cargo: Cargo = carriesBatches ? this.#pool.take(round) : NO_CARGO;
    const header: Omit<Header, 'bodyHash'> = {
      cellId: config.cellId,
      epoch: committee.epoch,
      round,
      author: me,
      // R11: never below the own block before; the clock knows that one.
      ts: Math.max(clock.nowMs, committee.genesisTs),
      seal: false,
      parents: this.#parents(round),
    };
    const block = signBlock(header, cargo, config.signer);
    invariant(
      block.bytes.length <= committee.params.limits.blockBytesMax,
      'an own block is within the block limit',
    );
    this.#pool.include(block);
    return block;
  }

  #canStandOn(below: number, others: readonly Ref[]): boolean {
    if (below === 0) return this.lastRound === 0;
    const own = this.lastRound === below ? 1 : 0;
    return others.length + own >= this.#shared.quorum;
  }

  /** R9, R22: own chain first, then the authors of the round before, ascending. */
  #parents(round: number): readonly Ref[] {
    const { dag, me } = this.#shared;
    const own = this.#last?.ref ?? (dag.virtual[me] as Ref);
    if (round === 1) return [own, ...dag.virtual.filter((ref) => ref.author !== me)];
    const below = round - 1;
    return [own, ...(this.needsShunned(round) ? this.#othersAt(below) : this.#unshunnedAt(below))];
  }

  #unshunnedAt(round: number): readonly Ref[] {
    return this.#othersAt(round).filter((ref) => !this.#shared.peers.isOutcast(ref.author));
  }

  /** R13: of several blocks in one slot the first that came. */
  #othersAt(round: number): readonly Ref[] {
    const { dag, me, committee } = this.#shared;
    const refs: Ref[] = [];
    for (let author = 0; author < committee.members.length; author++) {
      const block = dag.primary(author, round);
      if (block && author !== me) refs.push(block.ref);
    }
    return refs;
  }
}
