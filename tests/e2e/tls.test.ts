// Real processes: links over TLS.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import type { RunningCell } from '@fatty/cli';
import { type Client, connect, type NodeConnectOptions } from '@fatty/client/node';
import { toHex } from '@fatty/codec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { addressOf, codeOf, endEverything, member, newCell, tidyUp, until } from './cell.ts';

const FIXTURES = '../../packages/edge/network/test/fixtures/';
const pem = (name: string): string =>
  fileURLToPath(new URL(`${FIXTURES}${name}.pem`, import.meta.url));
const FATTY = fileURLToPath(new URL('../../packages/apps/cli/bin/fatty.js', import.meta.url));
const FOUND = fileURLToPath(new URL('../../packages/apps/node/operate/found.sh', import.meta.url));
const ca = readFileSync(pem('root.cert'), 'utf8');

afterAll(endEverything);

async function open(
  source: string | readonly string[],
  options: NodeConnectOptions,
): Promise<Client> {
  const client = await connect(source, options);
  tidyUp(() => client.close());
  return client;
}

/** Ports that nobody listens on; taken together, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = servers.map(
    (server) =>
      new Promise<number>((resolve) => {
        server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
      }),
  );
  const found = await Promise.all(ports);
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return found;
}

describe('a cell with certificates of its own authority', () => {
  let cell: RunningCell;
  beforeAll(async () => {
    cell = await newCell({
      env: {
        FATTY_TLS_CERT: pem('localhost.cert'),
        FATTY_TLS_KEY: pem('localhost.key'),
        FATTY_TLS_CA: pem('root.cert'),
      },
    });
  });

  it('speaks wss among replicas and with clients that know the authority', async () => {
    const client = await open(cell.cellPath, { ca });
    await client.linked(4);
    await client.put('/secret', 'kept');
    expect((await client.get('/secret', { level: 'linearizable' })).text()).toBe('kept');
    for (const { peer, client } of cell.cell.addresses) {
      expect([peer, client].map((url) => url.slice(0, 6))).toEqual(['wss://', 'wss://']);
    }
  });

  it('takes a WebSocket class of the caller’s own', async () => {
    class Trusting extends WebSocket {
      constructor(url: string | URL) {
        super(url, { ca });
      }
    }
    const client = await open(cell.cellPath, { webSocket: Trusting as never });
    await client.put('/injected', 'kept');
    expect((await client.get('/injected')).text()).toBe('kept');
  });

  it('is reached by the command when Node is told of the authority', async () => {
    const said = spawnSync(process.execPath, [FATTY, 'put', '/typed', 'x'], {
      env: {
        ...process.env,
        FATTY_CELL: cell.cellPath,
        NODE_EXTRA_CA_CERTS: pem('root.cert'),
      },
    });
    expect([said.status, said.stderr.toString()]).toEqual([0, '']);
  });

  it('is not reached by clients that do not', async () => {
    expect(await codeOf(connect(cell.cellPath, { timeoutMs: 2_000 }))).toBe('unreachable');
  });

  it('is found by the URLs of some replicas and its id, also when one has moved', async () => {
    const cellId = toHex(cell.cell.cellId);
    const urls = [0, 1].map((index) => addressOf(cell, index).client);
    const client = await open(['wss://127.0.0.1:1', ...urls], { ca, cellId });
    await client.linked(4);
    await client.put('/found', 'by URL');
    await member(cell, 0).restart({ args: ['--clientPort', '0'] });
    expect(urls).not.toContain(addressOf(cell, 0).client);
    await client.linked(4);
    const query = { kind: 'get', path: '/found' } as const;
    const { siblings } = await client.askReplica(0, query, 'value');
    expect(siblings).toHaveLength(1);
    const strange = connect(urls, { ca, cellId: '00'.repeat(32) });
    expect(await codeOf(strange)).toBe('wrong_cell_id');
  });
});

/** The certificate that a port shows. */
function certificateAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

describe('a cell founded as the operator’s page says', () => {
  const dir = join(mkdtempSync(join(tmpdir(), 'fatty-founded-')), 'cell');
  const found = (...args: string[]): string => {
    const said = spawnSync('sh', [FOUND, ...args], {
      encoding: 'utf8',
      env: { ...process.env, FATTY: `${process.execPath} ${FATTY}` },
    });
    expect([said.status, said.stderr]).toEqual([0, '']);
    return said.stdout;
  };

  /** Exit code, and how much is wrong by the word of `fatty doctor`. */
  const examined = ([peer, client]: number[], folder: string): [number | null, number] => {
    const said = spawnSync(process.execPath, [FATTY, 'doctor', '--dir', folder, '-o', 'json'], {
      encoding: 'utf8',
      env: {
        ...process.env,
        FATTY_TLS_CERT: join(folder, 'tls.cert.pem'),
        FATTY_TLS_KEY: join(folder, 'tls.key.pem'),
        FATTY_TLS_CA: join(folder, 'ca.pem'),
        FATTY_HTTP_PORT: '0',
        FATTY_PEER_PORT: `${peer}`,
        FATTY_CLIENT_PORT: `${client}`,
      },
    });
    const lines = said.stdout.trim().split('\n');
    expect(lines).toHaveLength(13);
    const rows = lines.map((line) => JSON.parse(line) as { name: string; verdict: string });
    // Its own replica has the ports, and how fast this disk is now is no matter.
    const expected = ['process', 'disk', 'room'];
    const wrong = rows.filter((row) => row.verdict !== 'good' && !expected.includes(row.name));
    return [said.status, wrong.length];
  };

  it('runs on keys and certificates of its own, and takes new ones without a restart', async () => {
    tidyUp(async () => rmSync(join(dir, '..'), { recursive: true, force: true }));
    const ports = await freePorts(8);
    const at = [0, 1, 2, 3].map((i) => ports.slice(2 * i, 2 * i + 2));
    found(dir, ...at.map(([peer, client]) => `127.0.0.1:${peer}:${client}`));
    const replicas = at.map(([peer, client], i) => {
      const folder = join(dir, `r${i}`);
      const where = ['--peerPort', `${peer}`, '--clientPort', `${client}`, '--httpPort', '0'];
      const cert = ['--tlsCert', join(folder, 'tls.cert.pem'), '--tlsCa', join(folder, 'ca.pem')];
      const config = [...cert, '--tlsKey', join(folder, 'tls.key.pem'), '--logLevel', 'warn'];
      const child = spawn(process.execPath, [FATTY, 'node', '--dir', folder, ...where, ...config], {
        stdio: 'ignore',
      });
      const closed = new Promise((resolve) => child.once('close', resolve));
      tidyUp(async () => {
        child.kill('SIGTERM');
        await closed;
      });
      return child;
    });
    const authority = readFileSync(join(dir, 'authority', 'ca.pem'), 'utf8');
    const client = await open(join(dir, 'cell.json'), { ca: authority, timeoutMs: 120_000 });
    await client.put('/together', 'kept');
    expect(examined(at[0] ?? [], join(dir, 'r0'))).toEqual([0, 0]);

    const before = await Promise.all(ports.map(certificateAt));
    expect(found('--renew', dir)).toContain('SIGHUP');
    for (const child of replicas) child.kill('SIGHUP');
    await until(async () => {
      const now = await Promise.all(ports.map(certificateAt));
      return now.every((one, i) => one !== before[i]);
    });
    expect((await client.get('/together', { level: 'linearizable' })).text()).toBe('kept');
    const newcomer = await open(join(dir, 'cell.json'), { ca: authority, timeoutMs: 120_000 });
    await newcomer.linked(4);
  });
});
