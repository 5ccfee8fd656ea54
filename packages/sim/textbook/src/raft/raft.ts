// Raft: a leader per term, and a log that all come to share.
import { Outbox } from '../program/outbox.ts';
import {
  type Effect,
  type Input,
  majority,
  NOTHING,
  type Program,
  type Protocol,
} from '../program/program.ts';
import { Log } from './log.ts';
import {
  type RaftMessage,
  type RaftState,
  raftMessage,
  raftState,
  raftValues,
  raftWords,
} from './messages.ts';

/** Who hears of no leader for so long stands for election, ms. */
const ELECTION_MS_MIN = 300;
const ELECTION_MS_MAX = 700;
const HEARTBEAT_MS = 60;
/** Entries in one message. */
const BATCH_MAX = 4;

type Said<K extends RaftMessage['kind']> = Extract<RaftMessage, { readonly kind: K }>;

/** One process: term, vote and log are on its disk; who leads, and what is committed, it learns anew in each life. */
export class Raft implements Program<RaftMessage, RaftState> {
  readonly #me: number;
  readonly #processes: number;
  readonly #out: Outbox<RaftMessage, RaftState>;
  #term: number;
  #votedFor: number | undefined;
  readonly #log: Log;
  #role: 'follower' | 'candidate' | 'leader' = 'follower';
  #leader: number | undefined;
  readonly #votes = new Set<number>();
  #committed = 0;
  /** Of a leader, by process: up to where its log is known to be the same. */
  #matched: number[] = [];
  /** Of a leader, by process: behind which entry to send. */
  #sent: number[] = [];

  constructor(me: number, processes: number, saved: RaftState | undefined) {
    this.#me = me;
    this.#processes = processes;
    this.#out = new Outbox(me, processes);
    this.#term = saved?.term ?? 0;
    this.#votedFor = saved?.votedFor;
    this.#log = new Log(saved?.log ?? []);
  }

  step(input: Input<RaftMessage>): readonly Effect<RaftMessage, RaftState>[] {
    if (input.kind === 'started') this.#awaitLeader();
    if (input.kind === 'asked') this.#take(input.value);
    if (input.kind === 'rang') this.#onTimer(input.timer);
    if (input.kind === 'heard') this.#hear(input.from, input.message);
    return this.#out.flush((message) => this.#hear(this.#me, message));
  }

  #onTimer(timer: string): void {
    const isLeader = this.#role === 'leader';
    if (timer === 'election' && !isLeader) this.#campaign();
    if (timer === 'heartbeat' && isLeader) this.#replicateToAll();
  }

  #hear(from: number, message: RaftMessage): void {
    if (message.kind === 'forward') return this.#take(message.value);
    if (message.term > this.#term) this.#enterTerm(message.term);
    switch (message.kind) {
      case 'requestVote':
        return this.#onRequestVote(from, message);
      case 'vote':
        return this.#onVote(from, message);
      case 'append':
        return this.#onAppend(from, message);
      case 'appended':
        return this.#onAppended(from, message);
    }
  }

  #save(): void {
    this.#out.save({ term: this.#term, votedFor: this.#votedFor, log: this.#log.entries });
  }

  #awaitLeader(): void {
    this.#out.setTimer('election', ELECTION_MS_MIN, ELECTION_MS_MAX);
  }

  // Elections.

  #enterTerm(term: number): void {
    if (this.#role === 'leader') {
      this.#out.note('deposed', `leads no more, term ${term}`);
      this.#awaitLeader();
    }
    this.#term = term;
    this.#votedFor = undefined;
    this.#role = 'follower';
    this.#leader = undefined;
    this.#save();
  }

  #campaign(): void {
    this.#enterTerm(this.#term + 1);
    this.#role = 'candidate';
    this.#votes.clear();
    const { lastIndex, lastTerm } = this.#log;
    this.#out.toAll({ kind: 'requestVote', term: this.#term, lastIndex, lastTerm });
    this.#awaitLeader();
  }

  /** One vote per term, for the first who asks and has all that this one has. */
  #onRequestVote(from: number, message: Said<'requestVote'>): void {
    const isFree = this.#votedFor === undefined || this.#votedFor === from;
    const isCurrent = message.term === this.#term;
    const isGranted = isCurrent && isFree && this.#log.isMatchedBy(message);
    if (isGranted) {
      this.#votedFor = from;
      this.#save();
      this.#awaitLeader();
    }
    this.#out.send(from, { kind: 'vote', term: this.#term, isGranted });
  }

  #onVote(from: number, { term, isGranted }: Said<'vote'>): void {
    if (this.#role !== 'candidate' || term !== this.#term || !isGranted) return;
    this.#votes.add(from);
    if (this.#votes.size === majority(this.#processes)) this.#lead();
  }

  /** A new leader begins with an entry of its own term: only such a one it may commit by counting. */
  #lead(): void {
    this.#role = 'leader';
    this.#leader = this.#me;
    this.#out.note('elected', `leads term ${this.#term}`);
    this.#matched = Array.from<number>({ length: this.#processes }).fill(0);
    this.#sent = Array.from<number>({ length: this.#processes }).fill(this.#log.lastIndex);
    this.#take(NOTHING);
    this.#replicateToAll();
  }

  // The log.

  #take(value: string): void {
    if (this.#role === 'leader') {
      this.#log.push({ term: this.#term, value });
      this.#save();
      this.#matched[this.#me] = this.#log.lastIndex;
      if (value !== NOTHING) this.#replicate();
    } else if (this.#leader !== undefined) {
      this.#out.send(this.#leader, { kind: 'forward', value });
    }
  }

  #replicateToAll(): void {
    this.#replicate();
    this.#out.setTimer('heartbeat', HEARTBEAT_MS, HEARTBEAT_MS);
  }

  #replicate(): void {
    for (let to = 0; to < this.#processes; to++) if (to !== this.#me) this.#sendEntries(to);
  }

  #sendEntries(to: number): void {
    const prevIndex = this.#sent[to] ?? 0;
    this.#out.send(to, {
      kind: 'append',
      term: this.#term,
      prevIndex,
      prevTerm: this.#log.termAt(prevIndex) ?? 0,
      entries: this.#log.behind(prevIndex, BATCH_MAX),
      committed: this.#committed,
    });
  }

  #onAppend(from: number, { term, prevIndex, prevTerm, entries, committed }: Said<'append'>): void {
    const answer = (isTaken: boolean, index: number): void =>
      this.#out.send(from, { kind: 'appended', term: this.#term, isTaken, index });
    if (term < this.#term) return answer(false, 0);
    this.#role = 'follower';
    this.#leader = from;
    this.#awaitLeader();
    if (this.#log.termAt(prevIndex) !== prevTerm) {
      return answer(false, Math.min(this.#log.lastIndex, prevIndex - 1));
    }
    const { gone, isNew } = this.#log.merge(prevIndex, entries);
    if (gone > 0) this.#out.note('suffixes', `drops ${gone} entries that nobody committed`);
    if (isNew) this.#save();
    const same = prevIndex + entries.length;
    this.#commit(Math.min(committed, same));
    answer(true, same);
  }

  #onAppended(from: number, { term, isTaken, index }: Said<'appended'>): void {
    if (this.#role !== 'leader' || term !== this.#term) return;
    const matched = this.#matched[from] ?? 0;
    if (isTaken) {
      this.#matched[from] = Math.max(matched, index);
      this.#sent[from] = Math.max(this.#sent[from] ?? 0, index);
      this.#commitByCount();
      if (this.#log.lastIndex > (this.#sent[from] ?? 0)) this.#sendEntries(from);
    } else if (index < (this.#sent[from] ?? 0)) {
      this.#sent[from] = Math.max(matched, index);
      this.#sendEntries(from);
    }
  }

  /** What a majority has is committed if it is of this term, and with it all before it; never what is older by count alone. */
  #commitByCount(): void {
    for (let index = this.#log.lastIndex; index > this.#committed; index--) {
      const holders = this.#matched.filter((matched) => matched >= index).length;
      if (holders < majority(this.#processes)) continue;
      if (this.#log.termAt(index) === this.#term) return this.#commit(index);
    }
  }

  #commit(index: number): void {
    while (this.#committed < index) {
      this.#committed += 1;
      this.#out.decide(this.#committed, this.#log.at(this.#committed)?.value ?? NOTHING);
    }
  }
}

/** Raft (Ongaro and Ousterhout, In Search of an Understandable Consensus Algorithm), without snapshots and changes of members. */
export const raft: Protocol<RaftMessage, RaftState> = {
  name: 'raft',
  message: raftMessage,
  saved: raftState,
  isSingle: false,
  open: (me, processes, saved) => new Raft(me, processes, saved),
  words: raftWords,
  values: raftValues,
};
