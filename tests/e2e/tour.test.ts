// Real processes: the guided tour.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { endEverything, lives, tidyUp } from './cell.ts';

const FATTY = fileURLToPath(new URL('../../packages/apps/cli/bin/fatty.js', import.meta.url));

afterAll(endEverything);

it('the guided tour passes every step; no process and no cell is left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fatty-tour-test-'));
  tidyUp(async () => rmSync(folder, { recursive: true }));
  const child = spawn(process.execPath, [FATTY, 'tour', '--once'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: folder },
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  tidyUp(async () => {
    // Its replicas notice, and go as well.
    child.kill('SIGKILL');
    await closed;
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const code = await closed;
  expect(said).toMatch(/All 7 steps passed in [\d.]+ s\.\s*$/);
  expect(code).toBe(0);
  const pids = /processes ([\d, ]+)\)/.exec(said)?.[1]?.split(', ').map(Number) ?? [];
  expect(pids).toHaveLength(4);
  expect(pids.some(lives)).toBe(false);
  // What stays is what the last step says: traces and charts.
  const [record, ...others] = readdirSync(folder).filter((name) => name.startsWith('fatty-'));
  expect(others).toEqual([]);
  expect(said).toContain(join(folder, record ?? '?', 'tour-000.mmd'));
});
