// What an examination says.

/** `good`, `warning` (works, and should be looked at) or `bad` (does not work). */
export type Verdict = 'good' | 'warning' | 'bad';

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  readonly verdict: Verdict;
  readonly detail: string;
  /** What to do, when it is not good. */
  readonly advice?: string;
}

/** Nothing to do. */
export const good = (name: string, detail: string): Finding => ({ name, verdict: 'good', detail });

/** It works; `advice` says what to do all the same. */
export const warning = (name: string, detail: string, advice: string): Finding => {
  return { name, verdict: 'warning', detail, advice };
};

/** It does not work; `advice` says what to do. */
export const bad = (name: string, detail: string, advice: string): Finding => {
  return { name, verdict: 'bad', detail, advice };
};

/** The worst of all. */
export function verdictOf(findings: readonly Finding[]): Verdict {
  const all = findings.map(({ verdict }) => verdict);
  if (all.includes('bad')) return 'bad';
  return all.includes('warning') ? 'warning' : 'good';
}
