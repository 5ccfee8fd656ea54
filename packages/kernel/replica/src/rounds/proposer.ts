// Makes own blocks.
import { type Block, type Dag, type Header, type Ref, signBlock } from '@fatty/broadcast';
import { invariant, type Signer } from '@fatty/codec';
import type { CellId } from '@fatty/interface';
import type { Orderer } from '@fatty/order';
import { type Committee, quorum } from '@fatty/protocol';
import type { OwnClock } from '../cell/clock.ts';
import type { Frontier } from '../cell/frontier.ts';
import type { Peers } from '../cell/peers.ts';
import { type Cargo, NO_CARGO, type Pool } from '../clients/pool.ts';

/** What Proposer needs of its replica. */
export interface ProposerPort {
  readonly cellId: CellId;
  readonly clock: OwnClock;
  readonly committee: Committee;
  readonly dag: Dag;
  readonly frontier: Frontier;
  readonly me: number;
  readonly orderer: Orderer;
  readonly peers: Peers;
  readonly pool: Pool;
  readonly signer: Signer;
}

/** Makes own blocks (R4, R9–R11). When is the pacemaker's question. */
export class Proposer {
  readonly #port: ProposerPort;
  readonly #quorum: number;
  #last: Block | undefined;

  constructor(port: ProposerPort) {
    this.#port = port;
    this.#quorum = quorum(port.committee);
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
    this.#port.clock.stamped(block.header.ts);
  }

  /**
   * The highest round an own block may be made for, or undefined. R22: q blocks of the round before
   * and the own one; R23: the own ones in between may be left out when all slots up to two rounds
   * below the highest left-out one are decided here. None above `roundMax`.
   */
  nextRound(roundMax: number): number | undefined {
    const { completeRound } = this.#port.frontier;
    const { orderer, me } = this.#port;
    const next = this.lastRound + 1;
    // Slots 1 … skipped − 2 decided, where the highest skipped round is one below the target.
    const limit = Math.min(completeRound + 1, orderer.lastDecidedRound + 3, roundMax);
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
    const { committee, cellId, signer, me, clock } = this.#port;
    this.#port.pool.requeueLost(round);
    const seal = this.#isSealed;
    const cargo = this.#cargo(round, carriesBatches, seal);
    const header: Omit<Header, 'bodyHash'> = {
      cellId,
      epoch: committee.epoch,
      round,
      author: me,
      // R11: never below the own block before; the clock knows that one.
      ts: Math.max(clock.nowMs, committee.genesisTs),
      seal,
      parents: this.#parents(round),
    };
    const block = signBlock(header, cargo, signer);
    invariant(
      block.bytes.length <= committee.params.limits.blockBytesMax,
      'an own block is within the block limit',
    );
    this.#port.pool.include(block);
    return block;
  }

  /** R30: from the plan on, and what is sealed once stays so. */
  get #isSealed(): boolean {
    return this.#port.orderer.agenda.plan !== undefined || this.#last?.header.seal === true;
  }

  #cargo(round: number, carriesBatches: boolean, seal: boolean): Cargo {
    if (!carriesBatches) return NO_CARGO;
    const { pool } = this.#port;
    return seal ? pool.takeSealed(round) : pool.take(round);
  }

  #canStandOn(below: number, others: readonly Ref[]): boolean {
    if (below === 0) return this.lastRound === 0;
    const own = this.lastRound === below ? 1 : 0;
    return others.length + own >= this.#quorum;
  }

  /** R9, R22: own chain first, then the authors of the round before, ascending. */
  #parents(round: number): readonly Ref[] {
    const { dag, me } = this.#port;
    const own = this.#last?.ref ?? (dag.virtual[me] as Ref);
    if (round === 1) return [own, ...dag.virtual.filter((ref) => ref.author !== me)];
    const below = round - 1;
    return [own, ...(this.needsShunned(round) ? this.#othersAt(below) : this.#unshunnedAt(below))];
  }

  #unshunnedAt(round: number): readonly Ref[] {
    return this.#othersAt(round).filter((ref) => !this.#port.peers.isOutcast(ref.author));
  }

  /** R13: of several blocks in one slot the first that came. */
  #othersAt(round: number): readonly Ref[] {
    const { dag, me, committee } = this.#port;
    const refs: Ref[] = [];
    for (let author = 0; author < committee.members.length; author++) {
      const block = dag.primary(author, round);
      if (block && author !== me) refs.push(block.ref);
    }
    return refs;
  }
}
