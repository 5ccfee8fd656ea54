// A session as snapshots and tries write it.
import { fixed, publicKey, record, type Shape, sessionId, u32, u53 } from '@fatty/codec';
import type { Position, PublicKey, SessionId } from '@fatty/interface';
import type { SessionRecord } from './sessions.ts';

const position: Shape<Position> = record<Position>({ commit: u53, index: u32 });

/** A session without its receipts, and without what an algorithm adds. Times in ms. */
export interface SessionRow {
  readonly id: SessionId;
  readonly client: PublicKey;
  /** Key of the member whose block carried the opening. */
  readonly author: PublicKey;
  readonly opened: Position;
  readonly openableUntil: number;
  readonly leaseMs: number;
  readonly link: Uint8Array;
  readonly i: number;
  /** On the lease clock. */
  readonly expiry: number;
  readonly lastSeq: number;
}

/** Of a {@link SessionRow}. */
export const sessionFields: {
  readonly [K in keyof SessionRow]: Shape<SessionRow[K]>;
} = {
  id: sessionId,
  client: publicKey,
  author: publicKey,
  opened: position,
  openableUntil: u53,
  leaseMs: u32,
  link: fixed(32),
  i: u32,
  expiry: u53,
  lastSeq: u53,
};

/** A session as the trie of sessions has it. */
export const sessionRowShape: Shape<SessionRecord> = record<SessionRow>(
  sessionFields,
) as Shape<SessionRecord>;
