// Tests of how commands find the pages of members of whom cell.json has hints alone.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nodeScheme } from '@fatty/codec/node';
import { type Cell, cellIdOf, DEFAULT_PARAMS, signAddresses, writeCell } from '@fatty/protocol';
import { afterEach, expect, test } from 'vitest';
import { placesOf } from '../src/commands/places.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function serve(text: string): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/cell.json' ? 200 : 404).end(text);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A cell as its members sign where they are. */
function cellOf(genesisTs: number): Cell {
  const signers = [0, 1, 2, 3]
    .map((i) => nodeScheme().signer(new Uint8Array(32).fill(10 + i)))
    .sort((a, b) => Buffer.compare(a.publicKey, b.publicKey));
  const members = signers.map(({ publicKey }) => publicKey);
  const committee = { epoch: 0, members, genesisTs, params: DEFAULT_PARAMS };
  const cellId = cellIdOf(committee);
  const addresses = signers.map((signer, i) => {
    const at = { peer: '', client: `ws://127.0.0.1:${i}`, http: `http://127.0.0.1:744${i}` };
    return signAddresses(cellId, signer, at);
  });
  return { cellId, committee, addresses };
}

test('members of whom there are hints alone are asked where their pages are', async () => {
  const cell = cellOf(1);
  const part = { ...cell, addresses: cell.addresses.slice(1) };
  // One is silent, one knows another cell, one knows a part, and one serves no cell.json at all.
  const clients = [
    'ws://127.0.0.1:1',
    await serve(writeCell(cellOf(2))),
    await serve(writeCell(part)),
    await serve(' '.repeat(2 ** 21)),
  ];
  const hints = cell.committee.members.map((key, i) => {
    return { key, peer: '', client: clients[i] ?? '' };
  });
  expect(await placesOf({ ...cell, addresses: [], hints }, 5_000)).toEqual(part.addresses);
});

test('nobody is asked when all members have signed where they are', async () => {
  const cell = cellOf(1);
  expect(await placesOf(cell, 5_000)).toBe(cell.addresses);
});
