import { openBlock, type Ref } from '@fatty/broadcast';
import { failure } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import { decodeMessage, type PeerMessage, REFS_MAX } from '../boundary/messages.ts';
import type { Fetch } from '../catchup/fetch.ts';
import type { Neighbours } from '../catchup/neighbours.ts';
import type { Serve } from '../catchup/serve.ts';
import type { Sync } from '../catchup/sync.ts';
import type { Shared } from '../context.ts';
import type { Frames } from '../frames/frames.ts';
import type { HandOver } from '../rounds/hand-over.ts';
import type { Standing } from '../signing/standing.ts';
import type { Acceptance } from './acceptance.ts';
import { Conduct } from './conduct.ts';

/** Who takes what a message holds. */
export interface IntakeParts {
  readonly acceptance: Acceptance;
  readonly fetch: Fetch;
  readonly serve: Serve;
  readonly sync: Sync;
  readonly standing: Standing;
  readonly neighbours: Neighbours;
  readonly handOver: HandOver;
  readonly frames: Frames;
  /** Decides what the blocks of a range have made decidable. */
  advance(): void;
}

/**
 * Messages of peers. An answer is taken only as far as it was asked for, a message no further than
 * its first offence, and a peer no longer than its {@link Conduct} allows: so what one message can
 * cost is one failed check (R12).
 */
export class Intake {
  readonly #shared: Shared;
  readonly #parts: IntakeParts;
  readonly #conduct: Conduct;

  constructor(shared: Shared, parts: IntakeParts) {
    this.#shared = shared;
    this.#parts = parts;
    this.#conduct = new Conduct(shared);
  }

  message(peer: number, bytes: Uint8Array): void {
    if (!this.#shared.peers.has(peer) || this.#conduct.isMuted(peer)) return;
    const { limits } = this.#shared.committee.params;
    const opened = decodeMessage(bytes, limits.blockBytesMax);
    if (!opened.ok) return this.#reject(peer, opened.failure);
    const message = opened.value;
    switch (message.kind) {
      case 'push':
        this.#take([message.block], peer);
        return;
      case 'blocks':
        return this.#blocks(peer, message.blocks);
      case 'rounds':
        return this.#rounds(peer, message);
      case 'getBlocks':
        return this.#parts.serve.getBlocks(peer, message.refs);
      case 'getRounds':
        return this.#parts.serve.getRounds(peer, message.from, message.to);
      case 'status':
        this.#parts.standing.told(peer, message.yourRound);
        return this.#parts.neighbours.told(peer, message);
      case 'clock':
        if (message.ask) this.#parts.neighbours.tellClock([peer], false);
        if (this.#shared.clock.told(peer, message.ms)) this.#parts.acceptance.reexamine();
        return;
      case 'handOver': {
        const flaw = this.#parts.handOver.take(peer, message.round, message.batches);
        return this.#judge(peer, flaw);
      }
      case 'vote':
        return this.#judge(peer, this.#parts.frames.vote(message.vote));
      case 'cert':
        return this.#judge(peer, this.#parts.frames.cert(message.cert));
    }
  }

  #judge(peer: number, flaw: Failure | undefined): void {
    if (flaw) this.#reject(peer, flaw);
  }

  #blocks(peer: number, blocks: readonly Uint8Array[]): void {
    if (blocks.length > REFS_MAX) {
      const flaw = failure('too_many', `at most ${REFS_MAX} blocks`, `${blocks.length}`);
      return this.#reject(peer, flaw);
    }
    this.#take(blocks, peer, (ref) => this.#parts.fetch.isAsked(ref, peer));
  }

  #rounds(peer: number, message: Extract<PeerMessage, { kind: 'rounds' }>): void {
    const { from, to, blocks, last } = message;
    const { out, ranges } = this.#shared;
    if (!ranges.isAsked(peer, from, to)) {
      // No offence: the question may have been forgotten since.
      const flaw = failure('not_asked', 'rounds that were asked for', `${from} to ${to}`);
      return out.note({ what: 'messageRejected', peer, failure: flaw });
    }
    const isClean = this.#take(blocks, peer, ({ round }) => round >= from && round <= to);
    this.#parts.advance();
    if (!last && isClean) return;
    ranges.close(peer, from, to);
    this.#parts.sync.answered(peer);
  }

  /** False: the peer has sent what no honest one does; the rest is left unread. */
  #take(blocks: readonly Uint8Array[], peer: number, isAsked?: (ref: Ref) => boolean): boolean {
    for (const block of blocks) {
      const flaw = this.#block(block, peer, isAsked);
      if (flaw === undefined) continue;
      this.#conduct.offended(peer, flaw);
      return false;
    }
    return true;
  }

  /** Opens a block, once. What cannot be read is its sender's fault. */
  #block(bytes: Uint8Array, peer: number, isAsked?: (ref: Ref) => boolean): Failure | undefined {
    const opened = openBlock(bytes, this.#shared.committee.params.limits.blockBytesMax);
    if (opened.ok) return this.#parts.acceptance.receive(opened.value, peer, isAsked);
    this.#shared.out.note({ what: 'blockRejected', peer, failure: opened.failure });
    return opened.failure;
  }

  #reject(peer: number, flaw: Failure): void {
    this.#shared.out.note({ what: 'messageRejected', peer, failure: flaw });
    this.#conduct.offended(peer, flaw);
  }
}
