import type { Failure } from '@fatty/interface';
import { encodeProof } from '../proof/envelope.ts';
import type { Proof } from '../proof/proof.ts';
import { attempt } from '../proof/rejected.ts';
import { collisionBits, securityBits } from '../statement/policy.ts';
import { readStatement, type Statement } from '../statement/statement.ts';

/** What can be said of a proof without checking it. Nothing of it is true until it is verified. */
export interface Inspection {
  readonly layout: string;
  readonly nSteps: number;
  readonly bits: number;
  readonly collisionBits: number;
  readonly channelHash: string;
  readonly commitmentHash: string;
  readonly publicCells: number;
  readonly pages: number;
  readonly proofBytes: number;
  readonly envelopeBytes: number;
  /** The claimed statement, or why the public memory has none. */
  readonly statement: Statement | undefined;
  readonly failure: Failure | undefined;
}

/** Any layout and hash may be inspected. Never throws. */
export function inspectProof(proof: Proof): Inspection {
  const { parameters, publicInput, proofBytes } = proof;
  const { layout, nSteps, publicMemory } = publicInput;
  const { channelHash, commitmentHash } = parameters;
  const read = attempt(() => readStatement(publicInput));
  return {
    layout,
    nSteps,
    bits: securityBits(parameters),
    collisionBits: collisionBits(commitmentHash),
    channelHash,
    commitmentHash,
    publicCells: publicMemory.length,
    pages: new Set(publicMemory.map((cell) => cell.page)).size,
    proofBytes: proofBytes.length,
    envelopeBytes: encodeProof(proof).length,
    statement: read.ok ? read.value : undefined,
    failure: read.ok ? undefined : read.failure,
  };
}
