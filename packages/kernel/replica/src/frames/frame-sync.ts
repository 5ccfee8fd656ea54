// Catches up by a frame that others serve.
import { equalBytes, fail, failure, ok } from '@fatty/codec';
import type { Failure, Outcome } from '@fatty/interface';
import { type CertRules, type FrameCopy, faultsMax, frameRootOf } from '@fatty/protocol';
import type { Fetching } from '../boundary/fetching.ts';
import type { OfferedFrame, PeerMessage } from '../boundary/messages.ts';
import type { Outbox, Timers } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { Sync } from '../catchup/sync.ts';
import type { OwnClock } from '../cell/clock.ts';
import type { Frontier } from '../cell/frontier.ts';
import type { Peers } from '../cell/peers.ts';
import { type ChunkEffect, type ChunkEvent, ChunkFetch } from './chunk-fetch.ts';
import type { Keeper } from './keeper.ts';
import { openPayload } from './payload.ts';
import { proveFrame } from './stored.ts';

/** What FrameSync needs of its replica. */
export interface FrameSyncPort extends CertRules {
  readonly clock: OwnClock;
  readonly frames: {
    /** A frame of others may be stored now. */
    readonly mayAdopt: boolean;
  };
  readonly frontier: Frontier;
  readonly keeper: Pick<Keeper, 'adopt'>;
  readonly orderer: { readonly lastIndex: number };
  readonly out: Outbox;
  readonly peers: Peers;
  readonly sync: Pick<Sync, 'isSyncing' | 'isPaused' | 'holdUntil'>;
  readonly timers: Timers;
  readonly tuning: Tuning;
}

/** So many times `frameStallMs` a fetch may hold back the blocks, however it goes. */
const HOLD_STALLS = 6;

/** A frame that its certificate proves, with a payload. */
interface Proved {
  readonly offer: OfferedFrame;
  readonly copy: FrameCopy;
}

interface Answer {
  /** Of the rounds from here on the peer has every block. */
  readonly fromRound: number;
  readonly proved: Proved | undefined;
}

interface Target extends Proved {
  readonly fetch: ChunkFetch;
  /** Quarters of it that were told of. */
  quarters: number;
  readonly beganMs: number;
  /** When the last chunk came, or it was begun with. */
  movedMs: number;
}

/**
 * Catch-up by frame (R29). In sync mode the others are asked for their newest frames. One is fetched when the
 * blocks that are missing here are gone everywhere, when nothing has moved for long, or when it is far ahead;
 * only on a certificate, chunk by chunk from everybody who has it. It is stored like an own one, and the
 * replica is opened anew from its disk: no other way leads behind a frame.
 */
export class FrameSync {
  readonly #port: FrameSyncPort;
  /** By peer: the commit above which it was asked for a frame. */
  readonly #asked = new Map<number, number>();
  readonly #answers = new Map<number, Answer>();
  /** Peers that have offered or sent what no certificate names: none of them is asked again in this life. */
  readonly #liars = new Set<number>();
  /** Commits of frames that are of no use. */
  readonly #useless = new Set<number>();
  /** Commits of frames that were left for another one since a frame was adopted or sync mode began. */
  readonly #left = new Set<number>();
  #target: Target | undefined;
  #isAdopting = false;
  #isActive = false;
  #askedMs = 0;
  #movedMs = 0;
  #movedRound = 0;
  /** Sync mode began without any commit. */
  #isNew = false;

  constructor(port: FrameSyncPort) {
    this.#port = port;
  }

  /** Undefined: no frame is being fetched. */
  get fetching(): Fetching | undefined {
    return this.#target && fetchingOf(this.#target);
  }

  /** After every event: asks, begins, goes on, ends. */
  evaluate(): void {
    const { sync, clock, timers, tuning } = this.#port;
    if (this.#isAdopting || sync.isPaused) return;
    if (!sync.isSyncing) return this.#end();
    const nowMs = clock.runningMs;
    this.#watch(nowMs);
    if (nowMs >= this.#askedMs + tuning.frameAskMs) this.#askAll(nowMs);
    this.#leaveStuck(nowMs);
    if (this.#target === undefined) this.#begin(nowMs);
    else this.#step({ kind: 'tick' });
    sync.holdUntil(this.#heldUntilMs);
    // Who is silent is waited for until half of that time is over.
    const dueMs = [1, 2].map((half) => this.#askedMs + (half * tuning.frameAskMs) / 2);
    timers.want('fetchRetry', dueMs.find((atMs) => atMs > nowMs) ?? nowMs + tuning.frameAskMs);
  }

  /**
   * Who has nothing yet asks for no blocks while chunks come: they would be fetched twice over. Whoever sends none, or
   * one now and then, holds nobody back for long.
   */
  get #heldUntilMs(): number {
    const target = this.#target;
    if (target === undefined || !this.#isNew) return 0;
    const { frameStallMs } = this.#port.tuning;
    return Math.min(target.movedMs + frameStallMs, target.beganMs + HOLD_STALLS * frameStallMs);
  }

  linkDown(peer: number): void {
    this.#asked.delete(peer);
    this.#answers.delete(peer);
    this.#step({ kind: 'gone', peer });
  }

  /** Answers what no honest peer sends. */
  takeFrame(
    peer: number,
    { fromRound, offer }: Extract<PeerMessage, { kind: 'frame' }>,
  ): Failure | undefined {
    const above = this.#asked.get(peer);
    // No offence: the question may have been forgotten since.
    if (above === undefined) return undefined;
    this.#asked.delete(peer);
    const proved = offer && this.#prove(offer, above);
    if (proved && !proved.ok) {
      // It may be in the next epoch already.
      if (proved.failure.code === 'wrong_epoch') return undefined;
      this.#liars.add(peer);
      this.#answers.delete(peer);
      return proved.failure;
    }
    this.#answers.set(peer, { fromRound, proved: proved?.value });
    if (proved?.value.offer.frame.index === this.#target?.offer.frame.index) {
      this.#step({ kind: 'source', peer });
    }
    return undefined;
  }

  /** A chunk, or no bytes: the peer does not have it any more. Answers as {@link takeFrame}. */
  takeChunk(
    peer: number,
    { index, n, bytes }: Extract<PeerMessage, { kind: 'chunk' }>,
  ): Failure | undefined {
    const target = this.#target;
    // Of a fetch that has ended.
    if (target?.offer.frame.index !== index) return undefined;
    if (bytes.length === 0) {
      this.#answers.delete(peer);
      this.#step({ kind: 'gone', peer });
      return undefined;
    }
    const wasLiar = this.#liars.has(peer);
    this.#step({ kind: 'chunk', peer, chunk: n, bytes });
    if (wasLiar || !this.#liars.has(peer)) return undefined;
    return failure('wrong_chunk', `chunk ${n} of the frame of commit ${index}`, 'other bytes');
  }

  /** Pure but for what is known: the frame is above, certified, and has a payload. */
  #prove(offer: OfferedFrame, above: number): Outcome<Proved> {
    const { frame } = offer;
    const { copy, index } = frame;
    if (index <= above) return fail('stale_frame', `a frame above commit ${above}`, `of ${index}`);
    if (copy === undefined || !isWhole(copy)) {
      return fail('wrong_frame', 'a frame that names its payload', 'another');
    }
    const known = this.#knownAt(index);
    // Proved already, by whatever quorum.
    if (known && equalBytes(frameRootOf(known.offer.frame), frameRootOf(frame))) return ok(known);
    const vote = proveFrame(this.#port, offer);
    return vote.ok ? ok({ offer, copy }) : vote;
  }

  #knownAt(index: number): Proved | undefined {
    if (this.#target?.offer.frame.index === index) return this.#target;
    for (const { proved } of this.#answers.values()) {
      if (proved?.offer.frame.index === index) return proved;
    }
    return undefined;
  }

  #end(): void {
    if (!this.#isActive) return;
    this.#isActive = false;
    this.#target = undefined;
    this.#port.sync.holdUntil(0);
    this.#left.clear();
    this.#asked.clear();
    this.#answers.clear();
    this.#askedMs = 0;
  }

  #watch(nowMs: number): void {
    const { frontier, orderer } = this.#port;
    const { completeRound } = frontier;
    if (this.#isActive && completeRound <= this.#movedRound) return;
    if (!this.#isActive) this.#isNew = orderer.lastIndex === 0;
    this.#isActive = true;
    this.#movedRound = completeRound;
    this.#movedMs = nowMs;
  }

  #askAll(nowMs: number): void {
    const { out, peers, orderer } = this.#port;
    this.#askedMs = nowMs;
    const above = orderer.lastIndex;
    const asked = peers.up.filter((peer) => peers.isUp(peer) && !this.#liars.has(peer));
    for (const peer of asked) this.#asked.set(peer, above);
    out.send(asked, { kind: 'getFrame', above });
  }

  /** The newest that is offered and of use. */
  get #best(): Proved | undefined {
    let best: Proved | undefined;
    for (const { proved } of this.#answers.values()) {
      const index = proved?.offer.frame.index ?? 0;
      const isLeft = this.#useless.has(index) || this.#left.has(index);
      const isNews = index > this.#port.orderer.lastIndex && !isLeft;
      if (isNews && index > (best?.offer.frame.index ?? 0)) best = proved;
    }
    return best;
  }

  /**
   * Who alone offers the newest frame, and sends nothing of it, must not keep the others' from being fetched. Of
   * slow links that would be wrong: so the next frame has twice the time, and one that nobody else's replaces goes on.
   */
  #leaveStuck(nowMs: number): void {
    const target = this.#target;
    if (target === undefined) return;
    const patienceMs = this.#port.tuning.frameStallMs * 2 ** this.#left.size;
    if (nowMs < target.movedMs + patienceMs) return;
    const { index } = target.offer.frame;
    this.#left.add(index);
    if (this.#best === undefined) this.#left.delete(index);
    else this.#target = undefined;
  }

  #begin(nowMs: number): void {
    const best = this.#best;
    if (best === undefined || !this.#port.frames.mayAdopt || !this.#isNeeded(best, nowMs)) return;
    const { index } = best.offer.frame;
    const { commitsBytes, stateBytes, chunkBytes, chunks } = best.copy;
    const named = { bytes: commitsBytes + stateBytes, chunkBytes, chunks };
    this.#target = {
      ...best,
      fetch: new ChunkFetch(named),
      quarters: 0,
      beganMs: nowMs,
      movedMs: nowMs,
    };
    this.#port.out.note({ what: 'frameSyncStarted', commit: index });
    for (const [peer, { proved }] of this.#answers) {
      if (proved?.offer.frame.index === index) this.#step({ kind: 'source', peer });
    }
  }

  /** R29: the log of everybody who answers begins above what is needed; nothing moves; it is far; or all is to come. */
  #isNeeded({ offer }: Proved, nowMs: number): boolean {
    const { frontier, committee, tuning } = this.#port;
    if (nowMs >= this.#movedMs + tuning.frameStallMs) return true;
    const rounds = offer.frame.authors.map(({ round }) => round).sort((a, b) => b - a);
    const ahead = (rounds[faultsMax(committee)] ?? 0) - frontier.completeRound;
    if (ahead > tuning.frameLagRounds) return true;
    if (this.#asked.size > 0 && nowMs < this.#askedMs + tuning.frameAskMs / 2) return false;
    // By blocks all that the state was made of would come, and be checked; not when half of it is here by now.
    if (this.#isNew && ahead > frontier.completeRound) return true;
    const answers = [...this.#answers.values()];
    return answers.every(({ fromRound }) => fromRound > frontier.completeRound + 1);
  }

  #step(event: ChunkEvent): void {
    const target = this.#target;
    if (target === undefined) return;
    const nowMs = this.#port.clock.runningMs;
    const { chunksHere } = target.fetch;
    for (const effect of target.fetch.step(event, nowMs)) this.#perform(target, effect);
    if (target.fetch.chunksHere > chunksHere) target.movedMs = nowMs;
    if (this.#target === undefined) return;
    this.#tell(target);
    // Who has it no more has a newer one.
    if (!target.fetch.hasSources || target.offer.frame.index <= this.#port.orderer.lastIndex) {
      this.#target = undefined;
    }
  }

  #perform(target: Target, effect: ChunkEffect): void {
    const { out, timers } = this.#port;
    const { index } = target.offer.frame;
    switch (effect.kind) {
      case 'ask':
        return out.send([effect.peer], { kind: 'getChunk', index, n: effect.chunk });
      case 'wake':
        return timers.want('fetchRetry', effect.atMs);
      case 'lied':
        this.#liars.add(effect.peer);
        this.#answers.delete(effect.peer);
        return;
      case 'done':
        return this.#done(target, effect.bytes);
    }
  }

  #tell({ offer, fetch, copy }: Target): void {
    const target = this.#target;
    const quarters = Math.floor((4 * fetch.chunksHere) / copy.chunks.length);
    if (target === undefined || quarters <= target.quarters) return;
    target.quarters = quarters;
    const { index } = offer.frame;
    this.#port.out.note({ what: 'frameSyncProgress', commit: index, fetching: fetchingOf(target) });
  }

  /** All is here. Only more than f liars could have signed what does not open. */
  #done({ offer }: Target, payload: Uint8Array): void {
    this.#target = undefined;
    const { index } = offer.frame;
    const opened = openPayload(offer.frame, payload);
    if (!opened.ok || index <= this.#port.orderer.lastIndex || !this.#port.frames.mayAdopt) {
      if (!opened.ok) this.#useless.add(index);
      return;
    }
    this.#isAdopting = true;
    this.#port.keeper.adopt({ ...offer, horizon: opened.value.last.horizon }, payload);
  }
}

/** What is shown of a fetch. */
export function fetchingOf({
  offer,
  copy,
  fetch,
}: Pick<Target, 'offer' | 'copy' | 'fetch'>): Fetching {
  return {
    commit: offer.frame.index,
    chunks: copy.chunks.length,
    chunksHere: fetch.chunksHere,
    bytes: copy.commitsBytes + copy.stateBytes,
    bytesHere: fetch.bytesHere,
    from: fetch.from,
  };
}

/** The sizes fit together: a fetch computes with them. */
export function isWhole({ commitsBytes, stateBytes, chunkBytes, chunks }: FrameCopy): boolean {
  return chunkBytes > 0 && chunks.length === Math.ceil((commitsBytes + stateBytes) / chunkBytes);
}
