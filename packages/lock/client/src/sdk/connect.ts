// From a cell to a client that is linked to it.

import { ed25519, type SignatureScheme, type Signer } from '@fatty/codec';
import { dialClient, isPlainBeyond, type WebSocketConstructor } from '@fatty/network/client';
import { type Cell, contactsOf, faultsMax, newestAddresses } from '@fatty/protocol';
import { CONNECT, checkSource } from './arguments.ts';
import type { Dial } from './cell-links.ts';
import {
  boundedText,
  checkCellId,
  type Reader,
  type ReadTerms,
  readCell,
  readCellFromAny,
} from './cell-source.ts';
import { optionsOf } from './checks.ts';
import { Client, TIMEOUT_MS } from './client.ts';
import { clientError } from './error.ts';
import type { ClientConfig } from './options.ts';

/** Options of `connect`, all of them optional; times in ms. */
export interface ConnectOptions
  extends Partial<
    Omit<ClientConfig, 'cell' | 'dial' | 'host' | 'refresh' | 'signer' | 'scheme' | 'watch'>
  > {
  /** The key to sign with. Default: a fresh one, gone with the client. */
  readonly signer?: Signer | undefined;
  /** Trusted cell id (hex or bytes): needed when the cell comes over the network. */
  readonly cellId?: string | Uint8Array | undefined;
  /** The WebSocket class. Default: the platform's own. */
  readonly webSocket?: WebSocketConstructor | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What differs between platforms. */
export interface Platform<C extends Client> extends Reader {
  readonly dial: Dial;
  client(config: ClientConfig): C;
  /** Looks at a scheme that is not all our own code, as Node's is not. @throws FattyError `bad_ed25519` */
  checkScheme?(scheme: SignatureScheme): void;
}

/** A cell, where its cell.json is, or where its replicas are: some of their URLs. */
export type CellSource = Cell | string | readonly string[];

/**
 * Connects to a cell. Resolves when f+1 replicas are linked; the session is opened by the first call
 * that needs one. Whatever comes over the network is believed if it is the cell of `cellId`.
 * @throws FattyError codes of `parseCell`, `bad_ed25519` (this platform's signatures are not the
 * cell's), `plain_refused` (`ws` beyond loopback, without `insecure`), `not_authenticated` (as soon as so
 * many replicas refuse this client that nobody could be believed), `unreachable`, `timeout`, `aborted`,
 * `bad_argument`
 */
export async function connectOn<C extends Client>(
  platform: Platform<C>,
  source: CellSource,
  options: ConnectOptions,
): Promise<C> {
  const { signal, cellId, webSocket, ...own } = optionsOf(CONNECT, options);
  checkSource(source);
  platform.checkScheme?.(platform.scheme);
  const { timeoutMs = TIMEOUT_MS } = own;
  const terms: ReadTerms = { cellId, signal, timeoutMs };
  const cell = await cellAt(platform, source, terms);
  checkEncrypted(cell, own.insecure === true);
  const { scheme } = platform;
  const signer = own.signer ?? scheme.signer(crypto.getRandomValues(new Uint8Array(32)));
  const dial = webSocket === undefined ? platform.dial : dialWith(webSocket);
  const refresh = refresher(platform, source, terms, cell);
  const client = platform.client({ ...own, cell, signer, scheme, dial, ...refresh });
  try {
    const wait = signal === undefined ? {} : { signal };
    await client.linked(undefined, wait);
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** Receipts and notices have no signature of their own, so a plain link beyond loopback proves nothing. */
function checkEncrypted(cell: Cell, insecure: boolean): void {
  const contacts = contactsOf(cell);
  const plain = contacts.filter(({ client }) => isPlainBeyond(client));
  const usable = contacts.length - plain.length;
  if (insecure || plain.length === 0 || usable > faultsMax(cell.committee)) return;
  const expected = 'wss:// (certificates for the replicas), or insecure: true (fatty: --insecure)';
  throw clientError('plain_refused', expected, plain.map(({ client }) => client).join(' '));
}

async function cellAt(platform: Reader, source: CellSource, terms: ReadTerms): Promise<Cell> {
  if (typeof source === 'string') return readCell(platform, source, terms);
  if (isList(source)) return readCellFromAny(platform, source, terms);
  checkCellId(source, terms.cellId);
  return source;
}

// Array.isArray does not narrow readonly arrays.
const isList = (source: CellSource): source is readonly string[] => Array.isArray(source);

/** Whoever does not answer a look in this time is passed over, ms. */
const LOOK_MS_MAX = 3_000;

/**
 * One source after the other, the replicas themselves among them: whichever is down or lies, the next look
 * is somewhere else. A file of this machine costs nobody anything and is often the one of the founding, so it is
 * read at every look, and a replica is asked besides. Addresses are signed and numbered, so what is known only
 * gets newer.
 */
function refresher(
  platform: Reader,
  source: CellSource,
  terms: ReadTerms,
  cell: Cell,
): Required<Pick<ClientConfig, 'refresh'>> {
  const named = typeof source === 'string' ? [source] : isList(source) ? source : [];
  const timeoutMs = Math.min(terms.timeoutMs, LOOK_MS_MAX);
  const files = named.filter((one) => platform.trusted(one));
  const pages = named.filter((one) => !platform.trusted(one));
  let { addresses } = cell;
  let turn = 0;
  const refresh = async (signal: AbortSignal): Promise<Cell> => {
    const replicas = contactsOf({ ...cell, addresses }).map(({ client }) => client);
    const sources = [...pages, ...replicas.filter((url) => url !== '')];
    const next = sources.length === 0 ? [] : [sources[turn++ % sources.length] ?? ''];
    const read = (one: string): Promise<Cell> =>
      readCell(platform, one, { cellId: cell.cellId, signal, timeoutMs });
    const found = await Promise.allSettled([...files, ...next].map(read));
    for (const one of found) {
      if (one.status === 'fulfilled') addresses = newestAddresses(addresses, one.value.addresses);
    }
    return { ...cell, addresses };
  };
  return { refresh };
}

function dialWith(webSocket: WebSocketConstructor): Dial {
  return (options) => dialClient({ ...options, webSocket });
}

const web: Platform<Client> = {
  scheme: ed25519(),
  client: (config) => new Client(config),
  dial(options) {
    const webSocket = (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
    if (webSocket === undefined) {
      throw clientError('bad_argument', 'a WebSocket class', 'none; use @fatty/client/node');
    }
    return dialWith(webSocket)(options);
  },
  async read(source, signal) {
    const { ok, status, body } = await fetch(source, { signal });
    if (!ok || body === null) throw new Error(`status ${status}`);
    return boundedText(chunksOf(body));
  },
  trusted: () => false,
};

/** What Node's streams do by themselves and not every browser's. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel();
  }
}

/**
 * Connects with what every platform has. `source`: cell.json as an object; or, with `cellId`, the
 * URL of one, or a list of URLs of replicas (`wss://host:port`), of which one honest must answer.
 * @throws FattyError as {@link connectOn}
 */
export function connect(source: CellSource, options: ConnectOptions = {}): Promise<Client> {
  return connectOn(web, source, options);
}
