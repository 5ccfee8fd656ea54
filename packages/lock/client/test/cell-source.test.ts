// A cell read from its replicas, and replicas that have moved.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toHex } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import { type Cell, cellIdOf, DEFAULT_PARAMS, signAddresses, writeCell } from '@fatty/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { type Client, connect, type NodeConnectOptions } from '../src/node.ts';
import { boundedText, type Reader, readCellFromAny } from '../src/sdk/cell-source.ts';
import { connectOn, type Platform } from '../src/sdk/connect.ts';
import type { ClientConfig } from '../src/sdk/options.ts';
import { codeOf } from './code-of.ts';

const scheme = nodeScheme();

/** A cell of four, of whom only `published` have addresses; nobody listens there. */
function cellOf(published: readonly number[], seed = 1): Cell {
  const signers = [0, 1, 2, 3]
    .map((i) => scheme.signer(new Uint8Array(32).fill(seed * 10 + i)))
    .sort((a, b) => Buffer.compare(a.publicKey, b.publicKey));
  const members = signers.map(({ publicKey }) => publicKey);
  const committee = { epoch: 0, members, genesisTs: 1, params: DEFAULT_PARAMS };
  const cellId = cellIdOf(committee);
  const addresses = signers
    .map((signer, i) => {
      return signAddresses(cellId, signer, { peer: '', client: `ws://127.0.0.1:${i}`, http: '' });
    })
    .filter((_, i) => published.includes(i));
  return { cellId, committee, addresses };
}

const whole = cellOf([0, 1, 2, 3]);
const cellId = toHex(whole.cellId);
const terms = { cellId, signal: undefined, timeoutMs: 5_000 };

/** Answers by address; what is not there never answers. */
function readerOf(answers: Readonly<Record<string, string | Error>>): Reader & { asked: string[] } {
  const asked: string[] = [];
  return {
    scheme,
    asked,
    trusted: () => false,
    async read(source, signal) {
      asked.push(source);
      const answer = answers[source];
      if (typeof answer === 'string') return answer;
      if (answer !== undefined) throw answer;
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    },
  };
}

describe('a cell from any of its replicas', () => {
  const urls = ['ws://a:1', 'wss://b:2/x', 'https://c/mine.json'];
  const at = ['http://a:1/cell.json', 'https://b:2/cell.json', 'https://c/mine.json'];

  it('is looked for where client ports show it; the first whole one ends the search', async () => {
    const reader = readerOf({ [at[2] ?? '']: writeCell(whole) });
    expect(await readCellFromAny(reader, urls, terms)).toEqual(whole);
    expect(reader.asked).toEqual(at);
  });

  it('is put together when some leave addresses out', async () => {
    const parts = [cellOf([0]), cellOf([1, 3]), cellOf([2])];
    const answers = parts.map((part, i) => [at[i] ?? '', writeCell(part)] as const);
    const { addresses } = await readCellFromAny(readerOf(Object.fromEntries(answers)), urls, terms);
    expect(new Set(addresses)).toEqual(new Set(whole.addresses));
  });

  it('is believed for its hash alone: other cells and garbage do not hide it', async () => {
    const other = writeCell(cellOf([0, 1, 2, 3], 2));
    const answers = { [at[0] ?? '']: other, [at[1] ?? '']: '{', [at[2] ?? '']: writeCell(whole) };
    expect((await readCellFromAny(readerOf(answers), urls, terms)).cellId).toEqual(whole.cellId);
    const renamed = other.replace(/"cellId": "\w+"/, `"cellId": "${cellId}"`);
    const lies = { ...answers, [at[0] ?? '']: renamed, [at[2] ?? '']: other };
    expect(await codeOf(readCellFromAny(readerOf(lies), urls, terms))).toMatch(
      /wrong_cell_id|bad_/,
    );
  });

  it.each([
    ['unreachable', [new Error('refused')], {}],
    ['wrong_cell_id', [new Error('refused'), writeCell(cellOf([0], 2))], {}],
    ['bad_cell_file', [new Error('refused'), '[]'], {}],
    ['timeout', [], { timeoutMs: 5 }],
    ['aborted', [], { signal: AbortSignal.abort('enough') }],
    ['bad_argument', [writeCell(whole)], { cellId: undefined }],
  ])('fails with %s', async (code, answers, more) => {
    const reader = readerOf(Object.fromEntries(answers.map((answer, i) => [at[i] ?? '', answer])));
    const some = urls.slice(0, Math.max(1, answers.length));
    expect(await codeOf(readCellFromAny(reader, some, { ...terms, ...more }))).toBe(code);
  });

  it('fails with bad_argument when there is nowhere to look', async () => {
    expect(await codeOf(readCellFromAny(readerOf({}), [], terms))).toBe('bad_argument');
  });
});

it('does not swallow more than any cell.json', async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield new Uint8Array(100_000).fill(32);
  }
  await expect(boundedText(endless())).rejects.toThrow('over 1048576 bytes');
});

describe('a replica that has moved', () => {
  it('is the newest of what replicas tell, whoever tells it last', async () => {
    const signers = [0, 1, 2, 3].map((i) => scheme.signer(new Uint8Array(32).fill(10 + i)));
    const signer = signers.find(
      (one) => toHex(one.publicKey) === toHex(whole.committee.members[0] ?? one.publicKey),
    );
    if (signer === undefined) throw new Error('no signer');
    const at = { peer: '', client: 'ws://127.0.0.1:9', http: '', version: 3 };
    const moved = {
      ...whole,
      addresses: [signAddresses(whole.cellId, signer, at), ...whole.addresses.slice(1)],
    };
    const hints = [{ key: signer.publicKey, peer: 'ws://lie', client: 'ws://lie' }];
    const bare = { ...whole, addresses: whole.addresses.slice(1, 2), hints };
    for (const texts of [
      [bare, moved],
      [moved, bare],
    ]) {
      const [a = '', b = ''] = texts.map((cell) => writeCell(cell));
      const reader = readerOf({ 'http://a:1/cell.json': a, 'http://b:1/cell.json': b });
      const found = await readCellFromAny(reader, ['ws://a:1', 'ws://b:1'], terms);
      expect(found.addresses[0]?.client).toBe('ws://127.0.0.1:9');
      expect(found.hints).toBe(undefined);
    }
  });
});

describe('a look at where replicas are now', () => {
  const members = whole.committee.members;
  const hints = members.map((key, i) => ({ key, peer: '', client: `wss://${'abcd'[i]}:1` }));
  const founding = writeCell({ ...whole, addresses: [], hints });

  /** What a client that began with the file of the founding looks with. */
  async function looking(
    answers: Readonly<Record<string, string | Error>>,
  ): Promise<Required<ClientConfig>['refresh']> {
    let refresh: ClientConfig['refresh'];
    const platform: Platform<Client> = {
      ...readerOf({ 'cell.json': founding, ...answers }),
      trusted: (source) => source === 'cell.json',
      dial: () => {
        throw new Error('nobody is dialled');
      },
      client: (config) => {
        ({ refresh } = config);
        throw new Error('seen enough');
      },
    };
    await expect(connectOn(platform, 'cell.json', {})).rejects.toThrow('seen enough');
    if (refresh === undefined) throw new Error('no look');
    return refresh;
  }

  it('asks a replica at once, though the file can be read', async () => {
    const refresh = await looking({ 'https://a:1/cell.json': writeCell(whole) });
    const { addresses } = await refresh(new AbortController().signal);
    expect(addresses).toEqual(whole.addresses);
  });

  it('takes the file where the replica does not answer, and asks another one next', async () => {
    const down = new Error('refused');
    const pages = { 'https://a:1/cell.json': down, 'https://b:1/cell.json': writeCell(whole) };
    const refresh = await looking(pages);
    const { signal } = new AbortController();
    expect((await refresh(signal)).addresses).toEqual([]);
    expect((await refresh(signal)).addresses).toEqual(whole.addresses);
  });
});

describe('connect in Node', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  async function serve(status: number, text: string): Promise<string> {
    const server = createServer((_, response) => void response.writeHead(status).end(text));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const failing = (
    source: string | readonly string[],
    options: NodeConnectOptions,
  ): Promise<string> => codeOf(connect(source, { timeoutMs: 500, ...options }));

  it('names what is wrong', async () => {
    const url = await serve(200, writeCell(whole));
    // The cell is believed; nobody listens at its addresses.
    expect(await failing([url], { cellId })).toBe('unreachable');
    expect(await failing([url], { cellId: '00'.repeat(32) })).toBe('wrong_cell_id');
    expect(await failing([url], {})).toBe('bad_argument');
    expect(await failing(url, {})).toBe('bad_argument');
    expect(await failing([await serve(404, '')], { cellId })).toBe('unreachable');
    expect(await failing(['ws://'], { cellId })).toBe('unreachable');
    expect(await failing([url], { cellId, ca: 'no certificate' })).toBe('bad_argument');
  });
});
