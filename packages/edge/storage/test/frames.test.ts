// Tests of frames on disk.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openFrames } from '../src/frames.ts';
import { type MemoryDisk, memoryDisk, memoryFrames, memoryLog } from '../src/index.ts';
import { bodiesOf, codeOf, record, temporaryFolder } from './place.ts';

const frame = (value: number, size = 3) => ({
  head: Uint8Array.of(value, 1),
  payload: new Uint8Array(size).fill(value),
});

async function heads(disk: MemoryDisk): Promise<number[]> {
  const frames = await (await memoryFrames(disk)).read();
  for (const { head, payload } of frames) {
    expect(head).toEqual(Uint8Array.of(head[0] ?? 0, 1));
    expect(payload.every((byte) => byte === head[0])).toBe(true);
  }
  return frames.map(({ head }) => head[0] ?? 0);
}

describe('frames', () => {
  test('the newest two come back, the newest first, on a real disk too', async () => {
    const folder = await temporaryFolder();
    const store = await openFrames(folder);
    expect(await store.read()).toEqual([]);
    await Promise.all([3, 7, 20].map((index) => store.write(index, frame(index, 5_000_000))));
    await store.close();
    const found = await (await openFrames(folder)).read();
    expect(found.map(({ head, payload }) => [head[0], payload.length, payload.at(-1)])).toEqual([
      [20, 5_000_000, 20],
      [7, 5_000_000, 7],
    ]);
  });

  test('a part of a payload is what was written there, or nothing', async () => {
    const payload = Uint8Array.from({ length: 1_000 }, (_, i) => i % 251);
    const folder = await temporaryFolder();
    for (const store of [await openFrames(folder), await memoryFrames(memoryDisk())]) {
      await store.write(3, { head: Uint8Array.of(1, 2, 3), payload });
      for (const [from, bytes] of [
        [0, 1_000],
        [990, 10],
        [17, 256],
      ] as const) {
        expect(await store.readPart(3, from, bytes)).toEqual(payload.slice(from, from + bytes));
      }
      expect(await store.readPart(3, 991, 10)).toBeUndefined();
      expect(await store.readPart(4, 0, 10)).toBeUndefined();
      await store.close();
    }
  });

  test('a loss of power at any call leaves the last durable ones, whole', async () => {
    for (const isKilled of [false, true]) {
      for (let calls = 0; ; calls++) {
        const disk = memoryDisk();
        const store = await memoryFrames(disk);
        await store.write(1, frame(1, 2000));
        await store.write(2, frame(2, 2000));
        disk.powerLossAfter(calls);
        const code = await codeOf(store.write(3, frame(3, 2000)));
        if (isKilled) disk.kill();
        disk.crash((_path, sector) => (calls + sector) % 2 === 0);
        const left = await heads(disk);
        // A file that is about to go may be there a little longer.
        expect(left.slice(0, 2), `after ${calls} calls`).toEqual(left[0] === 3 ? [3, 2] : [2, 1]);
        if (code === 'none') {
          expect(left).toEqual([3, 2]);
          break;
        }
        expect(code).toBe('frame_failed');
        const again = await memoryFrames(disk);
        await again.write(4, frame(4));
        expect((await heads(disk))[0]).toBe(4);
      }
    }
  });

  test('a damaged one is left out', async () => {
    const disk = memoryDisk();
    const store = await memoryFrames(disk);
    await store.write(1, frame(1));
    await store.write(2, frame(2));
    const path = 'frames/0000000000000002.frame';
    const { length } = await disk.read(path);
    for (let at = 0; at < length; at++) {
      const byte = (await disk.read(path))[at] ?? 0;
      disk.damage(path, at, Uint8Array.of(byte ^ 4));
      expect(await heads(disk), `byte ${at}`).toEqual([1]);
      disk.damage(path, at, Uint8Array.of(byte));
    }
    expect(await heads(disk)).toEqual([2, 1]);
  });
});

describe('segments of the log', () => {
  const small = { aheadBytes: 0, segmentBytesMax: 80 };

  test('are named by append and replay, and go from the oldest on, never the one in use', async () => {
    const disk = memoryDisk();
    const log = await memoryLog(disk, small);
    const placed: number[] = [];
    for (let i = 0; i < 9; i++) placed.push(await log.append([record(i)]));
    expect(placed).toEqual([...placed].sort((a, b) => a - b));
    expect(placed[0]).toBe(1);
    const replayed: number[] = [];
    for await (const { segment } of log.replay()) replayed.push(segment);
    expect(replayed).toEqual(placed);
    const last = placed.at(-1) ?? 0;
    expect(last).toBeGreaterThan(3);
    await log.dropBelow(3);
    const kept = placed.flatMap((segment, i) => (segment < 3 ? [] : [[i]]));
    expect(await bodiesOf(log)).toEqual(kept);
    await log.dropBelow(2);
    await log.close();
    const again = await memoryLog(disk, small);
    expect(await bodiesOf(again)).toEqual(kept);
    await again.dropBelow(99);
    expect(await disk.list('log')).toEqual([`${String(last).padStart(6, '0')}.log`]);
    await again.append([record(9)]);
    expect((await bodiesOf(await memoryLog(disk, small))).at(-1)).toEqual([9]);
  });

  test('whenever the power goes while they go, a suffix is left', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(12), fc.integer({ min: 2, max: 6 }), async (calls, below) => {
        const disk = memoryDisk();
        const log = await memoryLog(disk, small);
        for (let i = 0; i < 9; i++) await log.append([record(i)]);
        disk.powerLossAfter(calls);
        await codeOf(log.dropBelow(below));
        disk.crash();
        const bodies = await bodiesOf(await memoryLog(disk, small));
        const whole = Array.from({ length: 9 }, (_, i) => [i]);
        expect(bodies).toEqual(whole.slice(9 - bodies.length));
      }),
    );
  });

  test('a gap in the middle is still damage', async () => {
    const disk = memoryDisk();
    const log = await memoryLog(disk, small);
    for (let i = 0; i < 9; i++) await log.append([record(i)]);
    await disk.remove('log/000002.log');
    expect(await codeOf(memoryLog(disk, small))).toBe('log_corrupt');
  });
});
