// Tests of the watch over the room on a disk.
import { expect, it } from 'vitest';
import { DiskRoom } from '../src/disk-room.ts';
import { lowDisk } from '../src/full-disk.ts';

const full = Object.assign(new Error('no'), { code: 'EDQUOT' });

it('room lacks below the margin and comes back a quarter above it; each change is told once', async () => {
  let free = 1_000;
  const told: (string | undefined)[] = [];
  const measure = async (): Promise<number> => {
    if (free < 0) throw new Error('no such disk');
    return free;
  };
  const room = new DiskRoom({ dir: '/d', freeBytesMin: 100, measure });
  room.watch((lack) => told.push(lack?.actual));
  for (const next of [100, 99, 50, 100, 124, -1, 125, 100, 0]) {
    free = next;
    // One look may be under way from before.
    await room.look();
    await room.look();
  }
  room.close();
  expect(told).toEqual(['99 bytes free', undefined, '0 bytes free']);
});

it('a write that waits for room is lack of it, whatever the disk says; the sentence says what follows', async () => {
  const told: (string | undefined)[] = [];
  const room = new DiskRoom({ dir: '/d', freeBytesMin: 100, measure: async () => 1_000 });
  room.watch((lack) => told.push(lack && lowDisk(lack, '/d')));
  let tries = 0;
  const write = async (): Promise<string> => {
    if (tries++ === 0) throw full;
    return 'written';
  };
  const writing = room.patience.attempt(write);
  while (told.length === 0) await Promise.resolve();
  expect(told[0]).toMatch(/^the disk of \/d has too little room \(a write that found no room\)/);
  expect(told[0]).toContain('by itself when there is room');
  expect(await writing).toBe('written');
  expect(told).toHaveLength(2);
  expect(told[1]).toBeUndefined();
  room.close();
});
