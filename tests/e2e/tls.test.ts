// Real processes: links over TLS.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunningCell } from '@fatty/cli';
import { type Client, connect, type NodeConnectOptions } from '@fatty/client/node';
import { toHex } from '@fatty/codec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { addressOf, codeOf, endEverything, member, newCell, tidyUp } from './cell.ts';

const FIXTURES = '../../packages/edge/network/test/fixtures/';
const pem = (name: string): string =>
  fileURLToPath(new URL(`${FIXTURES}${name}.pem`, import.meta.url));
const FATTY = fileURLToPath(new URL('../../packages/apps/cli/bin/fatty.js', import.meta.url));
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

describe('four machines that nobody dealt keys to', () => {
  it('become a cell with certificates, and clients with the file of hints find it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fatty-machines-'));
    tidyUp(async () => rmSync(dir, { recursive: true, force: true }));
    const tls = ['--tlsCert', pem('localhost.cert'), '--tlsKey', pem('localhost.key')];
    const config = [...tls, '--tlsCa', pem('root.cert'), '--logLevel', 'warn'];
    const fatty = (...args: string[]): string => {
      const said = spawnSync(process.execPath, [FATTY, ...args], { encoding: 'utf8' });
      expect([said.status, said.stderr]).toEqual([0, '']);
      return said.stdout.trim();
    };
    const ports = await freePorts(8);
    const machines = [0, 1, 2, 3].map((i) => {
      const replica = join(dir, `machine-${i}`, 'replica');
      return { replica, key: fatty('keygen', '--dir', replica), at: ports.slice(2 * i, 2 * i + 2) };
    });
    const named = machines.flatMap(({ key, at }) => [
      '--member',
      `${key}=127.0.0.1:${at.join(':')}`,
    ]);
    fatty('init', '--dir', dir, '--tls', ...named);
    const cellPath = join(dir, 'cell.json');
    for (const {
      replica,
      at: [peer, client],
    } of machines) {
      copyFileSync(cellPath, join(replica, '..', 'cell.json'));
      const where = ['--peerPort', `${peer}`, '--clientPort', `${client}`, '--httpPort', '0'];
      const child = spawn(
        process.execPath,
        [FATTY, 'node', '--dir', replica, ...where, ...config],
        {
          stdio: 'ignore',
        },
      );
      const closed = new Promise((resolve) => child.once('close', resolve));
      tidyUp(async () => {
        child.kill('SIGTERM');
        await closed;
      });
    }
    const client = await open(cellPath, { ca, timeoutMs: 120_000 });
    await client.put('/together', 'kept');
    expect((await client.get('/together')).text()).toBe('kept');
  });
});
