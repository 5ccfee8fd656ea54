// The identity of an op: (session, seq, index).
import { compareBytes, record, type Shape, sessionId, toHex, u32, u53 } from '@fatty/codec';
import type { SessionId } from '@fatty/interface';

/** Identity of an op, whatever block carries it (R3): the dot of a create or a shared write. */
export interface OpId {
  readonly session: SessionId;
  readonly seq: number;
  readonly index: number;
}

/** Canonical bytes of an op id. */
export const opId: Shape<OpId> = record<OpId>({ session: sessionId, seq: u53, index: u32 });

/** Map key of an op id. */
export function opKey(id: OpId): string {
  return `${toHex(id.session)}.${id.seq}.${id.index}`;
}

/** By session bytes, then seq, then index. */
export function compareOpIds(a: OpId, b: OpId): number {
  return compareBytes(a.session, b.session) || a.seq - b.seq || a.index - b.index;
}
