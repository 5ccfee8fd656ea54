// Tests of established links.
import { readFileSync } from 'node:fs';
import { reject } from '@fatty/codec';
import { BULK, type Failure, KEEP_ALIVE, type Link, PROTOCOL } from '@fatty/interface';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { dialler } from '../src/handshake.ts';
import {
  CLOSE,
  type DialState,
  dial,
  dialClient,
  FINAL_CLOSE_CODES,
  isFinal,
  type LinkStats,
  type NetworkLink,
  passes,
  retryAfterMs,
  type WebSocketConstructor,
  webEnvironment,
  whyNotLinked,
} from '../src/index.ts';
import {
  bytes,
  client,
  dialTo,
  fixture,
  identityOf,
  listenFor,
  Recorder,
  rawSocket,
  signerOf,
  silentPort,
  until,
} from './ends.ts';

const fast = { baseMs: 5, capMs: 20 };

/** A listener and one dialled link, up at both ends. */
async function pair(
  listenMore: Parameters<typeof listenFor>[1] = {},
  dialMore: Parameters<typeof dialTo>[2] = {},
) {
  const far = new Recorder();
  const near = new Recorder();
  const listener = await listenFor(far, listenMore);
  const dialer = dialTo(listener.url, near, dialMore);
  await until(() => far.ups.length === 1 && near.ups.length === 1);
  return { far, near, listener, dialer, out: near.ups[0] as Link, back: far.ups[0] as Link };
}

/** A raw socket that has done the handshake and then does what the test wants. */
async function proved(url: string, n = 2) {
  const raw = await rawSocket(url);
  const handshake = dialler(identityOf(signerOf(n), 'client'), webEnvironment.random);
  raw.socket.send(handshake.start() as Uint8Array);
  await until(() => raw.inbox.length === 1);
  const step = handshake.step(raw.inbox[0] as Uint8Array);
  if (!step.ok) throw new Error(step.failure.code);
  raw.socket.send(step.value.reply as Uint8Array);
  await until(() => raw.inbox.length === 2);
  return raw;
}

test('messages pass both ways whole, in order, as plain bytes', async () => {
  const { far, near, out, back } = await pair();
  const big = new Uint8Array(1_310_720).fill(3);
  expect(out.send(bytes(1), PROTOCOL)).toBe(true);
  expect(out.send(bytes(), PROTOCOL)).toBe(true);
  expect(out.send(big, PROTOCOL)).toBe(true);
  expect(back.send(bytes(9, 9), BULK)).toBe(true);
  await until(() => far.messages.length === 3 && near.messages.length === 1);
  expect(far.messages.map(({ message }) => message.length)).toEqual([1, 0, big.length]);
  expect(near.messages[0]?.message).toEqual(bytes(9, 9));
  expect(near.messages[0]?.message).not.toBeInstanceOf(Buffer);
  expect(far.ups[0]?.peer).toEqual(client.publicKey);
  expect(far.ups[0]?.role).toBe('client');
  expect(near.ups[0]?.role).toBe('replica');
});

test('down is told once at each end, with the code that was given', async () => {
  const { far, near, out } = await pair();
  out.close(4429, 'slow_down retry-after=60000');
  out.close(1000, 'again');
  expect(near.downs).toHaveLength(1);
  expect(out.send(bytes(1), PROTOCOL)).toBe(false);
  await until(() => far.downs.length === 1);
  expect(far.downs[0]).toMatchObject({ code: 4429, reason: 'slow_down retry-after=60000' });
});

describe('an established link', () => {
  test('closes 1009 on a frame that is too large, 4400 on unknown control text', async () => {
    const far = new Recorder();
    const listener = await listenFor(far);
    const one = await proved(listener.url);
    one.socket.send(new Uint8Array(1_310_721));
    expect((await one.closed).code).toBe(1009);
    const two = await proved(listener.url);
    two.socket.send('ping pong');
    expect((await two.closed).code).toBe(4400);
    await until(() => far.downs.length === 2);
  });

  test('refuses to send more than the peer takes', async () => {
    const { out, far } = await pair({ limits: { messageBytesMax: 1000 } });
    expect(out.send(new Uint8Array(1001), PROTOCOL)).toBe(false);
    expect(out.send(new Uint8Array(1000), PROTOCOL)).toBe(true);
    await until(() => far.messages.length === 1);
  });

  test.each([PROTOCOL, BULK])(
    'to a slow reader stays in bounds and says false: class %i',
    async (priority) => {
      const far = new Recorder();
      const limits = { queueBytesMax: 1_000_000, queueMessagesMax: 100 };
      const listener = await listenFor(far, { limits });
      const raw = await proved(listener.url);
      raw.socket.pause();
      const link = far.ups[0] as NetworkLink;
      const message = new Uint8Array(50_000);
      let refused = 0;
      // More than every kernel buffer on the way can hold, a few at a time.
      for (let round = 0; round < 60; round++) {
        for (let i = 0; i < 40; i++) if (!link.send(message, priority)) refused++;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      const stats: LinkStats = link.stats();
      expect(refused).toBeGreaterThan(0);
      expect(stats.refusedMessages).toBe(refused);
      expect(stats.queuedBytes).toBeLessThanOrEqual(1_000_000);
      expect(stats.bufferedBytes).toBeLessThan(64 * 1024 + 60_000);
      // A full class leaves room for the others.
      expect(link.send(bytes(1), KEEP_ALIVE)).toBe(true);
      raw.socket.resume();
      await until(() => raw.inbox.length === 2 + 60 * 40 - refused + 1);
      expect(link.stats()).toMatchObject({ queuedBytes: 0, queuedMessages: 0 });
    },
  );

  test('lets what is urgent overtake bulk that is already waiting', async () => {
    const { out, far } = await pair();
    for (let i = 0; i < 100; i++) out.send(new Uint8Array(60_000), BULK);
    out.send(bytes(1), PROTOCOL);
    out.send(bytes(0), KEEP_ALIVE);
    await until(() => far.messages.length === 102);
    const sizes = far.messages.map(({ message }) => message.length);
    // Bulk window 512 KiB: nine messages were away before anybody asked.
    expect(sizes.slice(9, 11)).toEqual([1, 1]);
  });

  test('answers the last of a flood of pings and keeps nothing of the others', async () => {
    const listener = await listenFor(new Recorder());
    const raw = await proved(listener.url, 5);
    const pongs: string[] = [];
    raw.socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary && data.toString().startsWith('pong')) pongs.push(data.toString());
    });
    for (let i = 0; i < 1000; i++) raw.socket.send(`ping ${i}`);
    await until(() => pongs.at(-1) === 'pong 999');
  });

  test('measures latency by pings and cuts a peer that is silent', async () => {
    // A machine that stands still for a moment is not to cut these two.
    const patient = { limits: { pingMs: 10, silenceMsMax: 600_000 } };
    const { out, back } = await pair(patient, patient);
    await until(() => (out as NetworkLink).stats().latencyMs !== undefined);
    await until(() => (back as NetworkLink).stats().latencyMs !== undefined);
    const far = new Recorder();
    const listener = await listenFor(far, { limits: { pingMs: 10, silenceMsMax: 80 } });
    const raw = await proved(listener.url, 4);
    raw.socket.pause();
    await until(() => far.downs.length === 1);
    expect(far.downs[0]).toMatchObject({ code: 1006, reason: 'peer_silent' });
    expect(listener.links()).toEqual([]);
  });
});

describe('one key, many links', () => {
  test('of a replica the newest wins and the old one is closed 4409', async () => {
    const admit = identityOf(signerOf(9), 'client').admit;
    const members = {
      identity: identityOf(signerOf(1), 'replica', { admit: () => ({ kind: 'accept' }) }),
    };
    const member = {
      identity: identityOf(signerOf(3), 'replica', { admit }),
      backoff: { capMs: 60_000 },
    };
    const { far, near, listener } = await pair(members, member);
    const second = new Recorder();
    dialTo(listener.url, second, member);
    await until(() => near.downs.length === 1 && far.ups.length === 2);
    expect(near.downs[0]).toMatchObject({ code: 4409, reason: 'conflict' });
    expect(listener.links()).toEqual([far.ups[1]]);
    expect(second.downs).toEqual([]);
  });

  test('of a client a few stand side by side, then the oldest goes', async () => {
    const far = new Recorder();
    const listener = await listenFor(far, { linksPerClientMax: 2 });
    const ends = [new Recorder(), new Recorder(), new Recorder()];
    for (const [i, end] of ends.entries()) {
      dialTo(listener.url, end);
      await until(() => far.ups.length === i + 1);
    }
    await until(() => (ends[0] as Recorder).downs.length === 1);
    expect(ends.map((end) => end.downs[0]?.code)).toEqual([4409, undefined, undefined]);
    expect(listener.links()).toHaveLength(2);
  });
});

describe('dialling again', () => {
  test('after the listener went away and came back', async () => {
    const { near, listener, dialer } = await pair({}, { backoff: fast });
    const { port } = listener;
    await listener.close(1012);
    await until(() => near.downs.length === 1);
    expect(near.downs[0]).toMatchObject({ code: 1012 });
    await until(() => dialer.state.kind === 'waiting' && dialer.state.code === 1006);
    await listenFor(new Recorder(), { port });
    await until(() => near.ups.length === 2);
    expect(dialer.state.kind).toBe('up');
  });

  test.each(['client', 'replica'] as const)('a %s outlasts every close code', async (role) => {
    const far = new Recorder();
    let open = false;
    const admit = () => (open ? ({ kind: 'accept' } as const) : reject('stranger', 'a', 'b'));
    const listener = await listenFor(far, {
      identity: identityOf(signerOf(1), 'replica', { admit }),
    });
    const near = new Recorder();
    const states: DialState[] = [];
    const dialer = dialTo(listener.url, near, {
      identity: identityOf(signerOf(3), role),
      backoff: fast,
      onState: (state) => void states.push(state),
    });
    await until(() => dialer.state.kind === 'waiting');
    const [refusal] = states.filter((state) => state.kind === 'waiting');
    expect(refusal).toMatchObject({ code: 4401, reason: 'stranger', refused: true });
    expect(refusal && whyNotLinked(refusal, undefined)).toBe('refuses us (4401): stranger');
    open = true;
    for (const [i, code] of [4400, 4409, 4999, 1000, 1009, 1011].entries()) {
      await until(() => near.ups.length === i + 1 && far.ups.length === i + 1);
      far.ups[i]?.close(code, 'for a test');
      await until(() => near.downs.length === i + 1);
      expect(near.downs[i]).toMatchObject({ code });
    }
    await until(() => near.ups.length === 7);
  });

  test('a handshake that takes too long is dialled again, and is nobody’s refusal', async () => {
    const silent = await silentPort();
    const near = new Recorder();
    const states: [DialState, string | undefined][] = [];
    const dialer = dialTo(`ws://127.0.0.1:${silent.port}`, near, {
      limits: { handshakeMsMax: 30 },
      backoff: fast,
      onState: (state, failure) => void states.push([state, failure?.code]),
    });
    await until(() => states.filter(([state]) => state.kind === 'waiting').length === 3);
    const waits = states.filter(([state]) => state.kind === 'waiting');
    for (const [state, why] of waits) {
      expect(state).toMatchObject({ code: 4408, refused: false });
      expect(why).toBe('handshake_timeout');
    }
    silent.server.close();
    silent.cut();
    await listenFor(new Recorder(), { port: silent.port });
    await until(() => dialer.state.kind === 'up');
  });

  test('what another key at the address says is no refusal', async () => {
    const identity = identityOf(signerOf(7), 'replica', { admit: () => ({ kind: 'accept' }) });
    const listener = await listenFor(new Recorder(), { identity });
    const states: DialState[] = [];
    const dialer = dialTo(listener.url, new Recorder(), {
      onState: (state) => void states.push(state),
    });
    await until(() => dialer.state.kind === 'waiting');
    expect(states.at(-1)).toMatchObject({ reason: 'stranger', refused: false });
  });

  test('ends with close, also in the middle of everything', async () => {
    const states: string[] = [];
    const near = new Recorder();
    const options = { identity: identityOf(client, 'client'), handler: near, backoff: fast };
    const onState = (state: DialState) => states.push(state.kind);
    const early = dial({ ...options, url: 'ws://127.0.0.1:1', onState });
    early.close();
    const waiting = dial({
      ...options,
      url: 'ws://127.0.0.1:1',
      backoff: { baseMs: 60_000, capMs: 60_000 },
    });
    await until(() => waiting.state.kind === 'waiting');
    waiting.close();
    expect(dial({ ...options, url: 'nonsense' }).state).toMatchObject({
      kind: 'stopped',
      reason: 'bad_url',
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(states).toEqual(['connecting', 'stopped']);
    expect([early.state.kind, waiting.state.kind]).toEqual(['stopped', 'stopped']);
    expect(near.ups).toEqual([]);
  });
});

test('wss with a certificate file; one that is not trusted is told in words', async () => {
  const tls = { certFile: fixture('localhost.cert.pem'), keyFile: fixture('localhost.key.pem') };
  const ca = readFileSync(fixture('root.cert.pem'), 'utf8');
  const { out, far, listener } = await pair({ tls }, { ca });
  expect(listener.url).toMatch(/^wss:/);
  out.send(bytes(5), PROTOCOL);
  await until(() => far.messages.length === 1);
  const failures: unknown[] = [];
  const backoff = { baseMs: 60_000, capMs: 60_000 };
  const wary = dialTo(listener.url, new Recorder(), {
    backoff,
    onState: (_, failure) => void failures.push(failure),
  });
  await until(() => wary.state.kind === 'waiting');
  expect(wary.state).toMatchObject({ code: 1006, refused: false });
  expect(failures.at(-1)).toMatchObject({ code: 'tls_failed' });
  expect(JSON.stringify(failures.at(-1))).toContain('issuer certificate');
  expect(far.ups).toHaveLength(1);
});

test('why a socket failed is told: nobody listens, no TLS at the other end', async () => {
  const gone = await silentPort();
  await new Promise((resolve) => gone.server.close(resolve));
  const failureOf = async (url: string, webSocket?: WebSocketConstructor): Promise<unknown> => {
    const failures: (Failure | undefined)[] = [];
    const options = {
      url,
      identity: identityOf(client, 'client'),
      handler: new Recorder(),
      backoff: { baseMs: 60_000, capMs: 60_000 },
      onState: (_: DialState, failure: Failure | undefined) => void failures.push(failure),
    };
    const dialer = webSocket === undefined ? dial(options) : dialClient({ ...options, webSocket });
    await until(() => dialer.state.kind === 'waiting');
    dialer.close();
    return failures.find((one) => one !== undefined);
  };
  const refused = await failureOf(`ws://127.0.0.1:${gone.port}`);
  expect(refused).toMatchObject({ code: 'connection_refused' });
  expect(JSON.stringify(refused)).toContain('ECONNREFUSED');
  expect(await failureOf(`ws://127.0.0.1:${gone.port}`, WebSocket)).toEqual(refused);
  const plain = await listenFor(new Recorder());
  expect(await failureOf(plain.url.replace('ws:', 'wss:'))).toMatchObject({ code: 'tls_failed' });
});

test('the client half links through an injected WebSocket', async () => {
  const far = new Recorder();
  const near = new Recorder();
  const listener = await listenFor(far);
  const identity = identityOf(client, 'client');
  const dialer = dialClient({ url: listener.url, identity, handler: near, webSocket: WebSocket });
  await until(() => near.ups.length === 1);
  const link = near.ups[0] as Link;
  for (let i = 0; i < 20; i++) link.send(new Uint8Array(50_000).fill(i), BULK);
  link.send(bytes(7), KEEP_ALIVE);
  far.ups[0]?.send(bytes(8), PROTOCOL);
  await until(() => far.messages.length === 21 && near.messages.length === 1);
  expect(near.messages[0]?.message).toEqual(bytes(8));
  // Browsers refuse every code below 3000 but 1000.
  dialer.close(1001, 'leaving');
  await until(() => far.downs.length === 1);
  expect(far.downs[0]).toMatchObject({ code: 1000, reason: 'leaving' });
});

test('the table of close codes: three are final, what passes is dialled soon', () => {
  const codes = [...Object.values(CLOSE), 1002, 1005, 4999];
  expect(codes.filter(isFinal)).toEqual([4401, 4404, 4426]);
  expect(codes.filter(isFinal)).toEqual(FINAL_CLOSE_CODES);
  expect(codes.filter(passes)).toEqual([1001, 1006, 1012, 1013, 4408, 4429]);
  expect(retryAfterMs('slow_down retry-after=1500')).toBe(1500);
  expect(retryAfterMs('slow_down')).toBeUndefined();
  expect(retryAfterMs('retry-after=-5')).toBeUndefined();
});

test('bulk flows on as the peer confirms it, however much there is', async () => {
  const { out, far } = await pair({}, { limits: { bulkWindowBytes: 1000, pingMs: 60_000 } });
  for (let i = 0; i < 200; i++) out.send(new Uint8Array(700).fill(i), BULK);
  await until(() => far.messages.length === 200);
  expect(far.messages.map(({ message }) => message[0])).toEqual(
    Array.from({ length: 200 }, (_, i) => i),
  );
});
