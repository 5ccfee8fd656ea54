// Unsigned messages of the algorithm in a block (R11).
import { compareBytes, fail, failure, ok } from '@fatty/codec';
import type { Outcome, Unsigned, UnsignedRules } from '@fatty/interface';

/** R11: unsigned messages of a block, and the bytes of one. */
export const UNSIGNED_MAX = 1_024;
/** R11: most bytes of one unsigned message. */
export const UNSIGNED_BYTES_MAX = 128;
/** R11: what judging all those of a block may cost, in hashes. */
export const UNSIGNED_WEIGHT_MAX = 65_536;

/** R11: the order of unsigned messages inside a block; 0 for two about one thing. */
export function compareUnsigned(a: Unsigned, b: Unsigned): number {
  return compareBytes(a.about, b.about);
}

/**
 * Opens one message: form only. `open`: undefined where the algorithm has none. Codes of `open`, and
 * `unexpected_field`, `too_large`, `too_heavy`.
 */
export function openUnsigned(
  bytes: Uint8Array,
  open: UnsignedRules['open'] | undefined,
): Outcome<Unsigned> {
  if (open === undefined) return fail('unexpected_field', 'no unsigned messages', 'one');
  if (bytes.length > UNSIGNED_BYTES_MAX) {
    return fail('too_large', `at most ${UNSIGNED_BYTES_MAX} bytes`, `${bytes.length} bytes`);
  }
  const opened = open(bytes);
  const weight = opened.ok ? opened.value.weight : 0;
  return weight <= UNSIGNED_WEIGHT_MAX ? opened : tooHeavy(weight);
}

function tooHeavy(weight: number): Outcome<never> {
  return fail('too_heavy', `at most ${UNSIGNED_WEIGHT_MAX} hashes`, `${weight} or more`);
}

/**
 * R11: forms, order and weight of a block's messages. Codes of {@link openUnsigned}, and
 * `unsigned_unsorted`.
 */
export function openAllUnsigned(
  all: readonly Uint8Array[],
  open: UnsignedRules['open'] | undefined,
): Outcome<readonly Unsigned[]> {
  const messages: Unsigned[] = [];
  let weight = 0;
  for (const bytes of all) {
    const next = openUnsigned(bytes, open);
    if (!next.ok) return next;
    const before = messages[messages.length - 1];
    if (before && compareUnsigned(before, next.value) >= 0) {
      return { ok: false, failure: UNSORTED };
    }
    weight += next.value.weight;
    if (weight > UNSIGNED_WEIGHT_MAX) return tooHeavy(weight);
    messages.push(next.value);
  }
  return ok(messages);
}

const UNSORTED = failure('unsigned_unsorted', 'strictly ascending by subject', 'equal or below');
