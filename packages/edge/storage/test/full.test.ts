// Tests of a disk that is full for a while.
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { memoryDisk, openFrames, openLog, openMark, Patience } from '../src/index.ts';
import { bodiesOf, codeOf, record } from './place.ts';

const DIR = '/r';

function patient(): { patience: Patience; told: boolean[] } {
  const told: boolean[] = [];
  return { patience: new Patience({ delayMs: 1, onFull: (isFull) => told.push(isFull) }), told };
}

const settle = async (told: readonly boolean[]): Promise<void> => {
  while (told.length === 0) await setImmediate();
};

describe('a disk that is full', () => {
  test('makes appends and marks wait, and they are durable when there is room, in their order', async () => {
    const files = memoryDisk();
    const { patience, told } = patient();
    const log = await openLog(DIR, { files, patience, segmentBytesMax: 64 });
    const mark = await openMark(`${DIR}/signer`, { files, patience });
    await log.append([record(0)]);
    files.fill(true);
    const done: string[] = [];
    const writes = [
      log.append([record(1), record(2)]).then(() => done.push('first')),
      log.append([record(...new Uint8Array(90).fill(7))]).then(() => done.push('second')),
      mark.write(Uint8Array.of(1)).then(() => done.push('mark')),
    ];
    await settle(told);
    expect([done, told]).toEqual([[], [true]]);
    files.fill(false);
    await Promise.all(writes);
    expect(done.indexOf('first')).toBeLessThan(done.indexOf('second'));
    expect(told).toEqual([true, false]);
    await log.append([record(3)]);
    files.crash();
    const again = await openLog(DIR, { files });
    const bodies = await bodiesOf(again);
    expect(bodies.map(([first]) => first)).toEqual([0, 1, 2, 7, 3]);
    expect(await (await openMark(`${DIR}/signer`, { files })).read()).toEqual(Uint8Array.of(1));
  });

  test('and the power that goes meanwhile takes nothing that was promised, and leaves nothing half', async () => {
    const files = memoryDisk();
    const { patience, told } = patient();
    const log = await openLog(DIR, { files, patience });
    await log.append([record(0)]);
    files.fill(true);
    log.append([record(...new Uint8Array(3_000).fill(9))]).catch(() => undefined);
    await settle(told);
    files.fill(false);
    files.crash((_path, sector) => sector % 2 === 0);
    expect(await bodiesOf(await openLog(DIR, { files }))).toEqual([[0]]);
    patience.giveUp();
  });

  test('fails what waits when the process ends', async () => {
    const files = memoryDisk();
    const { patience, told } = patient();
    const log = await openLog(DIR, { files, patience });
    files.fill(true);
    const append = log.append([record(1)]);
    await settle(told);
    patience.giveUp();
    expect(await codeOf(append)).toBe('log_failed');
    expect(await codeOf(log.append([record(2)]))).toBe('log_failed');
  });

  test('is a failed write for who has no patience, and any other failure for everybody', async () => {
    const files = memoryDisk();
    const log = await openLog(DIR, { files });
    files.fill(true);
    expect(await codeOf(log.append([record(1)]))).toBe('log_failed');
    const { patience, told } = patient();
    const broken = memoryDisk();
    const other = await openLog(DIR, { files: broken, patience });
    broken.fail('datasync');
    expect(await codeOf(other.append([record(1)]))).toBe('log_failed');
    expect(told).toEqual([]);
  });

  test('keeps no half of a frame', async () => {
    const files = memoryDisk();
    const frames = await openFrames(`${DIR}/frames`, { files });
    files.fill(true);
    const frame = { head: Uint8Array.of(1), payload: new Uint8Array(1_000) };
    expect(await codeOf(frames.write(5, frame))).toBe('frame_failed');
    expect(await files.list(`${DIR}/frames`)).toEqual([]);
    files.fill(false);
    await frames.write(5, frame);
    expect(await frames.read()).toEqual([frame]);
  });
});
