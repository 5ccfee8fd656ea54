// Test helper: one page in a headless Chromium, over its debugging protocol.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';

/** A Chromium of this machine; undefined where there is none. */
export async function findBrowser(): Promise<string | undefined> {
  const href = new URL('../../tools/charts/browser.mjs', import.meta.url).href;
  const found = (await import(href)) as { readonly findBrowser: () => string | undefined };
  return found.findBrowser();
}

interface Reply {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Evaluated {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: {
    readonly text: string;
    readonly exception?: { readonly description?: string };
  };
}

const FLAGS = [
  '--headless=new',
  '--no-first-run',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--remote-debugging-port=0',
];

/** A browser and the one page in it. */
export class Page {
  readonly #browser: ChildProcess;
  readonly #folder: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #session: string | undefined;
  #calls = 0;

  private constructor(browser: ChildProcess, folder: string, socket: WebSocket) {
    this.#browser = browser;
    this.#folder = folder;
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      if (typeof data !== 'string') return;
      const reply = JSON.parse(data) as Reply;
      if (reply.id === undefined) return;
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
  }

  /** Starts the browser and opens the page. */
  static async open(program: string, url: string): Promise<Page> {
    const folder = mkdtempSync(join(tmpdir(), 'fatty-browser-'));
    const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    const args = [...FLAGS, ...root, `--user-data-dir=${folder}`, 'about:blank'];
    const browser = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    const socket = new WebSocket(await endpointOf(browser), { perMessageDeflate: false });
    await once(socket, 'open');
    const page = new Page(browser, folder, socket);
    const { targetId } = await page.#send<{ targetId: string }>('Target.createTarget', { url });
    const attach = { targetId, flatten: true };
    const attached = await page.#send<{ sessionId: string }>('Target.attachToTarget', attach);
    page.#session = attached.sessionId;
    await page.#arrived(new URL(url).origin);
    return page;
  }

  /** Until the page itself is there: an empty one comes before, and takes along what is asked of it. */
  async #arrived(origin: string): Promise<void> {
    const look = "document.readyState === 'complete' && location.origin";
    for (;;) {
      const found = await this.evaluate<unknown>(look).catch(() => undefined);
      if (found === origin) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** What this expression comes to in the page, as JSON; promises are awaited. @throws Error what it throws */
  async evaluate<T>(expression: string): Promise<T> {
    const terms = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.#send<Evaluated>(
      'Runtime.evaluate',
      terms,
      this.#session,
    );
    if (exceptionDetails === undefined) return result.value as T;
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  }

  /** The processes that run pages. */
  async #renderers(): Promise<readonly number[]> {
    type Found = {
      readonly processInfo: readonly { readonly type: string; readonly id: number }[];
    };
    const { processInfo } = await this.#send<Found>('SystemInfo.getProcessInfo', {});
    return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
  }

  /** The page stands still, as on a host that sleeps. Answers the way to wake it. */
  async sleep(): Promise<() => void> {
    const renderers = await this.#renderers();
    for (const pid of renderers) process.kill(pid, 'SIGSTOP');
    return () => {
      for (const pid of renderers) process.kill(pid, 'SIGCONT');
    };
  }

  async close(): Promise<void> {
    const { pid } = this.#browser;
    const ended = once(this.#browser, 'exit');
    this.#socket.terminate();
    if (this.#browser.exitCode === null && pid !== undefined) {
      process.kill(-pid, 'SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #send<T>(method: string, params: object, sessionId?: string): Promise<T> {
    const id = ++this.#calls;
    const replied = new Promise<Reply>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) }));
    const { result, error } = await replied;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result as T;
  }
}

/** Where the browser says that it listens. @throws Error what it says instead, when it ends */
async function endpointOf(browser: ChildProcess): Promise<string> {
  let said = '';
  return new Promise((resolve, reject) => {
    browser.once('error', reject);
    browser.once('exit', () => reject(new Error(`the browser ended: ${said}`)));
    browser.stderr?.on('data', (bytes: Buffer) => {
      said += bytes;
      const [, url] = /DevTools listening on (ws:\S+)/.exec(said) ?? [];
      if (url !== undefined) resolve(url);
    });
  });
}
