// Real processes: the README's own algorithm.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@fatty/client/node';
import { decode, encode, u53 } from '@fatty/codec';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { codeOf, endEverything, tidyUp } from './cell.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const FATTY = join(root, 'packages', 'apps', 'cli', 'bin', 'fatty.js');
/** Among the modules, so that what it imports is found. */
const cache = join(root, 'node_modules', '.cache');
const ANYTHING = new Uint8Array(0);

let dir = '';
let cellPath = '';

/** The README's module, compiled as it says there. */
beforeAll(() => {
  mkdirSync(cache, { recursive: true });
  dir = mkdtempSync(join(cache, 'algorithm-'));
  cellPath = join(dir, 'cell', 'cell.json');
  tidyUp(async () => rmSync(dir, { recursive: true, force: true }));
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, source = ''] = /```ts\n([^`]*export class Highest[\s\S]*?)```/.exec(readme) ?? [];
  writeFileSync(join(dir, 'package.json'), '{"type": "module"}');
  writeFileSync(join(dir, 'highest.ts'), source);
  const flags = ['--ignoreConfig', '--target', 'es2023', '--module', 'nodenext', 'highest.ts'];
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  execFileSync(tsc, flags, { cwd: dir, stdio: 'inherit' });
});
afterAll(endEverything);

/** `fatty up`, once it says where its replicas are. */
async function up(...flags: readonly string[]): Promise<ChildProcess> {
  const args = [FATTY, 'up', '--dir', join(dir, 'cell'), '-o', 'json', ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  tidyUp(() => down(child));
  await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error('fatty up ended'))),
  ]);
  return child;
}

async function down(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  await ended;
}

/** One `fatty op` command, as JSON. */
function op(...args: readonly string[]): Record<string, unknown> {
  const line = [FATTY, 'op', ...args, '--cell', cellPath, '--timeout', '120000', '-o', 'json'];
  return JSON.parse(execFileSync(process.execPath, line, { encoding: 'utf8' }));
}

it("the README's own algorithm runs on real disks and sockets, and comes back from its log", async () => {
  const first = await up('--algorithm', join(dir, 'highest.js'));
  expect(op('submit', '--json', '42')).toMatchObject({ value: 42, hex: '182a' });
  const client = await connect(cellPath, { timeoutMs: 120_000 });
  const said = await client.submitBytes(encode(u53, 7));
  expect(decode(u53, said.answer, 9)).toEqual({ ok: true, value: 42 });
  const found = await client.query(ANYTHING, { level: 'linearizable' });
  expect(decode(u53, found.value, 9)).toEqual({ ok: true, value: 42 });
  expect(found.commit).toBeGreaterThanOrEqual(said.at.commit);
  expect(found.replicas?.length).toBeGreaterThan(1);
  expect(await codeOf(client.submitBytes(Uint8Array.of(0xff)))).toBe('malformed');
  expect(await codeOf(client.get('/a/file'))).toBe('other_algorithm');
  await client.close();
  await down(first);

  await up();
  expect(op('query')).toMatchObject({ value: 42 });
  expect(op('submit', '1863')).toMatchObject({ value: 99 });
});
