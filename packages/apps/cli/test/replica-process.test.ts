// Tests of a replica's process as its launcher sees it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ReplicaProcess } from '../src/index.ts';

const main = fileURLToPath(new URL('./slow-replica.mjs', import.meta.url));

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fatty-process-'));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(dir, { recursive: true, force: true });
});

it('a replica that replays for minutes is waited for, as long as it goes on', async () => {
  const told: number[] = [];
  const replica = new ReplicaProcess({
    dir,
    index: 0,
    main,
    readyMsMax: 30_000,
    onReplay: (records) => {
      told.push(records);
      // Twenty seconds from one sign to the next, a hundred in all.
      vi.advanceTimersByTime(20_000);
    },
  });
  expect((await replica.ready).client).toBe('ws://127.0.0.1:1');
  expect(told).toEqual([1_000, 2_000, 3_000, 4_000, 5_000]);
  await replica.kill();
});

it('one that shows nothing for so long is not', async () => {
  const replica = new ReplicaProcess({
    dir,
    index: 3,
    main,
    readyMsMax: 30_000,
    onReplay: () => vi.advanceTimersByTime(30_001),
  });
  await expect(replica.ready).rejects.toThrow('replica 3 is not ready, and did nothing for 30000');
  await replica.kill();
});
