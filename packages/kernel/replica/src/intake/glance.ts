// The first look at a block, at its header alone.
import {
  type BlockRules,
  checkSigner,
  type Dag,
  type OpenedBlock,
  refKey,
  type SeenCache,
  seenCache,
} from '@fatty/broadcast';
import { failure, failureOf } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import type { Tuning } from '../boundary/tuning.ts';
import type { Frontier } from '../cell/frontier.ts';
import type { Peers } from '../cell/peers.ts';
import type { Room } from './room.ts';

/** Blocks that were put off and whose signature was good; forgetting one costs a signature. */
const SEEN_MAX = 4_096;

/** Why a block is not looked into now. `blamed`: its sender is to blame. */
export interface PutOff {
  readonly what: 'blockRejected' | 'blockIgnored' | 'blockDeferred';
  readonly flaw: Failure;
  readonly blamed: boolean;
}

/** What Glance needs of its replica. */
export interface GlancePort {
  readonly dag: Dag;
  readonly frontier: Frontier;
  readonly me: number;
  readonly peers: Peers;
  readonly rules: BlockRules;
  readonly sync: { readonly isSyncing: boolean };
  readonly tuning: Tuning;
}

/**
 * R12: the first look at a block, at its header alone. What would be left anyway, for its round or
 * for want of room, is left before its body is read: that may hold hundreds of signatures. What a
 * header claims decides nothing but delay, and the signature is checked once, so that nobody speaks
 * in another's name.
 */
export class Glance {
  readonly #port: GlancePort;
  readonly #room: Room;
  readonly #seen: SeenCache = seenCache(SEEN_MAX);

  constructor(port: GlancePort, room: Room) {
    this.#port = port;
    this.#room = room;
  }

  /** Undefined: worth its checks. An unknown block of the own key always is (R26). */
  lookAt(block: OpenedBlock): PutOff | undefined {
    const { author, round } = block.ref;
    if (author === this.#port.me) return undefined;
    const left = this.#outOfRange(round) ?? this.#noRoom(block);
    if (left === undefined || this.#seen.has(refKey(block.ref))) return left;
    const signer = checkSigner(block.header, block.signed, this.#port.rules);
    if (signer.kind !== 'accept') {
      const blamed = signer.kind === 'reject';
      const what = blamed ? 'blockRejected' : 'blockIgnored';
      return { what, flaw: failureOf(signer), blamed };
    }
    this.#seen.add(refKey(block.ref));
    this.#port.peers.signed(author, round);
    return left;
  }

  /** In sync mode no round is too high. */
  #outOfRange(round: number): PutOff | undefined {
    const { completeRound } = this.#port.frontier;
    const { isSyncing } = this.#port.sync;
    const { dag, tuning } = this.#port;
    if (round <= dag.horizon) {
      const flaw = failure('below_horizon', `above ${dag.horizon}`, `${round}`);
      return { what: 'blockIgnored', flaw, blamed: false };
    }
    const top = completeRound + tuning.holdRounds;
    if (round <= top || isSyncing) return undefined;
    return deferred(failure('round_ahead', `at most ${top}`, `${round}`));
  }

  /** The author's share is full, and of lower blocks than this one, which would not give way. */
  #noRoom({ ref, header, bytes }: OpenedBlock): PutOff | undefined {
    const { dag } = this.#port;
    const noBytes = this.#room.lackOfBytes(ref.author, bytes.length);
    const lack = noBytes ?? this.#room.lackOfPlaces(ref.author);
    if (lack === undefined || this.#room.givesWayTo(ref)) return undefined;
    const isReady = header.parents.every((one) => one.round <= dag.horizon || dag.has(one));
    return noBytes === undefined && isReady ? undefined : deferred(lack);
  }
}

function deferred(flaw: Failure): PutOff {
  return { what: 'blockDeferred', flaw, blamed: false };
}
