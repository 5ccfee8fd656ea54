// Reads what the tour's replicas have recorded.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TraceEvent } from '@fatty/interface';
import { readTrace } from '@fatty/msc';

/** What the replicas have written so far, a list per replica. */
export function readTraces(folder: string, replicas: number): readonly (readonly TraceEvent[])[] {
  return Array.from({ length: replicas }, (_, i) => {
    const path = join(folder, `r${i}.jsonl`);
    return existsSync(path) ? readTrace(readFileSync(path, 'utf8')).events : [];
  });
}

/** Rounds in which honest replicas accepted two different blocks of `liar`: lies that were believed. */
export function fooledRounds(traces: readonly (readonly TraceEvent[])[], liar: number): number {
  const accepted = new Map<string, Set<string>>();
  for (const [i, events] of traces.entries()) {
    if (i === liar) continue;
    for (const { kind, label, block } of events) {
      if (kind !== 'note' || !label.startsWith('accepted')) continue;
      if (block?.slot.endsWith(`/r${liar}`) !== true) continue;
      const ids = accepted.get(block.slot) ?? new Set();
      accepted.set(block.slot, ids.add(block.id));
    }
  }
  return [...accepted.values()].filter((digests) => digests.size > 1).length;
}
