// The proxy: what each fault does to each direction, and to no other link.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultProxy } from '../src/index.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A server that keeps what it hears, and its connections. */
async function newServer(): Promise<{ port: number; sockets: Socket[]; heard: () => string }> {
  const sockets: Socket[] = [];
  let text = '';
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      text += bytes.toString();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets, heard: () => text };
}

async function newProxy(): Promise<FaultProxy> {
  const proxy = await FaultProxy.listen();
  ends.push(() => proxy.close());
  return proxy;
}

/** A connection through the proxy, and what it hears. */
function dial(
  proxy: FaultProxy,
  from: string,
  port: number,
): { socket: Socket; heard: () => string } {
  const socket = connect({ host: '127.0.0.1', port: proxy.port });
  ends.push(async () => void socket.destroy());
  let text = '';
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    text += bytes.toString();
  });
  socket.write(`${from} ${port}\n`);
  return { socket, heard: () => text };
}

async function until(probe: () => boolean): Promise<void> {
  while (!probe()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const pause = (ms: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a fault proxy', () => {
  it('passes bytes both ways, and the end behind them', async () => {
    const [proxy, server] = [await newProxy(), await newServer()];
    proxy.own('b', server.port);
    const a = dial(proxy, 'a', server.port);
    a.socket.write('to b');
    await until(() => server.heard() === 'to b');
    server.sockets[0]?.write('to a');
    await until(() => a.heard() === 'to a');
    expect(proxy.links).toEqual(['a>b']);
    server.sockets[0]?.end('end');
    await once(a.socket, 'end');
    expect(a.heard()).toBe('to aend');
  });

  it('cuts one link and no other, refuses it, and lets it come back', async () => {
    const [proxy, server] = [await newProxy(), await newServer()];
    proxy.own('b', server.port);
    const a = dial(proxy, 'a', server.port);
    const c = dial(proxy, 'c', server.port);
    await until(() => proxy.links.length === 2);
    proxy.set('b', 'a', { kind: 'cut' });
    await once(a.socket, 'close');
    const again = dial(proxy, 'a', server.port);
    await once(again.socket, 'close');
    c.socket.write('still here');
    await until(() => server.heard() === 'still here');
    proxy.heal();
    dial(proxy, 'a', server.port).socket.write(', and back');
    await until(() => server.heard() === 'still here, and back');
  });

  it('holds one direction back, silently, and gives all of it in order when it is good again', async () => {
    const [proxy, server] = [await newProxy(), await newServer()];
    proxy.own('b', server.port);
    const a = dial(proxy, 'a', server.port);
    a.socket.write('1');
    await until(() => server.heard() === '1');
    proxy.set('a', 'b', { kind: 'blackhole' });
    a.socket.write('2');
    server.sockets[0]?.write('the other way is good');
    await until(() => a.heard() === 'the other way is good');
    a.socket.write('3');
    await pause(50);
    expect(server.heard()).toBe('1');
    proxy.set('a', 'b', undefined);
    await until(() => server.heard() === '123');
  });

  it('makes bytes late, and keeps their order', async () => {
    const [proxy, server] = [await newProxy(), await newServer()];
    proxy.own('b', server.port);
    proxy.set('a', 'b', { kind: 'delay', ms: 80 });
    const a = dial(proxy, 'a', server.port);
    await until(() => server.sockets.length === 1);
    const began = performance.now();
    a.socket.write('1');
    proxy.set('a', 'b', { kind: 'delay', ms: 80 });
    await until(() => server.heard() === '1');
    expect(performance.now() - began).toBeGreaterThan(70);
    a.socket.write('2');
    await until(() => server.heard().length === 2);
    proxy.set('a', 'b', undefined);
    a.socket.write('3');
    await until(() => server.heard() === '123');
  });

  it('lets so many bytes pass in a second, and not more', async () => {
    const [proxy, server] = [await newProxy(), await newServer()];
    proxy.own('b', server.port);
    proxy.set('a', 'b', { kind: 'slow', bytesPerSec: 50_000 });
    const a = dial(proxy, 'a', server.port);
    const began = performance.now();
    a.socket.write('x'.repeat(20_000));
    await until(() => server.heard().length === 20_000);
    expect(performance.now() - began).toBeGreaterThan(300);
  });

  it('hangs up on whoever does not say whom it wants', async () => {
    const proxy = await newProxy();
    const socket = connect({ host: '127.0.0.1', port: proxy.port });
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await once(socket, 'close');
    expect(proxy.links).toEqual([]);
  });
});
