// The SDK in a page of a browser, with a cell of real processes.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RunningCell } from '@fatty/cli';
import { toHex } from '@fatty/codec';
import { afterAll, describe, expect, it } from 'vitest';
import { bundlePage } from '../bundle/build.ts';
import { findBrowser, Page } from './browser.ts';
import { addressOf, endEverything, member, newCell, newClient, tidyUp } from './cell.ts';

afterAll(endEverything);

const browser = await findBrowser();

/** An origin that serves the page. */
async function serve(): Promise<string> {
  const { first, later } = await bundlePage();
  const code = new Map([...first, ...later].map((one) => [`/${one.fileName}`, one.code]));
  const html = `<!doctype html><title>Fatty</title><script type="module" src="/${first[0]?.fileName}"></script>`;
  const server = createServer(({ url = '' }, response) => {
    const found = code.get(url);
    response.setHeader('content-type', found === undefined ? 'text/html' : 'text/javascript');
    response.end(found ?? html);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  tidyUp(async () => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Longer than any pause of a busy machine, ms. */
const LONG_LEASE_MS = 60_000;
/** Of who is to sleep past it, ms. */
const SHORT_LEASE_MS = 8_000;

/** Connects by the addresses of all replicas and the cell's id; `sent`: bytes by socket. */
const CONNECT = (urls: readonly string[], cellId: string): string => `(async () => {
  while (globalThis.connectToFatty === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
  globalThis.sent = {};
  class Counted extends WebSocket {
    send(data) {
      sent[this.url] = Math.max(sent[this.url] ?? 0, data.byteLength ?? 0);
      super.send(data);
    }
  }
  globalThis.codeOf = (work) => work.then(() => 'done', (error) => error.code);
  globalThis.enter = (leaseMs) => connectToFatty(${JSON.stringify(urls)}, {
    cellId: '${cellId}', webSocket: Counted, leaseMs, timeoutMs: 120_000,
  });
  globalThis.client = await enter(${LONG_LEASE_MS});
  await client.put('/page', 'from a page', { parents: true });
  return (await client.get('/page', { level: 'linearizable' })).text();
})()`;

const isGatewayOf = (sent: Readonly<Record<string, number>>, url: string): boolean =>
  Object.entries(sent).some(([to, bytes]) => bytes > 20_000 && to.startsWith(url));

/** By the socket that a long batch went out on. */
async function gatewayOf(page: Page, cell: RunningCell): Promise<number> {
  const sent = await page.evaluate<Readonly<Record<string, number>>>(
    `client.put('/long', 'x'.repeat(20_000)).then(() => sent)`,
  );
  return cell.replicas.findIndex(({ index }) => isGatewayOf(sent, addressOf(cell, index).client));
}

if (browser === undefined) {
  it('NOT TRIED, for there is no Chromium: set CHROMIUM_PATH (FATTY_BROWSER=must makes this a failure)', () => {
    expect(process.env.FATTY_BROWSER).not.toBe('must');
  });
} else {
  describe('a page in Chromium', () => {
    it('connects by URLs and cell id, holds a lock while its gateway is killed, and not while it sleeps', async () => {
      const origin = await serve();
      const cell = await newCell({ env: { ...process.env, FATTY_ALLOW_ORIGINS: origin } });
      const page = await Page.open(browser, origin);
      tidyUp(() => page.close());
      const node = await newClient(cell);

      const urls = cell.replicas.map(({ index }) => addressOf(cell, index).client);
      const id = toHex(cell.cell.cellId);
      expect(await page.evaluate(CONNECT(urls, id))).toBe('from a page');
      expect((await node.get('/page', { level: 'linearizable' })).text()).toBe('from a page');

      const acquire = `client.acquire('/page').then((got) => (globalThis.lock = got).token)`;
      const token = await page.evaluate<string>(acquire);
      await member(cell, await gatewayOf(page, cell)).kill();
      expect(await page.evaluate(`codeOf(client.put('/long', 'short'))`)).toBe('done');
      expect(await page.evaluate('[lock.held, lock.token]')).toEqual([true, token]);
      await expect(node.tryAcquire('/page')).rejects.toMatchObject({ code: 'lock_held' });

      // Who is slow to get it may have to take it again.
      const nap = `(async () => {
        globalThis.sleeper = await enter(${SHORT_LEASE_MS});
        await sleeper.put('/bed', 'free');
        for (;;) {
          if ((await codeOf(sleeper.acquire('/bed').then((got) => { globalThis.bed = got; }))) === 'done')
            return bed.token;
        }
      })()`;
      const taken = await page.evaluate<string>(nap);
      const wake = await page.sleep();
      // Nobody else can have it before the sleeper's lease has run out.
      const other = await node.acquire('/bed', { timeoutMs: 240_000 });
      wake();
      expect(other.token > taken).toBe(true);
      expect(await page.evaluate('[bed.held, bed.signal.aborted]')).toEqual([false, true]);
      expect(await page.evaluate(`codeOf(sleeper.tryAcquire('/bed'))`)).toMatch(
        /^(lock_held|session_expired)$/,
      );
      await other.release();
      const again = `(async () => {
        for (;;) {
          const code = await codeOf(sleeper.put('/bed', 'awake'));
          if (code !== 'session_expired') return code;
        }
      })()`;
      expect(await page.evaluate(again)).toBe('done');
      expect((await node.get('/bed', { level: 'linearizable' })).text()).toBe('awake');
    });
  });
}
