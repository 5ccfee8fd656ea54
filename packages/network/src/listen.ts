import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { toHex } from '@fatty/codec';
import type { Failure, LinkHandler, PublicKey, Role } from '@fatty/interface';
import { type WebSocket, WebSocketServer } from 'ws';
import { CLOSE } from './closing.ts';
import { Connection, type ConnectionContext } from './connection.ts';
import { wireOf, withoutDelay } from './dial.ts';
import { acceptor, type LinkIdentity } from './handshake.ts';
import { DEFAULT_LIMITS, type LinkEnvironment, type LinkLimits, webEnvironment } from './limits.ts';
import type { NetworkLink, WireLink } from './link.ts';

export interface ListenOptions {
  /** Default 127.0.0.1: nothing binds beyond loopback unless told. */
  readonly host?: string;
  /** 0 takes any free port; see {@link Listener.port}. */
  readonly port: number;
  /** `role` must be 'replica'. `admit` decides which keys may link in which role. */
  readonly identity: LinkIdentity;
  readonly handler: LinkHandler;
  readonly limits?: Partial<LinkLimits>;
  /** PEM files; with them the port speaks `wss`. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Most sockets at once, proved or not. Default 1,024. Beyond: HTTP 503 or a reset. */
  readonly connectionsMax?: number;
  /** Most handshakes at once. Default 64. Beyond: HTTP 503, which a dialler sees as 1006. */
  readonly handshakesMax?: number;
  /** Most links of one client key. Default 8. Beyond: the oldest is closed 4409. Replicas get 1. */
  readonly linksPerClientMax?: number;
  /** Wait asked of peers that `admit` answers `ignore`, ms. Default 1,000. */
  readonly retryAfterMs?: number;
  /** The text of `GET /cell.json`. Default: none; whatever is no WebSocket is answered 426. */
  readonly cellFile?: () => string;
  readonly environment?: LinkEnvironment;
  /** Told of every connection that did not become a link. */
  readonly onRefused?: (code: number, failure: Failure | undefined, remoteAddress: string) => void;
}

/** An open port. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  /** `ws://host:port` or `wss://host:port`. */
  readonly url: string;
  links(): readonly NetworkLink[];
  /** Closes every link (1001 by default; 1012 says "back soon") and the port. */
  close(code?: number): Promise<void>;
}

/** Links by key and role, oldest first. */
class Registry {
  readonly #links = new Map<string, WireLink[]>();

  add(link: WireLink, most: number): void {
    const name = nameOf(link.role, link.peer);
    const known = this.#links.get(name) ?? [];
    // The newest wins: after a crash or a cut cable the old link is a ghost.
    const surplus = known.slice(0, Math.max(0, known.length + 1 - most));
    for (const old of surplus) old.close(CLOSE.conflict, 'conflict');
    this.#links.set(name, [...(this.#links.get(name) ?? []), link]);
  }

  remove(role: Role, peer: PublicKey, link: object): void {
    const name = nameOf(role, peer);
    const left = (this.#links.get(name) ?? []).filter((known) => known !== link);
    if (left.length === 0) this.#links.delete(name);
    else this.#links.set(name, left);
  }

  all(): WireLink[] {
    return [...this.#links.values()].flat();
  }
}

const nameOf = (role: Role, peer: PublicKey): string => `${role}:${toHex(peer)}`;

class Port implements Listener {
  readonly host: string;
  readonly #options: ListenOptions;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #context: ConnectionContext;
  readonly #registry = new Registry();
  readonly #handshaking = new Set<Connection>();

  constructor(options: ListenOptions) {
    this.#options = options;
    this.host = options.host ?? '127.0.0.1';
    const { tls, handler } = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#context = {
      limits,
      environment: options.environment ?? webEnvironment,
      retryAfterMs: options.retryAfterMs ?? 1000,
      handler: {
        up: (link) => handler.up(link),
        message: (link, message) => handler.message(link, message),
        down: (link, code, reason) => {
          this.#registry.remove(link.role, link.peer, link);
          handler.down(link, code, reason);
        },
      },
    };
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: limits.messageBytesMax,
      perMessageDeflate: false,
    });
    // A socket that never says a word of HTTP is cut like a silent handshake.
    const http = {
      headersTimeout: limits.handshakeMsMax,
      requestTimeout: limits.handshakeMsMax,
      connectionsCheckingInterval: Math.ceil(limits.handshakeMsMax / 2),
    };
    const answer = (request: IncomingMessage, response: ServerResponse): void =>
      this.#answer(request, response);
    const server =
      tls === undefined
        ? createServer(http, answer)
        : createTlsServer(
            { ...http, ...pemOf(tls), handshakeTimeout: limits.handshakeMsMax },
            answer,
          );
    server.maxConnections = options.connectionsMax ?? 1024;
    server.on('connection', withoutDelay);
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server = server;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, this.host, () => {
        this.#server.off('error', reject);
        // Accept can fail later (EMFILE): one lost connection, not a lost process.
        this.#server.on('error', () => undefined);
        resolve();
      });
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  get url(): string {
    const scheme = this.#options.tls === undefined ? 'ws' : 'wss';
    const host = this.host.includes(':') ? `[${this.host}]` : this.host;
    return `${scheme}://${host}:${this.port}`;
  }

  links(): readonly NetworkLink[] {
    return this.#registry.all();
  }

  close(code: number = CLOSE.goingAway): Promise<void> {
    for (const connection of this.#handshaking) connection.abandon(code, 'shutdown');
    for (const link of this.#registry.all()) link.close(code, 'shutdown');
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#handshaking.size >= (this.#options.handshakesMax ?? 64)) {
      socket.on('error', () => undefined);
      socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n\r\n');
      return;
    }
    const address = (request.socket as Socket).remoteAddress ?? '';
    this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#accept(ws, address));
  }

  /** One answer a connection: nobody keeps a place here by asking. */
  #answer({ method, url }: IncomingMessage, response: ServerResponse): void {
    const { cellFile } = this.#options;
    response.setHeader('connection', 'close');
    if (cellFile === undefined || method !== 'GET' || url !== '/cell.json') {
      response.writeHead(426).end();
      return;
    }
    // For pages of any origin: it is public, and nobody sends credentials here.
    response.setHeader('access-control-allow-origin', '*');
    response.writeHead(200, { 'content-type': 'application/json' }).end(cellFile());
  }

  #accept(socket: WebSocket, address: string): void {
    const { identity, onRefused, linksPerClientMax = 8 } = this.#options;
    const { limits, environment, handler } = this.#context;
    const { messageBytesMax, silenceMsMax } = limits;
    const handshake = acceptor(identity, { messageBytesMax, silenceMsMax }, environment.random);
    const connection = new Connection(handshake, this.#context, {
      established: (link) => {
        this.#handshaking.delete(connection);
        this.#registry.add(link, link.role === 'replica' ? 1 : linksPerClientMax);
        handler.up(link);
      },
      failed: ({ code, failure }) => {
        this.#handshaking.delete(connection);
        onRefused?.(code, failure, address);
      },
    });
    this.#handshaking.add(connection);
    connection.attach(wireOf(socket, connection));
  }
}

function pemOf(tls: NonNullable<ListenOptions['tls']>): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) };
}

/**
 * Opens a port for authenticated links.
 * Rejects with Node's error when the address is taken or a PEM file cannot be read.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const port = new Port(options);
  await port.listen();
  return port;
}
