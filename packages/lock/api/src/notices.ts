// Notices: what a session is told without having asked.
import { choice, decode, encode, record, type Shape, u32, u53, union } from '@fatty/codec';
import type { Outcome, Position } from '@fatty/interface';
import type { ErrorCode } from './errors.ts';
import { positionShape } from './ids.ts';
import { type LockMode, lockModeShape } from './ops.ts';
import { pathShape } from './path.ts';
import { errorCodeShape } from './standing.ts';

/** Why a hold ended without its holder's wish. */
export type LossReason = 'session_expired' | 'node_removed' | 'period_over';

/**
 * What a session is told without having asked; believed when f+1 replicas say the same bytes (R32).
 * What happens to its locks and waits is numbered, 1, 2, 3… in each session, and a renewal names the
 * last number: whoever has not heard of one of them knows it (R21b).
 */
export type NoticeBody =
  /** A waiting acquire (its seq and index) now holds. */
  | {
      readonly kind: 'granted';
      readonly number: number;
      readonly path: string;
      readonly seq: number;
      readonly index: number;
      readonly mode: LockMode;
      readonly lockGen: Position;
      readonly leaseExpiry: number;
    }
  /** A waiting acquire will never hold: `max_wait` or `not_found`. */
  | {
      readonly kind: 'waitEnded';
      readonly number: number;
      readonly path: string;
      readonly seq: number;
      readonly index: number;
      readonly code: ErrorCode;
      readonly position: Position;
    }
  | {
      readonly kind: 'lost';
      readonly number: number;
      readonly path: string;
      readonly lockGen: Position;
      readonly reason: LossReason;
      readonly position: Position;
    }
  /** Answer to a keep-alive: link `i` was accepted. ms on the lease clock. */
  | {
      readonly kind: 'renewed';
      readonly i: number;
      readonly leaseExpiry: number;
      /** Of the last numbered notice before this one; 0: there was none. */
      readonly lastNumber: number;
    }
  | { readonly kind: 'sessionExpired'; readonly position: Position }
  /** `nonce`: what the next take must name. */
  | {
      readonly kind: 'machineLost';
      readonly path: string;
      readonly lockGen: Position;
      readonly reason: LossReason;
      readonly nonce: Position;
    }
  | { readonly kind: 'epoch'; readonly epoch: number };

/** Canonical bytes of the reason of a loss. */
export const lossReasonShape: Shape<LossReason> = choice(
  'session_expired',
  'node_removed',
  'period_over',
);

/** Tags are wire format: never reused, never renumbered. */
export const noticeShape: Shape<NoticeBody> = union<NoticeBody>({
  granted: [
    1,
    record({
      number: u53,
      path: pathShape,
      seq: u53,
      index: u32,
      mode: lockModeShape,
      lockGen: positionShape,
      leaseExpiry: u53,
    }),
  ],
  waitEnded: [
    2,
    record({
      number: u53,
      path: pathShape,
      seq: u53,
      index: u32,
      code: errorCodeShape,
      position: positionShape,
    }),
  ],
  lost: [
    3,
    record({
      number: u53,
      path: pathShape,
      lockGen: positionShape,
      reason: lossReasonShape,
      position: positionShape,
    }),
  ],
  renewed: [4, record({ i: u32, leaseExpiry: u53, lastNumber: u53 })],
  sessionExpired: [5, record({ position: positionShape })],
  machineLost: [
    6,
    record({
      path: pathShape,
      lockGen: positionShape,
      reason: lossReasonShape,
      nonce: positionShape,
    }),
  ],
  epoch: [7, record({ epoch: u32 })],
});

const NOTICE_BYTES_MAX = 64 * 1024;

/** Canonical bytes of a notice. */
export function encodeNotice(notice: NoticeBody): Uint8Array {
  return encode(noticeShape, notice);
}

/** Reads the bytes of a notice. Codes of `decode`. */
export function decodeNotice(bytes: Uint8Array): Outcome<NoticeBody> {
  return decode(noticeShape, bytes, NOTICE_BYTES_MAX);
}
