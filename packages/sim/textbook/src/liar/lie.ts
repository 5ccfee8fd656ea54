// The lie that is told to each protocol, and what a show of it has come to.
import type { Recording } from '@fatty/testnet';

/** Members of each cell, and who of them lies: one liar of four is what Fatty is made for. */
export const MEMBERS = 4;
/** The last of them. */
export const LIAR = 3;
/** Two clients each want their own value. */
export const BLUE = 'blue';
/** What the other one wants. */
export const RED = 'red';

/** It is told the other value. */
export const isFooled = (to: number): boolean => to === 2;

/** Red for blue, and blue for red. */
export function swapped(value: string): string {
  if (value === BLUE) return RED;
  return value === RED ? BLUE : value;
}

/** The protocols that are lied to. */
export type LiedTo = 'raft' | 'paxos' | 'fatty';

/** What came of the lie. */
export interface LiarShow {
  readonly protocol: LiedTo;
  /** How the lie is told in this protocol, in one sentence. */
  readonly lie: string;
  /** What each honest member holds for decided. */
  readonly beliefs: readonly { readonly who: string; readonly value: string | undefined }[];
  /** Members that all honest members have convicted. */
  readonly convicted: readonly string[];
  readonly recording: Recording;
}

/** The honest members do not all believe the same. */
export function isSplit({ beliefs }: Pick<LiarShow, 'beliefs'>): boolean {
  return new Set(beliefs.map(({ value }) => value)).size > 1;
}

/** Honest members: all but the liar. */
export const HONEST: readonly number[] = Array.from({ length: MEMBERS }, (_, i) => i).filter(
  (i) => i !== LIAR,
);

/** The show in plain words, a line each. */
export function tellShow(show: LiarShow): readonly string[] {
  const { protocol, lie, beliefs, convicted } = show;
  const ends = isSplit(show)
    ? 'two different values are decided'
    : 'one value is decided, the same at all honest members';
  const named =
    convicted.length === 0
      ? 'nobody names the liar: the protocol has no rule that would'
      : `the liar is named by its own signatures: ${convicted.join(', ')} is convicted`;
  return [
    `${protocol}: r0 to r3 are the members, and r${LIAR} lies`,
    `  the lie: ${lie}`,
    ...beliefs.map(({ who, value }) => `  ${who} believes that ${value ?? 'nothing'} is decided`),
    `  ${ends}`,
    `  ${named}`,
  ];
}
