// The whole boundary of a replica: events in, effects out.
import type { Ref } from '@fatty/broadcast';
import type {
  Applied,
  CommitInput,
  Failure,
  LogRecord,
  Outcome,
  Priority,
  PublicKey,
  Verdict,
} from '@fatty/interface';
import type { Commit, Ordered } from '@fatty/order';
import type { Cert, Change, SignedVote } from '@fatty/protocol';
import type { ClockSample } from '../cell/clock.ts';
import type { Fetching } from './fetching.ts';

/** The only timers there are (R22); none appears in validity. One pending instance per name. */
export type TimerName =
  | 'minRoundDelay'
  | 'leaderTimeout'
  | 'fetchRetry'
  | 'tsDeferral'
  | 'heartbeat'
  | 'proofDue'
  | 'verifyRetry'
  | 'markDue';

/** Everything that can happen to a replica, with what its host's clocks said: an input like any other. */
export type ReplicaEvent = ClockSample &
  (
    | { readonly kind: 'start' }
    /** The last event of a life that ends in order; perform its effects, answer none. */
    | { readonly kind: 'stop' }
    | { readonly kind: 'peerUp'; readonly peer: number }
    | { readonly kind: 'peerDown'; readonly peer: number }
    | { readonly kind: 'message'; readonly peer: number; readonly bytes: Uint8Array }
    | { readonly kind: 'timer'; readonly name: TimerName }
    /** There is too little room on the disk (why), or enough again: nothing is taken or signed meanwhile. */
    | { readonly kind: 'room'; readonly lack: Failure | undefined }
    /** `segment`: of the log, the one that has the records. */
    | { readonly kind: 'persisted'; readonly token: number; readonly segment: number }
    /** The frame of this commit is on disk. */
    | { readonly kind: 'frameStored'; readonly index: number }
    /** Answer to a `readFrame` effect; undefined: it is not there, or cannot be read. */
    | {
        readonly kind: 'frameRead';
        readonly request: number;
        readonly bytes: Uint8Array | undefined;
      }
    | { readonly kind: 'verified'; readonly job: Uint8Array; readonly verdict: Verdict | undefined }
    /** A client's SignedBatch bytes from the gateway; `tag` names it in `refused`. */
    | { readonly kind: 'submit'; readonly batch: Uint8Array; readonly tag: number }
    /** An unsigned message of the algorithm, from a client. */
    | { readonly kind: 'unsigned'; readonly bytes: Uint8Array }
    /** The operator of this member moves a change of the committee (R30); answered by `stated`. */
    | { readonly kind: 'move'; readonly change: Change; readonly tag: number }
    /** A signed statement about the next epoch, to be carried whoever made it; answered by `stated`. */
    | { readonly kind: 'statement'; readonly bytes: Uint8Array; readonly tag: number }
    /**
     * A question to the machine (`Provable.prove`), to be answered by `proved(tag)` with the state of a
     * certified commit, `minCommit` or later.
     */
    | {
        readonly kind: 'prove';
        readonly tag: number;
        readonly question: Uint8Array;
        readonly minCommit: number;
      }
    /** Answer to a `read` effect: SignedBlock bytes found on disk. */
    | { readonly kind: 'stored'; readonly request: number; readonly blocks: readonly Uint8Array[] }
  );

/** Everything a replica asks of the world. The caller performs effects in order. */
export type ReplicaEffect =
  | {
      readonly kind: 'send';
      readonly peer: number;
      readonly bytes: Uint8Array;
      readonly priority: Priority;
    }
  /** Make the records and the signer mark durable (in parallel), then answer `persisted(token)`. */
  | {
      readonly kind: 'persist';
      readonly token: number;
      readonly records: readonly LogRecord[];
      readonly mark: Uint8Array | undefined;
    }
  /** Keep a frame, whole or not at all, besides the one before, then answer `frameStored(index)`. */
  | {
      readonly kind: 'storeFrame';
      readonly index: number;
      readonly head: Uint8Array;
      readonly payload: Uint8Array;
    }
  /** Read so many bytes of the payload of a stored frame, from an offset: answer `frameRead(request)`. */
  | {
      readonly kind: 'readFrame';
      readonly request: number;
      /** Of the commit. */
      readonly index: number;
      readonly from: number;
      readonly bytes: number;
    }
  /**
   * The disk has a frame that is ahead of this core, or the last one of its epoch, or the epoch is over elsewhere: end the
   * core as `stop` does, and open another from the disk as after a restart, with what this one knows of the chain (`links`).
   * Nothing is to be answered; links to peers stay.
   */
  | { readonly kind: 'reopen' }
  /**
   * Delete the segments of the log below this one, and what the index has of earlier epochs and of earlier
   * rounds of this epoch; nothing is to be answered.
   */
  | {
      readonly kind: 'dropLog';
      readonly below: number;
      readonly epoch: number;
      readonly fromRound: number;
    }
  /**
   * Fires `atMs` − `nowMs` ms after the event (`nowMs` is that of the event), whatever the wall
   * clock does meanwhile.
   */
  | { readonly kind: 'setTimer'; readonly name: TimerName; readonly atMs: number }
  | { readonly kind: 'clearTimer'; readonly name: TimerName }
  /**
   * Run the slow check and answer `verified` with the same job. `client`: who waits for it;
   * undefined when a block waits, and then the job goes first. A job may be asked for again,
   * because a block now waits for what only a client did.
   */
  | {
      readonly kind: 'verify';
      readonly job: Uint8Array;
      readonly client: PublicKey | undefined;
    }
  /** Blocks that left memory: answer `stored(request)`. */
  | { readonly kind: 'read'; readonly request: number; readonly want: StoredWant }
  /** These blocks are accepted: index them for `read`. */
  | { readonly kind: 'index'; readonly blocks: readonly IndexedBlock[] }
  | {
      readonly kind: 'committed';
      /** `convicted`: places in the committee of the members whose keys the input names. */
      readonly commit: Commit & Pick<Ordered, 'convicted'>;
      readonly input: CommitInput;
      readonly applied: Applied;
    }
  /** SecureBroadcast delivered this block (R15). */
  | { readonly kind: 'delivered'; readonly ref: Ref }
  | { readonly kind: 'refused'; readonly tag: number; readonly failure: Failure }
  /** Own blocks will carry what `move` or `statement` gave; or why they will not. */
  | { readonly kind: 'stated'; readonly tag: number; readonly failure: Failure | undefined }
  /**
   * Answers `prove`, once. Codes: the machine's, `not_provable`, `overloaded`, `no_certificate`.
   */
  | {
      readonly kind: 'proved';
      readonly tag: number;
      readonly answer: Outcome<CertifiedProof>;
    }
  /** What was dropped or refused and why; for logs, metrics and charts. */
  | { readonly kind: 'note'; readonly note: ReplicaNote }
  /** Ordering stopped for good (contradiction found): dump and alarm. */
  | { readonly kind: 'halt'; readonly failure: Failure }
  /**
   * Once: more than f members have signed another state of this commit than this replica has come to
   * (R27). It votes and deletes no more; keep both sides for the operator. `own`: bytes of a `Vote`.
   */
  | {
      readonly kind: 'diverged';
      readonly index: number;
      readonly failure: Failure;
      readonly own: Uint8Array;
      readonly votes: readonly SignedVote[];
      readonly cert?: Cert;
    };

/** A proof, and the certificate of the commit whose state root it is held to. */
export interface CertifiedProof {
  /** Of the commit. */
  readonly index: number;
  readonly cert: Cert;
  /** In the machine's own words. */
  readonly proof: Uint8Array;
}

/** Old blocks that the disk is asked for: by name, or by round. */
export type StoredWant =
  | { readonly kind: 'refs'; readonly epoch: number; readonly refs: readonly Ref[] }
  | {
      readonly kind: 'rounds';
      readonly epoch: number;
      readonly from: number;
      readonly to: number;
      readonly blocksMax: number;
    };

/** An accepted block, for the index of old blocks. */
export interface IndexedBlock {
  /** Rounds of different epochs have nothing to do with one another. */
  readonly epoch: number;
  readonly ref: Ref;
  readonly bytes: Uint8Array;
}

/** Something that happened inside, for logs, metrics and charts. */
export interface ReplicaNote {
  readonly what:
    | 'blockRejected'
    | 'blockIgnored'
    | 'blockDeferred'
    | 'messageRejected'
    | 'peerMuted'
    | 'equivocation'
    | 'overBudget'
    | 'proposed'
    | 'accepted'
    | 'roundEntered'
    | 'leaderTimeout'
    | 'syncStarted'
    | 'syncEnded'
    | 'rest'
    | 'observer'
    /** A quorum has signed the state of `commit`. */
    | 'certified'
    /** The frame of `commit` is on disk. */
    | 'frameKept'
    /** A frame of `commit` that others have is being fetched. */
    | 'frameSyncStarted'
    /** Another quarter of its chunks is here: `fetching`. */
    | 'frameSyncProgress'
    /** It is on disk; the replica is opened anew behind it. */
    | 'frameSynced'
    /** `peer` has signed two states of one commit. */
    | 'voteTwice'
    /** There is evidence against `peer` (R27b). */
    | 'convicted';
  readonly commit?: number;
  readonly fetching?: Fetching;
  readonly peer?: number;
  readonly ref?: Ref;
  readonly round?: number;
  readonly failure?: Failure;
}
