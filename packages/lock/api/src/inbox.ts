// Inboxes of machines: terms, entries, and the chain that proofs show.
import { array, choice, hash, publicKey, record, type Shape, u8, u53 } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { bytesOfFelt, feltOfBytes, feltShape } from './felt.ts';

/**
 * What becomes of a worker that leaves an entry waiting for longer than the machine's period.
 * `shown`: everybody sees it. `refused`: so are its renewals, until it has caught up.
 */
export type Neglect = 'shown' | 'refused';

/** What a machine declares of its inbox. */
export interface InboxTerms {
  /** Entries that one proof may consume: so many cells stand behind `in`. 1 to 31. */
  readonly window: number;
  readonly neglect: Neglect;
}

/** An entry that waits to be consumed. */
export interface InboxEntry {
  /** Not 0: an empty cell of the window is 0. */
  readonly value: bigint;
  readonly by: PublicKey;
  /** ms on the lease clock. */
  readonly postedAt: number;
}

/** Cells that a statement may carry behind the six of a lease: `in`, its window, outputs. */
export const CELLS_MAX = 32;
/** Decoding bound; the cell's quota is smaller. */
export const INBOX_ENTRIES_MAX = 1024;

/** `in` of a machine that has consumed nothing. */
export const INBOX_START = 0n;

/** Canonical bytes of an inbox's terms. */
export const inboxTermsShape: Shape<InboxTerms> = record<InboxTerms>({
  window: u8,
  neglect: choice('shown', 'refused'),
});

/** Canonical bytes of the entries that wait. */
export const inboxEntriesShape: Shape<readonly InboxEntry[]> = array(
  record<InboxEntry>({ value: feltShape, by: publicKey, postedAt: u53 }),
  INBOX_ENTRIES_MAX,
);

/** How many cells a machine's statements carry behind the six. */
export function cellCount(window: number, outputs: number): number {
  return outputs + (window === 0 ? 0 : 1 + window);
}

/** `in` after one more entry: SHA-256 over `in` and the entry, reduced into the field. */
export function inboxChain(before: bigint, value: bigint): bigint {
  return feltOfBytes(hash('inbox', bytesOfFelt(before), bytesOfFelt(value)));
}

/** Bytes as an entry: their SHA-256 reduced into the field, and never 0. The cell keeps no bytes. */
export function entryOf(bytes: Uint8Array): bigint {
  return feltOfBytes(hash('inbox-entry', bytes)) || 1n;
}
