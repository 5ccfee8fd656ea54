import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const FATTY = fileURLToPath(new URL('../../packages/cli/bin/fatty.js', import.meta.url));

it('the guided tour ends with every step done and no process left', async () => {
  const child = spawn(process.execPath, [FATTY, 'tour', '--once'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(said).toContain('All 7 steps passed');
  expect(code).toBe(0);
  const pids = /processes ([\d, ]+)\)/.exec(said)?.[1]?.split(', ').map(Number) ?? [];
  expect(pids).toHaveLength(4);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
});
