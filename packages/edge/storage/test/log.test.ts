// Tests of the log and of torn tails.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadCrc } from '../src/crc.ts';
import { type MemoryDisk, memoryDisk, memoryLog, openLog } from '../src/index.ts';
import { encodeGroup, HEADER_BYTES } from '../src/segment.ts';
import { bodiesOf, codeOf, record, temporaryFolder } from './place.ts';

const FIRST = 'log/000001.log';
const exact = { aheadBytes: 0 };

/** A log of three groups with one record each, and the offset where each group ends. */
async function threeGroups(disk: MemoryDisk): Promise<number[]> {
  const log = await memoryLog(disk, exact);
  const ends: number[] = [];
  for (const body of [[1, 1, 1], [2], [3, 3]]) {
    await log.append([record(...body)]);
    ends.push((await disk.read(FIRST)).length);
  }
  await log.close();
  return ends;
}

async function diskWith(bytes: Uint8Array): Promise<MemoryDisk> {
  const disk = memoryDisk();
  const file = await disk.open(FIRST);
  await file.write(bytes, 0);
  await file.datasync();
  await disk.syncFolder('log');
  return disk;
}

test('the checksum is CRC-32C', async () => {
  const crc = await loadCrc();
  expect(crc(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  expect(crc(new TextEncoder().encode('1234'), new TextEncoder().encode('56789'))).toBe(0xe3069283);
});

describe('torn tails', () => {
  test('a file cut at any byte opens with the whole groups before the cut', async () => {
    const disk = memoryDisk();
    const ends = await threeGroups(disk);
    const whole = await disk.read(FIRST);
    for (let cut = 0; cut <= whole.length; cut++) {
      const torn = await diskWith(whole.slice(0, cut));
      const log = await memoryLog(torn, exact);
      const kept = ends.filter((end) => end <= cut).length;
      expect((await bodiesOf(log)).length, `cut at ${cut}`).toBe(kept);
      await log.append([record(9)]);
      await log.close();
      const again = await bodiesOf(await memoryLog(torn, exact));
      expect(again.length).toBe(kept + 1);
      expect(again.at(-1)).toEqual([9]);
    }
  });

  test('what a torn group left behind is gone, also when the segment is finished later', async () => {
    const disk = memoryDisk();
    const log = await memoryLog(disk, exact);
    await log.append([record(1)]);
    disk.holdDatasyncs();
    log.append([{ type: 1, body: new Uint8Array(900).fill(7) }]).catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    disk.crash((_path, sector) => sector === 1);
    const options = { ...exact, segmentBytesMax: 100 };
    const after = await memoryLog(disk, options);
    for (const value of [2, 3, 4]) await after.append([record(value)]);
    expect(await disk.list('log')).toHaveLength(2);
    expect(await bodiesOf(await memoryLog(disk, options))).toEqual([[1], [2], [3], [4]]);
  });

  test('a last group with any one byte changed is dropped whole', async () => {
    const disk = memoryDisk();
    const ends = await threeGroups(disk);
    const whole = await disk.read(FIRST);
    for (let at = ends[1] as number; at < whole.length; at++) {
      const bytes = whole.slice();
      bytes[at] = (bytes[at] as number) ^ 0x10;
      const log = await memoryLog(await diskWith(bytes), exact);
      expect(await bodiesOf(log)).toEqual([[1, 1, 1], [2]]);
    }
  });

  test('one append comes back whole or not at all, whichever sectors survive', async () => {
    const survivals = fc.array(fc.boolean(), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(survivals, fc.integer({ min: 1, max: 3000 }), async (keep, size) => {
        const disk = memoryDisk();
        const log = await memoryLog(disk);
        await log.append([record(1), record(2)]);
        disk.holdDatasyncs();
        log.append([record(3), { type: 2, body: new Uint8Array(size) }]).catch(() => undefined);
        await new Promise((resolve) => setImmediate(resolve));
        disk.crash((_path, sector) => keep[sector % keep.length] === true);
        const after = await bodiesOf(await memoryLog(disk));
        expect(after.slice(0, 2)).toEqual([[1], [2]]);
        expect([2, 4]).toContain(after.length);
      }),
      { numRuns: 200 },
    );
  });
});

describe('damage to what was promised', () => {
  test('any byte of an earlier group changed is log_corrupt', async () => {
    const disk = memoryDisk();
    const ends = await threeGroups(disk);
    const whole = await disk.read(FIRST);
    for (let at = HEADER_BYTES; at < (ends[1] as number); at++) {
      const bytes = whole.slice();
      bytes[at] = (bytes[at] as number) ^ 0x40;
      expect(await codeOf(memoryLog(await diskWith(bytes), exact)), `byte ${at}`).toBe(
        'log_corrupt',
      );
    }
  });

  test('any byte of the header changed is log_corrupt', async () => {
    const disk = memoryDisk();
    await threeGroups(disk);
    const whole = await disk.read(FIRST);
    for (let at = 0; at < HEADER_BYTES; at++) {
      const bytes = whole.slice();
      bytes[at] = (bytes[at] as number) ^ 1;
      expect(await codeOf(memoryLog(await diskWith(bytes), exact))).toBe('log_corrupt');
    }
  });

  test('a client cannot forge a later group inside a record body', async () => {
    const crc = await loadCrc();
    const forged = encodeGroup([record(6)], 99, new Uint8Array(8), crc);
    const disk = memoryDisk();
    const salted = { ...exact, random: (size: number) => new Uint8Array(size).fill(5) };
    const log = await memoryLog(disk, salted);
    await log.append([record(1)]);
    await log.append([{ type: 1, body: forged }]);
    const bytes = (await disk.read(FIRST)).slice(0, -1);
    expect(await bodiesOf(await memoryLog(await diskWith(bytes), salted))).toEqual([[1]]);
  });

  test('replay finds damage, holes and swaps in older segments', async () => {
    const options = { ...exact, segmentBytesMax: 60 };
    const build = async (): Promise<MemoryDisk> => {
      const disk = memoryDisk();
      const log = await memoryLog(disk, options);
      for (let i = 0; i < 6; i++) await log.append([record(i)]);
      await log.close();
      return disk;
    };
    expect(await (await build()).list('log')).toHaveLength(6);
    const damaged = await build();
    damaged.damage('log/000002.log', HEADER_BYTES + 9, Uint8Array.of(77));
    expect(await codeOf(bodiesOf(await memoryLog(damaged, options)))).toBe('log_corrupt');
    const hole = await build();
    await hole.remove('log/000003.log');
    expect(await codeOf(memoryLog(hole, options))).toBe('log_corrupt');
    const swapped = await build();
    await swapped.rename('log/000003.log', 'log/000002.log');
    await swapped.rename('log/000004.log', 'log/000003.log');
    await swapped.rename('log/000005.log', 'log/000004.log');
    await swapped.rename('log/000006.log', 'log/000005.log');
    expect(await codeOf(memoryLog(swapped, options))).toBe('log_corrupt');
    const shortened = await build();
    const file = await shortened.open('log/000002.log');
    await file.truncate(HEADER_BYTES);
    expect(await codeOf(bodiesOf(await memoryLog(shortened, options)))).toBe('log_corrupt');
  });
});

describe('group commit', () => {
  test('one datasync in flight covers all that queued up behind it', async () => {
    const disk = memoryDisk();
    const log = await memoryLog(disk);
    const before = disk.datasyncs;
    const release = disk.holdDatasyncs();
    const done: number[] = [];
    const appends = [log.append([record(0)]).then(() => done.push(0))];
    await new Promise((resolve) => setImmediate(resolve));
    for (let i = 1; i <= 100; i++) appends.push(log.append([record(i)]).then(() => done.push(i)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toEqual([]);
    release();
    await Promise.all(appends);
    expect(disk.datasyncs - before).toBe(2);
    expect(done).toEqual(Array.from({ length: 101 }, (_, i) => i));
    expect((await bodiesOf(log)).length).toBe(101);
  });

  test('a group is bounded, an append is never split', async () => {
    const disk = memoryDisk();
    const log = await memoryLog(disk, { groupBytesMax: 100 });
    const before = disk.datasyncs;
    await Promise.all([
      log.append([record(1), { type: 1, body: new Uint8Array(200) }]),
      log.append([record(2)]),
      log.append([record(3)]),
    ]);
    expect(disk.datasyncs - before).toBe(2);
  });

  test('nothing is promised before its datasync, at a loss of power at any call', async () => {
    for (let calls = 0; calls < 40; calls++) {
      const disk = memoryDisk();
      const promised: number[] = [];
      disk.powerLossAfter(calls);
      try {
        const log = await memoryLog(disk, { segmentBytesMax: 100 });
        for (let i = 0; i < 10; i++) {
          await log.append([record(i)]);
          promised.push(i);
        }
      } catch (error) {
        expect(['log_failed', 'disk_failed']).toContain((error as { code: string }).code);
      }
      for (const survives of [false, true]) {
        disk.crash(() => survives);
        const bodies = (await bodiesOf(await memoryLog(disk))).flat();
        expect(bodies.slice(0, promised.length), `after ${calls} calls`).toEqual(promised);
        expect(bodies.length).toBeLessThanOrEqual(promised.length + 1);
      }
    }
  });

  test.each(['write', 'datasync'] as const)(
    'after a failed %s nothing is accepted',
    async (kind) => {
      const disk = memoryDisk();
      const log = await memoryLog(disk);
      await log.append([record(1)]);
      disk.fail(kind);
      const both = [log.append([record(2)]), log.append([record(3)])];
      expect(await Promise.all(both.map(codeOf))).toEqual(['log_failed', 'log_failed']);
      disk.crash();
      expect(await codeOf(log.append([record(4)]))).toBe('log_failed');
      expect(await bodiesOf(await memoryLog(disk))).toEqual([[1]]);
    },
  );
});

test('options out of range and bodies too large are refused', async () => {
  const folder = await temporaryFolder();
  expect(await codeOf(openLog(folder, { segmentBytesMax: 0 }))).toBe('bad_option');
  const log = await openLog(folder, { recordBytesMax: 4 });
  expect(await codeOf(log.append([record(1, 2, 3, 4, 5)]))).toBe('bad_record');
  await log.close();
});

test('segments roll over and replay across files on a real disk', async () => {
  const folder = join(await temporaryFolder(), 'deep', 'log');
  const options = { segmentBytesMax: 4096, aheadBytes: 1024 };
  let log = await openLog(folder, options);
  for (let i = 0; i < 40; i++) await log.append([{ type: 1, body: new Uint8Array(500).fill(i) }]);
  await log.close();
  expect((await readdir(folder)).sort()).toEqual([1, 2, 3, 4, 5].map((n) => `00000${n}.log`));
  log = await openLog(folder, options);
  expect((await bodiesOf(log)).map((body) => body[0])).toEqual(
    Array.from({ length: 40 }, (_, i) => i),
  );
  await log.close();
});
