// Questions whose answers prove themselves: one replica is asked, and nobody has to be believed (R27a).
import { encodeClientMessage, type GatewayMessage, standingOf } from '@fatty/api';
import { type Failure, PROTOCOL } from '@fatty/interface';
import { Tally } from './f-plus-one.ts';
import type { Shared } from './shared.ts';
import type { CallOutcome, CallRequest } from './types.ts';

type Proved = Extract<GatewayMessage, { kind: 'proved' }>;
type Want = Omit<Extract<CallRequest, { kind: 'prove' }>, 'kind'>;

/** Until somebody else is asked, too: a replica may wait for its next certificate, ms. */
const PATIENCE_MS = 1_500;

interface Ask extends Want {
  readonly call: number;
  readonly minCommit: number;
  readonly request: number;
  readonly done: (outcome: CallOutcome) => void;
  /** Whose answer may still come. */
  readonly open: Set<number>;
  /** Asked in this round, whether they have answered or not. */
  asked: Set<number>;
  /** Refusals that would not end by themselves: any one of them may be a lie. */
  refusals: Tally<Failure>;
  nextAtMs: number;
}

/**
 * Asks the gateway, and the next replica when that one is gone, refuses, says what proves nothing, or takes
 * its time. The first proof that holds is the answer; a refusal counts when f + 1 give it.
 */
export class Asks {
  readonly #shared: Shared;
  readonly #freshRequest: () => number;
  readonly #asks = new Map<number, Ask>();
  /** The newest commit that was proved to this client: it sees nothing older again. */
  #seen = 0;

  constructor(shared: Shared, freshRequest: () => number) {
    this.#shared = shared;
    this.#freshRequest = freshRequest;
  }

  get nextAtMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { nextAtMs } of this.#asks.values()) next = Math.min(next, nextAtMs);
    return next;
  }

  start(call: number, want: Want, done: (outcome: CallOutcome) => void): void {
    const ask: Ask = {
      ...want,
      call,
      done,
      request: this.#freshRequest(),
      minCommit: Math.max(want.minCommit, this.#seen),
      open: new Set(),
      asked: new Set(),
      refusals: new Tally(this.#shared.faults + 1),
      nextAtMs: 0,
    };
    this.#asks.set(ask.request, ask);
    this.#askNext(ask);
  }

  withdraw(call: number): void {
    for (const ask of this.#asks.values()) if (ask.call === call) this.#asks.delete(ask.request);
  }

  linkDown(replica: number): void {
    for (const ask of this.#asks.values()) if (ask.open.has(replica)) this.#over(ask, replica);
  }

  /** The members are others. What proves itself counts from anybody; a refusal of old members does not. */
  moved(): void {
    const { members, faults } = this.#shared;
    for (const ask of this.#asks.values()) {
      ask.refusals = new Tally(faults + 1);
      ask.asked = new Set();
      for (const replica of ask.open) if (!members.isMember(replica)) ask.open.delete(replica);
      if (ask.open.size === 0) this.#askNext(ask);
    }
  }

  linkUp(): void {
    for (const ask of this.#asks.values()) if (ask.open.size === 0) this.#askNext(ask);
  }

  tick(atMs: number): void {
    for (const ask of this.#asks.values()) if (atMs >= ask.nextAtMs) this.#askNext(ask);
  }

  proved(replica: number, { request, cert, proof }: Proved): void {
    const ask = this.#asks.get(request);
    if (!ask?.open.has(replica)) return;
    const commit = ask.check({ cert, proof });
    const isOld = commit.ok && commit.value < ask.minCommit;
    if (commit.ok && !isOld) {
      this.#asks.delete(request);
      this.#seen = Math.max(this.#seen, commit.value);
      return ask.done({ kind: 'proved', cert, proof, commit: commit.value, replica });
    }
    const flaw = commit.ok
      ? { code: 'stale_answer', expected: `commit ${ask.minCommit}`, actual: `${commit.value}` }
      : commit.failure;
    this.#shared.suspect(replica, flaw.code, flaw.expected, flaw.actual);
    this.#over(ask, replica);
  }

  failed(replica: number, request: number, failure: Failure): void {
    const ask = this.#asks.get(request);
    if (!ask?.open.has(replica)) return;
    const { retryable, outcome } = standingOf(failure.code);
    if (!retryable && ask.refusals.vote(replica, failure.code, failure) !== undefined) {
      this.#asks.delete(request);
      return ask.done({ kind: 'failed', failure, outcome, retryable });
    }
    this.#over(ask, replica);
  }

  /** This replica has no more to say. */
  #over(ask: Ask, replica: number): void {
    ask.open.delete(replica);
    if (ask.open.size === 0) this.#askNext(ask);
  }

  /** When everybody was asked, all of them are asked anew after a pause: they may be busy, or behind. */
  #askNext(ask: Ask): void {
    const { links, nowMs, deltaMs, send } = this.#shared;
    const next = links.first(links.live().length).find((one) => !ask.asked.has(one));
    if (next === undefined) {
      ask.asked = new Set(ask.open);
      ask.nextAtMs = nowMs + (ask.open.size > 0 ? PATIENCE_MS : deltaMs);
      return;
    }
    ask.asked.add(next);
    ask.open.add(next);
    ask.nextAtMs = nowMs + PATIENCE_MS;
    const { request, minCommit, question } = ask;
    send(next, encodeClientMessage({ kind: 'prove', request, minCommit, question }), PROTOCOL);
  }
}
