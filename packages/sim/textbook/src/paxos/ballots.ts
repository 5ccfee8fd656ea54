// Ballots: no two processes ever use the same.

/** The lowest ballot of a process above another: process p of n has the ballots k·n + p, for k from 1. */
export function ballotAbove(ballot: number, me: number, processes: number): number {
  return (Math.floor(ballot / processes) + 1) * processes + me;
}
