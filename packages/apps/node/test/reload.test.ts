// Tests of SIGHUP.
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { initCell } from '../src/index.ts';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../edge/network/test/fixtures/${name}.pem`, import.meta.url));

const dir = mkdtempSync(join(tmpdir(), 'fatty-reload-'));
let child: ChildProcess | undefined;
let said = '';
afterAll(async () => {
  const closed = new Promise((resolve) => child?.once('close', resolve));
  child?.kill('SIGKILL');
  await closed;
  rmSync(dir, { recursive: true, force: true });
});

/** Waits for a line of the log, from here on. */
async function hears(text: string): Promise<void> {
  while (!said.includes(text)) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function hangUp(text: string): Promise<string> {
  said = '';
  child?.kill('SIGHUP');
  await hears(text);
  return said;
}

test('SIGHUP reads cell.json, certificates and log level again; what is bad is told and not taken', async () => {
  const cell = initCell({ dir: join(dir, 'cell'), replicas: 4, tls: true });
  if (!cell.ok) throw new Error(cell.failure.code);
  const replica = join(dir, 'cell', 'replica-0');
  const [cert, key, ca] = [join(dir, 'cert.pem'), join(dir, 'key.pem'), join(dir, 'ca.pem')];
  copyFileSync(fixture('localhost.cert'), cert);
  copyFileSync(fixture('localhost.key'), key);
  copyFileSync(fixture('root.cert'), ca);
  const config = { tlsCert: cert, tlsKey: key, tlsCa: ca };
  const settings = join(replica, 'config.json');
  writeFileSync(settings, JSON.stringify(config));
  child = spawn(process.execPath, [MAIN, '--dir', replica], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await hears('nobody to talk to');
  expect(await hangUp('members are at')).toContain('"logLevel":"info"');

  writeFileSync(cert, 'no certificate');
  expect(await hangUp('not read again')).toContain(cert);
  copyFileSync(fixture('localhost.cert'), cert);
  for (const [text, why] of [
    ['no certificate', 'no certificate in it'],
    [`-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`, 'ca.pem'],
  ] as const) {
    writeFileSync(ca, text);
    expect(await hangUp('not read again')).toContain(why);
  }
  copyFileSync(fixture('root.cert'), ca);

  const path = join(dir, 'cell', 'cell.json');
  const good = readFileSync(path, 'utf8');
  writeFileSync(path, '{');
  expect(await hangUp('not read again')).toContain('bad_cell_file');
  writeFileSync(path, good);

  writeFileSync(settings, JSON.stringify({ ...config, logLevel: 'loud' }));
  expect(await hangUp('not read again')).toContain('bad_config');
  writeFileSync(settings, JSON.stringify({ ...config, logLevel: 'trace' }));
  expect(await hangUp('members are at')).toContain('"logLevel":"trace"');
  expect(child.exitCode).toBe(null);
});
