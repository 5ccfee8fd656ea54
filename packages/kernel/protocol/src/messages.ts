// What a client and a gateway say to one another, whatever the algorithm of the cell is.
import {
  array,
  bytes,
  choice,
  detail,
  digest,
  encode,
  fixed,
  opaque,
  optional,
  peek,
  record,
  type Shape,
  type Signer,
  sessionId,
  signature,
  signedBytes,
  text,
  u32,
  u53,
  union,
} from '@fatty/codec';
import type { CellId, Digest, Failure, Position, SessionId, Signature } from '@fatty/interface';
import { type SignedBatch, signedBatchShape } from './batch.ts';
import { type Cert, certShape } from './cert.ts';

/** `delivered`: this replica's freshest merged state; `committed`: the agreed one. */
export type StateView = 'committed' | 'delivered';

/**
 * What a read is answered from. `current`: committed state, by a replica that knows to have all in it that
 * it told anybody in this life or an earlier one (R32b); `not_current` by one that does not know.
 */
export type View = StateView | 'current';

/**
 * What a client says to a gateway after the handshake (which package network owns). `Query`: what
 * the algorithm of the cell can be asked.
 */
export type ClientMessageOf<Query> =
  | { readonly kind: 'submit'; readonly batch: SignedBatch }
  /** A message that nobody signs: an item of the algorithm, as its canonical bytes. */
  | { readonly kind: 'unsigned'; readonly message: Uint8Array }
  /** Answered once the replica has applied commit `minCommit` (0: at once). */
  | {
      readonly kind: 'read';
      readonly request: number;
      readonly minCommit: number;
      readonly view: View;
      readonly query: Query;
    }
  /** Asks for a signed clock reading bound to 16 random bytes. */
  | { readonly kind: 'now'; readonly nonce: Uint8Array }
  /**
   * Asks for a proof of the state of a certified commit, `minCommit` or later. `question`: the algorithm's.
   * Answered with `proved` or `error`, which may take until the next certificate.
   */
  | {
      readonly kind: 'prove';
      readonly request: number;
      readonly minCommit: number;
      readonly question: Uint8Array;
    }
  /**
   * Asks for the events of a topic from a place on (undefined: from now on), `room` of them at first (clamped to
   * {@link WATCHED_EVENTS_MAX}). `watch`: a number that no open watch of this link has.
   */
  | {
      readonly kind: 'watch';
      readonly watch: number;
      readonly topic: string;
      readonly from: Position | undefined;
      readonly room: number;
    }
  /** The client can take so many events more. */
  | { readonly kind: 'watchMore'; readonly watch: number; readonly room: number }
  | { readonly kind: 'unwatch'; readonly watch: number }
  /** The links that end epoch `from` and those after it (R31). Answered with `links`, or `error` with request 0. */
  | { readonly kind: 'getLinks'; readonly from: number }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'pong'; readonly id: number };

/** A replica's signed clock. ts: its own wall clock; the rest: its last applied commit. ms. */
export interface NowReading {
  readonly nonce: Uint8Array;
  readonly ts: number;
  readonly commit: number;
  readonly leaseClock: number;
  /** commitTs − leaseClock of that commit. */
  readonly offset: number;
}

/**
 * What a gateway says to a client. `commit` is always the commit index. `Answer`: of the algorithm, to
 * a query.
 */
export type GatewayMessageOf<Answer> =
  /**
   * `results[i]`: what the algorithm answered to op i; compared as bytes at f+1 (R32). None: the batch was
   * applied at `commit`, and what its ops answered is no longer kept.
   */
  | {
      readonly kind: 'receipt';
      readonly batch: Digest;
      readonly session: SessionId;
      readonly seq: number;
      readonly commit: number;
      readonly results: readonly Uint8Array[];
    }
  | {
      readonly kind: 'readResult';
      readonly request: number;
      readonly commit: number;
      readonly view: View;
      readonly answer: Answer;
    }
  /** This gateway did not take the batch; another may have. */
  | { readonly kind: 'refused'; readonly batch: Digest; readonly failure: Failure }
  | { readonly kind: 'nowReading'; readonly reading: NowReading; readonly sig: Signature }
  /** `body`: the algorithm's. */
  | {
      readonly kind: 'notice';
      readonly session: SessionId;
      readonly commit: number;
      readonly body: Uint8Array;
    }
  /** `proof`: the algorithm's, held to the state root that the certificate is of. */
  | {
      readonly kind: 'proved';
      readonly request: number;
      readonly cert: Cert;
      readonly proof: Uint8Array;
    }
  /**
   * All events of a watch that come before `until` and were not told yet, ascending: `until` of one
   * message is where the next begins, and `from` of the watch where the first does.
   */
  | {
      readonly kind: 'watched';
      readonly watch: number;
      readonly until: Position;
      readonly events: readonly WatchedEvent[];
    }
  /**
   * The watch is over, or never began: `compacted` and `lagged` name the first commit whose events
   * are all kept here; other codes 0.
   */
  | {
      readonly kind: 'watchEnded';
      readonly watch: number;
      readonly first: number;
      readonly failure: Failure;
    }
  /**
   * The epoch that this replica is in. `links`: canonical bytes of an EpochLink each, ascending, as many from the one
   * that was asked for on as fit; of a change that is told unasked the last one. Whoever sends them, they are
   * checked against the members of the epoch that they end.
   */
  | { readonly kind: 'links'; readonly epoch: number; readonly links: readonly Uint8Array[] }
  /** `request`: the read or question it answers, 0 when none. */
  | { readonly kind: 'error'; readonly request: number; readonly failure: Failure }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'pong'; readonly id: number };

/** An event in its place: its commit, and its index among the events of that commit. */
export interface WatchedEvent {
  readonly position: Position;
  /** The algorithm's. */
  readonly body: Uint8Array;
}

/** Events in one message, and the most that a client may have room for. */
export const WATCHED_EVENTS_MAX = 1_024;

/** A link names up to 16,384 chunks and what 256 members have moved, bytes. */
export const LINK_BYTES_MAX: number = 1 << 20;
/** Links in one message to a client, at most; and no more bytes than one link may have. */
export const CLIENT_LINKS_MAX = 256;

const RESULTS_MAX = 1024;
const NOTICE_BYTES_MAX = 64 * 1024;
const RESULT_BYTES_MAX = 64 * 1024;

const viewShape: Shape<View> = choice('committed', 'delivered', 'current');
const pulse = record({ id: u32 });

/** Canonical bytes of a failure. */
export const failureShape: Shape<Failure> = record<Failure>({
  code: text(64),
  expected: detail(1024),
  actual: detail(1024),
});

/** Canonical bytes of a clock reading. */
export const nowReadingShape: Shape<NowReading> = record<NowReading>({
  nonce: fixed(16),
  ts: u53,
  commit: u53,
  leaseClock: u53,
  offset: u53,
});

const TOPIC_LENGTH_MAX = 16 * 1024;
const EVENT_BYTES_MAX = 64 * 1024;

/** A place in the order of events. */
const place: Shape<Position> = record<Position>({ commit: u53, index: u32 });
const watchedEvent = record<WatchedEvent>({ position: place, body: bytes(EVENT_BYTES_MAX) });

const READ_TAG = 3;
const QUESTION_BYTES_MAX = 64 * 1024;
const PROVED_BYTES_MAX = 1_200_000;

/** `query`: shape of the algorithm's queries. Tags are wire format: never reused, never renumbered. */
export function clientMessageShapeOf<Query>(query: Shape<Query>): Shape<ClientMessageOf<Query>> {
  return union<ClientMessageOf<Query>>({
    submit: [1, record({ batch: signedBatchShape })],
    unsigned: [2, record({ message: opaque })],
    read: [READ_TAG, record({ request: u32, minCommit: u53, view: viewShape, query })],
    now: [4, record({ nonce: fixed(16) })],
    prove: [12, record({ request: u32, minCommit: u53, question: bytes(QUESTION_BYTES_MAX) })],
    watch: [
      16,
      record({ watch: u32, topic: text(TOPIC_LENGTH_MAX), from: optional(place), room: u32 }),
    ],
    watchMore: [17, record({ watch: u32, room: u32 })],
    unwatch: [18, record({ watch: u32 })],
    getLinks: [19, record({ from: u32 })],
    ping: [8, pulse],
    pong: [9, pulse],
  });
}

/** `answer`: shape of the algorithm's answers. Tags are wire format, as of client messages. */
export function gatewayMessageShapeOf<Answer>(
  answer: Shape<Answer>,
): Shape<GatewayMessageOf<Answer>> {
  return union<GatewayMessageOf<Answer>>({
    receipt: [
      1,
      record({
        batch: digest,
        session: sessionId,
        seq: u53,
        commit: u53,
        results: array(bytes(RESULT_BYTES_MAX), RESULTS_MAX),
      }),
    ],
    readResult: [2, record({ request: u32, commit: u53, view: viewShape, answer })],
    refused: [3, record({ batch: digest, failure: failureShape })],
    nowReading: [4, record({ reading: nowReadingShape, sig: signature })],
    notice: [5, record({ session: sessionId, commit: u53, body: bytes(NOTICE_BYTES_MAX) })],
    proved: [12, record({ request: u32, cert: certShape, proof: bytes(PROVED_BYTES_MAX) })],
    error: [6, record({ request: u32, failure: failureShape })],
    watched: [
      16,
      record({ watch: u32, until: place, events: array(watchedEvent, WATCHED_EVENTS_MAX) }),
    ],
    watchEnded: [17, record({ watch: u32, first: u53, failure: failureShape })],
    links: [19, record({ epoch: u32, links: array(bytes(LINK_BYTES_MAX), CLIENT_LINKS_MAX) })],
    ping: [8, pulse],
    pong: [9, pulse],
  });
}

/**
 * Which read these bytes are, though nobody can answer them: a query of a shape or size that is not
 * known here. Undefined: they are no read.
 */
export function requestOf(input: Uint8Array, sizeMax: number): number | undefined {
  const front = peek({ tag: u32, request: u32 }, input, sizeMax);
  return front.ok && front.value.tag === READ_TAG ? front.value.request : undefined;
}

/** The bytes a replica's signature over a clock reading covers. */
export function nowMessage(cellId: CellId, reading: NowReading): Uint8Array {
  return signedBytes('now', cellId, encode(nowReadingShape, reading));
}

/** Signs a clock reading for one cell, as the message that answers a client. */
export function signNow(
  cellId: CellId,
  signer: Signer,
  reading: NowReading,
): Extract<GatewayMessageOf<never>, { kind: 'nowReading' }> {
  return { kind: 'nowReading', reading, sig: signer.sign(nowMessage(cellId, reading)) };
}
