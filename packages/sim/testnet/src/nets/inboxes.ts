// Posts, proofs that take them in, and workers that lie about it.
import type { Op } from '@fatty/api';
import { toHex } from '@fatty/codec';
import { LockService } from '@fatty/service';
import { chained, type InboxBook, type PostSeen, shownInbox } from '../checkers/inboxes.ts';
import type { MachineChecker } from '../checkers/machines.ts';
import type { Violation } from '../world/observation.ts';
import type { SeededRng } from '../world/rng.ts';
import { type Scene, say } from './net.ts';

/** How a worker lies about its inbox, in proofs that are true otherwise. */
export const INBOX_LIES = ['skip', 'invent', 'again', 'gap', 'wrongIn'] as const;
/** One of {@link INBOX_LIES}. */
export type InboxLie = (typeof INBOX_LIES)[number];

/** What is left for the next of several proofs. */
export interface Intake {
  readonly chain: bigint;
  readonly pending: readonly PostSeen[];
}

const padded = (values: readonly bigint[], window: number): readonly bigint[] =>
  Array.from({ length: window }, (_, i) => values[i] ?? 0n);

/** Honest cells: `in`, so many entries, the window filled up with 0; and what is left. */
export function takeIn(
  { chain, pending }: Intake,
  count: number,
  window: number,
): { readonly cells: readonly bigint[]; readonly left: Intake } {
  const values = pending.slice(0, Math.min(count, window)).map(({ value }) => value);
  const next = values.reduce(chained, chain);
  const left = { chain: next, pending: pending.slice(values.length) };
  return { cells: [next, ...padded(values, window)], left };
}

/** The cells of a liar: what is next is left out, made up, taken again, moved or summed up wrongly. */
export function lieAboutInbox(lie: InboxLie, book: InboxBook): readonly bigint[] {
  const { terms, chain } = book;
  const values = lie === 'wrongIn' ? [] : wrongEntries(lie, book);
  const shown = values.filter((value) => value !== 0n).reduce(chained, chain);
  return [lie === 'wrongIn' ? shown + 1n : shown, ...padded(values, terms.window)];
}

function wrongEntries(lie: Exclude<InboxLie, 'wrongIn'>, book: InboxBook): readonly bigint[] {
  const [next, later] = book.pending.map(({ value }) => value);
  // Equal entries may follow one another, so a lie may happen to be true; then it counts as none.
  const other = (value: bigint): bigint => (value === next ? value + 1n : value);
  switch (lie) {
    case 'skip':
      return [other(later ?? 98n)];
    case 'invent':
      return [(next ?? 0n) + 100n];
    case 'again':
      return [other(book.posts[book.consumed - 1]?.value ?? 99n)];
    case 'gap':
      return [0n, next ?? 97n];
  }
}

/** Few values, so that equal posts meet: each is to be consumed all the same. */
export function posting(path: string, rng: SeededRng): Op {
  return { kind: 'post', path, entry: BigInt(rng.between(1, 6)) };
}

/**
 * Every honest replica, between two of its steps, shows the inboxes as the history has them at the
 * commit that it stands at: what was consumed, what waits, and whether it is neglected.
 */
export function lookAtInboxes(scene: Scene, checker: MachineChecker): readonly Violation[] {
  const { world, machines } = scene;
  return world.hosts.flatMap(({ index, peer }) => {
    const commit = checker.commitOf(index);
    const service = machines.of(index);
    if (peer === undefined || !world.follows(index) || !(service instanceof LockService)) return [];
    // Right after a restart the machine is ahead of what was told, or behind it.
    if (machines.rootOf(index, commit) === undefined) return [];
    if (machines.rootOf(index, commit + 1) !== undefined) return [];
    return [...checker.inboxesAt(commit)].flatMap(([path, expected]) => {
      const actual = shownBy(service, path);
      world.count(actual.endsWith('never') ? 'inbox.tended' : 'inbox.neglected');
      if (actual === expected) return [];
      return [say(world, 'inbox', `${path} at ${commit}: ${expected}`, `r${index}: ${actual}`)];
    });
  });
}

function shownBy(service: LockService, path: string): string {
  const answer = service.query({ kind: 'machine', path });
  if (answer.kind !== 'machine' || answer.inbox === undefined) return answer.kind;
  const { consumed, in: chain, pending, neglectedSince } = answer.inbox;
  const waiting = pending.map(({ value, by, postedAt }) => `${value} ${toHex(by)} ${postedAt}`);
  return shownInbox(consumed, chain, waiting, neglectedSince);
}
