// Tests of a process's ports.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { portConformance } from '@fatty/host/conformance';
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { portsOver, TIMERS } from '../src/host-ports.ts';
import { openStores } from '../src/stores.ts';

const DAY_MS = 86_400_000;

describe('far timers', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
  afterEach(() => void vi.useRealTimers());

  it('a timer further away than Node can wait fires at its time, not at once and again', async () => {
    const fired: number[] = [];
    TIMERS.after(60 * DAY_MS, () => fired.push(Date.now()));
    await vi.advanceTimersByTimeAsync(59 * DAY_MS);
    expect(fired).toEqual([]);
    await vi.advanceTimersByTimeAsync(2 * DAY_MS);
    expect(fired).toEqual([1_000_000 + 60 * DAY_MS]);
  });

  it('and can be called off on its way', async () => {
    const fired: number[] = [];
    const cancel = TIMERS.after(60 * DAY_MS, () => fired.push(Date.now()));
    await vi.advanceTimersByTimeAsync(30 * DAY_MS);
    cancel();
    await vi.advanceTimersByTimeAsync(60 * DAY_MS);
    expect(fired).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the ports of a process', () => {
  test.each(portConformance)('$name', async ({ begin }) => {
    const dir = mkdtempSync(join(tmpdir(), 'fatty-ports-'));
    const stores = await openStores(dir);
    if (!stores.ok) throw new Error(stores.failure.code);
    const end = begin(portsOver(stores.value, { verify: () => Promise.resolve(undefined) }));
    // Until it is so, or the test's own time is over.
    while (end().length > 0) await sleep(10);
    await sleep(50);
    expect(end()).toEqual([]);
    await stores.value.close();
    rmSync(dir, { recursive: true });
  });
});
