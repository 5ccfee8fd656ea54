// One question to all members, whose answer counts when all of them give it (R32b).
import {
  type Answer,
  encodeAnswer,
  encodeClientMessage,
  type GatewayMessage,
  type Query,
} from '@fatty/api';
import { hash, toHex } from '@fatty/codec';
import { PROTOCOL } from '@fatty/interface';
import { supportedByHonest } from './clock.ts';
import { Prospect } from './prospect.ts';
import type { Shared } from './shared.ts';

type ReadResult = Extract<GatewayMessage, { kind: 'readResult' }>;

/** How often a question is put before the members count as divided: once more where the state moved. */
const ROUNDS_MAX = 2;

/** What may become of a poll; nothing comes within the call that withdraws it, or after. */
export interface PollEnds {
  /**
   * All members (`replicas`, ascending) said so, after the question: `commit` is one that an honest one
   * had applied, and the answer is that of the state there or later.
   */
  agreed(answer: Answer, commit: number, replicas: readonly number[]): void;
  /** Do not wait for it alone. It may agree all the same; may come more than once. */
  doubtful(): void;
}

interface Said {
  readonly key: string;
  readonly commit: number;
  readonly answer: Answer;
}

interface Poll {
  readonly call: number;
  readonly query: Query;
  readonly ends: PollEnds;
  readonly beganAtMs: number;
  /** When its waiting is over, monotonic ms. */
  doubtfulAtMs: number;
  request: number;
  minCommit: number;
  round: number;
  askedAtMs: number;
  said: Map<number, Said>;
}

/** Polls of all members (R32b); READS.md says when they are tried. */
export class Polls {
  readonly #shared: Shared;
  readonly #freshRequest: () => number;
  readonly #prospect: Prospect;
  readonly #polls = new Map<number, Poll>();

  /** `freshRequest`: numbers that no other question has. */
  constructor(shared: Shared, freshRequest: () => number) {
    this.#shared = shared;
    this.#freshRequest = freshRequest;
    this.#prospect = new Prospect(shared.deltaMs);
  }

  get nextAtMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { doubtfulAtMs } of this.#polls.values()) next = Math.min(next, doubtfulAtMs);
    return next;
  }

  start(call: number, query: Query, atMs: number, ends: PollEnds): void {
    const chance = this.#mayBeWhole ? this.#prospect.take(atMs) : 'none';
    if (chance !== 'none') {
      const poll: Poll = {
        call,
        query,
        ends,
        beganAtMs: atMs,
        doubtfulAtMs: atMs + this.#prospect.waitMs,
        request: 0,
        minCommit: this.#shared.commit,
        round: 0,
        askedAtMs: atMs,
        said: new Map(),
      };
      this.#ask(poll, atMs);
    }
    if (chance !== 'good') ends.doubtful();
  }

  /** Everybody is linked, or about to be for the first time. */
  get #mayBeWhole(): boolean {
    const { members, links } = this.#shared;
    return members.replicas.every((one) => links.isUp(one) || links.isAwaited(one));
  }

  #ask(poll: Poll, atMs: number): void {
    this.#polls.delete(poll.request);
    poll.request = this.#freshRequest();
    poll.round += 1;
    poll.askedAtMs = atMs;
    poll.said = new Map();
    this.#polls.set(poll.request, poll);
    for (const replica of this.#shared.links.live()) this.#put(poll, replica);
  }

  #put({ request, minCommit, query }: Poll, replica: number): void {
    const bytes = encodeClientMessage({ kind: 'read', request, minCommit, view: 'current', query });
    this.#shared.send(replica, bytes, PROTOCOL);
  }

  linkUp(replica: number): void {
    for (const poll of this.#polls.values()) this.#put(poll, replica);
  }

  /** The members are others: what was said counts no more, and all that are members now are asked. */
  moved(atMs: number): void {
    for (const poll of Array.from(this.#polls.values())) {
      poll.round = 0;
      if (this.#mayBeWhole) this.#ask(poll, atMs);
      else this.#drop(poll);
    }
  }

  /** Who has not answered will not. That is known, so it says nothing of the next poll. */
  linkDown(replica: number): void {
    for (const poll of Array.from(this.#polls.values())) {
      if (!poll.said.has(replica)) this.#drop(poll);
    }
  }

  withdraw(call: number): void {
    for (const poll of this.#polls.values()) {
      if (poll.call === call) this.#polls.delete(poll.request);
    }
  }

  /** The other way was quicker. */
  overtaken(call: number, atMs: number): void {
    for (const poll of Array.from(this.#polls.values())) {
      if (poll.call === call) this.#fail(poll, atMs);
    }
  }

  tick(atMs: number): void {
    for (const poll of Array.from(this.#polls.values())) {
      if (atMs < poll.doubtfulAtMs) continue;
      poll.doubtfulAtMs = Number.POSITIVE_INFINITY;
      poll.ends.doubtful();
    }
  }

  result(replica: number, { request, commit, view, answer }: ReadResult, atMs: number): void {
    const poll = this.#polls.get(request);
    if (poll === undefined || poll.said.has(replica)) return;
    if (commit < poll.minCommit || view !== 'current') {
      this.#shared.suspect(replica, 'stale_answer', `commit ${poll.minCommit}`, String(commit));
      return this.#fail(poll, atMs);
    }
    poll.said.set(replica, { key: toHex(hash('answer', encodeAnswer(answer))), commit, answer });
    this.#weigh(poll, answer, atMs);
  }

  #weigh(poll: Poll, answer: Answer, atMs: number): void {
    const { members, faults } = this.#shared;
    const said = [...poll.said.values()];
    const isDivided = new Set(said.map(({ key }) => key)).size > 1;
    if (isDivided && poll.round === ROUNDS_MAX) return this.#fail(poll, atMs);
    if (said.length < members.replicas.length) return;
    const commits = said.map((one) => one.commit);
    if (!isDivided) return this.#agree(poll, answer, commits, atMs);
    // Some may lag behind the others. Everybody comes to a commit that an honest one has applied.
    const reached = supportedByHonest(commits, faults) ?? 0;
    poll.minCommit = Math.max(poll.minCommit, reached);
    this.#ask(poll, atMs);
  }

  /** No more than f lie, so the (f+1)-th lowest commit lies between two honest ones. */
  #agree(poll: Poll, answer: Answer, commits: readonly number[], atMs: number): void {
    const { faults, sawCommit } = this.#shared;
    const commit = [...commits].sort((a, b) => a - b)[faults] ?? 0;
    this.#polls.delete(poll.request);
    this.#prospect.succeeded(atMs - poll.askedAtMs);
    sawCommit(commit);
    const replicas = [...poll.said.keys()].sort((a, b) => a - b);
    poll.ends.agreed(answer, commit, replicas);
  }

  /** One who cannot answer, or not this, is enough. */
  failed(request: number, atMs: number): void {
    const poll = this.#polls.get(request);
    if (poll !== undefined) this.#fail(poll, atMs);
  }

  #fail(poll: Poll, atMs: number): void {
    this.#prospect.failed(poll.beganAtMs, atMs);
    this.#drop(poll);
  }

  #drop(poll: Poll): void {
    this.#polls.delete(poll.request);
    poll.ends.doubtful();
  }
}
