import {
  fixed,
  oneToOne,
  quote,
  record,
  type Shape,
  ShapeError,
  sessionId,
  toHex,
  u32,
  u53,
} from '@fatty/codec';
import type { Position, SessionId } from '@fatty/interface';

/**
 * Identity of one op (R3): what it says is fixed by the session's key, never by the carrying block.
 */
export interface OpId {
  readonly session: SessionId;
  readonly seq: number;
  readonly index: number;
}

/** A node is named by its create, a sibling by its write: both are dots of the namespace CRDT. */
export type Dot = OpId;

export const opIdShape: Shape<OpId> = record({ session: sessionId, seq: u53, index: u32 });
export const positionShape: Shape<Position> = record({ commit: u53, index: u32 });

/** Map key of an op id. */
export function opKey(id: OpId): string {
  return `${toHex(id.session)}:${id.seq}:${id.index}`;
}

export function comparePositions(a: Position, b: Position): number {
  return a.commit - b.commit || a.index - b.index;
}

export function equalPositions(a: Position | undefined, b: Position | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return comparePositions(a, b) === 0;
}

/** `commit.index`, as people read a generation. */
export function showPosition(position: Position | undefined): string {
  return position === undefined ? 'none' : `${position.commit}.${position.index}`;
}

/** Digits of the largest commit (2^53 − 1) and of the largest index (2^32 − 1). */
const TOKEN_DIGITS = { commit: 16, index: 10 };

/**
 * A generation as a fencing token: `commit.index` with leading zeros, 27 characters, so that text
 * compares as the generations do: `a < b`, `sort`, `ORDER BY`, `[[ $a < $b ]]`.
 */
export function tokenOf({ commit, index }: Position): string {
  const digits = (value: number, width: number): string => String(value).padStart(width, '0');
  return `${digits(commit, TOKEN_DIGITS.commit)}.${digits(index, TOKEN_DIGITS.index)}`;
}

/** The Cairo field: 2^251 + 17·2^192 + 1. */
const FIELD = 2n ** 251n + 17n * 2n ** 192n + 1n;

/** A field element as 32 big-endian bytes, smaller than the field's order. */
export const feltShape: Shape<bigint> = {
  ...oneToOne(fixed(32), feltOf, bytesOfFelt),
  flawOf(value) {
    const isNumber = typeof value === 'bigint';
    if (isNumber && isFelt(value)) return undefined;
    const expected = isNumber ? 'an integer from 0, below the field order' : 'a bigint';
    return { at: '', expected, actual: quote(value), isBound: isNumber };
  },
};

/** Whether a number is one of the Cairo field. */
export function isFelt(value: bigint): boolean {
  return value >= 0n && value < FIELD;
}

/** A number of up to 256 bits, big-endian, reduced into the field. */
export function feltOfBytes(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`) % FIELD;
}

function feltOf(bytes: Uint8Array): bigint {
  const value = BigInt(`0x${toHex(bytes)}`);
  if (value >= FIELD) throw new ShapeError('an integer below the field order', 'a larger one');
  return value;
}

/** 32 big-endian bytes of a field element. */
export function bytesOfFelt(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  let rest = value;
  for (let i = 31; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}
