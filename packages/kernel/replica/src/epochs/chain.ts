// The links between epochs: this replica's own way here, and on.
import type { Failure } from '@fatty/interface';
import { type CertRules, type Epoch, type EpochLink, type Origin, openLink } from '@fatty/protocol';
import { LINKS_MAX } from '../boundary/messages.ts';
import type { Outbox, Timers } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { OwnClock } from '../cell/clock.ts';
import type { Frames } from '../frames/frames.ts';

/** What Chain needs of its replica. */
export interface ChainPort extends CertRules {
  readonly clock: OwnClock;
  readonly dag: { readonly origin: Origin };
  readonly frames: Pick<Frames, 'takeCert'>;
  /** From the genesis to the epoch of this replica, checked. */
  readonly links: readonly EpochLink[];
  readonly orderer: { readonly hasEnded: boolean };
  readonly out: Outbox;
  readonly peers: { readonly up: readonly number[]; heardRound(peer: number, round: number): void };
  readonly sync: { nudge(peer: number, round: number): void };
  readonly timers: Timers;
  readonly tuning: Tuning;
}

/** Rounds above its leader among which are those that decide the last commit, however late that was. */
const DECIDING_ROUNDS = 64;
/** Questions to one peer that is further and brings nothing. */
const TRIES_MAX = 16;

/**
 * The chain of epochs (R31). Everybody serves it to anybody, for ever. Who is told of a later epoch asks for
 * the links from the one that ends its own epoch on; that one says how far its own epoch went, and is the certificate
 * of its last frame. Nothing else of another epoch counts here.
 */
export class Chain {
  readonly #port: ChainPort;
  /** By peer that is in another epoch: in which. */
  readonly #elsewhere = new Map<number, number>();
  /** The one that ends the epoch of this replica and those behind it, checked. */
  #ends: readonly EpochLink[] = [];
  /** That they lead to. */
  #last: Epoch;
  /** By peer that is further: when it is asked again, and how often it was since it said so. */
  readonly #asked = new Map<number, { atMs: number; tries: number }>();
  /** By peer: when it is answered again. */
  readonly #serveAtMs = new Map<number, number>();

  constructor(port: ChainPort) {
    this.#port = port;
    this.#last = { committee: port.committee, origin: port.dag.origin };
  }

  /** All that are known, from the genesis on. */
  get links(): readonly EpochLink[] {
    const { links } = this.#port;
    return this.#ends.length > 0 ? [...links, ...this.#ends] : links;
  }

  /** The one that ends the own epoch, and those behind it. */
  get ends(): readonly EpochLink[] {
    return this.#ends;
  }

  /** In which epoch a peer was when it was last heard. */
  epochOf(peer: number): number {
    return this.#elsewhere.get(peer) ?? this.#epoch;
  }

  linkDown(peer: number): void {
    this.#elsewhere.delete(peer);
    this.#asked.delete(peer);
    this.#serveAtMs.delete(peer);
  }

  /** A peer says in which epoch it is. */
  told(peer: number, epoch: number): void {
    if (epoch === this.#epoch) {
      this.#elsewhere.delete(peer);
      this.#asked.delete(peer);
      return;
    }
    this.#elsewhere.set(peer, epoch);
    if (epoch < this.#epoch) return;
    const atMs = this.#asked.get(peer)?.atMs ?? 0;
    this.#asked.set(peer, { atMs, tries: 0 });
    this.retry();
  }

  /** While a peer is further, it is asked for what this one lacks; each so often, and then left alone. */
  retry(): void {
    const { clock, orderer, timers } = this.#port;
    if (orderer.hasEnded && this.#ends.length > 0) return;
    for (const [peer, asked] of this.#asked) {
      if (asked.tries >= TRIES_MAX) continue;
      if (clock.runningMs >= asked.atMs) this.#ask(peer, asked);
      timers.want('fetchRetry', asked.atMs);
    }
  }

  /** Somebody asks for the links that end `from` and the epochs after it. */
  serve(peer: number, from: number): void {
    const { out, clock, tuning } = this.#port;
    // The question is short and the answer long.
    const nowMs = clock.runningMs;
    if (nowMs < (this.#serveAtMs.get(peer) ?? 0)) return;
    this.#serveAtMs.set(peer, nowMs + tuning.fetchRetryMs / 2);
    const asked = this.links.filter(({ frame }) => frame.epoch >= from).slice(0, LINKS_MAX);
    if (asked.length > 0) out.send([peer], { kind: 'links', links: asked });
  }

  /**
   * Links that somebody was asked for, or not: what counts is the one that ends this epoch and those that stand behind it.
   * Answers what no honest peer sends.
   */
  take(links: readonly EpochLink[]): Failure | undefined {
    for (const link of links) {
      const flaw = this.#extend(link);
      if (flaw) return flaw;
    }
    const end = links.find(({ frame }) => frame.epoch === this.#epoch);
    if (end === undefined) return undefined;
    this.retry();
    return this.#port.frames.takeCert(end.cert);
  }

  /** Only by the one that is next. */
  #extend(link: EpochLink): Failure | undefined {
    const { cellId, scheme } = this.#port;
    const { committee, origin } = this.#last;
    if (link.frame.epoch !== committee.epoch) return undefined;
    const next = openLink({ committee, cellId, scheme }, origin, link);
    if (!next.ok) return next.failure;
    this.#ends = [...this.#ends, link];
    this.#last = next.value;
    for (const asked of this.#asked.values()) asked.atMs = 0;
    return undefined;
  }

  get #epoch(): number {
    return this.#port.committee.epoch;
  }

  /** For links as far as it says it is; then for what led to the end of this epoch, which it says nothing of by itself. */
  #ask(peer: number, asked: { atMs: number; tries: number }): void {
    const { clock, out, peers, sync, tuning } = this.#port;
    asked.atMs = clock.runningMs + tuning.fetchRetryMs;
    asked.tries += 1;
    const [end] = this.#ends;
    const known = this.#last.committee.epoch;
    if (end === undefined || this.epochOf(peer) > known) {
      return out.send([peer], { kind: 'getLinks', from: known });
    }
    const rounds = end.frame.authors.map(({ round }) => round);
    const top = Math.max(...rounds) + DECIDING_ROUNDS;
    peers.heardRound(peer, top);
    sync.nudge(peer, top);
  }
}
