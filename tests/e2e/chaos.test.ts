// Real processes behind a proxy that makes links bad: bad spells by a seed, and the judge on what clients heard.
import { runChaos } from '@fatty/chaos';
import { describe, expect, it } from 'vitest';

/** Bad spells begin for so long, ms. */
const FOR_MS = 12_000;

describe('a cell of processes under faults', () => {
  it('loses nothing that it acknowledged, grants no lock twice, and every client ends well', async () => {
    const report = await runChaos({ seed: 11, forMs: FOR_MS, liar: true });
    expect(report.failures).toEqual([]);
    expect(Object.values(report.spells).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
    // Enough was heard to be judged; how much depends on the machine.
    for (const heard of ['acquire ok', 'compareAndSet ok', 'create ok', 'read ok', 'write ok']) {
      expect(report.calls[heard] ?? 0).toBeGreaterThan(0);
    }
    // Six between four replicas, four of each of three clients: all of them through the proxy.
    expect(report.links).toBe(18);
  });
});
