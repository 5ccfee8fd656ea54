// Runs the conformance suites on disk and in memory.
import { join } from 'node:path';
import {
  kvConformance,
  logConformance,
  markConformance,
  type Place,
} from '@fatty/storage/conformance';
import { describe, test } from 'vitest';
import {
  type DurableMark,
  memoryDisk,
  memoryKv,
  memoryLog,
  memoryMark,
  openKv,
  openLog,
  openMark,
} from '../src/index.ts';
import { temporaryFolder } from './place.ts';

/** A place whose stores know how to close themselves. */
const place = <Store extends { close(): Promise<void> }>(
  open: () => Promise<Store>,
): Place<Store> => ({ open, close: (store) => store.close() });

describe.each([
  [
    'disk',
    async () => {
      const folder = await temporaryFolder();
      return place(() => openLog(join(folder, 'log'), { segmentBytesMax: 500 }));
    },
  ],
  [
    'disk, nothing written ahead',
    async () => {
      const folder = await temporaryFolder();
      return place(() => openLog(join(folder, 'log'), { aheadBytes: 0 }));
    },
  ],
  [
    'memory',
    async () => {
      const disk = memoryDisk();
      return place(() => memoryLog(disk));
    },
  ],
] as const)('log on %s', (_name, fresh) => {
  for (const { name, run } of logConformance) test(name, () => run(fresh));
});

describe.each([
  [
    'LMDB',
    async () => {
      const path = join(await temporaryFolder(), 'state.lmdb');
      return place(async () => openKv(path));
    },
  ],
  [
    'memory',
    async () => {
      const kv = memoryKv();
      return place(async () => kv);
    },
  ],
] as const)('key-value store on %s', (_name, fresh) => {
  for (const { name, run } of kvConformance) test(name, () => run(fresh));
});

/** Marks are contracts without a close; the stores here have one. */
const markPlace = (open: () => Promise<DurableMark>) => {
  const opened = new Map<unknown, DurableMark>();
  return {
    async open() {
      const mark = await open();
      opened.set(mark, mark);
      return mark;
    },
    close: async (mark: unknown) => opened.get(mark)?.close(),
  };
};

describe.each([
  [
    'disk',
    async () => {
      const path = join(await temporaryFolder(), 'signer');
      return markPlace(() => openMark(path));
    },
  ],
  [
    'memory',
    async () => {
      const disk = memoryDisk();
      return markPlace(() => memoryMark(disk));
    },
  ],
] as const)('mark on %s', (_name, fresh) => {
  for (const { name, run } of markConformance) test(name, () => run(fresh));
});
