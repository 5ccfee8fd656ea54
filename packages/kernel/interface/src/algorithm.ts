// The contracts between a replica and what it hosts: six methods of an algorithm, and the machine round it.
import type { CellId, Digest, PublicKey, SessionId } from './bytes.ts';
import type { Unsigned, UnsignedRules } from './unsigned.ts';
import type { Outcome, Validation } from './verdict.ts';

/** The last commit a client had seen when it signed (R3). */
export interface Basis {
  readonly epoch: number;
  readonly commit: number;
}

/** Who says an op: the client that signed the batch and the replica whose block carries it. */
export interface Source {
  readonly client: PublicKey;
  readonly session: SessionId;
  /** Position of the batch in its session, from 0. */
  readonly seq: number;
  /** Position of the op in its batch, from 0. */
  readonly index: number;
  /**
   * Key of the member whose block carries it: indices mean something else in the next epoch. A gateway
   * has no authority: only AT2-like algorithms look.
   */
  readonly author: PublicKey;
  /** Of the batch: a session is named by the one that its opening was signed on (R3). */
  readonly basis: Basis;
}

/** Place in the total order. Later is larger, for ever: across deletes, restarts and epochs. */
export interface Position {
  readonly commit: number;
  readonly index: number;
}

/**
 * The core contract: anything that implements it rides SecureBroadcast and the total order. `Op` is
 * what an op is once its bytes have been read. `snapshot` is canonical: equal states give equal bytes.
 * `query` reads and changes nothing, its work is bounded by what it is asked; without it nobody can ask.
 * A method that throws, or answers another thing than its type says, has a fault: its op is refused, or answered
 * with the code `algorithm_failed`.
 */
export interface Algorithm<Op = unknown> {
  /**
   * Reads an op's bytes, where they come in and nowhere else: pure, form alone. The value shares no
   * memory with them, and nobody changes it. What cannot be read never gets into a block.
   */
  open(bytes: Uint8Array): Outcome<Op>;
  /**
   * Whether this source may say it; without it, whatever can be read may be said. Pure: op, source and
   * cell parameters; no state, clock or duration (R11a).
   */
  validate?(source: Source, op: Op): Validation;
  /** Commutes with concurrent ops. Only what `validate` accepted comes here and to `apply`. */
  deliver(source: Source, op: Op): void;
  /**
   * Sequential, total, synchronous, never throws. Answers the receipt's result bytes: 4,096 at most, what
   * is longer is lost (`answer_lost`).
   */
  apply(source: Source, op: Op, position: Position): Uint8Array;
  snapshot(): Uint8Array;
  restore(bytes: Uint8Array): void;
  root(): Digest;
  /** Answers a question about the state; both in the algorithm's own words. */
  query?(question: Uint8Array): Uint8Array;
}

/** What a machine may depend on in `validate`, fixed at construction. */
export interface CellContext {
  readonly cellId: CellId;
  readonly epoch: number;
  readonly members: readonly PublicKey[];
}

/**
 * One copy of a client batch, as the total order hands it over (R19): a commit holds as many of an
 * id as its blocks carry, each with the key of its block's author. Nothing is deduplicated yet.
 */
export interface OrderedBatch<Op = unknown> {
  readonly id: Digest;
  readonly client: PublicKey;
  readonly session: SessionId;
  readonly seq: number;
  readonly basis: Basis;
  readonly author: PublicKey;
  /** As the client signed them, for onlookers. Views of the block: who keeps one keeps all of that. */
  readonly ops: readonly Uint8Array[];
  /** The same, as {@link StateMachine.open} made them, once: every copy and machine gets these. */
  readonly opened: readonly Op[];
}

/** One commit as input of {@link StateMachine.applyCommit} (R21). */
export interface CommitInput<Op = unknown> {
  readonly index: number;
  readonly epoch: number;
  /** Milliseconds since the Unix epoch, agreed (R20). */
  readonly commitTs: number;
  /** Milliseconds, agreed, advances at most STEP per commit (R20). */
  readonly leaseClock: number;
  readonly batches: readonly OrderedBatch<Op>[];
  /** Of the commit's blocks, in linear order: as many about one thing as blocks carry one. */
  readonly unsigned: readonly Unsigned[];
  /** Keys of members newly convicted of contradicting themselves, ascending. */
  readonly evidence: readonly PublicKey[];
}

/**
 * The outcome of one batch, as the client gets it. `results[i]` belongs to op i; none at all: the batch was
 * applied, and what its ops answered is no longer kept.
 */
export interface Receipt {
  readonly batch: Digest;
  readonly client: PublicKey;
  readonly session: SessionId;
  readonly seq: number;
  readonly commit: number;
  readonly results: readonly Uint8Array[];
}

/** Something a session is told without having asked (a grant, a loss); opaque bytes of package api. */
export interface Notice {
  /** Owner of the session: a gateway tells every link of this key. */
  readonly client: PublicKey;
  readonly session: SessionId;
  readonly body: Uint8Array;
}

/**
 * Something that a commit did, for whoever watches: a function of the commits up to this one, so equal on
 * all replicas. Nobody has to keep it, and no state depends on it.
 */
export interface CommitEvent {
  /** What it is about, in the algorithm's words: watches are matched with it. */
  readonly about: string;
  readonly body: Uint8Array;
}

/** What applying a commit did. */
export interface Applied {
  readonly receipts: readonly Receipt[];
  readonly notices: readonly Notice[];
  /**
   * Ids of this commit's batches that need no further copy (R19): applied now or before, or refused
   * for a reason that no other author, order or commit cures. Who waits to send one of the others
   * keeps it.
   */
  readonly settled: readonly Digest[];
  /** In the order in which they happened. Without it there is nothing to watch. */
  readonly events?: readonly CommitEvent[];
}

/** The state of one commit, kept so that it can be proved later, as long as nothing but time has changed it. */
export interface Provable {
  /**
   * The proof that answers a question, both in the machine's own words, held to the `root()` of that commit.
   * Its work is bounded by what is asked. Undefined: the state has changed since. Codes: the machine's.
   */
  prove(question: Uint8Array): Outcome<Uint8Array> | undefined;
}

/**
 * The full contract that a replica hosts: {@link Algorithm} plus sessions and time.
 * An Algorithm becomes one through `hosted()` (package sessions).
 */
export interface StateMachine<Op = unknown> {
  /**
   * Reads an op's bytes, where they come in and nowhere else: pure, form alone. The value shares no
   * memory with them, and nobody changes it.
   */
  open(bytes: Uint8Array): Outcome<Op>;
  validate(source: Source, op: Op): Validation;
  /**
   * A gateway's own look before it includes a batch: may use committed state; advice, not validity.
   * `opened` ends before the first op that cannot be opened: `validate` has its turn later.
   */
  precheck(batch: OrderedBatch<Op>): Validation;
  /** Messages that nobody signs. Without it there are none, and no block may carry any. */
  readonly unsigned?: UnsignedRules;
  /** Of the copies of a batch the first that has its turn counts; a refusal is told after the last. */
  applyCommit(commit: CommitInput<Op>): Applied;
  /**
   * Committed state: the batch's session lives, is its client's, and has used its seq up. What authors
   * carry beside that is waste, see budgets of package replica; without this nothing is.
   */
  hasUsed?(batch: Pick<OrderedBatch, 'client' | 'session' | 'seq'>): boolean;
  /**
   * Folds one copy of a pending batch into a *delivered* view made by `restore(snapshot())` of the
   * committed one (R21a). A session's copies come in linear order: what is out of turn is nothing.
   */
  deliverBatch(batch: OrderedBatch<Op>): void;
  /** True while a session, lease, lock-delay or timed wait exists: the cell may not rest long (heartbeat). */
  needsTime(): boolean;
  snapshot(): Uint8Array;
  restore(bytes: Uint8Array): void;
  root(): Digest;
  /** A new empty machine with the same parameters. */
  fresh(): StateMachine<Op>;
  /**
   * A machine over this one's committed state for {@link deliverBatch} and reads, whose cost does not
   * grow with the state; good until this one's next `applyCommit` or `restore`. Without it, a view
   * is a copy by snapshot.
   */
  view?(): StateMachine<Op>;
  /** Committed state as it is now, to be proved (R27a). Without it nobody gets proofs. */
  provable?(): Provable;
}
