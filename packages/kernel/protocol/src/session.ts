// How a client session is named (R3).
import { asSessionId, encode, hash, record, type Shape, u32, u53 } from '@fatty/codec';
import type { Basis, PublicKey, SessionId } from '@fatty/interface';

/** Of a session, chosen by its client: 16 random bytes. */
export const NONCE_BYTES = 16;

/** Canonical bytes of a basis. */
export const basisShape: Shape<Basis> = record<Basis>({ epoch: u32, commit: u53 });

/**
 * H(client key, nonce, basis of the opening batch). With the key in it nobody can open a session for
 * somebody else; with the basis in it an id that opened a session once never opens another, because
 * an opening on that basis is either refused as a replay or too old (R3).
 */
export function sessionIdOf(client: PublicKey, nonce: Uint8Array, basis: Basis): SessionId {
  return asSessionId(hash('session', client, nonce, encode(basisShape, basis)));
}
