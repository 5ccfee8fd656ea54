// Canonical bytes from JSON, and JSON from the simplest of them: for ops of a hosted algorithm.
import { bytes, concatBytes, decode, encode, fromHex, text, toHex, u53 } from '@fatty/codec';
import { EXIT, ExitError } from '../terminal/io.ts';

const BYTES_MAX = 4 * 1024 * 1024;
/** Longer arrays have another head. */
const ARRAY_MAX = 23;
const ARRAY_HEAD = 0x80;

/**
 * A whole number, a text, `{"hex": "…"}` for bytes, or an array of up to 23 of these, in the encoding of
 * package codec; exit code 2 for anything else.
 */
export function bytesOfJson(json: string): Uint8Array {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw refusal(json);
  }
  return bytesOfValue(value);
}

function bytesOfValue(value: unknown): Uint8Array {
  if (Number.isSafeInteger(value) && Number(value) >= 0) return encode(u53, Number(value));
  if (typeof value === 'string') return encode(text(BYTES_MAX), value);
  if (Array.isArray(value) && value.length <= ARRAY_MAX) {
    return concatBytes(Uint8Array.of(ARRAY_HEAD + value.length), ...value.map(bytesOfValue));
  }
  const { hex } = (typeof value === 'object' && value !== null ? value : {}) as { hex?: unknown };
  const raw = typeof hex === 'string' ? fromHex(hex) : undefined;
  if (raw !== undefined) return encode(bytes(BYTES_MAX), raw);
  throw refusal(JSON.stringify(value));
}

function refusal(actual: string): ExitError {
  const expected = 'a whole number, a text, {"hex": "…"} or an array of up to 23 of these';
  return new ExitError(EXIT.usage, `--json: expected ${expected}, got ${actual}`);
}

/** Bytes for people: in hex, and what they say where they are one number or text. */
export function shownBytes(answer: Uint8Array): { readonly hex: string; readonly value?: unknown } {
  const hex = toHex(answer);
  for (const shape of [u53, text(BYTES_MAX)]) {
    const read = decode<number | string>(shape, answer, BYTES_MAX);
    if (read.ok) return { value: read.value, hex };
  }
  return { hex };
}
