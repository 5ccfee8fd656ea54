// A proof's envelope, read once: what is checked of it later reads no bytes again.
import { attemptTyped, type Proof, type ProofSize, readSizes } from '@fatty/cairo-air';
import { ok } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import { readStatement, type Statement } from '../statement/statement.ts';
import { decodeProof } from './envelope.ts';

/** What an envelope holds. Nothing is proved yet. */
export interface OpenedProof {
  readonly proof: Proof;
  readonly size: ProofSize;
  /** Or why its public memory states none: said after the policy has been looked at. */
  readonly statement: Outcome<Statement>;
}

/** Codes of codec `decode` and of `readSizes`. Never throws. */
export function openProof(envelope: Uint8Array): Outcome<OpenedProof> {
  const proof = decodeProof(envelope);
  if (!proof.ok) return proof;
  const size = attemptTyped(() => readSizes(proof.value));
  if (!size.ok) return size;
  const statement = attemptTyped(() => readStatement(proof.value.publicInput));
  return ok({ proof: proof.value, size: size.value, statement });
}
