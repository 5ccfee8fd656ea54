// Answers that carry all that leads to them: whoever knows the cell id checks them.
import {
  array,
  bytes,
  decode,
  encode,
  fail,
  ok,
  record,
  type Shape,
  type SignatureScheme,
  text,
} from '@fatty/codec';
import type { CellId, Outcome } from '@fatty/interface';
import { type Committee, committeeShape, type EpochLink, epochLinkShape } from '@fatty/protocol';
import { CERTIFIED_BYTES_MAX, checkCertified, type Fact } from './certified.ts';
import { CellChain } from './chain.ts';

/** A certified answer with the genesis committee and the links between. */
export interface CertifiedBundle {
  readonly genesis: Committee;
  /** From the genesis on, at least to the epoch of the answer. */
  readonly links: readonly EpochLink[];
  /** Bytes of a certified answer. */
  readonly answer: Uint8Array;
}

const FORMAT = 'fatty-bundle/1';
const LINKS_MAX = 65_536;

/** Longest bundle, bytes: a link has some kilobytes. */
export const BUNDLE_BYTES_MAX: number = 64 << 20;

interface Written extends CertifiedBundle {
  readonly format: string;
}

/** Canonical bytes of a bundle. */
const bundleShape: Shape<Written> = record<Written>({
  format: text(64),
  genesis: committeeShape,
  links: array(epochLinkShape, LINKS_MAX),
  answer: bytes(CERTIFIED_BYTES_MAX),
});

/** The bytes that {@link openBundle} reads. */
export function encodeBundle({ genesis, links, answer }: CertifiedBundle): Uint8Array {
  return encode(bundleShape, { format: FORMAT, genesis, links, answer });
}

/** Whether these bytes are a bundle, and no certified answer alone: that has another number of fields. */
export function isBundle(input: Uint8Array): boolean {
  return input[0] === 0x84;
}

/** Nothing in it is checked. Codes of `decode`, `bad_proof`. */
export function openBundle(input: Uint8Array): Outcome<CertifiedBundle> {
  const opened = decode(bundleShape, input, BUNDLE_BYTES_MAX);
  if (!opened.ok) return opened;
  const { format, ...bundle } = opened.value;
  return format === FORMAT ? ok(bundle) : fail('bad_proof', FORMAT, format);
}

/** What somebody who checks bundles knows of the cell: its id, and nothing else. */
export interface PinnedCell {
  readonly cellId: CellId;
  readonly scheme: SignatureScheme;
}

/**
 * What a bundle proves to somebody who knows the cell id. A chain that ends earlier than the cell's own is no flaw: what
 * was so in that epoch was so. Codes of {@link openBundle}, of {@link CellChain}, of `checkCertified`.
 */
export function checkBundle(cell: PinnedCell, bundle: Uint8Array): Outcome<Fact> {
  const opened = openBundle(bundle);
  if (!opened.ok) return opened;
  const { genesis, links, answer } = opened.value;
  const chain = CellChain.open({ ...cell, genesis, links });
  return chain.ok ? checkCertified(chain.value, answer) : chain;
}
