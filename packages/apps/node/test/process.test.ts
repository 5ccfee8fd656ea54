// Tests of a replica's process, from start to exit.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@fatty/client/node';
import { ed25519 } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import { addressesFromJson, type Cell, parseCell } from '@fatty/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { generateKeyPem, initCell, loadConfig, runNode, withAddresses } from '../src/index.ts';
import { saveCell } from '../src/init.ts';

const MAIN = new URL('../dist/main.js', import.meta.url).pathname;
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../edge/network/test/fixtures/${name}`, import.meta.url));
const DISK = new URL('./failing-disk.mjs', import.meta.url).href;
/** Loaded before a replica: throws when told to, where nobody catches it. */
const THROWING =
  'data:text/javascript,process.on("message",({kind})=>{if(kind==="throw")throw new Error("oh")})';

interface Addresses {
  readonly key: string;
  readonly sig: string;
  readonly peer: string;
  readonly client: string;
  readonly http: string;
}

/** A replica as a process, and what it says. */
interface Started {
  readonly child: ChildProcess;
  readonly ready: Promise<Addresses>;
  readonly ended: Promise<{ code: number | null; stderr: string; stdout: string }>;
}

let dir: string;
let cell: Cell;
let children: ChildProcess[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fatty-process-'));
  children = [];
  const made = initCell({ dir: join(dir, 'cell'), replicas: 4, freePorts: true });
  if (!made.ok) throw new Error(made.failure.code);
  cell = made.value;
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

const at = (...path: string[]): string => join(dir, 'cell', ...path);

function start(i: number, flags: readonly string[] = [], preload: string[] = []): Started {
  const imports = preload.flatMap((url) => ['--import', url]);
  const argv = [...imports, MAIN, '--dir', at(`replica-${i}`), ...flags];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  children.push(child);
  const said = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => {
    said.stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    said.stderr += chunk.toString();
  });
  const ended = new Promise<{ code: number | null; stderr: string; stdout: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, ...said })),
  );
  const ready = new Promise<Addresses>((resolve) =>
    child.once('message', (message) => resolve((message as { addresses: Addresses }).addresses)),
  );
  return { child, ready, ended };
}

const fatalLines = (stdout: string): unknown[] =>
  stdout
    .split('\n')
    .filter((line) => line.includes('"level":60'))
    .map((line): unknown => JSON.parse(line));

describe('a process that cannot start says why and exits with 1', () => {
  it('cannot_listen: the port is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    for (const flag of ['--httpPort', '--peerPort', '--clientPort']) {
      const { code, stderr } = await start(0, [flag, String(port)]).ended;
      expect([code, stderr]).toEqual([1, expect.stringMatching(/^cannot_listen: .*EADDRINUSE/)]);
    }
    server.close();
  });

  it('bad_certificate: a file in PEM is absent, none, or does not fit', async () => {
    const cert = fixture('localhost.cert.pem');
    const fits = ['--tlsCert', cert, '--tlsKey', fixture('localhost.key.pem')];
    const absent = join(dir, 'absent.pem');
    for (const flags of [
      [...fits, '--tlsCa', absent],
      [...fits, '--tlsCa', fixture('localhost.key.pem')],
      ['--tlsCert', cert, '--tlsKey', fixture('root.cert.pem')],
      ['--tlsCert', absent, '--tlsKey', absent],
    ]) {
      const { code, stderr } = await start(0, flags).ended;
      expect([code, stderr]).toEqual([1, expect.stringMatching(/^bad_certificate: .*\.pem/)]);
    }
  });

  it('not_a_member: the key is in no committee', async () => {
    writeFileSync(at('replica-1', 'key.pem'), generateKeyPem());
    const { code, stderr } = await start(1).ended;
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^not_a_member: /)]);
  });

  it('folder_unusable: what should be a folder is none', async () => {
    writeFileSync(at('replica-2', 'log'), 'not a folder');
    const { code, stderr } = await start(2).ended;
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^folder_unusable: .*EEXIST/)]);
  });

  it('bad_ed25519: a library of signatures that judges otherwise', async () => {
    const config = loadConfig({ dir: at('replica-0'), logLevel: 'silent' }, {});
    if (!config.ok) throw new Error(config.failure.code);
    const onFatal = (): void => undefined;
    const lax = { ...ed25519(), verify: () => true };
    const refused = await runNode(config.value, { onFatal, scheme: lax });
    expect(!refused.ok && refused.failure.code).toBe('bad_ed25519');
  });
});

const PATIENCE = { timeout: 60_000, interval: 100 };

async function status(http: string): Promise<{ commitIndex: number }> {
  const answer = await fetch(`${http}/status`);
  return (await answer.json()) as { commitIndex: number };
}

/** A cell at work, with something loaded into its first replica. */
async function cellWith(loaded: string): Promise<readonly Started[]> {
  const replicas = [0, 1, 2, 3].map((i) => start(i, [], i === 0 ? [loaded] : []));
  const fresh = await Promise.all(replicas.map(({ ready }) => ready));
  const addresses = fresh.flatMap((row) => addressesFromJson(row) ?? []);
  saveCell(at('cell.json'), withAddresses(cell, addresses));
  for (const { child } of replicas) child.send({ kind: 'cell' });
  return replicas;
}

describe('a process whose work fails exits with 1', () => {
  it('when the disk does: fatal in the log, nothing more is signed', async () => {
    const replicas = await cellWith(`${DISK}?EIO`);
    replicas[0]?.child.kill('SIGUSR2');
    // Three members are enough for it, and the fourth hears of it and has to write.
    await using client = await connect(at('cell.json'));
    await client.put('/a', 'b');
    const ended = await replicas[0]?.ended;
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('EIO') });
    expect(ended?.stderr).toMatch(/^fatal: (log|mark)_failed: /);
    expect(ended?.stderr.trim().split('\n')).toHaveLength(1);
    expect(fatalLines(ended?.stdout ?? '')).toMatchObject([
      { replica: 0, err: { name: 'StorageError' } },
    ]);
  });

  it('but not when the disk is full: it waits for room, says so, and goes on by itself', async () => {
    const [broken] = await cellWith(DISK);
    if (broken === undefined) throw new Error('no replica');
    const { http } = await broken.ready;
    const readiness = async (): Promise<string> => (await fetch(`${http}/readyz`)).text();
    broken.child.kill('SIGUSR2');
    await using client = await connect(at('cell.json'));
    await client.put('/a', 'b');
    await vi.waitUntil(async () => (await readiness()).includes('[-] disk: disk_low'), PATIENCE);
    await client.put('/a', 'c');
    broken.child.kill('SIGUSR2');
    await vi.waitUntil(async () => (await readiness()).includes('[+] disk: has room'), PATIENCE);
    const { commitIndex } = await status(http);
    await client.put('/a', 'd');
    await vi.waitUntil(async () => (await status(http)).commitIndex > commitIndex, PATIENCE);
    broken.child.kill('SIGTERM');
    const ended = await broken.ended;
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    expect(ended.stdout).toContain('has too little room (a write that found no room)');
  });

  it('when something throws that nobody catches', async () => {
    const { child, ready, ended } = start(0, [], [THROWING]);
    await ready;
    child.send({ kind: 'throw' });
    const { code, stderr, stdout } = await ended;
    expect([code, stderr]).toEqual([1, 'fatal: oh\n']);
    expect(fatalLines(stdout)).toMatchObject([{ msg: 'uncaughtException' }]);
  });
});

describe('a process on a wildcard address', () => {
  it('publishes and signs the name it is told to advertise, with the real ports', async () => {
    const flags = ['--host', '0.0.0.0', '--advertise', 'replica-zero.example', '--insecure'];
    const { child, ready, ended } = start(0, flags);
    const { peer, client, http } = await ready;
    expect(peer).toMatch(/^ws:\/\/replica-zero\.example:[1-9]\d*$/);
    expect(client).toMatch(/^ws:\/\/replica-zero\.example:[1-9]\d*$/);
    expect(http).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    // What clients fetch from it: its own address is in it, signed by the member.
    const { port } = new URL(client);
    const text = await (await fetch(`http://127.0.0.1:${port}/cell.json`)).text();
    const published = parseCell(text, nodeScheme());
    expect(published.ok && published.value.addresses).toMatchObject([{ peer, client, http }]);
    expect(readFileSync(at('cell.json'), 'utf8')).not.toContain('replica-zero');
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });
});
