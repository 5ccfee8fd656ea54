// Whose op it is, and where it stands.
import { type Dot, partIndex } from '@fatty/api';
import type { Position } from '@fatty/interface';
import type { Ledger } from './ledger.ts';
import type { Session } from './sessions.ts';

/** Whose op it is and where in the total order. */
export interface Turn {
  readonly session: Session;
  readonly seq: number;
  readonly index: number;
  readonly at: Position;
  readonly ledger: Ledger;
}

/** The same for an op that only changes files: what it makes is named by `id`. */
export interface FileTurn {
  readonly session: Session;
  readonly id: Dot;
  readonly at: Position;
  /** Commit time, ms since the Unix epoch. */
  readonly ts: number;
}

/** Of an op that stands alone, or of part `part` of a transaction. */
export function fileTurn(turn: Turn, part?: number): FileTurn {
  const { session, seq, index, at, ledger } = turn;
  const named = part === undefined ? index : partIndex(index, part);
  const position = { commit: at.commit, index: at.index + (part ?? 0) };
  return { session, id: { session: session.id, seq, index: named }, at: position, ts: ledger.ts };
}
