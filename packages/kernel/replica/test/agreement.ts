// Test helper: what hosts of a world have committed.
import type { OrderedBatch } from '@fatty/interface';
import type { Host } from './world.ts';

/** Every two honest hosts' commit sequences are prefixes of one another (S4). */
export function commitsAgree(hosts: readonly Host[]): boolean {
  const digests = hosts.map((host) => {
    const byIndex = new Map<number, string>();
    for (const { commit } of host.committed) {
      const hex = Buffer.from(commit.digest).toString('hex');
      if ((byIndex.get(commit.index) ?? hex) !== hex) return undefined;
      byIndex.set(commit.index, hex);
    }
    return byIndex;
  });
  const all = new Map<number, string>();
  for (const byIndex of digests) {
    if (byIndex === undefined) return false;
    for (const [index, hex] of byIndex) {
      if ((all.get(index) ?? hex) !== hex) return false;
      all.set(index, hex);
    }
  }
  return true;
}

export function batchesOf(host: Host): readonly OrderedBatch[] {
  return host.committed.flatMap(({ input }) => input.batches);
}
