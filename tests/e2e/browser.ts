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
  /** Of an event. */
  readonly method?: string;
  readonly params?: unknown;
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

/** Events that tell of an error, and where in them it is told. */
const COMPLAINTS: Readonly<Record<string, (params: Complaint) => string | undefined>> = {
  'Log.entryAdded': ({ entry }) =>
    entry?.level === 'error' ? `${entry.text} ${entry.url ?? ''}` : undefined,
  'Runtime.consoleAPICalled': ({ type, args = [] }) =>
    type === 'error'
      ? args
          .map(({ value, description = '' }) => (typeof value === 'string' ? value : description))
          .join(' ')
      : undefined,
  'Runtime.exceptionThrown': ({ exceptionDetails }) =>
    exceptionDetails?.exception?.description ?? exceptionDetails?.text,
};

interface Complaint {
  readonly entry?: { readonly level: string; readonly text: string; readonly url?: string };
  readonly type?: string;
  readonly args?: readonly { readonly value?: unknown; readonly description?: string }[];
  readonly exceptionDetails?: Evaluated['exceptionDetails'];
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
  /** What went wrong in the page, once `listen` was called: what it logs as errors, and what it does not catch. */
  readonly complaints: string[] = [];
  #session: string | undefined;
  #calls = 0;

  private constructor(browser: ChildProcess, folder: string, socket: WebSocket) {
    this.#browser = browser;
    this.#folder = folder;
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      if (typeof data !== 'string') return;
      const reply = JSON.parse(data) as Reply;
      if (reply.id === undefined) return this.#complained(reply);
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

  #complained({ method = '', params }: Reply): void {
    const complaint = COMPLAINTS[method]?.(params as Complaint);
    if (complaint !== undefined) this.complaints.push(complaint);
  }

  /** Loads another page here, and hears of all that goes wrong in it. */
  async visit(url: string): Promise<void> {
    await this.#send('Log.enable', {}, this.#session);
    await this.#send('Runtime.enable', {}, this.#session);
    await this.#send('Page.navigate', { url }, this.#session);
    await this.#arrived(new URL(url).origin);
  }

  /** Of a window of this size, as PNG. */
  async screenshot(width: number, height: number): Promise<Buffer> {
    const size = { width, height, deviceScaleFactor: 1, mobile: false };
    await this.#send('Emulation.setDeviceMetricsOverride', size, this.#session);
    const { data } = await this.#send<{ data: string }>(
      'Page.captureScreenshot',
      { format: 'png' },
      this.#session,
    );
    return Buffer.from(data, 'base64');
  }

  /** A key of the keyboard, pressed and let go. */
  async press(key: string): Promise<void> {
    for (const type of ['keyDown', 'keyUp'])
      await this.#send('Input.dispatchKeyEvent', { type, key, code: key }, this.#session);
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
