// Tests of a process that is killed between write and datasync.
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type MemoryDisk, memoryDisk, memoryLog, memoryMark } from '../src/index.ts';
import { bodiesOf, record } from './place.ts';

/** Writes, and kills the process after the write and before its datasync. */
async function killed(disk: MemoryDisk, write: () => Promise<unknown>): Promise<void> {
  disk.holdDatasyncs();
  const before = disk.calls;
  write().catch(() => undefined);
  while (disk.calls === before) await setImmediate();
  disk.kill();
}

test('what a log read after a kill counts as durable, so the power may go then', async () => {
  const disk = memoryDisk();
  const log = await memoryLog(disk);
  await log.append([record(1)]);
  await killed(disk, () => log.append([record(2)]));
  const again = await memoryLog(disk);
  const read = await bodiesOf(again);
  expect(read).toEqual([[1], [2]]);
  disk.crash();
  expect(await bodiesOf(await memoryLog(disk))).toEqual(read);
});

test('so does the mark, also where the same one is written again', async () => {
  const disk = memoryDisk();
  const mark = await memoryMark(disk);
  await mark.write(Uint8Array.of(1));
  await killed(disk, () => mark.write(Uint8Array.of(2)));
  const again = await memoryMark(disk);
  const read = await again.read();
  expect(read).toEqual(Uint8Array.of(2));
  await again.write(Uint8Array.of(2));
  disk.crash();
  expect(await (await memoryMark(disk)).read()).toEqual(read);
});

test('a segment that was only just begun is there after the power went', async () => {
  const disk = memoryDisk();
  await killed(disk, () => memoryLog(disk));
  await (await memoryLog(disk)).append([record(0)]);
  disk.crash();
  expect(await bodiesOf(await memoryLog(disk))).toEqual([[0]]);
  // Every step of the beginning is cut once; the log opens anew whatever is left of it.
  for (let calls = 1; calls < 8; calls++) {
    const fresh = memoryDisk();
    fresh.powerLossAfter(calls);
    await memoryLog(fresh).catch(() => undefined);
    fresh.kill();
    const log = await memoryLog(fresh);
    await log.append([record(calls)]);
    fresh.crash();
    expect(await bodiesOf(await memoryLog(fresh))).toEqual([[calls]]);
  }
});
