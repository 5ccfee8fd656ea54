// The files of the web console, and under which rules a browser runs them.
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail, ok } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import type { Cell, SignedAddresses } from '@fatty/protocol';
import type { NodeConfig } from './config.ts';
import type { PageAnswer } from './http.ts';

/** Where the console is served. */
const PLACE = '/console/';
const INDEX = 'index.html';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** What the page needs to know of the cell; nothing while the log is replayed. */
export interface PageCell {
  readonly cell: Pick<Cell, 'addresses'>;
  readonly cellFile: string;
}

/**
 * The rules for the page: code and style from files of this port alone, words with this port and the client
 * ports of members, no frame around it, nothing else.
 */
export function contentPolicy(addresses: readonly Pick<SignedAddresses, 'client'>[]): string {
  const sockets = addresses.flatMap(({ client }) => {
    if (!URL.canParse(client)) return [];
    const { protocol, host } = new URL(client);
    return protocol === 'ws:' || protocol === 'wss:' ? [`${protocol}//${host}`] : [];
  });
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src ${["'self'", ...new Set(sockets)].join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}

/**
 * Whose pages may be clients: those that the settings name, and the consoles of all members where this replica
 * has one. Members sign their addresses themselves, so only pages of the reader's own machine count.
 */
export function originsOf(
  { allowOrigins, console: hasConsole }: Pick<NodeConfig, 'allowOrigins' | 'console'>,
  addresses: readonly Pick<SignedAddresses, 'http'>[],
): readonly string[] {
  if (!hasConsole) return allowOrigins;
  const consoles = addresses.flatMap(({ http }) => {
    if (!URL.canParse(http)) return [];
    const { protocol, hostname, port } = new URL(http);
    if (protocol !== 'http:' || !LOOPBACK.has(hostname)) return [];
    return [...LOOPBACK].map((name) => `http://${name}${port === '' ? '' : `:${port}`}`);
  });
  return [...allowOrigins, ...consoles];
}

/** Under these names a reader on the same machine, or behind a tunnel, finds the HTTP port. */
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost']);

/** The console as it was built. */
export class WebPage {
  readonly #files: ReadonlyMap<string, Uint8Array>;

  private constructor(files: ReadonlyMap<string, Uint8Array>) {
    this.#files = files;
  }

  /** Code `no_console`: `@fatty/console` is not installed, or was not built. */
  static find(): Outcome<WebPage> {
    try {
      const manifest = fileURLToPath(import.meta.resolve('@fatty/console/package.json'));
      return WebPage.read(join(manifest, '..', 'dist', 'web'));
    } catch (error) {
      return fail('no_console', 'the package @fatty/console', (error as Error).message);
    }
  }

  /** Code `no_console`: there is no page in this folder. */
  static read(folder: string): Outcome<WebPage> {
    try {
      const names = readdirSync(folder).filter((name) => TYPES[extname(name)] !== undefined);
      const files = new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
      if (files.has(INDEX)) return ok(new WebPage(files));
      return fail('no_console', `${INDEX} in ${folder}: npm run build makes it`, 'none');
    } catch (error) {
      return fail('no_console', `${folder}: npm run build makes it`, (error as Error).message);
    }
  }

  /** Undefined: nothing of the console is at this path. */
  at(path: string, known: PageCell | undefined): PageAnswer | undefined {
    if (path === '/' || `${path}/` === PLACE) return moved(PLACE);
    if (!path.startsWith(PLACE)) return undefined;
    const name = path.slice(PLACE.length) || INDEX;
    if (name === 'cell.json') return cellFile(known);
    const body = this.#files.get(name);
    if (body === undefined) return undefined;
    const isIndex = name === INDEX;
    const headers = {
      ...COMMON,
      'content-type': TYPES[extname(name)] ?? '',
      'cache-control': isIndex ? 'no-store' : 'public, max-age=31536000, immutable',
      ...(isIndex && { 'content-security-policy': contentPolicy(known?.cell.addresses ?? []) }),
    };
    return { status: 200, headers, body };
  }
}

const COMMON = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const moved = (location: string): PageAnswer => ({
  status: 307,
  headers: { ...COMMON, location },
  body: '',
});

function cellFile(known: PageCell | undefined): PageAnswer {
  const headers = { ...COMMON, 'cache-control': 'no-store', 'content-type': 'application/json' };
  if (known !== undefined) return { status: 200, headers, body: known.cellFile };
  return { status: 503, headers, body: '{"code":"starting"}\n' };
}
