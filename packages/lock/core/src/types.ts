// What goes into a core and what comes out: configuration, events, effects, outcomes.
import type { Answer, LockMode, Op, Query, Result } from '@fatty/api';
import type { SignatureScheme, Signer } from '@fatty/codec';
import type { Failure, Outcome, Position, Priority, SessionId } from '@fatty/interface';
import type { Cell, Cert, Committee, EpochLink, View } from '@fatty/protocol';
import type { ClockBounds } from './clock.ts';
import type { OpOutcome } from './errors.ts';
import type { BelievedEvent } from './watch.ts';

/** What a core is made of; times in ms, every limit with its default in {@link CORE_DEFAULTS}. */
export interface CoreConfig {
  readonly cell: Pick<Cell, 'cellId' | 'committee'>;
  readonly signer: Signer;
  readonly scheme: SignatureScheme;
  /** 32 bytes of the caller's CSPRNG: all nonces and all jitter come from it. */
  readonly seed: Uint8Array;
  /** Session lease, 4,000 to 60,000. Default: the cell's. */
  readonly leaseMs?: number;
  /** How long after the proof ran out the session may still come back. Default 45,000. */
  readonly graceMs?: number;
  /** Δ, the one-way delay plus processing we expect. Default 250. */
  readonly deltaMs?: number;
  readonly bounds?: ClockBounds;
  /** Keep-alive chain before a new anchor is needed. Default 4,096 links. */
  readonly chainLength?: number;
  /** Ops of queued calls that may share one signature. Default and cap: the cell's batchOpsMax. */
  readonly opsPerBatchMax?: number;
  /** Signed batches without a believed receipt. Default 32, cap 64 (what replicas remember, R3). */
  readonly batchesInFlightMax?: number;
  /** Calls that may wait for a batch; beyond: `overloaded`. Default 16,384. */
  readonly callsQueuedMax?: number;
}

/** What a {@link CoreConfig} that does not say otherwise means; times in ms. */
export const CORE_DEFAULTS = {
  graceMs: 45_000,
  deltaMs: 250,
  chainLength: 4_096,
  batchesInFlightMax: 32,
  callsQueuedMax: 16_384,
} as const;

/** What a call asks for. An acquire settles when granted or when it never will be. */
export type CallRequest =
  /** `next`: a `rotateKey` is among them, and once it is applied this signer's key acts for the client. */
  | { readonly kind: 'ops'; readonly ops: readonly Op[]; readonly next?: Signer }
  | {
      readonly kind: 'acquire';
      readonly path: string;
      readonly mode: LockMode;
      /** False: answer `lock_held` instead of waiting. */
      readonly wait: boolean;
      readonly maxWaitMs: number | undefined;
      readonly lockDelayMs: number;
    }
  /** Gives back what call `hold` got; the hold is not believed from this event on. */
  | { readonly kind: 'release'; readonly hold: number }
  /** Take or renew: settles with `machineHeld`; the lease is then tracked under this call's id. */
  | {
      readonly kind: 'machine';
      readonly op: Extract<Op, { kind: 'takeMachine' | 'renewMachine' }>;
      /** Renewing: the call that took it. */
      readonly hold: number | undefined;
    }
  /**
   * `committed`: no older than what this client has seen; `current`: no older than the call (R32b).
   * `replica` given: that replica's own answer, believed by nobody else; not with `current`.
   */
  | {
      readonly kind: 'read';
      readonly query: Query;
      readonly view: View;
      readonly replica: number | undefined;
    }
  /**
   * A question whose answer proves itself: of a commit from `minCommit` on, and no older than what this
   * client's own ops did and than what was proved to it before. `check`: pure; the commit that is proved, or
   * why nothing is.
   */
  | {
      readonly kind: 'prove';
      readonly question: Uint8Array;
      readonly minCommit: number;
      readonly check: (said: ProofSaid) => Outcome<number>;
    };

/** What one replica says that it is proved by: bytes of the cell's algorithm, not looked at by the core. */
export interface ProofSaid {
  readonly cert: Cert;
  readonly proof: Uint8Array;
}

/** Everything that can happen to a core. `atMs`: ms of the caller's clock, which never goes back. */
export type ClientEvent = { readonly atMs: number } & (
  | { readonly kind: 'start' }
  | { readonly kind: 'linkUp'; readonly replica: number }
  | {
      readonly kind: 'linkDown';
      readonly replica: number;
      /** The replica itself said that it will not have this client: its key, its cell or its version. */
      readonly refused: boolean;
      /** For people. */
      readonly why: string;
    }
  | { readonly kind: 'message'; readonly replica: number; readonly bytes: Uint8Array }
  | { readonly kind: 'wake' }
  /** The host's clocks moved as if it had stood still, or were set: `atMs` counts the larger step. */
  | { readonly kind: 'jumped' }
  | {
      readonly kind: 'call';
      /** Fresh per core, chosen by the caller. */
      readonly call: number;
      readonly request: CallRequest;
      readonly deadlineMs?: number;
    }
  | { readonly kind: 'abort'; readonly call: number }
  /** `watch`: fresh per core. `from`: every event from this place on; undefined: from now on. */
  | {
      readonly kind: 'watch';
      readonly watch: number;
      readonly topic: string;
      readonly from: Position | undefined;
    }
  /** The caller has dealt with so many events of it. Who never says so is told a bounded number. */
  | { readonly kind: 'watchTaken'; readonly watch: number; readonly count: number }
  | { readonly kind: 'unwatch'; readonly watch: number }
  /** The part that effect `epochs` asked for is attached. */
  | { readonly kind: 'epochs' }
  | { readonly kind: 'close' }
);

/** Where an op call landed: enough to name it for ever. */
export interface Landed {
  readonly session: SessionId;
  readonly seq: number;
  /** Index of the call's first op in its batch. */
  readonly index: number;
  readonly commit: number;
}

/** How a call ended. */
export type CallOutcome =
  | { readonly kind: 'results'; readonly results: readonly Result[]; readonly at: Landed }
  | {
      readonly kind: 'held';
      readonly lockGen: Position;
      readonly mode: LockMode;
      readonly at: Pick<Landed, 'session' | 'seq' | 'index'>;
    }
  | {
      readonly kind: 'answer';
      readonly answer: Answer;
      /**
       * The answer is that of the state at this commit or a later one: the lowest that any of
       * `replicas` named. Of a view that one replica answers for: its word.
       */
      readonly commit: number;
      readonly view: View;
      /** Replicas that said exactly this, ascending. */
      readonly replicas: readonly number[];
    }
  /** Checked; `replica` is who said it, which matters to nobody. */
  | ({ readonly kind: 'proved'; readonly commit: number; readonly replica: number } & ProofSaid)
  | CallFailure;

/** A call that failed: why, and what became of its ops. */
export interface CallFailure {
  readonly kind: 'failed';
  readonly failure: Failure;
  readonly outcome: OpOutcome;
  readonly retryable: boolean;
  /** How long the reason is known to last, lease-clock ms. */
  readonly waitMs?: number;
  /** What was thrown, where that is the reason. */
  readonly cause?: unknown;
}

/** Chubby's view of a session, plus `none` before the first and after each. */
export type SessionState = 'none' | 'opening' | 'connected' | 'jeopardy' | 'safe' | 'expired';

/** Where the session stands now. */
export interface SessionStatus {
  readonly state: SessionState;
  readonly session: SessionId | undefined;
  /** Monotonic ms until which the session is proved alive. */
  readonly deadlineMs: number;
  /** Of the members that are counted. */
  readonly epoch: number;
  /** Replicas linked right now. */
  readonly links: number;
  /** The newest commit that f+1 replicas, or an honest one among q, have vouched for. */
  readonly commit: number;
}

/** Everything a core asks of the world, in order. */
export type ClientEffect =
  | {
      readonly kind: 'send';
      readonly replica: number;
      readonly bytes: Uint8Array;
      readonly priority: Priority;
    }
  /** Send `wake` at this monotonic time; replaces the one before. */
  | { readonly kind: 'wake'; readonly atMs: number }
  | { readonly kind: 'settled'; readonly call: number; readonly outcome: CallOutcome }
  /** What call `hold` got is not held any more, or cannot be proved to be. Final. */
  | { readonly kind: 'lost'; readonly hold: number; readonly failure: Failure }
  /** All events of the watch before `until` have been told, in order. */
  | {
      readonly kind: 'watched';
      readonly watch: number;
      readonly events: readonly BelievedEvent[];
      readonly until: Position;
    }
  /** Events before `from` cannot be had any more: the watch goes on there. */
  | {
      readonly kind: 'watchGap';
      readonly watch: number;
      readonly code: 'compacted' | 'lagged';
      readonly from: Position;
    }
  /** The watch is over. */
  | { readonly kind: 'watchFailed'; readonly watch: number; readonly failure: Failure }
  | { readonly kind: 'status'; readonly status: SessionStatus }
  /** A later epoch may have begun: attach `@fatty/core/epochs`, then send event `epochs`. Once. */
  | { readonly kind: 'epochs' }
  /**
   * A later epoch has begun, as `links` prove: all from the epoch that the core began with. From now on these are the
   * members: the links to all others are of no use.
   */
  | {
      readonly kind: 'epoch';
      readonly committee: Committee;
      readonly links: readonly EpochLink[];
    }
  /** This key acts from now on: the links are those of the one before, and are to be dialled anew. */
  | { readonly kind: 'rekeyed'; readonly signer: Signer }
  /** A replica said something that cannot be: for logs and tests; nothing depends on it. */
  | { readonly kind: 'suspect'; readonly replica: number; readonly failure: Failure }
  /** The session is closed or given up: hang up. Nothing follows. */
  | { readonly kind: 'closed' };

/** A hold that this client may act on right now. */
export interface Belief {
  readonly hold: number;
  readonly path: string;
  readonly lockGen: Position;
  readonly mode: LockMode | 'machine';
  /** Monotonic ms. */
  readonly untilMs: number;
}
