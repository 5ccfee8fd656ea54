// What the processes of Paxos say, and what they keep.
import { optional, record, type Shape, text, u53, union } from '@fatty/codec';
import { named, VALUE_BYTES_MAX } from '../program/program.ts';

/** An acceptor's vote: this value, in this ballot. */
export interface Vote {
  readonly ballot: number;
  readonly value: string;
}

/** What the processes say. */
export type PaxosMessage =
  /** Phase 1: who votes in no lower ballot any more, and what was your last vote? */
  | { readonly kind: 'prepare'; readonly ballot: number }
  | { readonly kind: 'promise'; readonly ballot: number; readonly vote: Vote | undefined }
  /** Phase 2: vote for this. */
  | { readonly kind: 'accept'; readonly ballot: number; readonly value: string }
  | { readonly kind: 'accepted'; readonly ballot: number; readonly value: string }
  /** This ballot comes too late: a higher one was promised. */
  | { readonly kind: 'refused'; readonly ballot: number; readonly promised: number }
  | { readonly kind: 'chosen'; readonly value: string };

/** What an acceptor may not forget. */
export interface PaxosState {
  /** No ballot below this one gets its vote; 0: it has promised nothing. */
  readonly promised: number;
  readonly vote: Vote | undefined;
}

const value: Shape<string> = text(VALUE_BYTES_MAX);
const voteShape: Shape<Vote> = record<Vote>({ ballot: u53, value });

/** A message as bytes. */
export const paxosMessage: Shape<PaxosMessage> = union<PaxosMessage>({
  prepare: [1, record({ ballot: u53 })],
  promise: [2, record({ ballot: u53, vote: optional(voteShape) })],
  accept: [3, record({ ballot: u53, value })],
  accepted: [4, record({ ballot: u53, value })],
  refused: [5, record({ ballot: u53, promised: u53 })],
  chosen: [6, record({ value })],
});

/** A state as bytes. */
export const paxosState: Shape<PaxosState> = record<PaxosState>({
  promised: u53,
  vote: optional(voteShape),
});

/** A message in a few words. */
export function paxosWords(message: PaxosMessage): string {
  switch (message.kind) {
    case 'prepare':
      return `prepare, ballot ${message.ballot}`;
    case 'promise': {
      const { ballot, vote } = message;
      const last = vote ? `last vote ${named(vote.value)} in ${vote.ballot}` : 'no vote yet';
      return `promise, ballot ${ballot}, ${last}`;
    }
    case 'accept':
      return `accept ${named(message.value)}, ballot ${message.ballot}`;
    case 'accepted':
      return `accepted ${named(message.value)}, ballot ${message.ballot}`;
    case 'refused':
      return `refuses ballot ${message.ballot}, has promised ${message.promised}`;
    case 'chosen':
      return `${named(message.value)} is chosen`;
  }
}
