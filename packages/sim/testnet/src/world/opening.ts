// How the clients of a world open their sessions.
import { hash, type Signer, utf8 } from '@fatty/codec';
import type { Digest, SessionId } from '@fatty/interface';
import { sessionIdOf } from '@fatty/protocol';
import { encodeHostedOp } from '@fatty/sessions';
import type { Cell } from './cell.ts';

/** The longest lease there is: a client that keeps nothing alive gets through a world with it. ms. */
export const LONG_LEASE_MS = 60_000;

/** How a simulated client opens its session. */
export interface SessionOpening {
  readonly session: SessionId;
  /** Op 0 of batch 0: the same bytes for every algorithm. */
  readonly op: Uint8Array;
}

/** `label`: another label gives another session. `commit`: the basis that the batch will have. */
export function sessionOpening(
  { committee }: Cell,
  { publicKey }: Signer,
  label: string,
  commit: number,
  { anchor, leaseMs }: { readonly anchor: Digest; readonly leaseMs: number },
): SessionOpening {
  const nonce = hash('testnet-nonce', utf8(label)).slice(0, 16);
  const session = sessionIdOf(publicKey, nonce, { epoch: committee.epoch, commit });
  return { session, op: encodeHostedOp({ kind: 'openSession', nonce, anchor, leaseMs }) };
}

/** An opening whose keep-alives nobody will send. */
export function plainOpening(
  cell: Cell,
  signer: Signer,
  label: string,
  commit: number,
): SessionOpening {
  const anchor = hash('testnet-chain', utf8(label));
  return sessionOpening(cell, signer, label, commit, { anchor, leaseMs: LONG_LEASE_MS });
}
