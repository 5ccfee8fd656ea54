// What a proof says of itself, unchecked.
import { attempt, type Proof } from '@fatty/cairo-air';
import type { Failure, Outcome } from '@fatty/interface';
import { encodeProof } from '../proof/envelope.ts';
import { type Glance, glanceAtJson } from '../proof/glance.ts';
import { parseStoneJson } from '../proof/json.ts';
import { readStatement, type Statement } from '../statement/statement.ts';
import { type Strength, strengthOf } from '../statement/strength.ts';

/**
 * What can be said of a proof without checking it. Nothing of it is true until it is verified.
 * Undefined is what could not be read, which happens in files of unsupported layouts alone.
 */
export interface Inspection extends Glance, Partial<Strength> {
  readonly envelopeBytes: number | undefined;
  /** The claimed statement, or why the public memory has none: `unsupported_layout` among others. */
  readonly statement: Statement | undefined;
  readonly failure: Failure | undefined;
}

/** Any layout and hash may be inspected. Never throws. */
export function inspectProof(proof: Proof): Inspection {
  const { parameters, publicInput, proofBytes } = proof;
  const { layout, nSteps, publicMemory } = publicInput;
  const read = attempt(() => readStatement(publicInput));
  return {
    layout,
    parameters,
    nSteps,
    ...strengthOf(parameters, nSteps),
    publicCells: publicMemory.length,
    pages: new Set(publicMemory.map((cell) => cell.page)).size,
    proofBytes: proofBytes.length,
    envelopeBytes: encodeProof(proof).length,
    statement: read.ok ? read.value : undefined,
    failure: read.ok ? undefined : read.failure,
  };
}

/**
 * The same of a file, and as much as can be read of a file whose layout is not supported and that does
 * not fit the format. Never throws. Codes: those of `parseStoneJson` but `unsupported_layout`, which
 * is in the answer.
 */
export function inspectStoneJson(text: string): Outcome<Inspection> {
  const parsed = parseStoneJson(text);
  if (parsed.ok) return { ok: true, value: inspectProof(parsed.value) };
  const { failure } = parsed;
  if (failure.code !== 'unsupported_layout') return parsed;
  return attempt(() => {
    const seen = glanceAtJson(text);
    const { parameters, nSteps } = seen;
    const known = parameters !== undefined && nSteps !== undefined;
    const strength = known ? strengthOf(parameters, nSteps) : {};
    return { ...seen, ...strength, envelopeBytes: undefined, statement: undefined, failure };
  });
}
