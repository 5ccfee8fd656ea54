// Tests of the signer's mark.
import { encode, record as recordShape, u53 } from '@fatty/codec';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryDisk, memoryMark } from '../src/index.ts';
import { codeOf } from './place.ts';

const FILE = 'marks/signer';
const mark = (value: number): Uint8Array => Uint8Array.of(value);
const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a loss of power at any call keeps every acknowledged mark and never goes down', async () => {
  for (let calls = 0; calls < 30; calls++) {
    for (const survives of [
      () => false,
      () => true,
      (_: string, sector: number) => sector % 2 === 0,
    ]) {
      const disk = memoryDisk();
      let promised = 0;
      disk.powerLossAfter(calls);
      try {
        const store = await memoryMark(disk);
        for (let i = 1; i <= 10; i++) {
          await store.write(mark(i));
          promised = i;
        }
      } catch (error) {
        expect(['mark_failed', 'disk_failed']).toContain((error as { code: string }).code);
      }
      disk.crash(survives);
      const after = (await (await memoryMark(disk)).read())?.[0] ?? 0;
      expect(after, `after ${calls} calls`).toBeGreaterThanOrEqual(promised);
      expect(after).toBeLessThanOrEqual(promised + 1);
    }
  }
});

test('a torn slot leaves the mark before it, whichever bytes changed', async () => {
  const disk = memoryDisk();
  const store = await memoryMark(disk);
  await store.write(mark(1));
  await store.write(mark(2));
  for (let at = 0; at < 15; at++) {
    const before = (await disk.read(FILE)).slice(at, at + 1);
    disk.damage(FILE, at, Uint8Array.of((before[0] as number) ^ 0x80));
    expect(await (await memoryMark(disk)).read()).toEqual(mark(1));
    disk.damage(FILE, at, before);
  }
  expect(await (await memoryMark(disk)).read()).toEqual(mark(2));
});

test('two broken slots and a file of another size are mark_corrupt', async () => {
  const disk = memoryDisk();
  const store = await memoryMark(disk);
  await store.write(mark(1));
  await store.write(mark(2));
  disk.damage(FILE, 0, Uint8Array.of(1, 2, 3));
  disk.damage(FILE, 4096, Uint8Array.of(1, 2, 3));
  expect(await codeOf(memoryMark(disk))).toBe('mark_corrupt');
  const file = await disk.open(FILE);
  await file.truncate(100);
  expect(await codeOf(memoryMark(disk))).toBe('mark_corrupt');
});

test('a failed datasync breaks the mark for good', async () => {
  const disk = memoryDisk();
  const store = await memoryMark(disk);
  await store.write(mark(1));
  disk.fail('datasync');
  expect(await codeOf(store.write(mark(2)))).toBe('mark_failed');
  expect(await store.read()).toEqual(mark(1));
  expect(await codeOf(store.write(mark(3)))).toBe('mark_failed');
});

test('a mark that was read after a kill outlives a loss of power', async () => {
  const disk = memoryDisk();
  const store = await memoryMark(disk);
  await store.write(mark(1));
  const release = disk.holdDatasyncs();
  const lost = codeOf(store.write(mark(2)));
  await flush();
  disk.kill();
  release();
  await lost;
  const next = await memoryMark(disk);
  const seen = await next.read();
  expect(seen).toEqual(mark(2));
  disk.crash();
  expect(await (await memoryMark(disk)).read()).toEqual(seen);
});

test('marks written during a datasync share the next one', async () => {
  const disk = memoryDisk();
  const store = await memoryMark(disk);
  const before = disk.datasyncs;
  const release = disk.holdDatasyncs();
  const writes = [store.write(mark(1))];
  await flush();
  for (let i = 2; i <= 50; i++) writes.push(store.write(mark(i)));
  release();
  await Promise.all(writes);
  expect(disk.datasyncs - before).toBe(2);
});

test('a closed mark takes nothing', async () => {
  const store = await memoryMark();
  await store.close();
  expect(await codeOf(store.write(mark(1)))).toBe('mark_failed');
});

test('the default order is the order of canonical (epoch, round, commit)', async () => {
  interface Mark {
    readonly epoch: number;
    readonly round: number;
    readonly commit: number;
  }
  const shape = recordShape<Mark>({ epoch: u53, round: u53, commit: u53 });
  const any = fc.record({
    epoch: fc.maxSafeNat(),
    round: fc.maxSafeNat(),
    commit: fc.maxSafeNat(),
  });
  await fc.assert(
    fc.asyncProperty(any, any, async (a, b) => {
      const below =
        b.epoch < a.epoch ||
        (b.epoch === a.epoch &&
          (b.round < a.round || (b.round === a.round && b.commit < a.commit)));
      const store = await memoryMark();
      await store.write(encode(shape, a));
      expect(await codeOf(store.write(encode(shape, b)))).toBe(
        below ? 'mark_not_monotone' : 'none',
      );
    }),
  );
});
