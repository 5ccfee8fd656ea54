import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RunningCell } from '@fatty/cli';
import { type Client, connect, type NodeConnectOptions } from '@fatty/client/node';
import { toHex } from '@fatty/codec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { addressOf, codeOf, endEverything, member, newCell, tidyUp } from './cell.ts';

const FIXTURES = '../../packages/network/test/fixtures/';
const pem = (name: string): string =>
  fileURLToPath(new URL(`${FIXTURES}${name}.pem`, import.meta.url));
const FATTY = fileURLToPath(new URL('../../packages/cli/bin/fatty.js', import.meta.url));
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
