// Questions to replicas, in rounds, until f + 1 give one answer (R32).
import {
  type Answer,
  encodeAnswer,
  encodeClientMessage,
  type GatewayMessage,
  type Query,
  standingOf,
} from '@fatty/api';
import { hash, toHex } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import { PROTOCOL } from '@fatty/interface';
import type { View } from '@fatty/protocol';
import type { Asks } from './asks.ts';
import { supportedByHonest } from './clock.ts';
import { Tally } from './f-plus-one.ts';
import { type PollEnds, Polls } from './polls.ts';
import type { Shared } from './shared.ts';
import type { CallOutcome } from './types.ts';

type ReadResult = Extract<GatewayMessage, { kind: 'readResult' }>;

/** Makes the part that asks for proofs. */
export type MakeAsks = (shared: Shared, freshRequest: () => number) => Asks;

/** A read that waits to be believed. */
interface Read {
  readonly call: number;
  readonly query: Query;
  readonly view: View;
  readonly replica: number | undefined;
  readonly done: (outcome: CallOutcome) => void;
  /** Equal answers that make it believed. */
  need: number;
  request: number;
  minCommit: number;
  tally: Tally<Answer>;
  /** Answer → who gave it, and at which commit. */
  said: Map<string, Map<number, number>>;
  /** The newest commit each replica has answered at: one word each, however often it is asked. */
  readonly commits: Map<number, number>;
  /** Of this round: who has answered, or still may: nobody whose link is gone. */
  asked: Set<number>;
  failed: Set<number>;
  refusals: Tally<Failure>;
  nextAtMs: number;
  attempt: number;
}

/**
 * Reads by R32: f+1 replicas that have applied `minCommit` must give the same answer. Asks f+1 at
 * first, the others when those are slow or differ, and everybody again when the state moved meanwhile.
 */
export class Reads {
  readonly #shared: Shared;
  readonly #reads = new Map<number, Read>();
  readonly #polls: Polls;
  /** Questions whose answers prove themselves. */
  #asks: Asks | undefined;
  #nextRequest = 1;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#polls = new Polls(shared, () => this.#freshRequest());
  }

  /** Undefined before it is attached. */
  get asks(): Asks | undefined {
    return this.#asks;
  }

  attachAsks(make: MakeAsks): void {
    this.#asks ??= make(this.#shared, () => this.#freshRequest());
  }

  #freshRequest(): number {
    const request = this.#nextRequest;
    this.#nextRequest = (request % 0xffff_fffe) + 1;
    return request;
  }

  get nextAtMs(): number {
    let next = Math.min(this.#polls.nextAtMs, this.#asks?.nextAtMs ?? Number.POSITIVE_INFINITY);
    for (const read of this.#reads.values()) next = Math.min(next, read.nextAtMs);
    return next;
  }

  start(
    call: number,
    want: { readonly query: Query; readonly view: View; readonly replica: number | undefined },
    atMs: number,
    done: (outcome: CallOutcome) => void,
  ): void {
    const { query, view, replica } = want;
    const read: Read = {
      call,
      query,
      view,
      replica,
      done,
      need: this.#need(view, replica),
      request: 0,
      minCommit: replica === undefined && view === 'committed' ? this.#shared.commit : 0,
      tally: new Tally(1),
      said: new Map(),
      commits: new Map(),
      asked: new Set(),
      failed: new Set(),
      refusals: new Tally(1),
      nextAtMs: 0,
      attempt: 0,
    };
    this.#round(read, atMs);
  }

  #need(view: View, replica: number | undefined): number {
    return replica !== undefined || view === 'delivered' ? 1 : this.#shared.faults + 1;
  }

  /** The members are others: nothing that was said counts any more, and everything is asked anew. */
  moved(atMs: number): void {
    this.#polls.moved(atMs);
    this.#asks?.moved();
    for (const read of Array.from(this.#reads.values())) {
      read.need = this.#need(read.view, read.replica);
      read.commits.clear();
      this.#round(read, atMs);
    }
  }

  /** Asks all members, who have to agree (R32b). */
  poll(call: number, query: Query, atMs: number, ends: PollEnds): void {
    this.#polls.start(call, query, atMs, ends);
  }

  /** What `call` polled for came another way. */
  overtaken(call: number, atMs: number): void {
    this.#polls.overtaken(call, atMs);
  }

  /** What was asked of `replica` will not be answered: somebody else is asked, and it when it is back. */
  linkDown(replica: number, atMs: number): void {
    this.#polls.linkDown(replica);
    this.#asks?.linkDown(replica);
    for (const read of Array.from(this.#reads.values())) {
      if (read.tally.has(replica) || !read.asked.delete(replica)) continue;
      read.failed.delete(replica);
      const missing = Math.max(0, read.need - read.asked.size);
      this.#ask(read, this.#unasked(read).slice(0, missing), atMs);
      this.#divided(read, atMs);
    }
  }

  /** Reads that found too few to ask go on with this one. */
  linkUp(replica: number, atMs: number): void {
    this.#polls.linkUp(replica);
    this.#asks?.linkUp();
    for (const read of Array.from(this.#reads.values())) {
      const isOther = read.replica !== undefined && read.replica !== replica;
      if (!isOther && read.asked.size < read.need) this.#ask(read, [replica], atMs);
    }
  }

  withdraw(call: number): void {
    this.#polls.withdraw(call);
    this.#asks?.withdraw(call);
    for (const read of this.#reads.values()) {
      if (read.call === call) this.#reads.delete(read.request);
    }
  }

  /** A fresh round under a fresh request number: answers of the old one no longer count. */
  #round(read: Read, atMs: number): void {
    this.#reads.delete(read.request);
    read.request = this.#freshRequest();
    read.tally = new Tally(read.need);
    read.said = new Map();
    read.asked = new Set();
    read.failed = new Set();
    read.refusals = new Tally(read.need);
    this.#reads.set(read.request, read);
    const some = read.attempt === 0 ? read.need : this.#shared.members.replicas.length;
    this.#ask(read, this.#unasked(read).slice(0, some), atMs);
    read.nextAtMs = atMs + this.#shared.deltaMs * 2 ** Math.min(read.attempt, 3);
  }

  /** Whom this round could still ask, the gateway first. */
  #unasked({ replica, asked }: Read): number[] {
    const { links } = this.#shared;
    const all = replica === undefined ? links.first(links.live().length) : [replica];
    return all.filter((one) => links.isUp(one) && !asked.has(one));
  }

  #ask(read: Read, replicas: readonly number[], atMs: number): void {
    if (replicas.length === 0) return;
    const { request, minCommit, view, query } = read;
    const bytes = encodeClientMessage({ kind: 'read', request, minCommit, view, query });
    for (const replica of replicas) {
      read.asked.add(replica);
      this.#shared.send(replica, bytes, PROTOCOL);
    }
    read.nextAtMs = atMs + this.#shared.deltaMs;
  }

  /** Slow or divided: the rest is asked; when everybody was, the round starts over. */
  tick(atMs: number): void {
    this.#polls.tick(atMs);
    this.#asks?.tick(atMs);
    for (const read of Array.from(this.#reads.values())) {
      if (atMs < read.nextAtMs) continue;
      this.#widen(read, atMs);
    }
  }

  /** Asks the rest; where nobody is left to ask, nothing would ever come: a new round. */
  #widen(read: Read, atMs: number): void {
    const rest = this.#unasked(read);
    if (rest.length > 0) {
      this.#ask(read, rest, atMs);
      return;
    }
    read.attempt += 1;
    const seen = supportedByHonest([...read.commits.values()], this.#shared.faults);
    if (read.view === 'committed') read.minCommit = Math.max(read.minCommit, seen ?? 0);
    this.#round(read, atMs);
  }

  result(replica: number, message: ReadResult, atMs: number): void {
    this.#polls.result(replica, message, atMs);
    const read = this.#reads.get(message.request);
    if (read === undefined || !read.asked.has(replica)) return;
    const { commit, view, answer } = message;
    if (commit < read.minCommit || view !== read.view) {
      this.#shared.suspect(replica, 'stale_answer', `commit ${read.minCommit}`, String(commit));
      return;
    }
    if (read.tally.has(replica)) return;
    read.commits.set(replica, commit);
    const key = toHex(hash('answer', encodeAnswer(answer)));
    const voices = (read.said.get(key) ?? new Map<number, number>()).set(replica, commit);
    read.said.set(key, voices);
    if (read.tally.vote(replica, key, answer) === undefined) {
      this.#divided(read, atMs);
      return;
    }
    this.#reads.delete(read.request);
    // One of these is honest, and its commit is no lower than the lowest. No other number is backed:
    // answers agree on content, not on height (R32), so a liar may say the truth of any commit.
    const lowest = Math.min(...voices.values());
    const replicas = [...voices.keys()].sort((a, b) => a - b);
    read.done({ kind: 'answer', answer, commit: lowest, view, replicas });
  }

  /** A gateway could not answer at all. */
  failed(replica: number, request: number, failure: Failure, atMs: number): void {
    this.#polls.failed(request, atMs);
    this.#asks?.failed(replica, request, failure);
    const read = this.#reads.get(request);
    if (read === undefined || !read.asked.has(replica)) return;
    const { retryable } = standingOf(failure.code);
    const believed = retryable ? undefined : read.refusals.vote(replica, failure.code, failure);
    if (believed !== undefined) {
      this.#reads.delete(read.request);
      read.done({ kind: 'failed', failure, outcome: 'not_applied', retryable });
      return;
    }
    read.failed.add(replica);
    this.#divided(read, atMs);
  }

  /** Everybody asked has spoken and it was not enough: do not wait for the clock to ask the rest. */
  #divided(read: Read, atMs: number): void {
    const hasSpoken = (replica: number): boolean =>
      read.tally.has(replica) || read.failed.has(replica);
    if (![...read.asked].every(hasSpoken)) return;
    if (this.#unasked(read).length > 0) {
      this.#widen(read, atMs);
      return;
    }
    // The state moved: the next answers may agree. Gateways that are busy are asked no sooner for it.
    const soonMs = atMs + Math.ceil(this.#shared.deltaMs / 8);
    if (read.tally.voters > 0) read.nextAtMs = Math.min(read.nextAtMs, soonMs);
  }
}
