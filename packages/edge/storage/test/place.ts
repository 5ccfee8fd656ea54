// Test helper: folders and records.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogRecord, LogStore } from '@fatty/interface';
import { afterEach } from 'vitest';

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A new folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fatty-storage-'));
  folders.push(folder);
  return folder;
}

export async function bodiesOf(log: LogStore): Promise<number[][]> {
  const bodies: number[][] = [];
  for await (const { body } of log.replay()) bodies.push([...body]);
  return bodies;
}

export const record = (...body: number[]): LogRecord => ({ type: 1, body: Uint8Array.from(body) });

/** The code of what a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
