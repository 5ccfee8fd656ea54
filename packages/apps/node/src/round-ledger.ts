// Of the newest rounds: whose blocks are here, and how far they have come.
import { toHex } from '@fatty/codec';
import type { ReplicaEffect } from '@fatty/replica';

/** Rounds that are kept and shown. */
export const ROUNDS_SHOWN_MAX = 50;
/** A block is late, or missing, when so much later rounds are here already. */
const ROUNDS_LATE = 2;

/** How far the block of a member in a round has come. `awaited`: its time is not over. */
export type BlockStage = 'awaited' | 'missing' | 'made' | 'delivered' | 'committed';

/** The block of one member in one round. */
export interface BlockShown {
  readonly stage: BlockStage;
  /** It came when blocks of a round two further on were here. */
  readonly late: boolean;
  /** There is more than one: its author lies. */
  readonly twice: boolean;
}

/** One round. */
export interface RoundShown {
  readonly round: number;
  /** Members whose blocks of this round were leaders of commits. */
  readonly leaders: readonly number[];
  /** By committee index. */
  readonly blocks: readonly BlockShown[];
}

/** What one replica has seen of the newest rounds of an epoch; nobody vouches for it. */
export interface RoundsShown {
  readonly epoch: number;
  /** Ascending, without holes; at most {@link ROUNDS_SHOWN_MAX}. */
  readonly rounds: readonly RoundShown[];
}

type Ref = Extract<ReplicaEffect, { kind: 'delivered' }>['ref'];

interface Entry {
  stage: 'made' | 'delivered' | 'committed';
  readonly late: boolean;
  readonly digest: string;
  twice: boolean;
}

interface Round {
  readonly leaders: Set<number>;
  /** By committee index. */
  readonly blocks: Map<number, Entry>;
}

/** Follows the effects of one replica; what it keeps is bounded by rounds times members. */
export class RoundLedger {
  readonly #rounds = new Map<number, Round>();
  #epoch = 0;
  #highest = 0;

  effect(effect: ReplicaEffect): void {
    if (effect.kind === 'index') {
      for (const { epoch, ref } of effect.blocks) {
        if (epoch >= this.#epoch) this.#made(epoch, ref);
      }
    }
    if (effect.kind === 'delivered') this.#reached(effect.ref, 'delivered');
    if (effect.kind !== 'committed' || effect.input.epoch !== this.#epoch) return;
    for (const ref of effect.commit.blocks) this.#reached(ref, 'committed');
    const { leader } = effect.commit;
    this.#rounds.get(leader.round)?.leaders.add(leader.author);
  }

  /** Of an epoch with so many members. */
  shown(epoch: number, members: number): RoundsShown {
    if (epoch !== this.#epoch) return { epoch, rounds: [] };
    const first = Math.max(1, this.#highest - ROUNDS_SHOWN_MAX + 1);
    const count = this.#highest === 0 ? 0 : this.#highest - first + 1;
    const rounds = Array.from({ length: count }, (_, i) => this.#shownRound(first + i, members));
    return { epoch, rounds };
  }

  #shownRound(round: number, members: number): RoundShown {
    const { leaders, blocks } = this.#rounds.get(round) ?? NOTHING;
    const isOver = this.#isOver(round);
    return {
      round,
      leaders: [...leaders].sort((a, b) => a - b),
      blocks: Array.from({ length: members }, (_, author): BlockShown => {
        const entry = blocks.get(author);
        if (entry === undefined) {
          return { stage: isOver ? 'missing' : 'awaited', late: false, twice: false };
        }
        const { stage, late, twice } = entry;
        return { stage, late, twice };
      }),
    };
  }

  #isOver(round: number): boolean {
    return this.#highest >= round + ROUNDS_LATE;
  }

  #made(epoch: number, { round, author, digest }: Ref): void {
    if (epoch > this.#epoch) this.#begin(epoch);
    if (round <= this.#highest - ROUNDS_SHOWN_MAX) return;
    const { blocks } = this.#roundAt(round);
    const entry = blocks.get(author);
    const name = toHex(digest);
    if (entry !== undefined) entry.twice ||= entry.digest !== name;
    else
      blocks.set(author, { stage: 'made', late: this.#isOver(round), digest: name, twice: false });
    if (round > this.#highest) this.#rise(round);
  }

  #reached({ round, author }: Ref, stage: 'delivered' | 'committed'): void {
    const entry = this.#rounds.get(round)?.blocks.get(author);
    if (entry === undefined || entry.stage === 'committed') return;
    entry.stage = stage;
  }

  #roundAt(round: number): Round {
    const found = this.#rounds.get(round) ?? { leaders: new Set(), blocks: new Map() };
    this.#rounds.set(round, found);
    return found;
  }

  #begin(epoch: number): void {
    this.#rounds.clear();
    this.#epoch = epoch;
    this.#highest = 0;
  }

  #rise(round: number): void {
    this.#highest = round;
    for (const old of this.#rounds.keys()) {
      if (old <= round - ROUNDS_SHOWN_MAX) this.#rounds.delete(old);
    }
  }
}

const NOTHING: Round = { leaders: new Set(), blocks: new Map() };
