// Multi-Paxos: one promise for all slots to come, then one round trip per value.
import { ballotAbove } from '../paxos/ballots.ts';
import { Outbox } from '../program/outbox.ts';
import {
  type Effect,
  type Input,
  majority,
  NOTHING,
  named,
  type Program,
  type Protocol,
} from '../program/program.ts';
import {
  type MultiPaxosMessage,
  type MultiPaxosState,
  multiPaxosMessage,
  multiPaxosState,
  multiPaxosValues,
  multiPaxosWords,
  type SlotVote,
} from './messages.ts';

/** Who hears of no leader for so long tries to become it, ms. */
const ELECTION_MS_MIN = 300;
const ELECTION_MS_MAX = 900;
const HEARTBEAT_MS = 60;
/** Values in one answer about what is chosen. */
const BATCH_MAX = 8;

type Said<K extends MultiPaxosMessage['kind']> = Extract<MultiPaxosMessage, { readonly kind: K }>;

/** A value that a leader has asked votes for. */
interface Proposal {
  readonly value: string;
  readonly voters: Set<number>;
}

/** One process: promise and votes are on its disk; who leads, and what is chosen, it learns anew in each life. */
export class MultiPaxos implements Program<MultiPaxosMessage, MultiPaxosState> {
  readonly #me: number;
  readonly #processes: number;
  readonly #out: Outbox<MultiPaxosMessage, MultiPaxosState>;
  // The acceptor.
  #promised: number;
  readonly #votes: Map<number, SlotVote>;
  // The proposer.
  #role: 'follower' | 'candidate' | 'leader' = 'follower';
  #ballot = 0;
  #leader: number | undefined;
  #highest = 0;
  readonly #promises = new Map<number, readonly SlotVote[]>();
  readonly #proposals = new Map<number, Proposal>();
  #nextSlot = 1;
  // The learner.
  readonly #chosen = new Map<number, string>();
  /** It knows all slots up to this one. */
  #upTo = 0;

  constructor(me: number, processes: number, saved: MultiPaxosState | undefined) {
    this.#me = me;
    this.#processes = processes;
    this.#out = new Outbox(me, processes);
    this.#promised = saved?.promised ?? 0;
    this.#votes = new Map(saved?.votes.map((vote) => [vote.slot, vote]));
  }

  step(input: Input<MultiPaxosMessage>): readonly Effect<MultiPaxosMessage, MultiPaxosState>[] {
    if (input.kind === 'started') this.#awaitLeader();
    if (input.kind === 'asked') this.#take(input.value);
    if (input.kind === 'rang') this.#onTimer(input.timer);
    if (input.kind === 'heard') this.#hear(input.from, input.message);
    return this.#out.flush((message) => this.#hear(this.#me, message));
  }

  #onTimer(timer: string): void {
    const isLeader = this.#role === 'leader';
    if (timer === 'election' && !isLeader) this.#prepare();
    if (timer === 'heartbeat' && isLeader) this.#beat();
  }

  #hear(from: number, message: MultiPaxosMessage): void {
    switch (message.kind) {
      case 'prepare':
        return this.#onPrepare(from, message);
      case 'promise':
        return this.#onPromise(from, message);
      case 'accept':
        return this.#onAccept(from, message);
      case 'accepted':
        return this.#onAccepted(from, message);
      case 'refused':
        return this.#onRefused(message);
      case 'heartbeat':
        return this.#onHeartbeat(from, message);
      case 'missing':
        return this.#onMissing(from, message);
      case 'chosen':
        return this.#onChosen(message);
      case 'forward':
        return this.#take(message.value);
    }
  }

  #awaitLeader(): void {
    this.#out.setTimer('election', ELECTION_MS_MIN, ELECTION_MS_MAX);
  }

  // Acceptor.

  #save(): void {
    const votes = [...this.#votes.values()].sort((a, b) => a.slot - b.slot);
    this.#out.save({ promised: this.#promised, votes });
  }

  /** True when it has promised nothing higher; its own lower ballot is over then. */
  #obeys(from: number, ballot: number): boolean {
    if (ballot < this.#promised) {
      this.#out.send(from, { kind: 'refused', ballot, promised: this.#promised });
      return false;
    }
    if (ballot > this.#ballot) this.#yield();
    if (from !== this.#me) this.#awaitLeader();
    return true;
  }

  #onPrepare(from: number, { ballot, from: first }: Said<'prepare'>): void {
    if (!this.#obeys(from, ballot)) return;
    this.#promised = ballot;
    this.#save();
    const votes = [...this.#votes.values()].filter(({ slot }) => slot >= first);
    this.#out.send(from, { kind: 'promise', ballot, votes });
  }

  #onAccept(from: number, { ballot, slot, value }: Said<'accept'>): void {
    if (!this.#obeys(from, ballot)) return;
    this.#leader = from;
    this.#promised = ballot;
    this.#votes.set(slot, { slot, ballot, value });
    this.#save();
    this.#out.send(from, { kind: 'accepted', ballot, slot });
  }

  // Proposer.

  #yield(): void {
    if (this.#role === 'leader') {
      this.#out.note('deposed', `leads no more in ballot ${this.#ballot}`);
      this.#awaitLeader();
    }
    this.#role = 'follower';
    this.#leader = undefined;
    this.#proposals.clear();
  }

  #prepare(): void {
    const above = Math.max(this.#highest, this.#promised, this.#ballot);
    this.#ballot = ballotAbove(above, this.#me, this.#processes);
    this.#role = 'candidate';
    this.#promises.clear();
    this.#out.toAll({ kind: 'prepare', ballot: this.#ballot, from: this.#upTo + 1 });
    this.#awaitLeader();
  }

  #onPromise(from: number, { ballot, votes }: Said<'promise'>): void {
    if (this.#role !== 'candidate' || ballot !== this.#ballot) return;
    this.#promises.set(from, votes);
    if (this.#promises.size === majority(this.#processes)) this.#lead();
  }

  /** Every slot that somebody voted in is proposed again, with its newest vote; a slot between with nothing. */
  #lead(): void {
    this.#role = 'leader';
    this.#leader = this.#me;
    this.#out.note('elected', `leads ballot ${this.#ballot}`);
    const newest = new Map<number, SlotVote>();
    for (const vote of [...this.#promises.values()].flat()) {
      const known = newest.get(vote.slot);
      if (known === undefined || vote.ballot > known.ballot) newest.set(vote.slot, vote);
    }
    this.#nextSlot = this.#upTo + 1;
    const last = Math.max(this.#upTo, ...newest.keys());
    while (this.#nextSlot <= last) {
      const vote = newest.get(this.#nextSlot);
      this.#out.note(vote ? 'adopted' : 'filled', this.#toldOf(this.#nextSlot, vote));
      this.#propose(vote?.value ?? NOTHING);
    }
    this.#beat();
  }

  #toldOf(slot: number, vote: SlotVote | undefined): string {
    return `has to propose ${named(vote?.value ?? NOTHING)} in slot ${slot}`;
  }

  #take(value: string): void {
    if (this.#role === 'leader') this.#propose(value);
    else if (this.#leader !== undefined) this.#out.send(this.#leader, { kind: 'forward', value });
  }

  #propose(value: string): void {
    const slot = this.#nextSlot++;
    this.#proposals.set(slot, { value, voters: new Set() });
    this.#out.toAll({ kind: 'accept', ballot: this.#ballot, slot, value });
  }

  /** It asks again for votes that are missing: messages get lost. */
  #beat(): void {
    this.#out.toOthers({ kind: 'heartbeat', ballot: this.#ballot, upTo: this.#upTo });
    for (const [slot, { value, voters }] of this.#proposals) {
      for (let to = 0; to < this.#processes; to++) {
        if (voters.has(to)) continue;
        this.#out.send(to, { kind: 'accept', ballot: this.#ballot, slot, value });
      }
    }
    this.#out.setTimer('heartbeat', HEARTBEAT_MS, HEARTBEAT_MS);
  }

  #onAccepted(from: number, { ballot, slot }: Said<'accepted'>): void {
    const proposal = this.#proposals.get(slot);
    if (this.#role !== 'leader' || ballot !== this.#ballot || proposal === undefined) return;
    proposal.voters.add(from);
    if (proposal.voters.size < majority(this.#processes)) return;
    this.#proposals.delete(slot);
    this.#out.toAll({ kind: 'chosen', from: slot, values: [proposal.value] });
  }

  #onRefused({ ballot, promised }: Said<'refused'>): void {
    this.#highest = Math.max(this.#highest, promised);
    if (ballot !== this.#ballot || this.#role === 'follower') return;
    this.#out.note('contested', `ballot ${ballot} is beaten by ${promised}`);
    this.#yield();
  }

  // Learner.

  #onHeartbeat(from: number, { ballot, upTo }: Said<'heartbeat'>): void {
    if (!this.#obeys(from, ballot)) return;
    this.#leader = from;
    if (upTo > this.#upTo) this.#out.send(from, { kind: 'missing', from: this.#upTo + 1 });
  }

  #onMissing(from: number, { from: first }: Said<'missing'>): void {
    const values: string[] = [];
    for (let slot = first; slot <= this.#upTo && values.length < BATCH_MAX; slot++) {
      values.push(this.#chosen.get(slot) ?? NOTHING);
    }
    if (values.length > 0) this.#out.send(from, { kind: 'chosen', from: first, values });
  }

  /** Reports slots in order. */
  #onChosen({ from, values }: Said<'chosen'>): void {
    for (const [i, value] of values.entries()) {
      if (!this.#chosen.has(from + i)) this.#chosen.set(from + i, value);
    }
    for (let next = this.#chosen.get(this.#upTo + 1); next !== undefined; ) {
      this.#upTo += 1;
      this.#out.decide(this.#upTo, next);
      next = this.#chosen.get(this.#upTo + 1);
    }
  }
}

/** Multi-Paxos (Lamport, Paxos Made Simple, section 3), with a leader that beats. */
export const multiPaxos: Protocol<MultiPaxosMessage, MultiPaxosState> = {
  name: 'multi-paxos',
  message: multiPaxosMessage,
  saved: multiPaxosState,
  isSingle: false,
  open: (me, processes, saved) => new MultiPaxos(me, processes, saved),
  words: multiPaxosWords,
  values: multiPaxosValues,
};
