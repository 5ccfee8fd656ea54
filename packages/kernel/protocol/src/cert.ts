// A certificate as it travels; what it proves is looked at in checkpoint.ts (R6).
import { array, bytes, record, type Shape, signature } from '@fatty/codec';
import type { Signature } from '@fatty/interface';
import { MEMBERS_MAX } from './committee.ts';

/** R6. Votes of equal content by q distinct members. */
export interface Cert {
  readonly core: Uint8Array;
  /** One bit a member, in ⌈n/8⌉ bytes: member i is bit i mod 8, from the lowest, of byte ⌊i/8⌋. */
  readonly bitmap: Uint8Array;
  /** Of these members, ascending. */
  readonly sigs: readonly Signature[];
}

/** A vote has 150 bytes and some. */
export const VOTE_BYTES_MAX = 256;

/** Canonical bytes of a certificate. */
export const certShape: Shape<Cert> = record({
  core: bytes(VOTE_BYTES_MAX),
  bitmap: bytes(MEMBERS_MAX / 8),
  sigs: array(signature, MEMBERS_MAX),
});
