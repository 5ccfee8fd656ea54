// Tests of who stands in the door of a port.
import { connect } from 'node:net';
import { asCellId, ignore, reject } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Doorway } from '../src/doorway.ts';
import { dialler } from '../src/handshake.ts';
import { admitOnly, type DialState, type Listener } from '../src/index.ts';
import {
  bytes,
  client,
  dialTo,
  fixture,
  identityOf,
  listenFor,
  Recorder,
  rawSocket,
  server,
  signerOf,
  until,
} from './ends.ts';

describe('the door', () => {
  const refusals = async (first: (socket: WebSocket) => void, more = {}) => {
    const far = new Recorder();
    const codes: (string | undefined)[] = [];
    const listener = await listenFor(far, {
      onRefused: (_code, failure) => codes.push(failure?.code),
      ...more,
    });
    const raw = await rawSocket(listener.url);
    first(raw.socket);
    const closed = await raw.closed;
    await until(() => codes.length === 1);
    expect(far.ups).toEqual([]);
    return { ...closed, why: codes[0] };
  };

  test('garbage, text and endless frames close 4400, 4400 and 1009', async () => {
    const garbage = await refusals((socket) => socket.send(bytes(1, 2, 3)));
    expect(garbage).toEqual({ code: 4400, reason: 'malformed', why: 'malformed' });
    expect((await refusals((socket) => socket.send('hello'))).code).toBe(4400);
    const huge = await refusals((socket) => socket.send(new Uint8Array(1_310_721)));
    expect(huge.code).toBe(1009);
  });

  test('a frame that breaks the WebSocket protocol closes 1002', async () => {
    const broken = await refusals((socket) => {
      const { _socket } = socket as unknown as { _socket: { write(b: Uint8Array): void } };
      _socket.write(bytes(0xff, 0xff, 0xff, 0xff));
    });
    expect(broken.code).toBe(1002);
  });

  test('silence closes 4408 when the handshake takes too long', async () => {
    const late = await refusals(() => undefined, { limits: { handshakeMsMax: 30 } });
    expect(late).toEqual({ code: 4408, reason: 'handshake_timeout', why: 'handshake_timeout' });
  });

  test('a TCP connection that says nothing is cut', async () => {
    const listener = await listenFor(new Recorder(), { limits: { handshakeMsMax: 50 } });
    const socket = connect(listener.port, '127.0.0.1');
    await new Promise((resolve) => socket.on('close', resolve).resume());
  });

  test('a TCP connection that never speaks TLS is cut', async () => {
    const tls = { certFile: fixture('localhost.cert.pem'), keyFile: fixture('localhost.key.pem') };
    const listener = await listenFor(new Recorder(), { tls, limits: { handshakeMsMax: 50 } });
    const socket = connect(listener.port, '127.0.0.1');
    await new Promise((resolve) => socket.on('close', resolve).resume());
  });

  test('HTTP gets cell.json where there is one, 426 for all else, and no second answer', async () => {
    const ask = async (listener: Listener, path: string, method = 'GET'): Promise<unknown[]> => {
      const url = `${listener.url.replace('ws', 'http')}${path}`;
      const response = await fetch(url, { method });
      return [response.status, response.headers.get('connection'), await response.text()];
    };
    const open = await listenFor(new Recorder(), { cellFile: () => '{"format":"…"}' });
    expect(await ask(open, '/cell.json')).toEqual([200, 'close', '{"format":"…"}']);
    expect(await ask(open, '/key.pem')).toEqual([426, 'close', '']);
    expect(await ask(open, '/cell.json', 'POST')).toEqual([426, 'close', '']);
    const mute = await listenFor(new Recorder());
    expect(await ask(mute, '/cell.json')).toEqual([426, 'close', '']);
  });

  const dialled = async (listenMore: object, dialMore: object): Promise<DialState> => {
    const near = new Recorder();
    const listener = await listenFor(new Recorder(), listenMore);
    const dialer = dialTo(listener.url, near, dialMore);
    await until(() => dialer.state.kind !== 'connecting');
    expect(near.ups).toEqual([]);
    return dialer.state;
  };

  test('codes reach the dialler: stranger 4401, cell 4404, version 4426, own key 4409', async () => {
    const stranger = { admit: () => reject('stranger', 'a', 'b') };
    const refused = { kind: 'waiting', refused: true };
    expect(
      await dialled({ identity: identityOf(signerOf(1), 'replica', stranger) }, {}),
    ).toMatchObject({ ...refused, code: 4401, reason: 'stranger' });
    const cellId = asCellId(new Uint8Array(32).fill(8));
    const foreign = { identity: identityOf(client, 'client', { cellId }) };
    expect(await dialled({}, foreign)).toMatchObject({ ...refused, code: 4404 });
    const newer = { identity: identityOf(client, 'client', { versions: [9] }) };
    expect(await dialled({}, newer)).toMatchObject({ ...refused, code: 4426 });
    const twin = { identity: identityOf(signerOf(1), 'client') };
    expect(await dialled({}, twin)).toMatchObject({
      kind: 'waiting',
      code: 4409,
      refused: false,
    });
  });

  test('4429 is waited out', async () => {
    const busy = { admit: () => ignore('busy', 'room', 'none') };
    const slow = await dialled(
      { identity: identityOf(signerOf(1), 'replica', busy), retryAfterMs: 700 },
      {},
    );
    expect(slow).toMatchObject({
      kind: 'waiting',
      code: 4429,
      reason: 'slow_down retry-after=700',
    });
    expect(slow.kind === 'waiting' && slow.delayMs).toBeGreaterThanOrEqual(700);
  });

  test('the oldest handshake gives way to the newest', async () => {
    const listener = await listenFor(new Recorder(), { handshakesMax: 2 });
    const first = await rawSocket(listener.url);
    const second = await rawSocket(listener.url);
    await rawSocket(listener.url);
    expect((await first.closed).code).toBe(1006);
    expect(second.socket.readyState).toBe(WebSocket.OPEN);
  });

  const strangers = (count: number, open: () => { once(name: string, f: () => void): unknown }) => {
    let ended = false;
    const come = (): void => {
      if (!ended) open().once('close', () => setTimeout(come, 2));
    };
    for (let i = 0; i < count; i++) come();
    return () => {
      ended = true;
    };
  };

  test('a member gets through any number of strangers who never speak, or only say a name', async () => {
    const far = new Recorder();
    const member = signerOf(3);
    const admit = admitOnly([member.publicKey]);
    const identity = identityOf(server, 'replica', { admit });
    const listener = await listenFor(far, {
      handshakesMax: 20,
      identity,
      limits: { handshakeMsMax: 60_000 },
    });
    const hello = dialler(identityOf(member, 'replica'), (size) => new Uint8Array(size)).start();
    const sockets = new Set<{ destroy(): void }>();
    const tcp = () => {
      const socket = connect(listener.port, '127.0.0.1').on('error', () => undefined);
      sockets.add(socket);
      return socket;
    };
    const web = (first: Uint8Array | undefined) => () => {
      const socket = new WebSocket(listener.url).on('error', () => undefined);
      sockets.add({ destroy: () => socket.terminate() });
      if (first !== undefined) socket.on('open', () => socket.send(first));
      return socket;
    };
    const ends = [strangers(25, tcp), strangers(25, web(undefined)), strangers(3, web(hello))];
    await until(() => sockets.size > 200);
    dialTo(listener.url, new Recorder(), {
      identity: identityOf(member, 'replica'),
      backoff: { capMs: 100 },
    });
    await until(() => far.ups.length > 0);
    expect(far.ups[0]?.peer).toEqual(member.publicKey);
    for (const end of ends) end();
    for (const socket of sockets) socket.destroy();
  });

  test('who has most places gives way first; an IPv6 network is one', () => {
    const door = new Doorway({ strangersMax: 3, claimsMax: 2, claimsPerKeyMax: 1 });
    const gone: string[] = [];
    const enter = (name: string, address: string): object => {
      const who = {};
      door.enter(who, address, () => gone.push(name));
      return who;
    };
    const quiet = enter('quiet', '10.0.0.1');
    enter('one', 'fe80::1');
    enter('two', 'fe80::2');
    enter('three', 'fe80:0:0:0:5::3');
    expect(gone).toEqual(['one']);
    enter('four', 'fe80::4%eth0');
    expect(gone).toEqual(['one', 'two']);
    const [a, b, c] = [signerOf(4), signerOf(5), signerOf(6)].map((s) => s.publicKey);
    door.claim(quiet, a as PublicKey);
    const late = enter('late', '10.0.0.1');
    expect(gone).toHaveLength(2);
    door.claim(late, a as PublicKey);
    expect(gone.slice(2)).toEqual(['quiet']);
    door.claim(enter('b', '1'), b as PublicKey);
    door.claim(enter('c', '1'), c as PublicKey);
    expect(gone.slice(3)).toEqual(['late']);
    door.leave(late);
  });

  test('beyond the most links a new key is told to wait, a known one gets in', async () => {
    const far = new Recorder();
    const listener = await listenFor(far, { connectionsMax: 1, linksPerClientMax: 1 });
    dialTo(listener.url, new Recorder());
    await until(() => far.ups.length === 1);
    const third = dialTo(listener.url, new Recorder(), {
      identity: identityOf(signerOf(9), 'client'),
    });
    await until(() => third.state.kind === 'waiting');
    expect(third.state).toMatchObject({ code: 4429 });
    dialTo(listener.url, new Recorder());
    await until(() => far.ups.length === 2);
  });
});
