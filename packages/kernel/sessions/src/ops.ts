// What a hosted algorithm's batches carry, and what its receipts and notices say.
import {
  bytes,
  choice,
  decode,
  detail,
  digest,
  encode,
  excerpt,
  fixed,
  optional,
  record,
  type Shape,
  text,
  u32,
  u53,
  union,
} from '@fatty/codec';
import type { Digest, Failure, Outcome, Position } from '@fatty/interface';
import { NONCE_BYTES } from '@fatty/protocol';

/**
 * An op of a hosted algorithm: one of its own, or one about the session. The latter are the bytes that the
 * lock service has for them, so a client opens, keeps and ends its session at either alike.
 */
export type HostedOp<Own = Uint8Array> =
  /** Must be op 0 of batch 0; the batch's session is `sessionIdOf(client, nonce, basis)`. */
  | {
      readonly kind: 'openSession';
      readonly nonce: Uint8Array;
      readonly anchor: Digest;
      readonly leaseMs: number;
    }
  | { readonly kind: 'closeSession' }
  /** Starts a new keep-alive chain before the old one runs out; counts as a keep-alive. */
  | { readonly kind: 'reanchor'; readonly anchor: Digest }
  /** Does nothing. With it a client fills a seq whose batch was refused (R32a). */
  | { readonly kind: 'cancel'; readonly seq: number; readonly index: number }
  | { readonly kind: 'own'; readonly op: Own };

/** What one of those answered. Expiries are ms on the lease clock. */
export type HostedResult =
  /** The op was refused, or its answer is lost. Ops about sessions never have a `waitMs`. */
  | ({ readonly kind: 'error'; readonly waitMs: number | undefined } & Failure)
  | {
      readonly kind: 'sessionOpened';
      readonly position: Position;
      readonly leaseMs: number;
      readonly leaseExpiry: number;
    }
  | { readonly kind: 'sessionClosed'; readonly position: Position }
  | { readonly kind: 'reanchored'; readonly leaseExpiry: number }
  | { readonly kind: 'cancelled'; readonly was: 'waiting' | 'held' | 'neither' }
  /** `answer`: in the algorithm's words. */
  | { readonly kind: 'own'; readonly answer: Uint8Array };

/** What a session is told without having asked. */
export type HostedNotice =
  /** Answer to a keep-alive: link `i` was accepted. `lastNumber`: nothing is numbered here, so 0. */
  | {
      readonly kind: 'renewed';
      readonly i: number;
      readonly leaseExpiry: number;
      readonly lastNumber: number;
    }
  | { readonly kind: 'sessionExpired'; readonly position: Position };

/** Longest answer of an op that a receipt keeps, bytes. */
export const ANSWER_BYTES_MAX = 4_096;
const OP_BYTES_HARD_MAX = 4 * 1024 * 1024;
const RESULT_BYTES_MAX = 64 * 1024;
const CODE_LENGTH_MAX = 64;
const DETAIL_LENGTH_MAX = 512;
/** What an error quotes of either side, UTF-16 units: it is kept in receipts. */
const QUOTED_LENGTH_MAX = 64;

const position: Shape<Position> = record<Position>({ commit: u53, index: u32 });

/** Tags are wire format: never reused, never renumbered. */
export const hostedOpShape: Shape<HostedOp> = union<HostedOp>({
  openSession: [1, record({ nonce: fixed(NONCE_BYTES), anchor: digest, leaseMs: u32 })],
  closeSession: [2, record({})],
  reanchor: [3, record({ anchor: digest })],
  own: [4, record({ op: bytes(OP_BYTES_HARD_MAX) })],
  cancel: [23, record({ seq: u53, index: u32 })],
});

/** Tags are wire format: never reused, never renumbered. */
export const hostedResultShape: Shape<HostedResult> = union<HostedResult>({
  error: [
    0,
    record({
      code: text(CODE_LENGTH_MAX),
      expected: detail(DETAIL_LENGTH_MAX),
      actual: detail(DETAIL_LENGTH_MAX),
      waitMs: optional(u32),
    }),
  ],
  sessionOpened: [1, record({ position, leaseMs: u32, leaseExpiry: u53 })],
  sessionClosed: [2, record({ position })],
  reanchored: [3, record({ leaseExpiry: u53 })],
  own: [4, record({ answer: bytes(ANSWER_BYTES_MAX) })],
  cancelled: [23, record({ was: choice('waiting', 'held', 'neither') })],
});

/** Tags are wire format: never reused, never renumbered. */
export const hostedNoticeShape: Shape<HostedNotice> = union<HostedNotice>({
  renewed: [4, record({ i: u32, leaseExpiry: u53, lastNumber: u53 })],
  sessionExpired: [5, record({ position })],
});

/** Canonical bytes of an op, as a batch carries them. */
export function encodeHostedOp(op: HostedOp): Uint8Array {
  return encode(hostedOpShape, op);
}

/** An algorithm's op as a batch carries it. */
export function ownOp(op: Uint8Array): Uint8Array {
  return encodeHostedOp({ kind: 'own', op });
}

/** Codes of `decode`. */
export function decodeHostedOp(op: Uint8Array): Outcome<HostedOp> {
  return decode(hostedOpShape, op, OP_BYTES_HARD_MAX);
}

/** Codes of `decode`. */
export function decodeHostedResult(result: Uint8Array): Outcome<HostedResult> {
  return decode(hostedResultShape, result, RESULT_BYTES_MAX);
}

/** Details are cut to what a receipt has room for. */
export function hostedError({ code, expected, actual }: Failure): HostedResult {
  const short = (quoted: string): string => excerpt(quoted, QUOTED_LENGTH_MAX);
  return {
    kind: 'error',
    code,
    expected: short(expected),
    actual: short(actual),
    waitMs: undefined,
  };
}
