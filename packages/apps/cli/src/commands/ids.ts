// Ids as a person types them.
import { fromHex } from '@fatty/codec';

const ID_LENGTH = 32;

/** Whether a text can only be meant as an id, and not as the name of a file. */
export const looksLikeId = (text: string): boolean =>
  /^0x[0-9a-f]*$/i.test(text) || /^[0-9a-f]{64}$/i.test(text);

/** The 32 bytes of 64 hex digits in either case, with 0x or without; undefined for anything else. */
export function idOf(text: string): Uint8Array | undefined {
  const bytes = fromHex(text.replace(/^0x/i, ''));
  return bytes?.length === ID_LENGTH ? bytes : undefined;
}
