// A machine's inbox as the state keeps it.
import {
  type ErrorResult,
  errorResult,
  feltShape,
  INBOX_START,
  type InboxAnswer,
  type InboxEntry,
  type InboxTerms,
  inboxChain,
  inboxEntriesShape,
  inboxTermsShape,
} from '@fatty/api';
import type { LeaseStatement } from '@fatty/cairo-verify';
import { equalBytes, record, type Shape, u53 } from '@fatty/codec';
import type { Quotas } from './quotas.ts';

/** What a machine has been told and has taken in (README.md, Inboxes). A value: every event makes one. */
export interface Inbox {
  readonly terms: InboxTerms;
  /** Hash chain of all `consumed` entries, in order. */
  readonly in: bigint;
  readonly consumed: number;
  /** The entries behind them, oldest first. */
  readonly pending: readonly InboxEntry[];
}

/** Canonical bytes of an inbox, in a snapshot. */
export const inboxShape: Shape<Inbox> = record<Inbox>({
  terms: inboxTermsShape,
  in: feltShape,
  consumed: u53,
  pending: inboxEntriesShape,
});

/** The inbox of a machine that has been told nothing. */
export function newInbox(terms: InboxTerms): Inbox {
  return { terms, in: INBOX_START, consumed: 0, pending: [] };
}

/** The inbox with one more entry at its end. Code `inbox_full`. */
export function addEntry(
  inbox: Inbox,
  entry: InboxEntry,
  { inboxEntriesMax, inboxEntriesPerClientMax }: Quotas,
): Inbox | ErrorResult {
  const { pending } = inbox;
  if (pending.length >= inboxEntriesMax) {
    return errorResult('inbox_full', `fewer than ${inboxEntriesMax}`, String(pending.length));
  }
  const own = pending.filter(({ by }) => equalBytes(by, entry.by)).length;
  if (own >= inboxEntriesPerClientMax) {
    return errorResult('inbox_full', `fewer than ${inboxEntriesPerClientMax} of yours`, `${own}`);
  }
  return { ...inbox, pending: [...pending, entry] };
}

/**
 * What is left after consecutive statements. Each shows, behind the six cells of a lease, `in` and
 * then the entries it consumed, its window filled up with 0: they must be the next ones in the
 * inbox, and `in` their chain. Code `wrong_in`.
 */
export function consume(inbox: Inbox, leases: readonly LeaseStatement[]): Inbox | ErrorResult {
  const { window } = inbox.terms;
  let { in: chain, consumed } = inbox;
  for (const { extra } of leases) {
    const [shown, ...cells] = extra.slice(0, 1 + window);
    const empty = cells.indexOf(0n);
    const count = empty < 0 ? window : empty;
    for (const [i, cell] of cells.entries()) {
      const entry = i < count ? inbox.pending[consumed - inbox.consumed + i] : undefined;
      if (cell !== (entry?.value ?? 0n)) return wrongIn(consumed + i, entry?.value, cell);
      if (cell !== 0n) chain = inboxChain(chain, cell);
    }
    if (shown !== chain) return errorResult('wrong_in', `in ${hex(chain)}`, hex(shown));
    consumed += count;
  }
  const pending = inbox.pending.slice(consumed - inbox.consumed);
  return { ...inbox, in: chain, consumed, pending };
}

function wrongIn(before: number, wanted: bigint | undefined, found: bigint): ErrorResult {
  const expected =
    wanted === undefined ? 'no further entry' : `entry ${before + 1}: ${hex(wanted)}`;
  return errorResult('wrong_in', expected, hex(found));
}

const hex = (value: bigint | undefined): string => `0x${value?.toString(16)}`;

/** When (lease clock, ms) the oldest entry will have waited for a period; undefined: none waits. */
export function neglectedFrom({ pending }: Inbox, periodMs: number): number | undefined {
  const [oldest] = pending;
  return oldest && oldest.postedAt + periodMs;
}

/**
 * Terms `refused`: proofs must leave nothing behind that is older than a period, unless they took
 * as much as they could. Code `inbox_neglected`.
 */
export function refuseNeglect(
  before: Inbox,
  after: Inbox,
  proofs: number,
  periodMs: number,
  now: number,
): ErrorResult | undefined {
  const { window, neglect } = before.terms;
  if (neglect === 'shown' || after.consumed - before.consumed >= window * proofs) return undefined;
  const from = neglectedFrom(after, periodMs);
  if (from === undefined || from >= now) return undefined;
  const actual = `entry ${after.consumed + 1} waits ${now - from + periodMs} ms`;
  return errorResult('inbox_neglected', `no entry older than ${periodMs} ms`, actual);
}

/** An inbox as an answer shows it; `now`: of the lease clock, ms. */
export function showInbox(inbox: Inbox, periodMs: number, now: number): InboxAnswer {
  const from = neglectedFrom(inbox, periodMs);
  return { ...inbox, neglectedSince: from !== undefined && from < now ? from : undefined };
}
