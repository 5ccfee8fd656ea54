// Where a session begins (R3).
import { ACCEPT, equalBytes, reject } from '@fatty/codec';
import type { Basis, OrderedBatch, PublicKey, SessionId, Source, Verdict } from '@fatty/interface';
import { sessionIdOf } from '@fatty/protocol';
import type { HostedOp } from './ops.ts';

/** The op that opens a session. */
export type OpenSession = Extract<HostedOp, { kind: 'openSession' }>;

/** Leases that a hosted algorithm grants, ms. */
export const LEASE_MS_MIN = 4_000;
/** The longest lease of a hosted algorithm, ms. */
export const LEASE_MS_MAX = 60_000;

interface Named {
  readonly client: PublicKey;
  readonly session: SessionId;
  readonly basis: Basis;
}

/** A session is named by (client key, nonce, basis). Code `misplaced_open`. */
export function checkName({ client, session, basis }: Named, nonce: Uint8Array): Verdict {
  if (equalBytes(sessionIdOf(client, nonce, basis), session)) return ACCEPT;
  return reject('misplaced_open', 'the session of this key, nonce and basis', 'another session');
}

/** Its opening is op 0 of batch 0. Code `misplaced_open`. */
export function checkPlace({ seq, index, ...named }: Source, nonce: Uint8Array): Verdict {
  if (seq === 0 && index === 0) return checkName(named, nonce);
  return reject('misplaced_open', 'op 0 of batch 0', `op ${index} of batch ${seq}`);
}

/** Codes `misplaced_open`, `bad_lease`. */
export function checkOpening(source: Source, { nonce, leaseMs }: OpenSession): Verdict {
  if (leaseMs < LEASE_MS_MIN || leaseMs > LEASE_MS_MAX) {
    return reject('bad_lease', `${LEASE_MS_MIN}..${LEASE_MS_MAX} ms`, String(leaseMs));
  }
  return checkPlace(source, nonce);
}

/** An op of a hosted algorithm, opened. `own`: whatever the algorithm makes of its op. */
export type OpenedHostedOp = HostedOp<unknown>;

/** The opening that op 0 of this batch is, if it is a good one in its place. */
export function openingOf(batch: OrderedBatch<OpenedHostedOp>): OpenSession | undefined {
  const op = batch.seq === 0 ? batch.opened[0] : undefined;
  if (op?.kind !== 'openSession') return undefined;
  return checkOpening(sourceOf(batch, 0), op).kind === 'accept' ? op : undefined;
}

/** Who says op `index` of this batch. */
export function sourceOf(batch: OrderedBatch, index: number): Source {
  const { client, session, seq, author, basis } = batch;
  return { client, session, seq, index, author, basis };
}
