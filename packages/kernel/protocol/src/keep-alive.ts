// How a session says that it lives, without a signature (R3).
import { fixed, hash, record, type Shape, sessionId, u32 } from '@fatty/codec';
import type { Digest, SessionId } from '@fatty/interface';

/**
 * Keeps a session alive (R3): the i-th preimage of the chain whose anchor OpenSession committed to.
 */
export interface KeepAlive {
  readonly session: SessionId;
  readonly i: number;
  readonly preimage: Uint8Array;
}

/** Canonical bytes of a keep-alive. */
export const keepAliveShape: Shape<KeepAlive> = record({
  session: sessionId,
  i: u32,
  preimage: fixed(32),
});

/** One link of the keep-alive chain: anchor = link^i(preimage_i). */
export function keepAliveLink(preimage: Uint8Array): Digest {
  return hash('keep-alive', preimage);
}
