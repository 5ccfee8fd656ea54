// A block maker whose every step a liar can bend.
import {
  type Block,
  type BlockRules,
  checkBlock,
  Dag,
  type Header,
  type Ref,
  refKey,
} from '@fatty/broadcast';
import { ACCEPT, decode, ok } from '@fatty/codec';
import type { Unsigned } from '@fatty/interface';
import { type SignedBatch, signedBatchShape } from '@fatty/protocol';
import type { ReplicaEffect, ReplicaEvent } from '@fatty/replica';
import type { Peer } from '../world/host.ts';
import { bend, type Draft, type Insider, openDraft } from './craft.ts';
import { askFor, askRounds, blocksOf, hear, pushOf } from './speech.ts';

/** A block on its way to some of the others. */
export interface Outgoing {
  readonly bytes: Uint8Array;
  readonly to: readonly number[];
}

/** A block on its way to all others. */
export const toAll = (puppet: Puppet, bytes: Uint8Array): Outgoing => ({
  bytes,
  to: puppet.others,
});

/** How a liar differs from a plain block maker. Every hook has an honest default. */
export interface Trick {
  /**
   * What to send instead of an honest block. The first one is taken as the own chain's next.
   * Undefined: no block as yet, the draft's batches wait.
   */
  craft?(puppet: Puppet, draft: Draft): readonly Outgoing[] | undefined;
  /** False: the request goes unanswered. */
  serves?(ref: Ref): boolean;
  /** Something extra on every event. */
  extra?(puppet: Puppet, event: ReplicaEvent): readonly ReplicaEffect[];
}

/** Asks for one missing block no more often than this, or its questions multiply. In ms. */
const ASK_MS = 200;

/** A pause between own blocks, and how long after the last op it goes on making them. In ms. */
const PACE_MS = 15;
const BUSY_MS = 1500;

/**
 * A block maker of its own, built on package broadcast alone: it keeps a DAG, makes a block when it
 * has a quorum below and answers requests. Nothing of an honest replica's caution is in it, so a
 * {@link Trick} can bend every block and still be heard.
 */
export class Puppet implements Peer {
  readonly insider: Insider;
  readonly dag: Dag;
  readonly others: readonly number[];
  nowMs = 0;
  readonly #trick: Trick;
  readonly #rules: BlockRules;
  readonly #bytes = new Map<string, Uint8Array>();
  readonly #waiting = new Map<string, Block>();
  /** When each missing block was last asked for. */
  readonly #asked = new Map<string, number>();
  /** Client batches waiting for a block, as a gateway would keep them. */
  readonly batches: SignedBatch[] = [];
  #own: Ref;
  #ownTs = 0;
  #busyUntilMs = 0;
  #unsignedCount = 0;
  #out: ReplicaEffect[] = [];

  constructor(insider: Insider, trick: Trick) {
    const { committee, cellId, scheme, signers } = insider.cell;
    this.insider = insider;
    this.#trick = trick;
    this.dag = new Dag(committee, cellId, insider.origin);
    this.#rules = {
      committee,
      cellId,
      origin: insider.origin,
      scheme,
      open: ok,
      validate: () => ACCEPT,
      openUnsigned: (bytes) => ok(this.#unread(bytes)),
    };
    this.others = signers.map((_, i) => i).filter((i) => i !== insider.index);
    this.#own = this.dag.virtual[insider.index] as Ref;
    this.#ownTs = committee.genesisTs;
  }

  /** Its current own block. */
  get own(): Ref {
    return this.#own;
  }

  step(event: ReplicaEvent): readonly ReplicaEffect[] {
    this.#out = [];
    this.nowMs = event.nowMs;
    if (event.kind === 'message') this.#hear(event.peer, event.bytes);
    if (event.kind === 'submit') this.#submit(event.batch);
    this.#make();
    this.#out.push(...(this.#trick.extra?.(this, event) ?? []));
    return this.#out;
  }

  send(peer: number, bytes: Uint8Array): void {
    this.#out.push({ kind: 'send', peer, bytes, priority: 1 });
  }

  /**
   * It does not read unsigned messages: each counts as about something of its own, in the order in
   * which they come.
   */
  #unread(bytes: Uint8Array): Unsigned {
    const about = new Uint8Array(8);
    new DataView(about.buffer).setBigUint64(0, BigInt(this.#unsignedCount++));
    return { bytes, about, rank: 0, proof: bytes, weight: 0 };
  }

  /** Takes a block into its own DAG and store, whoever made it. */
  accept(bytes: Uint8Array): Ref | undefined {
    const checked = checkBlock(bytes, this.#rules);
    if (checked.kind !== 'accept') return undefined;
    const { block } = checked;
    this.#bytes.set(refKey(block.ref), bytes);
    if (!this.dag.has(block.ref)) this.#waiting.set(refKey(block.ref), block);
    this.#settle();
    return block.ref;
  }

  #hear(peer: number, bytes: Uint8Array): void {
    const message = hear(bytes);
    if (message === undefined) return;
    for (const block of blocksOf(message)) this.#take(peer, block);
    if (message.kind === 'status' && message.highestRound > this.dag.highestRound + 4) {
      this.send(peer, askRounds(this.dag.highestRound + 1, message.highestRound));
    }
    if (message.kind !== 'getBlocks') return;
    for (const ref of message.refs) {
      const stored = this.#bytes.get(refKey(ref));
      if (stored === undefined || this.#trick.serves?.(ref) === false) continue;
      this.send(peer, pushOf(stored));
    }
  }

  #take(peer: number, bytes: Uint8Array): void {
    const ref = this.accept(bytes);
    const block = ref && this.#waiting.get(refKey(ref));
    if (block === undefined) return;
    const missing = this.dag.missingParents(block).filter((one) => this.#mayAsk(refKey(one)));
    if (missing.length > 0) this.send(peer, askFor(missing));
  }

  #mayAsk(key: string): boolean {
    const askedMs = this.#asked.get(key) ?? -ASK_MS;
    if (this.#waiting.has(key) || this.nowMs < askedMs + ASK_MS) return false;
    this.#asked.set(key, this.nowMs);
    return true;
  }

  #submit(bytes: Uint8Array): void {
    const batch = decode(signedBatchShape, bytes, bytes.length);
    if (batch.ok) this.batches.push(batch.value);
    this.#busyUntilMs = this.nowMs + BUSY_MS;
  }

  #settle(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const [key, block] of this.#waiting) {
        if (this.dag.missingParents(block).length > 0) continue;
        this.#waiting.delete(key);
        this.dag.insert(block);
        if (block.batches.length > 0) this.#busyUntilMs = this.nowMs + BUSY_MS;
        moved = true;
      }
    }
  }

  /** Makes at most one own block, the highest it can. */
  #make(): void {
    const { cell, index } = this.insider;
    for (let below = this.dag.highestRound; below >= this.#own.round; below--) {
      if (this.#authorsAt(below) < cell.quorum) continue;
      const round = below + 1;
      if (round > this.dag.highestRound && this.nowMs > this.#busyUntilMs) return;
      if (this.nowMs < this.#ownTs + PACE_MS) return this.#wake();
      return this.#emit(this.#draft(round, this.#parents(below, index)));
    }
  }

  #wake(): void {
    this.#out.push({ kind: 'setTimer', name: 'minRoundDelay', atMs: this.#ownTs + PACE_MS });
  }

  #authorsAt(round: number): number {
    if (round === 0) return this.dag.virtual.length;
    return new Set(this.dag.atRound(round).map((block) => block.ref.author)).size;
  }

  #parents(below: number, index: number): readonly Ref[] {
    const others = this.others.flatMap((author) => {
      if (below === 0) return this.dag.virtual[author] ?? [];
      return this.dag.primary(author, below)?.ref ?? [];
    });
    return [this.#own, ...others.filter((ref) => ref.author !== index)];
  }

  #draft(round: number, parents: readonly Ref[]): Draft | undefined {
    const { cell, index } = this.insider;
    const header: Header = {
      cellId: cell.cellId,
      epoch: cell.committee.epoch,
      round,
      author: index,
      ts: Math.max(this.nowMs, this.#ownTs),
      seal: false,
      parents,
      bodyHash: cell.cellId as unknown as Header['bodyHash'],
    };
    const batches = this.batches.splice(0, 1);
    const body = { batches, unsigned: [], statements: [], evidence: [], coinShare: [] };
    return openDraft(bend(this.insider, { header, body, bytes: new Uint8Array() }, {}));
  }

  #emit(draft: Draft | undefined): void {
    if (draft === undefined) return;
    const { craft } = this.#trick;
    const outgoing = craft === undefined ? [toAll(this, draft.bytes)] : craft(this, draft);
    if (outgoing === undefined) return void this.batches.unshift(...draft.body.batches);
    this.#ownTs = Math.max(this.nowMs, draft.header.ts);
    for (const { bytes, to } of outgoing) for (const peer of to) this.send(peer, pushOf(bytes));
    // An invalid block cannot be built upon: the chain goes on from the honest one it replaced.
    const [next] = outgoing.map(({ bytes }) => this.accept(bytes)).filter((ref) => ref);
    this.#own = next ?? this.accept(draft.bytes) ?? this.#own;
    this.#wake();
  }
}
