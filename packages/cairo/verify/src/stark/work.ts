// Proof of work.
import { demand, type Hash, readUint } from '@fatty/cairo-air';
import { concatBytes } from '@fatty/codec';
import type { Transcript } from './transcript.ts';

const MAGIC = Uint8Array.of(0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xed);

/**
 * Proof of work: the first 8 bytes of H(H(magic ‖ state ‖ bits) ‖ nonce) are below 2^(64 − bits).
 * Nothing is read for 0 bits. @throws Rejected `truncated felt_range bad_pow`
 */
export function checkWork(transcript: Transcript, hash: Hash, bits: number): void {
  if (bits === 0) return;
  const { channel } = transcript;
  const challenge = hash(concatBytes(MAGIC, channel.state, Uint8Array.of(bits)));
  const nonce = transcript.nonce(() => '/cpu air/STARK/FRI/Proof of Work: POW');
  const work = readUint(hash(concatBytes(challenge, nonce)), 0, 8);
  const holds = work < 2n ** BigInt(64 - bits);
  demand(holds, 'bad_pow', `${bits} leading zero bits`, work.toString(16).padStart(16, '0'));
}
