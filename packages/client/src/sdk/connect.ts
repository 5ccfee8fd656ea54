import { type Cell, faultsMax, parseCell } from '@fatty/api';
import { ed25519, equalBytes, fromHex, type SignatureScheme, type Signer } from '@fatty/codec';
import { dialClient, type WebSocketConstructor } from '@fatty/network/client';
import { clientError, FattyError } from '../error.ts';
import { Client } from './client.ts';
import type { Dial } from './driver.ts';
import type { ClientConfig } from './options.ts';

export interface ConnectOptions
  extends Partial<Omit<ClientConfig, 'cell' | 'dial' | 'refresh' | 'signer' | 'scheme'>> {
  /** The key to sign with. Default: a fresh one, gone with the client. */
  readonly signer?: Signer;
  /** Trusted cell id (hex or bytes): needed when cell.json comes over the network. */
  readonly cellId?: string | Uint8Array;
  /** The WebSocket class. Default: the platform's own. */
  readonly webSocket?: WebSocketConstructor;
  readonly signal?: AbortSignal;
}

/** What differs between platforms. */
export interface Platform {
  readonly scheme: SignatureScheme;
  readonly dial: Dial;
  /** The text of cell.json at `source`. */
  read(source: string): Promise<string>;
  /** Whether reading `source` again needs no trust in a stranger. */
  trusted(source: string): boolean;
}

/**
 * Connects to a cell. `source` is cell.json as an object, or where to read it.
 * Resolves when f+1 replicas are linked; the session is opened by the first call that needs one.
 * @throws FattyError codes of `parseCell`, `unreachable`, `aborted`, `bad_argument`
 */
export async function connectOn(
  platform: Platform,
  source: Cell | string,
  options: ConnectOptions,
): Promise<Client> {
  const cell = typeof source === 'string' ? await load(platform, source, options) : source;
  checkCellId(cell, options.cellId);
  const { scheme } = platform;
  const signer = options.signer ?? scheme.signer(crypto.getRandomValues(new Uint8Array(32)));
  const dial = options.webSocket === undefined ? platform.dial : dialWith(options.webSocket);
  const again =
    typeof source === 'string' ? { refresh: () => load(platform, source, options) } : {};
  const client = new Client({ ...options, cell, signer, scheme, dial, ...again });
  try {
    const wait = options.signal === undefined ? {} : { signal: options.signal };
    await client.linked(faultsMax(cell.committee) + 1, wait);
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}

async function load(platform: Platform, source: string, options: ConnectOptions): Promise<Cell> {
  if (options.cellId === undefined && !platform.trusted(source)) {
    throw clientError('bad_argument', 'cellId, to trust what is downloaded', 'none');
  }
  const text = await platform.read(source).catch((cause: unknown) => {
    throw clientError('unreachable', `cell.json at ${source}`, String(cause), { cause });
  });
  const cell = parseCell(text, platform.scheme);
  if (!cell.ok) throw new FattyError(cell.failure, { outcome: 'not_applied', retryable: false });
  checkCellId(cell.value, options.cellId);
  return cell.value;
}

function checkCellId(cell: Cell, wanted: string | Uint8Array | undefined): void {
  if (wanted === undefined) return;
  const bytes = typeof wanted === 'string' ? fromHex(wanted) : wanted;
  if (bytes !== undefined && equalBytes(bytes, cell.cellId)) return;
  const failure = { code: 'wrong_cell_id', expected: String(wanted), actual: 'another cell' };
  throw new FattyError(failure, { outcome: 'not_applied', retryable: false });
}

function dialWith(webSocket: WebSocketConstructor): Dial {
  return (options) => dialClient({ ...options, webSocket });
}

const web: Platform = {
  scheme: ed25519(),
  dial(options) {
    const webSocket = (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
    if (webSocket === undefined) {
      throw clientError('bad_argument', 'a WebSocket class', 'none; use @fatty/client/node');
    }
    return dialWith(webSocket)(options);
  },
  async read(source) {
    const response = await fetch(source);
    if (!response.ok) throw new Error(`${response.status}`);
    return response.text();
  },
  trusted: () => false,
};

/** {@link connectOn} with what every platform has; `source` text is a URL of cell.json. */
export function connect(source: Cell | string, options: ConnectOptions = {}): Promise<Client> {
  return connectOn(web, source, options);
}
