import {
  type Answer,
  encodeAnswer,
  encodeClientMessage,
  errorEntry,
  type GatewayMessage,
  type Query,
  type View,
} from '@fatty/api';
import { hash, toHex } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import { PROTOCOL } from '@fatty/interface';
import { supportedByHonest } from './clock.ts';
import type { Shared } from './shared.ts';
import { Tally } from './tally.ts';
import type { CallOutcome } from './types.ts';

type ReadResult = Extract<GatewayMessage, { kind: 'readResult' }>;

/** A read that waits to be believed. */
interface Read {
  readonly call: number;
  readonly query: Query;
  readonly view: View;
  readonly replica: number | undefined;
  readonly done: (outcome: CallOutcome) => void;
  request: number;
  minCommit: number;
  tally: Tally<Answer>;
  /** Answer → who gave it, and at which commit. */
  said: Map<string, Map<number, number>>;
  /** The newest commit each replica has answered at: one word each, however often it is asked. */
  readonly commits: Map<number, number>;
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
  #nextRequest = 1;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  get nextAtMs(): number {
    let next = Number.POSITIVE_INFINITY;
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

  withdraw(call: number): void {
    for (const read of this.#reads.values()) {
      if (read.call === call) this.#reads.delete(read.request);
    }
  }

  /** A fresh round under a fresh request number: answers of the old one no longer count. */
  #round(read: Read, atMs: number): void {
    this.#reads.delete(read.request);
    const single = read.replica !== undefined || read.view === 'delivered';
    const need = single ? 1 : this.#shared.faults + 1;
    read.request = this.#nextRequest;
    this.#nextRequest = (this.#nextRequest % 0xffff_fffe) + 1;
    read.tally = new Tally(need);
    read.said = new Map();
    read.asked = new Set();
    read.failed = new Set();
    read.refusals = new Tally(need);
    this.#reads.set(read.request, read);
    this.#ask(read, read.attempt === 0 ? need : this.#shared.members.length);
    read.nextAtMs = atMs + this.#shared.deltaMs * 2 ** Math.min(read.attempt, 3);
  }

  #ask(read: Read, count: number): void {
    const { links } = this.#shared;
    const everyone = read.replica === undefined ? links.first(links.live().length) : [read.replica];
    const { request, minCommit, view, query } = read;
    const bytes = encodeClientMessage({ kind: 'read', request, minCommit, view, query });
    for (const replica of everyone) {
      if (read.asked.size >= count) return;
      if (read.asked.has(replica) || !links.isUp(replica)) continue;
      read.asked.add(replica);
      this.#shared.send(replica, bytes, PROTOCOL);
    }
  }

  /** Slow or divided: the rest is asked; when everybody was, the round starts over. */
  tick(atMs: number): void {
    for (const read of Array.from(this.#reads.values())) {
      if (atMs < read.nextAtMs) continue;
      this.#widen(read, atMs);
    }
  }

  #widen(read: Read, atMs: number): void {
    const live = this.#shared.links.live();
    const asked = live.every((replica) => read.asked.has(replica));
    if (!asked && read.replica === undefined) {
      this.#ask(read, live.length);
      read.nextAtMs = atMs + this.#shared.deltaMs;
      return;
    }
    read.attempt += 1;
    const seen = supportedByHonest([...read.commits.values()], this.#shared.faults);
    if (read.view === 'committed') read.minCommit = Math.max(read.minCommit, seen ?? 0);
    this.#round(read, atMs);
  }

  result(replica: number, message: ReadResult, atMs: number): void {
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
    const read = this.#reads.get(request);
    if (read === undefined || !read.asked.has(replica)) return;
    const { retryable } = errorEntry(failure.code);
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
    if (read.tally.voters + read.failed.size < read.asked.size) return;
    const rest = this.#shared.links.live().filter((replica) => !read.asked.has(replica));
    if (rest.length > 0) this.#widen(read, atMs);
    else read.nextAtMs = Math.min(read.nextAtMs, atMs + Math.ceil(this.#shared.deltaMs / 8));
  }
}
