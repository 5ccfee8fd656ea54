// Whether this platform's signatures are the cell's.
import { type SignatureScheme, selfTest } from '@fatty/codec';
import { FattyError } from './error.ts';

const tested = new WeakSet<SignatureScheme>();

/**
 * For platforms whose scheme is not all our own code (OpenSSL's, libsodium's). Once per scheme: it takes tens
 * of milliseconds. Simulated worlds have schemes of their own. @throws FattyError `bad_ed25519`
 */
export function checkScheme(scheme: SignatureScheme): void {
  if (scheme.name !== 'ed25519' || tested.has(scheme)) return;
  const flaw = selfTest(scheme);
  if (flaw) throw new FattyError(flaw, { outcome: 'not_applied', retryable: false });
  tested.add(scheme);
}
