// What a verifier thread hears and says.
import type { Verdict } from '@fatty/interface';

/** To a verifier thread: canonical bytes of a `RenewalJob`, and the sender's number for it. */
export interface VerifierRequest {
  readonly id: number;
  readonly job: Uint8Array;
}

/** From a verifier thread, one for each request and in their order. */
export interface VerifierReply {
  readonly id: number;
  readonly verdict: Verdict;
}
