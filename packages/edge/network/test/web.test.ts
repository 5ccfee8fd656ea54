// Tests of browsers, and of plain ws beyond loopback.
import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { isPlainBeyond, type NodeDialOptions } from '../src/index.ts';
import { dialTo, fixture, listenFor, Recorder, until } from './ends.ts';

describe('browsers', () => {
  /** The status of a refused upgrade, or 101. */
  const upgrade = (url: string, headers: Record<string, string>): Promise<unknown> => {
    const socket = new WebSocket(url, { headers });
    return new Promise((resolve) => {
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.on('open', () => resolve(101));
      socket.on('error', () => undefined);
    }).finally(() => socket.terminate());
  };
  /** Status and allowed origin of GET /cell.json. */
  const cellJson = (port: number, headers: Record<string, string>): Promise<unknown[]> =>
    new Promise((resolve, reject) => {
      get({ port, path: '/cell.json', headers, agent: false }, (response) => {
        response.resume();
        resolve([response.statusCode, response.headers['access-control-allow-origin']]);
      }).on('error', reject);
    });

  test('a page may use a port only if its origin is allowed', async () => {
    const closed = await listenFor(new Recorder(), { cellFile: () => '{}' });
    expect(await upgrade(closed.url, {})).toBe(101);
    for (const origin of [
      'https://evil.example',
      'null',
      'file://',
      closed.url.replace('ws', 'http'),
    ]) {
      expect([origin, await upgrade(closed.url, { origin })]).toEqual([origin, 403]);
      expect(await cellJson(closed.port, { origin })).toEqual([403, undefined]);
    }
    const ours = 'https://app.example';
    const open = await listenFor(new Recorder(), { cellFile: () => '{}', allowOrigins: [ours] });
    expect(await upgrade(open.url, { origin: ours })).toBe(101);
    expect(await upgrade(open.url, { origin: `${ours}.evil.example` })).toBe(403);
    expect(await cellJson(open.port, { origin: ours })).toEqual([200, ours]);
    let invited: readonly string[] = [];
    const moving = await listenFor(new Recorder(), { allowOrigins: () => invited });
    expect(await upgrade(moving.url, { origin: ours })).toBe(403);
    invited = [ours];
    expect(await upgrade(moving.url, { origin: ours })).toBe(101);
    const any = await listenFor(new Recorder(), { allowOrigins: ['*'] });
    expect(await upgrade(any.url, { origin: 'https://evil.example' })).toBe(101);
  });

  test("Node's own WebSocket is no page", async () => {
    const listener = await listenFor(new Recorder());
    const NodeSocket = (
      globalThis as { WebSocket?: new (url: string) => EventTarget & { close(): void } }
    ).WebSocket;
    if (NodeSocket === undefined) return;
    const socket = new NodeSocket(listener.url);
    expect(
      await new Promise((resolve) => {
        socket.addEventListener('open', () => resolve('open'));
        socket.addEventListener('error', () => resolve('error'));
      }),
    ).toBe('open');
    socket.close();
  });

  test('HTTP answers under its own names and under addresses', async () => {
    const { port } = await listenFor(new Recorder(), {
      cellFile: () => '{}',
      allowHosts: ['R0.example'],
    });
    for (const host of [
      'localhost',
      `LOCALHOST.:${port}`,
      '127.0.0.1:1',
      '[::1]:7',
      '10.1.2.3',
      'r0.example:9',
      'a.localhost',
    ]) {
      expect([host, await cellJson(port, { host })]).toEqual([host, [200, undefined]]);
    }
    for (const host of [
      'evil.example',
      'r0.example.evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
    ]) {
      expect([host, (await cellJson(port, { host }))[0]]).toEqual([host, 421]);
    }
  });
});

describe('plain ws', () => {
  test('is not spoken beyond loopback untold', async () => {
    for (const host of ['0.0.0.0', '::', '']) {
      await expect(listenFor(new Recorder(), { host })).rejects.toThrow(/certificate, or insecure/);
    }
    const listener = await listenFor(new Recorder(), { host: '0.0.0.0', insecure: true });
    expect(listener.port).toBeGreaterThan(0);
  });

  test('is not dialled beyond loopback untold', async () => {
    const told: unknown[] = [];
    const onState: NodeDialOptions['onState'] = (state, failure) =>
      told.push([state.kind, failure?.code, failure?.actual]);
    dialTo('ws://192.0.2.1:1', new Recorder(), { onState });
    expect(told).toEqual([
      [
        'waiting',
        'plain_refused',
        expect.stringMatching(/192.0.2.1:1 is not encrypted; .*insecure/),
      ],
    ]);
    for (const url of [
      'ws://127.9.9.9:1',
      'ws://[::1]:2',
      'ws://localhost:3',
      'wss://192.0.2.1',
      'ws://127.1',
    ]) {
      expect([url, isPlainBeyond(url)]).toEqual([url, false]);
    }
    for (const url of [
      'ws://10.0.0.1',
      'ws://localhost.example',
      'WS://a',
      'ws://[::]',
      'ws://127.0.0.1.example',
    ]) {
      expect([url, isPlainBeyond(url)]).toEqual([url, true]);
    }
  });

  test('an address from before the port had a certificate is tried as wss', async () => {
    const far = new Recorder();
    const tls = { certFile: fixture('localhost.cert.pem'), keyFile: fixture('localhost.key.pem') };
    const listener = await listenFor(far, { tls });
    const ca = readFileSync(fixture('root.cert.pem'), 'utf8');
    dialTo(listener.url.replace('wss', 'ws'), new Recorder(), { ca });
    await until(() => far.ups.length === 1);
  });
});

describe('certificates', () => {
  const files = { certFile: fixture('localhost.cert.pem'), keyFile: fixture('localhost.key.pem') };

  test('whoever does not take ours is told of', async () => {
    const told: (string | undefined)[] = [];
    const listener = await listenFor(new Recorder(), {
      tls: files,
      onRefused: (_code, failure) => told.push(failure && `${failure.code}: ${failure.actual}`),
    });
    dialTo(listener.url, new Recorder(), { backoff: { capMs: 20 } });
    await until(() => told.length > 0);
    expect(told[0]).toMatch(/^tls_failed: .*localhost.cert.pem/);
  });

  test('that do not fit name both files, also when they are read again', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fatty-tls-'));
    const copy = { certFile: join(dir, 'cert.pem'), keyFile: join(dir, 'key.pem') };
    copyFileSync(files.certFile, copy.certFile);
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    writeFileSync(copy.keyFile, other.export({ format: 'pem', type: 'pkcs8' }));
    const both = new RegExp(`${copy.certFile}.*${copy.keyFile}.*mismatch`);
    await expect(listenFor(new Recorder(), { tls: copy })).rejects.toThrow(both);
    copyFileSync(files.keyFile, copy.keyFile);
    const listener = await listenFor(new Recorder(), { tls: copy });
    writeFileSync(copy.certFile, 'no certificate');
    expect(() => listener.reloadTls()).toThrow(copy.certFile);
    copyFileSync(files.certFile, copy.certFile);
    listener.reloadTls();
    rmSync(dir, { recursive: true });
  });
});
