// Writes items of the canonical profile as bytes.

import { utf8 } from './bytes.ts';
import type { Item } from './source.ts';

const UNSIGNED = 0;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;

const HEAD_BYTES_MAX = 9;
/** Longer text is written by the platform: below, a call into it costs more than the text. */
const ASCII_LENGTH_MAX = 64;
/** What is kept between two values; a larger one has memory of its own. */
const SCRATCH_BYTES = 64 * 1024;

let scratch = new Uint8Array(SCRATCH_BYTES);
let at = 0;

/**
 * The canonical bytes of an item: shortest heads, definite lengths. The result owns its memory.
 * Numbers must be unsigned safe integers and text well-formed: shapes see to that.
 */
export function bytesOfItem(item: Item): Uint8Array {
  at = 0;
  try {
    put(item);
    return scratch.slice(0, at);
  } finally {
    if (scratch.length > SCRATCH_BYTES) scratch = new Uint8Array(SCRATCH_BYTES);
  }
}

function put(item: Item): void {
  if (typeof item === 'number') putHead(UNSIGNED, item);
  else if (typeof item === 'string') putText(item);
  else if (typeof item === 'bigint') putWide(item);
  else if (item instanceof Uint8Array) putBytes(BYTES, item);
  else {
    putHead(ARRAY, item.length);
    for (let i = 0; i < item.length; i++) put(item[i] as Item);
  }
}

/** Makes room for so many bytes more. */
function reserve(size: number): void {
  if (at + size <= scratch.length) return;
  const larger = new Uint8Array(Math.max(at + size, 2 * scratch.length));
  larger.set(scratch.subarray(0, at));
  scratch = larger;
}

function putHead(major: number, argument: number): void {
  reserve(HEAD_BYTES_MAX);
  const first = major << 5;
  if (argument < 24) {
    scratch[at++] = first | argument;
  } else if (argument < 0x100) {
    scratch[at++] = first | 24;
    scratch[at++] = argument;
  } else if (argument < 0x10000) {
    scratch[at++] = first | 25;
    scratch[at++] = argument >>> 8;
    scratch[at++] = argument;
  } else if (argument < 2 ** 32) {
    scratch[at++] = first | 26;
    putU32(argument);
  } else {
    scratch[at++] = first | 27;
    putU32(Math.floor(argument / 2 ** 32));
    putU32(argument);
  }
}

/** The low 32 bits of a whole number. Storing a byte keeps its low eight. */
function putU32(value: number): void {
  const bits = value >>> 0;
  scratch[at++] = bits >>> 24;
  scratch[at++] = bits >>> 16;
  scratch[at++] = bits >>> 8;
  scratch[at++] = bits;
}

function putWide(value: bigint): void {
  if (value < 2n ** 53n) return putHead(UNSIGNED, Number(value));
  reserve(HEAD_BYTES_MAX);
  scratch[at++] = (UNSIGNED << 5) | 27;
  putU32(Number(value >> 32n));
  putU32(Number(value & 0xffff_ffffn));
}

function putBytes(major: number, bytes: Uint8Array): void {
  putHead(major, bytes.length);
  reserve(bytes.length);
  scratch.set(bytes, at);
  at += bytes.length;
}

function putText(text: string): void {
  if (text.length > ASCII_LENGTH_MAX || !putAscii(text)) putBytes(TEXT, utf8(text));
}

/** False, and nothing is written, when a character is not ASCII. */
function putAscii(text: string): boolean {
  const start = at;
  putHead(TEXT, text.length);
  reserve(text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) {
      at = start;
      return false;
    }
    scratch[at++] = unit;
  }
  return true;
}
