// The inbox of a machine as its history has it.
import type { InboxTerms } from '@fatty/api';
import { hash, toHex } from '@fatty/codec';

/** One post that was answered `posted`. */
export interface PostSeen {
  readonly value: bigint;
  /** Hex of the key. */
  readonly by: string;
  /** Lease clock, ms. */
  readonly atMs: number;
}

const FIELD = 2n ** 251n + 17n * 2n ** 192n + 1n;

function feltBytes(value: bigint): Uint8Array {
  const hex = value.toString(16).padStart(64, '0');
  return Uint8Array.from({ length: 32 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  );
}

/** `in` after one more entry: written apart from package api, as what it is compared with. */
export function chained(before: bigint, entry: bigint): bigint {
  const digest = hash('inbox', feltBytes(before), feltBytes(entry));
  return BigInt(`0x${toHex(digest)}`) % FIELD;
}

/**
 * The inbox of one machine as its history makes it out to be: every post there ever was, and how
 * many of them proofs have consumed.
 */
export class InboxBook {
  readonly terms: InboxTerms;
  readonly periodMs: number;
  readonly posts: PostSeen[] = [];
  consumed = 0;
  chain = 0n;

  constructor(terms: InboxTerms, periodMs: number) {
    this.terms = terms;
    this.periodMs = periodMs;
  }

  get pending(): readonly PostSeen[] {
    return this.posts.slice(this.consumed);
  }

  /** Since when the oldest entry has waited for too long, at this lease clock. */
  neglectedSince(clockMs: number): number | undefined {
    const oldest = this.posts[this.consumed];
    if (oldest === undefined || clockMs <= oldest.atMs + this.periodMs) return undefined;
    return oldest.atMs + this.periodMs;
  }

  /** Takes in the cells that one accepted proof showed; answers what is wrong with them. */
  consume([shown, ...cells]: readonly bigint[]): string | undefined {
    const { window } = this.terms;
    const entries = cells.slice(0, window);
    while (entries.at(-1) === 0n) entries.pop();
    for (const entry of entries) {
      const next = this.posts[this.consumed];
      if (next?.value !== entry) return `${entry} where ${next?.value ?? 'nothing'} is next`;
      this.consumed += 1;
      this.chain = chained(this.chain, entry);
    }
    if (cells.length < window) return `${cells.length} cells of ${window}`;
    return shown === this.chain ? undefined : `in ${shown} after entry ${this.consumed}`;
  }

  /** Everything a client could read of it, as text. */
  show(clockMs: number): string {
    const pending = this.pending.map(({ value, by, atMs }) => `${value} ${by} ${atMs}`);
    return shownInbox(this.consumed, this.chain, pending, this.neglectedSince(clockMs));
  }
}

/** An inbox as text, to compare what the book has with what a replica shows. */
export function shownInbox(
  consumed: number,
  chain: bigint,
  pending: readonly string[],
  neglectedSince: number | undefined,
): string {
  const waiting = pending.join(', ') || 'nothing';
  return `${consumed} to ${chain}; ${waiting} waits; neglected since ${neglectedSince ?? 'never'}`;
}
