// Transfers and their results, as bytes.
import { array, mapped, record, type Shape, u8, u16, u53, u64, union } from '@fatty/codec';

/** A transfer by its owner's numbering: (committee index, number from 1). */
export interface TransferId {
  readonly from: number;
  readonly number: number;
}

/**
 * Moves `amount` from the account of the block's author. `deps` name the incoming transfers whose
 * money it may spend; they are claimed once, for good. The number makes equal transfers distinct.
 */
export interface Transfer {
  readonly number: number;
  /** Committee index of the receiver. */
  readonly to: number;
  /** At least 1. */
  readonly amount: bigint;
  /** Ascending by (from, number), each once, at most {@link DEPS_MAX}. */
  readonly deps: readonly TransferId[];
}

/** Most incoming transfers that one transfer names. */
export const DEPS_MAX = 64;

/** Why a transfer moves nothing. */
export type RefusalCode = 'malformed' | 'bad_number' | 'missing_dependency' | 'insufficient_funds';

/** What a committed transfer came to. A refused one moves nothing. */
export type TransferResult =
  | { readonly kind: 'moved' }
  | { readonly kind: 'refused'; readonly code: RefusalCode };

const CODES: readonly RefusalCode[] = [
  'malformed',
  'bad_number',
  'missing_dependency',
  'insufficient_funds',
];

const transferId: Shape<TransferId> = record<TransferId>({ from: u16, number: u53 });

/** Canonical bytes of a transfer. */
export const transfer: Shape<Transfer> = record<Transfer>({
  number: u53,
  to: u16,
  amount: u64,
  deps: array(transferId, DEPS_MAX),
});

type WireResult = { readonly kind: 'moved' } | { readonly kind: 'refused'; readonly code: number };

const wireResult: Shape<WireResult> = union<WireResult>({
  moved: [0, record({})],
  refused: [1, record({ code: u8 })],
});

/** Canonical bytes of a result. */
export const transferResult: Shape<TransferResult> = mapped<WireResult, TransferResult>(
  wireResult,
  (value) =>
    value.kind === 'moved' ? value : { kind: 'refused', code: CODES[value.code] ?? 'malformed' },
  (value) =>
    value.kind === 'moved' ? value : { kind: 'refused', code: CODES.indexOf(value.code) },
);

/** The order of transfers: by account, then by number. */
export function compareTransferIds(a: TransferId, b: TransferId): number {
  return a.from - b.from || a.number - b.number;
}
