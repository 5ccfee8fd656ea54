// What a new machine believes before it follows a cell.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareBytes, toHex } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import { cellIdOf, DEFAULT_PARAMS, writeCell } from '@fatty/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasChain, loadChain, mayFollow, saveChain } from '../src/chain-file.ts';
import { isPrepared, prepareJoin } from '../src/index.ts';

const scheme = nodeScheme();
const keyOf = (n: number) => scheme.signer(new Uint8Array(32).fill(n)).publicKey;
const members = [1, 2, 3, 4].map(keyOf).sort(compareBytes);
const committee = { epoch: 0, genesisTs: 1, members, params: DEFAULT_PARAMS };
const cellId = cellIdOf(committee);
const NO_FRAMES = { read: () => Promise.resolve([]) };

let dir: string;
let server: Server | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fatty-join-'));
});
afterEach(() => {
  server?.close();
  server = undefined;
  rmSync(dir, { recursive: true, force: true });
});

describe('the chain of a folder', () => {
  it('is what was written; none is no links, and other bytes are told of', () => {
    expect([hasChain(dir), loadChain(dir)]).toEqual([false, { ok: true, value: [] }]);
    saveChain(dir, []);
    expect([hasChain(dir), loadChain(dir)]).toEqual([true, { ok: true, value: [] }]);
    writeFileSync(join(dir, 'chain'), 'other bytes');
    expect(loadChain(dir)).toMatchObject({ ok: false, failure: { code: 'bad_chain_file' } });
  });

  it('or a frame lets a key follow that no genesis member has', async () => {
    const [member = keyOf(1)] = members;
    const stranger = { dir, committee, key: keyOf(9), frames: NO_FRAMES };
    expect(await mayFollow({ ...stranger, key: member })).toMatchObject({ ok: true });
    expect(await mayFollow(stranger)).toMatchObject({ failure: { code: 'not_a_member' } });
    const frame = { head: new Uint8Array(), payload: new Uint8Array() };
    const frames = { read: () => Promise.resolve([frame]) };
    expect(await mayFollow({ ...stranger, frames })).toMatchObject({ ok: true });
    saveChain(dir, []);
    expect(await mayFollow(stranger)).toMatchObject({ ok: true });
  });
});

describe('preparing to join', () => {
  const serve = async (text: string): Promise<string> => {
    const opened = createServer((_request, response) => response.end(text));
    server = opened;
    await new Promise<void>((resolve) => opened.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(opened.address() as AddressInfo).port}`;
  };
  const prepare = async (cell: string, from: string): Promise<string> => {
    const made = await prepareJoin({ cellId: cell, from, dir, timeoutMs: 500 });
    return made.ok ? 'prepared' : made.failure.code;
  };

  it('believes the cell id alone', async () => {
    const other = cellIdOf({ ...committee, genesisTs: 2 });
    expect(
      await prepare(toHex(other), await serve(writeCell({ cellId, committee, addresses: [] }))),
    ).toBe('wrong_cell_id');
    expect(isPrepared(dir)).toBe(false);
  });

  it('says what it could not reach or read', async () => {
    expect(await prepare('ab', 'host:1')).toBe('bad_option');
    expect(await prepare(toHex(cellId), '::::')).toBe('bad_option');
    expect(await prepare(toHex(cellId), '127.0.0.1:1')).toBe('unreachable');
    expect(await prepare(toHex(cellId), await serve('no cell'))).toBe('bad_cell_file');
  });

  it('reaches replicas whose certificates an authority of its own has signed', async () => {
    const pem = (name: string): string =>
      readFileSync(
        new URL(`../../../edge/network/test/fixtures/${name}.pem`, import.meta.url),
        'utf8',
      );
    const text = writeCell({ cellId, committee, addresses: [] });
    const tls = { cert: pem('localhost.cert'), key: pem('localhost.key') };
    const opened = createTlsServer(tls, (_request, response) => response.end(text));
    server = opened;
    await new Promise<void>((resolve) => opened.listen(0, '127.0.0.1', resolve));
    const from = `wss://127.0.0.1:${(opened.address() as AddressInfo).port}`;
    const options = { cellId: toHex(cellId), from, dir, timeoutMs: 500 };
    const whyNot = async (ca?: string): Promise<string> => {
      const made = await prepareJoin({ ...options, ...(ca !== undefined && { ca }) });
      return made.ok ? 'prepared' : `${made.failure.code}: ${made.failure.expected}`;
    };
    expect(await whyNot()).toContain('unreachable: cell.json');
    // That server tells no chain; but it was believed.
    expect(await whyNot(pem('root.cert'))).toContain('unreachable: the chain');
  });

  it('has no chain without a replica that tells one', async () => {
    const from = await serve(writeCell({ cellId, committee, addresses: [] }));
    expect(await prepare(toHex(cellId), from)).toBe('unreachable');
    expect([existsSync(join(dir, 'key.pem')), hasChain(dir), isPrepared(dir)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
