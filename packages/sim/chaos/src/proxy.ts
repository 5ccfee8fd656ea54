// A TCP proxy on loopback that makes links bad, each by itself.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Flow } from './flow.ts';

/** What is wrong with one direction of a link. */
export type LinkFault =
  /** Connections end, in both directions, and new ones are refused. */
  | { readonly kind: 'cut' }
  /** Nothing gets through, and nobody is told; it comes later, as TCP would send it again. */
  | { readonly kind: 'blackhole' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'slow'; readonly bytesPerSec: number };

const LOOPBACK = '127.0.0.1';
/** Longest first line of a connection, bytes. */
const GREETING_BYTES_MAX = 128;

/** One connection through the proxy. */
interface Pair {
  readonly from: string;
  readonly port: number;
  /** From who dialled to who was dialled, and back. */
  readonly there: Flow;
  readonly back: Flow;
  destroy(): void;
}

/**
 * All links of a cell through one port. Whoever dials says first, in a line, who it is and which port it
 * means: `replica-0 40123`. Processes with the environment of {@link viaProxy} do.
 */
export class FaultProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  /** Whose port it is. */
  readonly #owners = new Map<number, string>();
  readonly #faults = new Map<string, LinkFault>();

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#greet(socket));
  }

  /** Listens on a free port of loopback. */
  static async listen(): Promise<FaultProxy> {
    const server = createServer();
    server.listen(0, LOOPBACK);
    await once(server, 'listening');
    return new FaultProxy(server);
  }

  /** Tells whose port that is: links are named by both ends. */
  own(name: string, port: number): void {
    this.#owners.set(port, name);
    this.#apply();
  }

  /** Bytes from one to the other, whoever dialled. `undefined`: the link is good. */
  set(from: string, to: string, fault: LinkFault | undefined): void {
    if (fault === undefined) this.#faults.delete(linkName(from, to));
    else this.#faults.set(linkName(from, to), fault);
    this.#apply();
  }

  /** Every link is good. */
  heal(): void {
    this.#faults.clear();
    this.#apply();
  }

  /** Connections that are up, as `from>to`. */
  get links(): readonly string[] {
    return [...this.#pairs].map(({ from, port }) => linkName(from, this.#nameOf(port)));
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const pair of this.#pairs) pair.destroy();
    await closed;
  }

  #nameOf(port: number): string {
    return this.#owners.get(port) ?? `port ${port}`;
  }

  #faultOf(from: string, to: string): LinkFault | undefined {
    return this.#faults.get(linkName(from, to));
  }

  #isCut(from: string, to: string): boolean {
    return [this.#faultOf(from, to), this.#faultOf(to, from)].some((one) => one?.kind === 'cut');
  }

  #apply(): void {
    for (const pair of this.#pairs) {
      const to = this.#nameOf(pair.port);
      if (this.#isCut(pair.from, to)) pair.destroy();
      pair.there.become(this.#faultOf(pair.from, to));
      pair.back.become(this.#faultOf(to, pair.from));
    }
  }

  /** Reads the first line; what comes behind it is the other end's. */
  #greet(socket: Socket): void {
    let read = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    const hear = (chunk: Buffer): void => {
      read = Buffer.concat([read, chunk]);
      const end = read.indexOf('\n');
      if (end < 0 && read.length < GREETING_BYTES_MAX) return;
      socket.off('data', hear);
      socket.pause();
      const [, from, port] = /^(\S+) (\d+)$/.exec(read.subarray(0, end).toString()) ?? [];
      if (from === undefined) socket.destroy();
      else this.#join(socket, from, Number(port), read.subarray(end + 1));
    };
    socket.on('data', hear);
  }

  #join(dialler: Socket, from: string, port: number, first: Buffer): void {
    const to = this.#nameOf(port);
    if (this.#isCut(from, to)) {
      dialler.destroy();
      return;
    }
    const dialled = connect({ host: LOOPBACK, port });
    dialled.setNoDelay(true);
    const there = new Flow(dialler, dialled, this.#faultOf(from, to), first);
    const back = new Flow(dialled, dialler, this.#faultOf(to, from), Buffer.alloc(0));
    const pair: Pair = {
      from,
      port,
      there,
      back,
      destroy: () => {
        this.#pairs.delete(pair);
        for (const flow of [there, back]) flow.stop();
        for (const socket of [dialler, dialled]) socket.destroy();
      },
    };
    this.#pairs.add(pair);
    for (const socket of [dialler, dialled]) {
      socket.on('error', () => pair.destroy());
      socket.on('close', () => this.#pairs.delete(pair));
    }
  }
}

function linkName(from: string, to: string): string {
  return `${from}>${to}`;
}

/** The environment of a Node process whose connections are to go through the proxy. */
export function viaProxy(proxy: FaultProxy, name?: string): NodeJS.ProcessEnv {
  const program = fileURLToPath(new URL('../dist/via.js', import.meta.url));
  const own = name === undefined ? {} : { CHAOS_NAME: name };
  return { ...own, CHAOS_PROXY: String(proxy.port), NODE_OPTIONS: `--import=${program}` };
}
