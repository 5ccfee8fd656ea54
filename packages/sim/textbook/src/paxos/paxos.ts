// Single-decree Paxos: n processes choose one value, for good.
import { Outbox } from '../program/outbox.ts';
import {
  type Effect,
  type Input,
  majority,
  type Program,
  type Protocol,
} from '../program/program.ts';
import { ballotAbove } from './ballots.ts';
import {
  type PaxosMessage,
  type PaxosState,
  paxosMessage,
  paxosState,
  paxosWords,
  type Vote,
} from './messages.ts';

/**
 * A proposer whose ballot came to nothing tries another after so long, ms; the more often, the longer it may
 * wait. Two that beat each other in turn find an end by the dice.
 */
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 400;
const DOUBLINGS_MAX = 4;

type Said<K extends PaxosMessage['kind']> = Extract<PaxosMessage, { readonly kind: K }>;

/**
 * One process is all three of the paper: acceptor (its state is on disk), proposer and learner (theirs is
 * gone with a crash).
 */
export class Paxos implements Program<PaxosMessage, PaxosState> {
  readonly #me: number;
  readonly #processes: number;
  readonly #out: Outbox<PaxosMessage, PaxosState>;
  // The acceptor.
  #promised: number;
  #vote: Vote | undefined;
  // The proposer.
  #wish: string | undefined;
  #ballot = 0;
  /** Who has promised the own ballot, with its last vote. */
  readonly #promises = new Map<number, Vote | undefined>();
  #highest = 0;
  #tries = 0;
  // The learner.
  #chosen: string | undefined;
  readonly #voters = new Map<number, Set<number>>();

  constructor(me: number, processes: number, saved: PaxosState | undefined) {
    this.#me = me;
    this.#processes = processes;
    this.#out = new Outbox(me, processes);
    this.#promised = saved?.promised ?? 0;
    this.#vote = saved?.vote;
  }

  step(input: Input<PaxosMessage>): readonly Effect<PaxosMessage, PaxosState>[] {
    if (input.kind === 'asked' && this.#wish === undefined) this.#propose(input.value);
    if (input.kind === 'rang' && this.#chosen === undefined) this.#prepare();
    if (input.kind === 'heard') this.#hear(input.from, input.message);
    return this.#out.flush((message) => this.#hear(this.#me, message));
  }

  #hear(from: number, message: PaxosMessage): void {
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
      case 'chosen':
        return this.#learn(message.value);
    }
  }

  // Acceptor.

  #onPrepare(from: number, { ballot }: Said<'prepare'>): void {
    if (this.#chosen !== undefined) return this.#tellChosen(from, this.#chosen);
    if (ballot < this.#promised) return this.#refuse(from, ballot);
    this.#promised = ballot;
    this.#save();
    this.#out.send(from, { kind: 'promise', ballot, vote: this.#vote });
  }

  #onAccept(from: number, { ballot, value }: Said<'accept'>): void {
    if (this.#chosen !== undefined) return this.#tellChosen(from, this.#chosen);
    if (ballot < this.#promised) return this.#refuse(from, ballot);
    this.#promised = ballot;
    this.#vote = { ballot, value };
    this.#save();
    this.#out.toAll({ kind: 'accepted', ballot, value });
  }

  #save(): void {
    this.#out.save({ promised: this.#promised, vote: this.#vote });
  }

  #refuse(from: number, ballot: number): void {
    this.#out.send(from, { kind: 'refused', ballot, promised: this.#promised });
  }

  #tellChosen(to: number, value: string): void {
    this.#out.send(to, { kind: 'chosen', value });
  }

  // Proposer.

  #propose(value: string): void {
    this.#wish = value;
    this.#prepare();
  }

  #prepare(): void {
    this.#ballot = ballotAbove(
      Math.max(this.#highest, this.#promised, this.#ballot),
      this.#me,
      this.#processes,
    );
    this.#promises.clear();
    this.#out.toAll({ kind: 'prepare', ballot: this.#ballot });
    const longest = RETRY_MS_MAX * 2 ** Math.min(this.#tries, DOUBLINGS_MAX);
    this.#tries += 1;
    this.#out.setTimer('retry', RETRY_MS_MIN, longest);
  }

  /** With a majority of promises it asks for votes: for the newest vote that it was told of, or for its own wish. */
  #onPromise(from: number, { ballot, vote }: Said<'promise'>): void {
    if (ballot !== this.#ballot || this.#promises.has(from)) return;
    this.#promises.set(from, vote);
    if (this.#promises.size !== majority(this.#processes) || this.#wish === undefined) return;
    const votes = [...this.#promises.values()].filter((one) => one !== undefined);
    const newest = votes.sort((a, b) => b.ballot - a.ballot)[0];
    const value = newest?.value ?? this.#wish;
    if (value !== this.#wish) this.#out.note('adopted', `has to propose ${value}, not its own`);
    this.#out.toAll({ kind: 'accept', ballot, value });
  }

  #onRefused({ ballot, promised }: Said<'refused'>): void {
    this.#highest = Math.max(this.#highest, promised);
    if (ballot !== this.#ballot || this.#chosen !== undefined) return;
    this.#out.note('contested', `ballot ${ballot} is beaten by ${promised}`);
  }

  // Learner.

  #onAccepted(from: number, { ballot, value }: Said<'accepted'>): void {
    const voters = (this.#voters.get(ballot) ?? new Set()).add(from);
    this.#voters.set(ballot, voters);
    if (voters.size >= majority(this.#processes)) this.#learn(value);
  }

  #learn(value: string): void {
    if (this.#chosen !== undefined) return;
    this.#chosen = value;
    this.#out.decide(0, value);
  }
}

/** Single-decree Paxos (Lamport, Paxos Made Simple). */
export const paxos: Protocol<PaxosMessage, PaxosState> = {
  name: 'paxos',
  message: paxosMessage,
  saved: paxosState,
  isSingle: true,
  open: (me, processes, saved) => new Paxos(me, processes, saved),
  words: paxosWords,
  values: (message) => ('value' in message ? [message.value] : []),
};
