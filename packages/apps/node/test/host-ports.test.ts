import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { TIMERS } from '../src/host-ports.ts';

const DAY_MS = 86_400_000;

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
