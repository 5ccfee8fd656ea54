// Messages of peers, taken apart.
import { type Dag, openBlock, type Ref } from '@fatty/broadcast';
import { failure } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import { decodeMessage, type PeerMessage, REFS_MAX, type Status } from '../boundary/messages.ts';
import type { Fetch } from '../catchup/fetch.ts';
import type { Neighbours } from '../catchup/neighbours.ts';
import type { Ranges } from '../catchup/ranges.ts';
import type { Serve } from '../catchup/serve.ts';
import type { Sync } from '../catchup/sync.ts';
import type { Chain } from '../epochs/chain.ts';
import type { Dossier } from '../evidence/dossier.ts';
import type { FrameServe } from '../frames/frame-serve.ts';
import type { FrameSync } from '../frames/frame-sync.ts';
import type { Frames } from '../frames/frames.ts';
import type { HandOver } from '../rounds/hand-over.ts';
import type { Standing } from '../signing/standing.ts';
import type { Acceptance } from './acceptance.ts';
import { Conduct, type ConductPort } from './conduct.ts';
import type { Guests } from './guests.ts';

/** What Intake needs of its replica. */
export interface IntakePort extends ConductPort {
  readonly acceptance: Acceptance;
  readonly chain: Chain;
  readonly dag: Dag;
  readonly dossier: Dossier;
  readonly fetch: Fetch;
  readonly guests: Guests;
  readonly handOver: HandOver;
  readonly frames: Frames;
  readonly frameServe: FrameServe;
  readonly frameSync: FrameSync;
  readonly me: number;
  readonly neighbours: Neighbours;
  readonly ranges: Ranges;
  readonly serve: Serve;
  readonly standing: Standing;
  readonly sync: Sync;
}

/** What would have to be written: it is not taken while the disk lacks room (R24), and can come again. */
const BLOCKS: ReadonlySet<PeerMessage['kind']> = new Set(['push', 'blocks', 'rounds']);

/**
 * What peers send. An answer is taken only as far as it was asked for, a message no further than
 * its first offence, and a peer no longer than its {@link Conduct} allows: so what one message can
 * cost is one failed check (R12).
 */
export class Intake {
  readonly #port: IntakePort;
  readonly #conduct: Conduct;

  constructor(port: IntakePort) {
    this.#port = port;
    this.#conduct = new Conduct(port);
  }

  /** Reads a message, if the peer is listened to, and gives it to whom it concerns. */
  hear(peer: number, bytes: Uint8Array): void {
    const { peers, committee, guests } = this.#port;
    if (peer < 0) return guests.hear(peer, bytes);
    if (!peers.has(peer)) return;
    this.#conduct.endMute(peer);
    if (peers.isMuted(peer)) return;
    const message = decodeMessage(bytes, committee.params.limits.blockBytesMax);
    if (message.ok) this.#dispatch(peer, message.value);
    else this.#reject(peer, message.failure);
  }

  #dispatch(peer: number, message: PeerMessage): void {
    const { serve, sync, standing, neighbours, clock, acceptance, handOver, frames, chain } =
      this.#port;
    const { frameServe, frameSync } = this.#port;
    if (standing.lacksRoom && BLOCKS.has(message.kind)) return;
    switch (message.kind) {
      case 'push':
        this.#take([message.block], peer);
        return;
      case 'blocks':
        return this.#takeBlocks(peer, message.blocks);
      case 'rounds':
        return this.#takeRounds(peer, message) ? sync.answered(peer) : undefined;
      case 'getBlocks':
        return serve.serveBlocks(peer, message.refs);
      case 'getRounds':
        return serve.serveRounds(peer, message.from, message.to);
      case 'status':
        return this.#status(peer, message);
      case 'clock':
        if (message.ask) neighbours.tellClock([peer], false);
        return clock.told(peer, message.ms) ? acceptance.reexamine() : undefined;
      case 'handOver':
        return this.#judge(peer, handOver.take(peer, message.round, message.batches));
      case 'vote':
        return this.#judge(peer, frames.takeVote(peer, message.vote));
      case 'cert':
        return this.#judge(peer, frames.takeCert(message.cert));
      case 'getLinks':
        return chain.serve(peer, message.from);
      case 'links':
        return this.#judge(peer, chain.take(message.links));
      case 'getFrame':
        return frameServe.serveFrame(peer, message.above);
      case 'getChunk':
        return frameServe.serveChunk(peer, message.index, message.n);
      case 'frame':
        return this.#judge(peer, frameSync.takeFrame(peer, message));
      case 'chunk':
        return this.#judge(peer, frameSync.takeChunk(peer, message));
      case 'accusation':
        return this.#judge(peer, this.#port.dossier.take(message.accusation));
      case 'statement':
      // Of a guest alone: it has been one until now.
    }
  }

  /** Rounds of another epoch say nothing here, and nothing about the own key in this one (R26). */
  #status(peer: number, status: Status): void {
    const { chain, committee, neighbours, standing } = this.#port;
    chain.told(peer, status.epoch);
    if (status.epoch === committee.epoch) {
      standing.told(peer, status.yourRound);
      return neighbours.told(peer, status);
    }
    if (status.ask) neighbours.tell([peer], false);
  }

  #judge(peer: number, flaw: Failure | undefined): void {
    if (flaw) this.#reject(peer, flaw);
  }

  /** An answer to `getBlocks`. */
  #takeBlocks(peer: number, blocks: readonly Uint8Array[]): void {
    if (blocks.length > REFS_MAX) {
      const flaw = failure('too_many', `at most ${REFS_MAX} blocks`, `${blocks.length}`);
      return this.#reject(peer, flaw);
    }
    this.#take(blocks, peer, (ref) => this.#port.fetch.isAsked(ref, peer));
  }

  /** A part of an answer to `getRounds`. True: nothing more of it will be taken. */
  #takeRounds(peer: number, message: Extract<PeerMessage, { kind: 'rounds' }>): boolean {
    const { from, to, blocks, last } = message;
    const { out, ranges } = this.#port;
    if (!ranges.isAsked(peer, from, to)) {
      // No offence: the question may have been forgotten since.
      const flaw = failure('not_asked', 'rounds that were asked for', `${from} to ${to}`);
      out.note({ what: 'messageRejected', peer, failure: flaw });
      return false;
    }
    const isClean = this.#take(blocks, peer, ({ round }) => round >= from && round <= to);
    if (!last && isClean) return false;
    ranges.close(peer, from, to);
    return true;
  }

  /** The peer has sent what no honest one does. */
  #reject(peer: number, flaw: Failure): void {
    this.#port.out.note({ what: 'messageRejected', peer, failure: flaw });
    this.#conduct.offended(peer, flaw);
  }

  /** False: the peer has sent what no honest one does; the rest is left unread. */
  #take(blocks: readonly Uint8Array[], peer: number, isAsked?: (ref: Ref) => boolean): boolean {
    for (const block of blocks) {
      const flaw = this.#takeOne(block, peer, isAsked);
      if (flaw === undefined) continue;
      this.#conduct.offended(peer, flaw);
      return false;
    }
    return true;
  }

  /** Opens a block, once. What cannot be read is its sender's fault. */
  #takeOne(bytes: Uint8Array, peer: number, isAsked?: (ref: Ref) => boolean): Failure | undefined {
    const { committee, acceptance, dag, me, out } = this.#port;
    const opened = openBlock(bytes, committee.params.limits.blockBytesMax);
    if (opened.ok) {
      const { ref, header } = opened.value;
      // Nobody here can check it; that its sender is further may be true.
      if (header.epoch > committee.epoch) this.#port.chain.told(peer, header.epoch);
      if (ref.author === me && dag.has(ref)) this.#port.standing.shown(peer, ref.round);
      return acceptance.receive(opened.value, peer, isAsked);
    }
    out.note({ what: 'blockRejected', peer, failure: opened.failure });
    return opened.failure;
  }
}
