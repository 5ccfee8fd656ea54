// What a gateway needs of the replica behind it, of the algorithm it serves, and what it allows clients.
import type { Shape } from '@fatty/codec';
import type {
  Applied,
  Failure,
  Link,
  Outcome,
  PublicKey,
  Receipt,
  UnsignedRules,
} from '@fatty/interface';
import type { Batch, EpochLink, StateView } from '@fatty/protocol';
import type { CertifiedProof } from '@fatty/replica';

/** The last applied commit. Times in ms. */
export interface AppliedCommit {
  readonly commit: number;
  readonly commitTs: number;
  readonly leaseClock: number;
}

/** Before the first commit. */
export const NOTHING_APPLIED: AppliedCommit = { commit: 0, commitTs: 0, leaseClock: 0 };

/** The replica behind a gateway. */
export interface GatewayReplica {
  /** Bytes of a SignedBatch; `tag` comes back with a refusal. */
  submit(batch: Uint8Array, tag: number): void;
  /** Bytes of an unsigned message that committed state accepts. */
  submitUnsigned(bytes: Uint8Array): void;
  /** A question for a proof of the state at `minCommit` or later; the answer comes back with `tag`, if any comes. */
  prove(question: Uint8Array, minCommit: number, tag: number): void;
  /** The own clock of the replica (R12a), ms since the Unix epoch: what clients are told. */
  clockMs(): number;
  /** Committed state holds everything that this replica told in an earlier life (R32b). */
  isCurrent(): boolean;
  /** The epoch that it is in, and how those before ended. */
  chain(): EpochChain;
}

/** Where a replica is in the chain of epochs. */
export interface EpochChain {
  readonly epoch: number;
  /** Checked, from the genesis on; the last one may end `epoch` already. Each is the same object every time. */
  readonly links: readonly EpochLink[];
}

/** Runs something later, once; ms. */
export interface GatewayTimers {
  after(delayMs: number, run: () => void): unknown;
}

/**
 * What a gateway knows of the algorithm that it serves. Everything but the views is about committed
 * state.
 */
export interface Served<Query, Answer> {
  /** What its clients may ask, and what they are answered: wire format of the algorithm. */
  readonly query: Shape<Query>;
  readonly answer: Shape<Answer>;
  /** `client`: who asks, for what it may see. */
  ask(query: Query, view: StateView, client: PublicKey): Answer;
  /** Why this client may not have this proved; undefined: it may. */
  refuseProof(question: Uint8Array, client: PublicKey): Failure | undefined;
  /** How many entries an answer was put together of. */
  entriesOf(answer: Answer): number;
  /** Whether the key has a live session. Keys without one share the budget of newcomers. */
  hasSession(client: PublicKey): boolean;
  /** The stored receipt of an applied batch, while it is kept. */
  receiptOf(batch: Batch): Receipt | undefined;
  /**
   * Checks an unsigned message against committed state; what it accepts goes on to the replica.
   * Undefined: the algorithm has no such messages.
   */
  readonly unsigned: UnsignedRules | undefined;
  /** Without it nothing can be watched. */
  readonly watched?: WatchRules;
}

/** How an algorithm's events are watched. A topic is a text that says what a watch is about. */
export interface WatchRules {
  isTopic(text: string): boolean;
  /** The topics that an event about this belongs to; few, for each event is looked up by all of them. */
  topicsOf(about: string): readonly string[];
  /** Whether this client may hear of it now. */
  mayHear(about: string, client: PublicKey): boolean;
}

/** What stands between a replica and its clients; the host tells it what the replica did. */
export interface ClientFront {
  linkUp(link: Link): void;
  message(link: Link, bytes: Uint8Array): void;
  linkDown(link: Link): void;
  /**
   * A core begins behind this commit. Clients were told of what came before by an earlier one, or by nobody;
   * what that one was given, and had not applied, it has taken with it.
   */
  resume(commit: AppliedCommit): void;
  /** Before {@link resume}: a commit that the core has come to again. Nobody is told what it did. */
  replayed(commit: AppliedCommit, applied: Pick<Applied, 'events'>): void;
  committed(commit: AppliedCommit, applied: Told): void;
  refused(tag: number, failure: Failure): void;
  /** What a question came to. */
  proved(tag: number, answer: Outcome<CertifiedProof>): void;
  /** Links at the moment. */
  readonly clients: number;
}

/** What clients are told of a commit. */
export type Told = Pick<Applied, 'receipts' | 'notices' | 'events'>;

/** What a gateway lets clients do. Counts are per second, bytes and ms say so. */
export interface GatewayLimits {
  /** Per client key: batches, reads and clock questions. */
  readonly messagesPerSecMax: number;
  /**
   * Keep-alives per client key, counted apart so that no load delays them. A forged one counts once
   * for each hash that it costs.
   */
  readonly unsignedPerSecMax: number;
  readonly bytesPerSecMax: number;
  /** Work for keys without a live session, all together: ms of the event loop per second. */
  readonly newcomersMsPerSecMax: number;
  /** Largest frame a client may send, bytes. */
  readonly frameBytesMax: number;
  /** Reads of one client that wait for a commit. */
  readonly waitingReadsMax: number;
  /** Questions for proofs of one client that wait for a certificate. */
  readonly waitingProofsMax: number;
  /** Open watches per client key, and of all. Code `too_many_watches`. */
  readonly watchesPerClientMax: number;
  readonly watchesMax: number;
  /** How much of the newest events is kept, bytes. */
  readonly eventBytesMax: number;
}

/** Limits of a gateway that is given no others. */
export const GATEWAY_LIMITS: GatewayLimits = {
  messagesPerSecMax: 5_000,
  unsignedPerSecMax: 8_192,
  bytesPerSecMax: 64 << 20,
  newcomersMsPerSecMax: 300,
  frameBytesMax: 1_310_720,
  waitingReadsMax: 1_024,
  waitingProofsMax: 64,
  watchesPerClientMax: 64,
  watchesMax: 16_384,
  eventBytesMax: 8 << 20,
};

/**
 * What a message costs the event loop at most, ms: a batch of a fresh key its admission and two
 * signatures, here and later in every replica (tools/bench/costs.mjs measures it).
 */
const COST_MS = { submit: 3, read: 0.5, prove: 1, now: 0.2, watch: 1, getLinks: 0.5 };
/** And by its size. */
const BYTES_PER_MS = 64 << 10;

/** Messages that newcomers are charged for. */
export type ChargedKind = keyof typeof COST_MS;

/** What a newcomer's message is charged with, ms. */
export function costMs(kind: ChargedKind, sizeBytes: number): number {
  return COST_MS[kind] + sizeBytes / BYTES_PER_MS;
}
