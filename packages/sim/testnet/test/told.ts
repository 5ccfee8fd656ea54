// Test helper: histories of results and notices.
import {
  encodeNotice,
  encodeOp,
  encodeResult,
  type NoticeBody,
  type Op,
  type Result,
} from '@fatty/api';
import { asDigest, asPublicKey, asSessionId, hash, utf8 } from '@fatty/codec';
import type { Digest, PublicKey, SessionId } from '@fatty/interface';
import type { Observation } from '../src/world/observation.ts';

export type Told = Extract<Observation, { kind: 'committed' }>;

/** One batch that took effect: who, which seq, and what each op came to. */
export interface Act {
  readonly who: string;
  readonly seq: number;
  readonly ops: readonly (readonly [Op, Result])[];
}

export interface News {
  readonly who: string;
  readonly body: NoticeBody;
}

export const digestOf = (name: string): Digest => asDigest(hash('told', utf8(name)));
export const keyOf = (who: string): PublicKey => asPublicKey(hash('told-key', utf8(who)));
export const sessionOf = (who: string): SessionId => asSessionId(hash('told-session', utf8(who)));

/** A commit as a checker sees it: no cell, no replica, only what was said. */
export function told(
  index: number,
  leaseClock: number,
  acts: readonly Act[],
  news: readonly News[] = [],
): Told {
  const leader = { round: index, author: 0, digest: digestOf(`leader ${index}`) };
  const batches = acts.map(({ who, seq, ops }) => ({
    id: digestOf(`${who} ${seq}`),
    client: keyOf(who),
    session: sessionOf(who),
    seq,
    basis: { epoch: 0, commit: 0 },
    author: keyOf('r0'),
    ops: ops.map(([op]) => encodeOp(op)),
    opened: [],
  }));
  const receipts = batches.map(({ id, client, session, seq }, i) => ({
    batch: id,
    client,
    session,
    seq,
    commit: index,
    results: (acts[i]?.ops ?? []).map(([, result]) => encodeResult(result)),
  }));
  const notices = news.map(({ who, body }) => ({
    client: keyOf(who),
    session: sessionOf(who),
    body: encodeNotice(body),
  }));
  const commitTs = leaseClock;
  return {
    kind: 'committed',
    by: 0,
    atMs: leaseClock,
    root: undefined,
    commit: {
      index,
      digest: digestOf(`commit ${index}`),
      prevDigest: digestOf('before'),
      leader,
      blocks: [leader],
      commitTs,
      leaseClock,
      horizon: 0,
    },
    input: { index, epoch: 0, commitTs, leaseClock, batches, unsigned: [], evidence: [] },
    applied: { receipts, notices, settled: [] },
  };
}
