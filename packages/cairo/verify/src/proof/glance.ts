// What can be read of a proof in a layout that is none of ours.
import {
  attemptTyped,
  Fields,
  type JsonValue,
  LIMITS,
  type ProofParameters,
} from '@fatty/cairo-air';
import { readLayoutName, readParameters, readRoot } from './json.ts';

/** What a proof of another system's layout says of itself; undefined is what could not be read. */
export interface Glance {
  readonly layout: string;
  readonly parameters: ProofParameters | undefined;
  readonly nSteps: number | undefined;
  readonly publicCells: number | undefined;
  readonly pages: number | undefined;
  readonly proofBytes: number | undefined;
}

const maybe = <T>(read: () => T): T | undefined => {
  const made = attemptTyped(read);
  return made.ok ? made.value : undefined;
};

/**
 * Reads as much of a proof's file as can be read, whatever its layout: its parts are counted, not
 * taken. @throws Rejected `too_large malformed duplicate_key wrong_shape`
 */
export function glanceAtJson(text: string): Glance {
  const root = readRoot(text);
  const layout = readLayoutName(root);
  const file = new Fields(root, 'proof', undefined);
  const input = new Fields(file.get('public_input'), 'public_input', undefined);
  const memory = maybe(() => input.list('public_memory', LIMITS.jsonBytes));
  const hex = maybe(() => file.text('proof_hex', LIMITS.jsonBytes));
  return {
    layout,
    parameters: maybe(() => readParameters(file.get('proof_parameters'))),
    nSteps: maybe(() => input.integer('n_steps', Number.MAX_SAFE_INTEGER)),
    publicCells: memory?.length,
    pages: memory === undefined ? undefined : maybe(() => countPages(memory)),
    proofBytes: hex === undefined ? undefined : Math.max(0, Math.ceil(hex.length / 2) - 1),
  };
}

function countPages(memory: readonly JsonValue[]): number {
  const page = (cell: JsonValue): number =>
    new Fields(cell, 'public_memory', undefined).integer('page', Number.MAX_SAFE_INTEGER);
  return new Set(memory.map(page)).size;
}
