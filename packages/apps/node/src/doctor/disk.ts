// Whether a folder's disk has room, and how long it takes to make a write durable.
import { open, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { bad, type Finding, good, warning } from './finding.ts';

const WRITES = 50;
const WRITE_BYTES = 4_096;
/** A write that takes longer holds up each commit. */
const SYNC_MS_SLOW = 10;
const SYNC_MS_BAD = 100;

const MIB = 2 ** 20;

/** @param freeBytesMin the margin below which the replica takes nothing more */
export async function examineRoom(dir: string, freeBytesMin: number): Promise<Finding> {
  const free = await freeBytes(dir);
  if (typeof free === 'string') return bad('room', free, 'give the folder of this replica (--dir)');
  const detail = `${Math.floor(free / MIB)} MiB free`;
  const margin = `the replica stops taking anything below ${Math.floor(freeBytesMin / MIB)} MiB`;
  if (free < freeBytesMin) return bad('room', detail, `make room: ${margin}`);
  if (free < 4 * freeBytesMin) return warning('room', detail, `make room: ${margin}`);
  return good('room', detail);
}

/** Or why nobody can say. */
async function freeBytes(dir: string): Promise<number | string> {
  try {
    const { bavail, bsize } = await statfs(dir);
    return bavail * bsize;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Writes and syncs a file of its own in the folder, as a log is written, and removes it. */
export async function examineDisk(dir: string): Promise<Finding> {
  try {
    return judgeSyncs(await timeSyncs(dir));
  } catch (error) {
    const advice =
      'see "When the disk lets you down" of the node: a full, failed or read-only disk';
    return bad('disk', `cannot be written: ${(error as Error).message}`, advice);
  }
}

/** Ms that each write took to be durable. */
async function timeSyncs(dir: string): Promise<readonly number[]> {
  const path = join(dir, `doctor-${process.pid}.tmp`);
  const file = await open(path, 'wx', 0o600);
  const block = new Uint8Array(WRITE_BYTES);
  const tookMs: number[] = [];
  try {
    for (let i = 0; i < WRITES; i++) {
      const fromMs = performance.now();
      await file.write(block);
      await file.datasync();
      tookMs.push(performance.now() - fromMs);
    }
  } finally {
    await file.close();
    await unlink(path);
  }
  return tookMs;
}

/** @param tookMs how long each of some writes took to be durable */
export function judgeSyncs(tookMs: readonly number[]): Finding {
  const sorted = [...tookMs].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const [p50, p99] = [at(0.5), at(0.99)];
  const detail = `durable after ${p50.toFixed(1)} ms (p99 ${p99.toFixed(1)} ms)`;
  const advice =
    'every commit waits for one such write: look for neighbours on it, or a better disk';
  if (p50 > SYNC_MS_BAD) return bad('disk', detail, advice);
  return p50 > SYNC_MS_SLOW ? warning('disk', detail, advice) : good('disk', detail);
}
