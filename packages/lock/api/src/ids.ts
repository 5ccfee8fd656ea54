import {
  asSessionId,
  encode,
  fixed,
  hash,
  oneToOne,
  quote,
  record,
  type Shape,
  ShapeError,
  sessionId,
  toHex,
  u8,
  u32,
  u53,
} from '@fatty/codec';
import type { Basis, Position, PublicKey, SessionId } from '@fatty/interface';

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

export const NONCE_BYTES = 16;

export const basisShape: Shape<Basis> = record<Basis>({ epoch: u32, commit: u53 });

/**
 * H(client key, nonce, basis of the opening batch). With the key in it nobody can open a session for
 * somebody else; with the basis in it an id that opened a session once never opens another, because
 * an opening on that basis is either refused as a replay or too old (R3).
 */
export function sessionIdOf(client: PublicKey, nonce: Uint8Array, basis: Basis): SessionId {
  return asSessionId(hash('session', client, nonce, encode(basisShape, basis)));
}

/** A closed list of names, written as its place in the list. */
export function choice<const T extends string>(...names: readonly T[]): Shape<T> {
  const expected = names.join(' | ');
  const place = oneToOne(
    u8,
    (at) => {
      const name = names[at];
      if (name === undefined) throw new ShapeError(expected, String(at));
      return name;
    },
    (name) => names.indexOf(name),
  );
  return {
    ...place,
    flawOf: (value) =>
      names.some((name) => name === value)
        ? undefined
        : { at: '', expected, actual: quote(value), isBound: false },
  };
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
