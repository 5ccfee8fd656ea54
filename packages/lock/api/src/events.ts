// Events: what commits do, for whoever watches.
import {
  bool,
  decode,
  encode,
  publicKey,
  record,
  type Shape,
  sessionId,
  toHex,
  u32,
  u53,
  u64,
  union,
} from '@fatty/codec';
import type { CommitEvent, Outcome, Position, PublicKey, SessionId } from '@fatty/interface';
import { feltShape } from './felt.ts';
import { positionShape } from './ids.ts';
import { type JobStatus, jobStatusShape } from './jobs.ts';
import { type LossReason, lossReasonShape } from './notices.ts';
import { type LockMode, lockModeShape, type NodeKind, nodeKindShape } from './ops.ts';
import { pathShape } from './path.ts';

/**
 * What one commit did at one path. A commit's events follow from the commits up to it and from nothing
 * else, so they are equal on all replicas. A commit may undo what it did: then it has both events.
 */
export type EventBody =
  /** A node came to be, with the content that its create gave it. */
  | {
      readonly kind: 'added';
      readonly path: string;
      readonly node: NodeKind;
      readonly ephemeral: boolean;
      readonly instance: Position;
    }
  /** The node is gone. What stood below it has events of its own, before this one. */
  | { readonly kind: 'removed'; readonly path: string }
  /** The content of a file that was there. `generation`: its new content generation. */
  | { readonly kind: 'modified'; readonly path: string; readonly generation: Position }
  /** Who may do what at it. */
  | { readonly kind: 'aclChanged'; readonly path: string; readonly aclGen: Position }
  | {
      readonly kind: 'lockAcquired';
      readonly path: string;
      readonly lockGen: Position;
      readonly mode: LockMode;
      readonly client: PublicKey;
    }
  /** Its holder gave it back. */
  | { readonly kind: 'lockReleased'; readonly path: string; readonly lockGen: Position }
  /** Its holder lost it. */
  | {
      readonly kind: 'lockLost';
      readonly path: string;
      readonly lockGen: Position;
      readonly reason: LossReason;
    }
  /** Somebody asked for a lock that others hold: it waits (`waits`), or has gone without. */
  | {
      readonly kind: 'lockConflict';
      readonly path: string;
      readonly mode: LockMode;
      readonly client: PublicKey;
      readonly waits: boolean;
    }
  /** Under `/.sys/sessions`, by the session's id in hex. */
  | {
      readonly kind: 'sessionExpired';
      readonly path: string;
      readonly session: SessionId;
      readonly client: PublicKey;
    }
  | {
      readonly kind: 'machineTaken';
      readonly path: string;
      readonly lockGen: Position;
      readonly client: PublicKey;
    }
  /** A proof has moved its state clock: taken or renewed. */
  | {
      readonly kind: 'machineAdvanced';
      readonly path: string;
      readonly t: bigint;
      readonly s: bigint;
    }
  | { readonly kind: 'machineReleased'; readonly path: string; readonly lockGen: Position }
  | {
      readonly kind: 'machineLost';
      readonly path: string;
      readonly lockGen: Position;
      readonly reason: LossReason;
    }
  /** Its lessee has published another address or file. */
  | { readonly kind: 'published'; readonly path: string; readonly generation: Position }
  /** Its inbox has got this entry; counts from 1. */
  | { readonly kind: 'posted'; readonly path: string; readonly number: number }
  /** A job stands elsewhere, or a proof has moved its state clock. */
  | {
      readonly kind: 'jobMoved';
      readonly path: string;
      readonly status: JobStatus;
      readonly t: bigint;
    }
  /** At `/.sys/epoch`. */
  | { readonly kind: 'epochChanged'; readonly path: string; readonly epoch: number };

/** The name of an event. */
export type EventKind = EventBody['kind'];

/** Where `epochChanged` happens. */
export const EPOCH_PATH = '/.sys/epoch';

/** Where `sessionExpired` happens. */
export function sessionPath(session: SessionId): string {
  return `/.sys/sessions/${toHex(session)}`;
}

const lost = record({ path: pathShape, lockGen: positionShape, reason: lossReasonShape });

/** Tags are wire format: never reused, never renumbered. */
export const eventShape: Shape<EventBody> = union<EventBody>({
  added: [
    1,
    record({
      path: pathShape,
      node: nodeKindShape,
      ephemeral: bool,
      instance: positionShape,
    }),
  ],
  removed: [2, record({ path: pathShape })],
  modified: [3, record({ path: pathShape, generation: positionShape })],
  aclChanged: [4, record({ path: pathShape, aclGen: positionShape })],
  lockAcquired: [
    10,
    record({
      path: pathShape,
      lockGen: positionShape,
      mode: lockModeShape,
      client: publicKey,
    }),
  ],
  lockReleased: [11, record({ path: pathShape, lockGen: positionShape })],
  lockLost: [12, lost],
  lockConflict: [
    13,
    record({ path: pathShape, mode: lockModeShape, client: publicKey, waits: bool }),
  ],
  sessionExpired: [20, record({ path: pathShape, session: sessionId, client: publicKey })],
  machineTaken: [30, record({ path: pathShape, lockGen: positionShape, client: publicKey })],
  machineAdvanced: [31, record({ path: pathShape, t: u64, s: feltShape })],
  machineReleased: [32, record({ path: pathShape, lockGen: positionShape })],
  machineLost: [33, lost],
  published: [34, record({ path: pathShape, generation: positionShape })],
  posted: [35, record({ path: pathShape, number: u53 })],
  jobMoved: [36, record({ path: pathShape, status: jobStatusShape, t: u64 })],
  epochChanged: [40, record({ path: pathShape, epoch: u32 })],
});

const EVENT_BYTES_MAX = 64 * 1024;

/** An event as the kernel carries it: its bytes, and the path that watches are about. */
export function toCommitEvent(event: EventBody): CommitEvent {
  return { about: event.path, body: encode(eventShape, event) };
}

/** Reads the bytes of an event. Codes of `decode`. */
export function decodeEvent(bytes: Uint8Array): Outcome<EventBody> {
  return decode(eventShape, bytes, EVENT_BYTES_MAX);
}
