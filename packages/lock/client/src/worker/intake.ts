// A worker's view of its machine's inbox, and what the next proof consumes of it.
import { INBOX_START, inboxChain } from '@fatty/api';
import type { MachineAnswer } from '../sdk/machine.ts';

/** What a worker knows of its machine's inbox. A window of 0: it has none. */
export interface Intake {
  /** Entries that one proof may consume. */
  readonly window: number;
  /** Hash chain of everything consumed. */
  readonly in: bigint;
  /** What comes next, oldest first. */
  readonly entries: readonly bigint[];
}

/** The intake as a machine answers it. */
export function intakeOf({ inbox }: MachineAnswer): Intake {
  if (inbox === undefined) return { window: 0, in: INBOX_START, entries: [] };
  const entries = inbox.pending.map(({ value }) => value);
  return { window: inbox.terms.window, in: inbox.in, entries };
}

/** What the next proof consumes: its statement's cells from `in` on, and what is left behind it. */
export function swallow(intake: Intake): {
  readonly cells: readonly bigint[];
  readonly entries: readonly bigint[];
  readonly left: Intake;
} {
  const { window } = intake;
  if (window === 0) return { cells: [], entries: [], left: intake };
  const entries = intake.entries.slice(0, window);
  const chain = entries.reduce(inboxChain, intake.in);
  const empty = Array.from({ length: window - entries.length }, () => 0n);
  const left = { window, in: chain, entries: intake.entries.slice(window) };
  return { cells: [chain, ...entries, ...empty], entries, left };
}
