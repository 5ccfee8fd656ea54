// Real processes: the demo of a fleet, small.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { endEverything, lives, tidyUp } from './cell.ts';

const FATTY = fileURLToPath(new URL('../../packages/apps/cli/bin/fatty.js', import.meta.url));

afterAll(endEverything);

it('a fleet with a staller, a liar and two dead does its jobs right; no process is left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fatty-fleet-test-'));
  tidyUp(async () => rmSync(folder, { recursive: true }));
  const line = [FATTY, 'demo', 'fleet', '--jobs', '8', '--workers', '4', '-o', 'json'];
  const child = spawn(process.execPath, line, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: folder },
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  tidyUp(async () => {
    // Its processes notice, and go as well.
    child.kill('SIGKILL');
    await closed;
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const code = await closed;
  const rows = said
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as Record<string, unknown>);
  expect(rows.filter(({ holds }) => holds === false)).toEqual([]);
  expect(code).toBe(0);
  const counts = rows.at(-1);
  expect(counts).toMatchObject({ holds: true, jobs: 8 });
  // The staller's, the liar's and the victim's; a busy computer may cost others theirs as well.
  expect(counts?.claimsLost).toBeGreaterThanOrEqual(3);
  expect(counts?.retries).toBeGreaterThanOrEqual(3);
  const pids = rows.flatMap(({ processes }) =>
    typeof processes === 'string' ? processes.split(' ').map(Number) : [],
  );
  expect(pids).toHaveLength(4 + 2 + 4);
  expect(pids.some(lives)).toBe(false);
  expect(readdirSync(folder).filter((name) => name.startsWith('fatty-'))).toEqual([]);
});
