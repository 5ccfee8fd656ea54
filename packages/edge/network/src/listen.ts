// An open port for links.
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { failure, ignore, toHex } from '@fatty/codec';
import type { Failure, LinkHandler, PublicKey, Role, Verdict } from '@fatty/interface';
import { type WebSocket, WebSocketServer } from 'ws';
import { CLOSE } from './closing.ts';
import { Connection, type ConnectionContext } from './connection.ts';
import { wireOf, withoutDelay } from './dial.ts';
import { Doorway } from './doorway.ts';
import { acceptor, type LinkIdentity } from './handshake.ts';
import { DEFAULT_LIMITS, type LinkEnvironment, type LinkLimits, webEnvironment } from './limits.ts';
import type { NetworkLink, WireLink } from './link.ts';
import { type Refusal, refuseHost, refuseOrigin, type WebRules } from './origin.ts';
import { isPlainBeyond, urlHost } from './plain.ts';
import { socketFailure, wasHungUp } from './socket-failure.ts';
import { pemOf, type TlsFiles } from './tls-files.ts';

/** What a port needs. */
export interface ListenOptions extends WebRules {
  /** Default 127.0.0.1: nothing binds beyond loopback unless told. */
  readonly host?: string;
  /** 0 takes any free port; see {@link Listener.port}. */
  readonly port: number;
  /** `role` must be 'replica'. `admit` decides which keys may link in which role. */
  readonly identity: LinkIdentity;
  readonly handler: LinkHandler;
  readonly limits?: Partial<LinkLimits>;
  /** PEM files; with them the port speaks `wss`. */
  readonly tls?: TlsFiles;
  /** Speak plain `ws` beyond loopback, where whoever is on the path reads and writes. Default: false. */
  readonly insecure?: boolean;
  /** Most links at once. Default 1,024. Beyond: closed 1013. */
  readonly connectionsMax?: number;
  /**
   * Most connections at once that have proved nothing: so many that have said no key yet, and so many
   * that have. Default 1,024. Beyond, the oldest gives way to the newest (see {@link Doorway}).
   */
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
  /** Reads the PEM files again, for links to come. @throws Error that names the files, and changes nothing */
  reloadTls(): void;
  /** Closes every link (1001 by default; 1012 says "back soon") and the port. */
  close(code?: number): Promise<void>;
}

/** Links by key and role, oldest first. */
class Registry {
  readonly #links = new Map<string, WireLink[]>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(link: WireLink, most: number): void {
    const name = nameOf(link.role, link.peer);
    const known = this.#links.get(name) ?? [];
    // The newest wins: after a crash or a cut cable the old link is a ghost.
    const surplus = known.slice(0, Math.max(0, known.length + 1 - most));
    for (const old of surplus) old.close(CLOSE.conflict, 'conflict');
    this.#links.set(name, [...(this.#links.get(name) ?? []), link]);
    this.#count++;
  }

  remove(role: Role, peer: PublicKey, link: object): void {
    const name = nameOf(role, peer);
    const known = this.#links.get(name) ?? [];
    const left = known.filter((one) => one !== link);
    this.#count -= known.length - left.length;
    if (left.length === 0) this.#links.delete(name);
    else this.#links.set(name, left);
  }

  all(): WireLink[] {
    return [...this.#links.values()].flat();
  }

  /** Whether there are links of this key, one of which would make room for the next. */
  has(role: Role, peer: PublicKey): boolean {
    return this.#links.has(nameOf(role, peer));
  }
}

/** Handshakes at once in the name of one key. */
const CLAIMS_PER_KEY_MAX = 16;

const nameOf = (role: Role, peer: PublicKey): string => `${role}:${toHex(peer)}`;

class Port implements Listener {
  readonly host: string;
  readonly #options: ListenOptions;
  readonly #server: Server;
  readonly #webSockets: WebSocketServer;
  /** Every open connection, by {@link endOf}. */
  readonly #sockets = new Map<string, Socket>();
  /** On a port with TLS: connections that have not asked for anything yet. */
  readonly #unheard = new Set<string>();
  readonly #doorway: Doorway;
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
    const places = options.handshakesMax ?? 1024;
    this.#doorway = new Doorway({
      strangersMax: places,
      claimsMax: places,
      claimsPerKeyMax: CLAIMS_PER_KEY_MAX,
    });
    this.#webSockets = new WebSocketServer({
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
    const handshakeTimeout = limits.handshakeMsMax;
    const server =
      tls === undefined
        ? createServer(http, answer)
        : createTlsServer({ ...http, ...pemOf(tls), handshakeTimeout }, answer);
    server.on('connection', (socket) => this.#enter(socket));
    server.on('tlsClientError', (error: Error, socket: Socket) => this.#tlsFailed(error, socket));
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
    return `${scheme}://${urlHost(this.host)}:${this.port}`;
  }

  links(): readonly NetworkLink[] {
    return this.#registry.all();
  }

  reloadTls(): void {
    const { tls } = this.#options;
    if (tls !== undefined) (this.#server as TlsServer).setSecureContext(pemOf(tls));
  }

  close(code: number = CLOSE.goingAway): Promise<void> {
    for (const connection of this.#handshaking) connection.abandon(code, 'shutdown');
    for (const link of this.#registry.all()) link.close(code, 'shutdown');
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /** Whoever connects stands in the door until it is a link, or gone. */
  #enter(socket: Socket): void {
    withoutDelay(socket);
    const name = endOf(socket);
    this.#sockets.set(name, socket);
    this.#doorway.enter(socket, socket.remoteAddress ?? '', () => {
      this.#unheard.delete(name);
      socket.destroy();
    });
    const address = socket.remoteAddress ?? '';
    socket.once('close', () => {
      this.#sockets.delete(name);
      this.#doorway.leave(socket);
      if (this.#unheard.delete(name)) this.#turnedAway(address);
    });
    if (this.#options.tls !== undefined) this.#unheard.add(name);
  }

  #tlsFailed(error: Error, socket: Socket): void {
    const why = socketFailure(error);
    // A peer that does not accept our certificate just goes. We learn of it when the socket closes.
    if (wasHungUp(why) || !this.#unheard.delete(endOf(socket))) return;
    this.#options.onRefused?.(CLOSE.abnormal, why, socket.remoteAddress ?? '');
  }

  /** Somebody connected and left without a word of HTTP. */
  #turnedAway(address: string): void {
    const file = this.#options.tls?.certFile;
    const actual = `ended by the other end, which may not take the certificate ${file}`;
    const why = failure('tls_failed', 'a TLS handshake', actual);
    this.#options.onRefused?.(CLOSE.abnormal, why, address);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#unheard.delete(endOf(request.socket));
    const refusal = refuseOrigin(request, this.#options);
    if (refusal !== undefined) {
      socket.on('error', () => undefined);
      socket.end(httpText(refusal));
      return;
    }
    const raw = this.#sockets.get(endOf(request.socket));
    this.#webSockets.handleUpgrade(request, socket, head, (ws) => this.#accept(ws, raw));
  }

  /** Each connection gets one answer, so that nobody keeps a place by asking again. */
  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { cellFile } = this.#options;
    this.#unheard.delete(endOf(request.socket));
    response.setHeader('connection', 'close');
    const refusal = refuseHost(request, this.#options) ?? refuseOrigin(request, this.#options);
    if (refusal !== undefined) {
      response.writeHead(refusal.status, { 'content-type': 'text/plain' }).end(refusal.text);
      return;
    }
    const { method, url } = request;
    if (cellFile === undefined || method !== 'GET' || url !== '/cell.json') {
      response.writeHead(426).end();
      return;
    }
    const { origin } = request.headers;
    // It is public, and nobody sends credentials here: only pages that may use the cell can read it.
    response.setHeader('vary', 'origin');
    if (origin !== undefined) response.setHeader('access-control-allow-origin', origin);
    response.writeHead(200, { 'content-type': 'application/json' }).end(cellFile());
  }

  /** The verdict of the port's owner, while there is room for one more link. */
  #admit(key: PublicKey, role: Role): Verdict {
    const { identity, connectionsMax = 1024 } = this.#options;
    const verdict = identity.admit(key, role);
    const hasRoom = this.#registry.has(role, key) || this.#registry.count < connectionsMax;
    if (verdict.kind !== 'accept' || hasRoom) return verdict;
    return ignore('full', `${connectionsMax} links`, 'one more');
  }

  #accept(socket: WebSocket, raw: Socket | undefined): void {
    const { onRefused, linksPerClientMax = 8 } = this.#options;
    const identity: LinkIdentity = {
      ...this.#options.identity,
      admit: (key, role) => this.#admit(key, role),
    };
    const who = raw ?? socket;
    const address = raw?.remoteAddress ?? '';
    const { limits, environment, handler } = this.#context;
    const { messageBytesMax, silenceMsMax } = limits;
    const handshake = acceptor(identity, { messageBytesMax, silenceMsMax }, environment.random);
    const connection = new Connection(handshake, this.#context, {
      claimed: (key) => this.#doorway.claim(who, key),
      established: (link) => {
        this.#doorway.leave(who);
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

/** A connection by its far end: TLS sockets do not tell which socket they go over. */
const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

function httpText({ status, text }: NonNullable<Refusal>): string {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`;
  const length = Buffer.byteLength(text);
  return `${head}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\n\r\n${text}`;
}

/**
 * Opens a port for authenticated links.
 * Rejects with Node's error when the address is taken, with one that names the files when certificate
 * and key cannot be read or do not fit, and when it would speak plain `ws` beyond loopback untold.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { host = '127.0.0.1', tls, insecure = false } = options;
  const plain = tls === undefined && (host === '' || isPlainBeyond(`ws://${urlHost(host)}`));
  if (plain && !insecure) throw new Error(`plain ws on ${host}: needs a certificate, or insecure`);
  const port = new Port(options);
  await port.listen();
  return port;
}
