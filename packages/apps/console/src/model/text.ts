// Bytes and times as people read them.

/** The beginning of a long hex text. */
export const short = (hex: string): string => (hex.length <= 12 ? hex : `${hex.slice(0, 8)}…`);

/** Characters of a content that are shown. */
const PREVIEW_CHARS_MAX = 4_000;
/** Bytes of a content that is no text. */
const PREVIEW_BYTES_MAX = 256;

/** A content as text where it is UTF-8 without control characters, else its first bytes in hex. */
export interface Preview {
  readonly kind: 'text' | 'hex';
  readonly shown: string;
  /** There is more than what is shown. */
  readonly cut: boolean;
}

/** Total: every content has one. */
export function previewOf(content: Uint8Array): Preview {
  const text = asText(content);
  if (text !== undefined) {
    return {
      kind: 'text',
      shown: text.slice(0, PREVIEW_CHARS_MAX),
      cut: text.length > PREVIEW_CHARS_MAX,
    };
  }
  const bytes = [...content.subarray(0, PREVIEW_BYTES_MAX)];
  const shown = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return { kind: 'hex', shown, cut: content.length > PREVIEW_BYTES_MAX };
}

/** Tab, line feed and carriage return are text; other control characters are not. */
const isControl = (byte: number): boolean => byte < 32 && byte !== 9 && byte !== 10 && byte !== 13;

function asText(content: Uint8Array): string | undefined {
  if (content.some(isControl)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    return undefined;
  }
}

/** `512 bytes`, `1.5 KiB` */
export function sizeWords(bytes: number): string {
  if (bytes === 1) return '1 byte';
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** `2026-11-30 16:05:00.000 UTC`; ms since the Unix epoch. */
export function timeWords(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', ' UTC');
}
