// Ids of ops, and positions in the total order.
import { record, type Shape, sessionId, toHex, u32, u53 } from '@fatty/codec';
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

/** Canonical bytes of an op id. */
export const opIdShape: Shape<OpId> = record({ session: sessionId, seq: u53, index: u32 });
/** Canonical bytes of a position. */
export const positionShape: Shape<Position> = record({ commit: u53, index: u32 });

/** Before everything: the `aclGen` of `/` as the cell began. */
export const ORIGIN: Position = { commit: 0, index: 0 };

/** Map key of an op id. */
export function opKey(id: OpId): string {
  return `${toHex(id.session)}:${id.seq}:${id.index}`;
}

/** The order of positions: by commit, then by index. */
export function comparePositions(a: Position, b: Position): number {
  return a.commit - b.commit || a.index - b.index;
}

/** Whether two positions are the same; undefined equals undefined alone. */
export function equalPositions(a: Position | undefined, b: Position | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return comparePositions(a, b) === 0;
}

/** `commit.index`, as people read a generation. */
export function showPosition(position: Position | undefined): string {
  return position === undefined ? 'none' : `${position.commit}.${position.index}`;
}
