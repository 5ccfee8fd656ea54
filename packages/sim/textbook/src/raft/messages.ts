// What the processes of Raft say, and what they keep.
import { array, bool, optional, record, type Shape, text, u53, union } from '@fatty/codec';
import { named, VALUE_BYTES_MAX } from '../program/program.ts';

/** Entries of a log at most. */
const ENTRIES_MAX = 10_000;

/** One entry of a log: what somebody wants done, and in which term a leader took it. */
export interface Entry {
  readonly term: number;
  readonly value: string;
}

/** What the processes say. The places of entries count from 1. */
export type RaftMessage =
  | {
      readonly kind: 'requestVote';
      readonly term: number;
      /** The candidate's last entry. */
      readonly lastIndex: number;
      readonly lastTerm: number;
    }
  | { readonly kind: 'vote'; readonly term: number; readonly isGranted: boolean }
  /** From the leader; without entries it is a heartbeat. */
  | {
      readonly kind: 'append';
      readonly term: number;
      /** The entry before the first one of these. */
      readonly prevIndex: number;
      readonly prevTerm: number;
      readonly entries: readonly Entry[];
      /** So many entries of the leader's log are committed. */
      readonly committed: number;
    }
  | {
      readonly kind: 'appended';
      readonly term: number;
      readonly isTaken: boolean;
      /** Taken: up to here the log is the leader's. Not taken: try behind this one. */
      readonly index: number;
    }
  /** What a client wants, for the leader. */
  | { readonly kind: 'forward'; readonly value: string };

/** What no process may forget. */
export interface RaftState {
  readonly term: number;
  /** Who has its vote in this term. */
  readonly votedFor: number | undefined;
  readonly log: readonly Entry[];
}

const entryShape: Shape<Entry> = record<Entry>({ term: u53, value: text(VALUE_BYTES_MAX) });

/** A message as bytes. */
export const raftMessage: Shape<RaftMessage> = union<RaftMessage>({
  requestVote: [1, record({ term: u53, lastIndex: u53, lastTerm: u53 })],
  vote: [2, record({ term: u53, isGranted: bool })],
  append: [
    3,
    record({
      term: u53,
      prevIndex: u53,
      prevTerm: u53,
      entries: array(entryShape, ENTRIES_MAX),
      committed: u53,
    }),
  ],
  appended: [4, record({ term: u53, isTaken: bool, index: u53 })],
  forward: [5, record({ value: text(VALUE_BYTES_MAX) })],
});

/** A state as bytes. */
export const raftState: Shape<RaftState> = record<RaftState>({
  term: u53,
  votedFor: optional(u53),
  log: array(entryShape, ENTRIES_MAX),
});

/** A message in a few words; a heartbeat and its answer do not name the term, so that charts can leave them out. */
export function raftWords(message: RaftMessage): string {
  switch (message.kind) {
    case 'requestVote':
      return `asks for votes, term ${message.term}, has ${message.lastIndex} entries`;
    case 'vote':
      return `${message.isGranted ? 'votes for it' : 'does not vote for it'}, term ${message.term}`;
    case 'append': {
      const { term, prevIndex, entries, committed } = message;
      if (entries.length === 0) return `heartbeat, committed up to ${committed}`;
      const told = entries.map(({ value }, i) => `${prevIndex + 1 + i} is ${named(value)}`);
      return `append ${told.join(', ')}, term ${term}, committed up to ${committed}`;
    }
    case 'appended':
      return message.isTaken ? `has up to ${message.index}` : `cannot, try ${message.index}`;
    case 'forward':
      return `for the leader: ${named(message.value)}`;
  }
}

/** Values of clients in a message. */
export function raftValues(message: RaftMessage): readonly string[] {
  if (message.kind === 'append') return message.entries.map(({ value }) => value);
  return message.kind === 'forward' ? [message.value] : [];
}
