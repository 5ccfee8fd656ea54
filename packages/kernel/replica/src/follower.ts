// Somebody who is no member, or slept for long, follows the epochs until it may go on in the newest.
import { equalBytes, failure, type SignatureScheme, type Signer } from '@fatty/codec';
import type { CellId, Failure } from '@fatty/interface';
import {
  type Cert,
  type Committee,
  checkCert,
  type EpochLink,
  type FrameCopy,
  faultsMax,
  frameRootOf,
  memberIndex,
  openVote,
  READY_COMMITS_MAX,
  signReady,
} from '@fatty/protocol';
import type { ReplicaEffect, ReplicaEvent } from './boundary/contract.ts';
import {
  decodeMessage,
  LINKS_MAX,
  type OfferedFrame,
  type PeerMessage,
} from './boundary/messages.ts';
import { Outbox, Timers } from './boundary/outbox.ts';
import { DEFAULT_TUNING, type Tuning } from './boundary/tuning.ts';
import { type CheckedChain, linkBytes, type OpenedEpoch } from './cell/checked-chain.ts';
import { OwnClock } from './cell/clock.ts';
import { followerStatus, standingOf } from './follower-status.ts';
import { type ChunkEffect, type ChunkEvent, ChunkFetch } from './frames/chunk-fetch.ts';
import { fetchingOf, isWhole } from './frames/frame-sync.ts';
import { openPayload } from './frames/payload.ts';
import { encodeStored, proveFrame } from './frames/stored.ts';
import type { ReplicaStatus } from './status.ts';

/** What a follower is made of. */
export interface FollowerConfig {
  readonly cellId: CellId;
  /** Of the process, which it extends; peers are the members of the epoch that it is in now, by committee index. */
  readonly chain: CheckedChain;
  /** Commit of the newest frame on disk; 0: there is none. */
  readonly keptIndex: number;
  readonly signer: Signer;
  readonly scheme: SignatureScheme;
  readonly tuning?: Partial<Tuning>;
}

interface Target {
  readonly offer: OfferedFrame;
  readonly copy: FrameCopy;
  readonly fetch: ChunkFetch;
}

/** How often the members are asked, ms: nothing comes to a guest by itself. */
const ASK_MS = 500;

/**
 * In the place of a replica whose key is not in the committee (R31.8), or whose disk leads to an epoch that is over
 * (R31.7). It asks members for the links of the chain and for their newest frame, and keeps that frame; who is no member
 * says that it is ready. It believes nothing but certificates. When a frame on its disk leads to the newest epoch and
 * that names its key, or to a later one than it began with, it asks to be opened anew: from there on it is what a restart
 * makes of it.
 */
export class Follower {
  readonly #config: FollowerConfig;
  readonly #clock: OwnClock;
  readonly #out = new Outbox();
  readonly #timers = new Timers(this.#out);
  readonly #up = new Set<number>();
  /** Peers that have sent what no certificate names: they are not asked again. */
  readonly #liars = new Set<number>();
  /** Commits of frames that do not open. */
  readonly #useless = new Set<number>();
  #at: OpenedEpoch;
  /** By whose committee peers are numbered. */
  readonly #begun: number;
  #keptIndex: number;
  #certified = 0;
  #target: Target | undefined;
  /** On its way to the disk. */
  #storing: OfferedFrame | undefined;
  #ready:
    | { readonly epoch: number; readonly index: number; readonly bytes: Uint8Array }
    | undefined;
  /** Somebody has said which frame it has, in the epoch of now. */
  #isAnswered = false;
  #askAtMs = 0;
  #isLive = false;
  #hasEnded = false;

  constructor(config: FollowerConfig) {
    this.#config = config;
    const { chain, keptIndex } = config;
    const { tsAheadMsMax } = { ...DEFAULT_TUNING, ...config.tuning };
    this.#at = chain.newest;
    const { committee } = this.#at;
    this.#begun = committee.epoch;
    this.#clock = new OwnClock(committee.members.length, faultsMax(committee), tsAheadMsMax / 2);
    this.#keptIndex = keptIndex;
  }

  status(): ReplicaStatus {
    const { chain, signer } = this.#config;
    const { committee: genesis } = chain.first;
    return followerStatus({
      at: this.#at,
      standing: standingOf(genesis, this.#at, signer.publicKey),
      hasEnded: this.#hasEnded,
      certifiedCommit: this.#certified,
      frameCommit: this.#keptIndex,
      peersUp: [...this.#up].sort((a, b) => a - b),
      fetching: this.#target && fetchingOf(this.#target),
    });
  }

  /** Takes one event, answers what is to be done, in order. Never throws on any input. */
  step(event: ReplicaEvent): readonly ReplicaEffect[] {
    this.#clock.sample(event);
    this.#timers.shiftMs = Math.floor(event.nowMs) - this.#clock.runningMs;
    this.#handle(event);
    if (this.#isLive) this.#tend();
    return this.#out.take();
  }

  #handle(event: ReplicaEvent): void {
    switch (event.kind) {
      case 'start':
        this.#isLive = true;
        return;
      case 'stop':
        this.#isLive = false;
        this.#hasEnded = true;
        return;
      case 'peerUp':
        this.#up.add(event.peer);
        this.#askAtMs = 0;
        return;
      case 'peerDown':
        this.#up.delete(event.peer);
        return this.#step({ kind: 'gone', peer: event.peer });
      case 'message':
        return this.#hear(event.peer, event.bytes);
      case 'timer':
        return this.#timers.fired(event.name);
      case 'frameStored':
        return this.#stored(event.index);
      case 'submit':
        return this.#out.push({ kind: 'refused', tag: event.tag, failure: this.#refusal });
      case 'move':
      case 'statement':
        return this.#out.push({ kind: 'stated', tag: event.tag, failure: this.#refusal });
      case 'prove': {
        const answer = { ok: false, failure: this.#refusal } as const;
        return this.#out.push({ kind: 'proved', tag: event.tag, answer });
      }
      // Nothing that it has asked for.
      case 'frameRead':
      case 'persisted':
      case 'room':
      case 'stored':
      case 'unsigned':
      case 'verified':
    }
  }

  get #refusal(): Failure {
    const { epoch } = this.#at.committee;
    if (this.#isMember)
      return failure('reopening', `the state of epoch ${epoch}`, 'an earlier one');
    return failure('not_a_member', `a key of the members of epoch ${epoch}`, 'another');
  }

  /** Of the newest epoch that is known. */
  get #isMember(): boolean {
    return memberIndex(this.#at.committee, this.#config.signer.publicKey) >= 0;
  }

  #hear(peer: number, bytes: Uint8Array): void {
    if (!this.#up.has(peer) || this.#liars.has(peer)) return;
    const { blockBytesMax } = this.#at.committee.params.limits;
    const message = decodeMessage(bytes, blockBytesMax);
    if (!message.ok) return this.#lied(peer);
    const heard: PeerMessage = message.value;
    if (heard.kind === 'status') this.#guide(peer, heard.epoch);
    if (heard.kind === 'links') this.#takeLinks(peer, heard.links);
    if (heard.kind === 'cert') this.#takeCert(heard.cert);
    if (heard.kind === 'frame') this.#takeFrame(peer, heard.offer);
    if (heard.kind === 'chunk') this.#takeChunk(peer, heard);
  }

  /** A member that is behind may hear of it from nobody else. A member says where it is so often, and no oftener. */
  #guide(peer: number, epoch: number): void {
    const links = this.#at.links.filter(({ frame }) => frame.epoch >= epoch).slice(0, LINKS_MAX);
    if (links.length > 0) this.#out.send([peer], { kind: 'links', links });
  }

  #takeLinks(peer: number, links: readonly EpochLink[]): void {
    for (const link of links) {
      const { epoch } = this.#at.committee;
      // Of an epoch that is known to be over.
      if (link.frame.epoch !== epoch) continue;
      const next = this.#config.chain.extend(epoch, [link]);
      if (!next.ok) return this.#lied(peer);
      this.#at = next.value;
      this.#isAnswered = false;
      this.#askAtMs = 0;
    }
  }

  #takeCert(cert: Cert): void {
    const vote = openVote(cert.core);
    if (!vote.ok || vote.value.index <= this.#certified) return;
    if (vote.value.epoch !== this.#at.committee.epoch) return;
    if (checkCert(this.#rulesOf(this.#at), cert).ok) this.#certified = vote.value.index;
  }

  #takeFrame(peer: number, offer: OfferedFrame | undefined): void {
    this.#isAnswered = true;
    if (offer === undefined || this.#storing) return;
    const { index, epoch, copy } = offer.frame;
    const at = this.#config.chain.at(epoch);
    // Of an epoch whose members are not known yet.
    if (at === undefined || this.#useless.has(index) || index <= this.#keptIndex) return;
    const target = this.#target;
    if (target && index < target.offer.frame.index) return;
    const isSame = target && equalBytes(frameRootOf(target.offer.frame), frameRootOf(offer.frame));
    if (!isSame) {
      if (copy === undefined || !isWhole(copy) || !proveFrame(this.#rulesOf(at), offer).ok) {
        return this.#lied(peer);
      }
      const { commitsBytes, stateBytes, chunkBytes, chunks } = copy;
      const named = { bytes: commitsBytes + stateBytes, chunkBytes, chunks };
      this.#target = { offer, copy, fetch: new ChunkFetch(named) };
    }
    this.#step({ kind: 'source', peer });
  }

  #takeChunk(peer: number, { index, n, bytes }: Extract<PeerMessage, { kind: 'chunk' }>): void {
    if (this.#target?.offer.frame.index !== index) return;
    if (bytes.length === 0) return this.#step({ kind: 'gone', peer });
    this.#step({ kind: 'chunk', peer, chunk: n, bytes });
  }

  #step(event: ChunkEvent): void {
    const target = this.#target;
    if (target === undefined) return;
    for (const effect of target.fetch.step(event, this.#clock.runningMs)) {
      this.#perform(target, effect);
    }
    if (this.#target === target && !target.fetch.hasSources) this.#target = undefined;
  }

  #perform({ offer }: Target, effect: ChunkEffect): void {
    const { index } = offer.frame;
    switch (effect.kind) {
      case 'ask':
        return this.#out.send([effect.peer], { kind: 'getChunk', index, n: effect.chunk });
      case 'wake':
        return this.#timers.want('fetchRetry', effect.atMs);
      case 'lied':
        return this.#lied(effect.peer);
      case 'done':
        return this.#store(offer, effect.bytes);
    }
  }

  /** Only more than f liars could have signed what does not open. */
  #store(offer: OfferedFrame, payload: Uint8Array): void {
    this.#target = undefined;
    const { frame, cert } = offer;
    const at = this.#config.chain.at(frame.epoch);
    if (at === undefined || !openPayload(frame, payload).ok) {
      this.#useless.add(frame.index);
      return;
    }
    this.#storing = offer;
    const me = memberIndex(at.committee, this.#config.signer.publicKey);
    const author = Math.max(me, 0);
    const links = at.links.map(linkBytes);
    const head = encodeStored({ frame, cert, links, author, own: new Uint8Array() });
    this.#out.push({ kind: 'storeFrame', index: frame.index, head, payload });
  }

  #stored(index: number): void {
    const frame = this.#storing?.frame;
    if (frame?.index !== index) return;
    this.#storing = undefined;
    this.#keptIndex = index;
    this.#out.note({ what: 'frameSynced', commit: index });
    const led = frame.end === undefined ? frame.epoch : frame.epoch + 1;
    const mayGoOn = this.#isMember && led === this.#at.committee.epoch;
    if (mayGoOn || led > this.#begun) this.#out.push({ kind: 'reopen' });
  }

  #lied(peer: number): void {
    this.#liars.add(peer);
    this.#step({ kind: 'gone', peer });
  }

  #tend(): void {
    const nowMs = this.#clock.runningMs;
    this.#step({ kind: 'tick' });
    if (nowMs >= this.#askAtMs) {
      this.#askAtMs = nowMs + ASK_MS;
      this.#ask();
    }
    this.#timers.want('fetchRetry', this.#askAtMs);
  }

  #ask(): void {
    const asked = [...this.#up].filter((peer) => !this.#liars.has(peer));
    this.#out.send(asked, { kind: 'getLinks', from: this.#at.committee.epoch });
    this.#out.send(asked, { kind: 'getFrame', above: this.#keptIndex });
    this.#sayReady(asked);
  }

  /** R30: the newest frame that they have is here, and this commit is certified. */
  #sayReady(peers: readonly number[]): void {
    const { cellId, signer } = this.#config;
    const { committee, origin } = this.#at;
    if (this.#isMember || !this.#isAnswered) return;
    if (this.#target || this.#storing) return;
    const { epoch } = committee;
    const index = Math.max(this.#certified, origin.index);
    const said = this.#ready?.epoch === epoch ? this.#ready : undefined;
    // The same words again and again cost nobody a block.
    const isFresh = said !== undefined && index < said.index + READY_COMMITS_MAX / 2;
    const ready = isFresh
      ? said
      : { epoch, index, bytes: signReady(cellId, signer, { epoch, index }) };
    this.#ready = ready;
    this.#out.send(peers, { kind: 'statement', statement: ready.bytes });
  }

  #rulesOf({ committee }: OpenedEpoch): {
    committee: Committee;
    cellId: CellId;
    scheme: SignatureScheme;
  } {
    const { cellId, scheme } = this.#config;
    return { committee, cellId, scheme };
  }
}
