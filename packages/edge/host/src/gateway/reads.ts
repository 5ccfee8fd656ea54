// Reads: answered at once, or when the commit that they wait for has come.
import type { Failure } from '@fatty/interface';
import { BULK } from '@fatty/interface';
import type { ClientMessageOf } from '@fatty/protocol';
import type { GatewayReplica, Served } from './contract.ts';
import { NOT_CURRENT, unsent } from './refusals.ts';
import type { Telling } from './telling.ts';
import type { Visitor, Visitors } from './visitors.ts';

/** A client's question for one view. */
export type Read<Query> = Extract<ClientMessageOf<Query>, { kind: 'read' }>;

/** So many entries of an answer cost about what another message does. */
const ENTRIES_PER_MESSAGE = 16;

/** What answering takes. */
export interface ReadParts<Query, Answer> {
  readonly served: Served<Query, Answer>;
  readonly replica: Pick<GatewayReplica, 'isCurrent'>;
  readonly visitors: Visitors;
  readonly telling: Telling<Answer>;
  /** Reads of one link that wait for a commit. */
  readonly waitingReadsMax: number;
  /** The last applied commit. */
  readonly appliedCommit: () => number;
}

/** The reads of all clients of one gateway. */
export class Reads<Query, Answer> {
  readonly #parts: ReadParts<Query, Answer>;
  readonly #waiting = new Map<Visitor, readonly Read<Query>[]>();

  constructor(parts: ReadParts<Query, Answer>) {
    this.#parts = parts;
  }

  forget(visitor: Visitor): void {
    this.#waiting.delete(visitor);
  }

  take(visitor: Visitor, read: Read<Query>, slowDown: Failure | undefined): void {
    const { telling, appliedCommit, waitingReadsMax } = this.#parts;
    if (slowDown) return telling.sendError(visitor, read.request, slowDown);
    const isDue = read.minCommit <= appliedCommit() || !this.#mayAnswer(read);
    if (isDue) return this.#answer(visitor, read);
    const waiting = this.#waiting.get(visitor) ?? [];
    if (waiting.length < waitingReadsMax) {
      this.#waiting.set(visitor, [...waiting, read]);
      return;
    }
    const expected = `at most ${waitingReadsMax} waiting reads`;
    telling.sendError(visitor, read.request, { code: 'slow_down', expected, actual: 'one more' });
  }

  /** Answers what waited for this commit. */
  wake(commit: number): void {
    for (const [visitor, waiting] of this.#waiting) {
      const rest = waiting.filter((read) => read.minCommit > commit);
      if (rest.length > 0) this.#waiting.set(visitor, rest);
      else this.#waiting.delete(visitor);
      for (const read of waiting) if (read.minCommit <= commit) this.#wakeOne(visitor, read);
    }
  }

  #wakeOne(visitor: Visitor, read: Read<Query>): void {
    this.#parts.telling.serve(visitor.link, 'read', () => this.#answer(visitor, read));
  }

  #mayAnswer({ view }: Read<Query>): boolean {
    return view !== 'current' || this.#parts.replica.isCurrent();
  }

  #answer(visitor: Visitor, read: Read<Query>): void {
    const { request, view, query } = read;
    const { telling, served, visitors, appliedCommit } = this.#parts;
    if (!this.#mayAnswer(read)) return telling.sendError(visitor, request, NOT_CURRENT);
    const answer = served.ask(query, view === 'delivered' ? view : 'committed', visitor.link.peer);
    const commit = appliedCommit();
    const bytes = telling.bytesOf({ kind: 'readResult', request, commit, view, answer });
    // A long answer costs its client more than the question did.
    const messagesCount = Math.floor(served.entriesOf(answer) / ENTRIES_PER_MESSAGE);
    visitors.charge(visitor, messagesCount, bytes.length);
    if (visitor.link.send(bytes, BULK)) return;
    telling.sendError(visitor, request, unsent(visitor.link, bytes.length));
  }
}
