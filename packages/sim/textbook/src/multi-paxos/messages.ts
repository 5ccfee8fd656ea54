// What the processes of multi-Paxos say, and what they keep.
import { array, record, type Shape, text, u53, union } from '@fatty/codec';
import { named, VALUE_BYTES_MAX } from '../program/program.ts';

/** Slots at most. */
const SLOTS_MAX = 10_000;

/** An acceptor's last vote in one slot. Slots count from 1. */
export interface SlotVote {
  readonly slot: number;
  readonly ballot: number;
  readonly value: string;
}

/** What the processes say. One ballot is for all slots. */
export type MultiPaxosMessage =
  /** Phase 1, for all slots from this one on. */
  | { readonly kind: 'prepare'; readonly ballot: number; readonly from: number }
  | { readonly kind: 'promise'; readonly ballot: number; readonly votes: readonly SlotVote[] }
  /** Phase 2, for one slot. */
  | {
      readonly kind: 'accept';
      readonly ballot: number;
      readonly slot: number;
      readonly value: string;
    }
  | { readonly kind: 'accepted'; readonly ballot: number; readonly slot: number }
  /** This ballot comes too late: a higher one was promised. */
  | { readonly kind: 'refused'; readonly ballot: number; readonly promised: number }
  /** The leader is there, and knows of all slots up to this one what is chosen. */
  | { readonly kind: 'heartbeat'; readonly ballot: number; readonly upTo: number }
  /** What is chosen from this slot on? */
  | { readonly kind: 'missing'; readonly from: number }
  /** Chosen in this slot and those behind it. */
  | { readonly kind: 'chosen'; readonly from: number; readonly values: readonly string[] }
  /** What a client wants, for the leader. */
  | { readonly kind: 'forward'; readonly value: string };

/** What an acceptor may not forget. */
export interface MultiPaxosState {
  readonly promised: number;
  readonly votes: readonly SlotVote[];
}

const value: Shape<string> = text(VALUE_BYTES_MAX);
const votes: Shape<readonly SlotVote[]> = array(
  record<SlotVote>({ slot: u53, ballot: u53, value }),
  SLOTS_MAX,
);

/** A message as bytes. */
export const multiPaxosMessage: Shape<MultiPaxosMessage> = union<MultiPaxosMessage>({
  prepare: [1, record({ ballot: u53, from: u53 })],
  promise: [2, record({ ballot: u53, votes })],
  accept: [3, record({ ballot: u53, slot: u53, value })],
  accepted: [4, record({ ballot: u53, slot: u53 })],
  refused: [5, record({ ballot: u53, promised: u53 })],
  heartbeat: [6, record({ ballot: u53, upTo: u53 })],
  missing: [7, record({ from: u53 })],
  chosen: [8, record({ from: u53, values: array(value, SLOTS_MAX) })],
  forward: [9, record({ value })],
});

/** A state as bytes. */
export const multiPaxosState: Shape<MultiPaxosState> = record<MultiPaxosState>({
  promised: u53,
  votes,
});

/** A message in a few words; a heartbeat does not name its ballot, so that charts can leave it out. */
export function multiPaxosWords(message: MultiPaxosMessage): string {
  switch (message.kind) {
    case 'prepare':
      return `prepare from slot ${message.from} on, ballot ${message.ballot}`;
    case 'promise': {
      const told = message.votes.map((vote) => `${vote.slot} ${named(vote.value)}`);
      return `promise, ballot ${message.ballot}, votes: ${told.join(', ') || 'none'}`;
    }
    case 'accept':
      return `accept ${named(message.value)} in slot ${message.slot}, ballot ${message.ballot}`;
    case 'accepted':
      return `accepted slot ${message.slot}, ballot ${message.ballot}`;
    case 'refused':
      return `refuses ballot ${message.ballot}, has promised ${message.promised}`;
    case 'heartbeat':
      return `heartbeat, knows up to slot ${message.upTo}`;
    case 'missing':
      return `what is chosen from slot ${message.from} on?`;
    case 'chosen':
      return `chosen from slot ${message.from} on: ${message.values.map(named).join(', ')}`;
    case 'forward':
      return `for the leader: ${named(message.value)}`;
  }
}

/** Values of clients in a message. */
export function multiPaxosValues(message: MultiPaxosMessage): readonly string[] {
  if (message.kind === 'chosen') return message.values;
  return 'value' in message ? [message.value] : [];
}
