// Wires between real connections in virtual time, and hosts that stand still.
import { toHex } from '@fatty/codec';
import type { Link, LinkHandler } from '@fatty/interface';
import { admitClients, DEFAULT_LIMITS, type SocketEvent } from '@fatty/network/client';
import { Connection } from '../../../edge/network/src/connection.ts';
import { acceptor } from '../../../edge/network/src/handshake.ts';
import type { Wire } from '../../../edge/network/src/wire.ts';
import { type FakeCell, scheme } from '../../core/test/fake-cell.ts';

const DELAY_MS = 5;
const ABNORMAL = 1006;

type Listener = (event: SocketEvent) => void;

/** What both ends of a wire see happen. */
interface End {
  message(data: Uint8Array | string): void;
  closed(code: number, reason: string): void;
}

/**
 * A replica's process as far as its sockets are concerned. Standing still, it neither takes nor says
 * anything, while its kernel keeps what comes; cut off, it loses its links and nobody reaches it.
 */
export class Host {
  readonly index: number;
  /** Of every message of a handshake, each way, ms. */
  handshakeDelayMs = DELAY_MS;
  readonly #wires = new Set<Pair>();
  #waiting: (() => void)[] | undefined;
  #reachable = true;

  constructor(index: number) {
    this.index = index;
  }

  get reachable(): boolean {
    return this.#reachable;
  }

  /** Runs `act` as soon as the process runs. */
  turn(act: () => void): void {
    if (this.#waiting === undefined) act();
    else this.#waiting.push(act);
  }

  stop(): void {
    this.#waiting ??= [];
  }

  goOn(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const act of waiting) act();
  }

  /** Breaks every link; new ones are refused until `heal`. */
  cut(): void {
    this.#reachable = false;
    for (const wire of this.#wires) wire.end(ABNORMAL, '');
    this.#wires.clear();
  }

  heal(): void {
    this.#reachable = true;
    this.handshakeDelayMs = DELAY_MS;
    this.goOn();
  }

  hold(wire: Pair): void {
    this.#wires.add(wire);
  }

  release(wire: Pair): void {
    this.#wires.delete(wire);
  }
}

/** Two ends of one connection, each message on its way for a while, in order. */
class Pair {
  readonly #host: Host;
  readonly #near: End;
  readonly #far: End;
  #open = true;
  #said = 0;
  /** When the last message of each direction arrives. */
  readonly #lastMs = { near: 0, far: 0 };

  constructor(host: Host, near: End, far: End) {
    this.#host = host;
    this.#near = near;
    this.#far = far;
    host.hold(this);
  }

  send(to: 'near' | 'far', data: Uint8Array | string): void {
    if (!this.#open) return;
    // A handshake is four messages.
    this.#said += 1;
    const delayMs = this.#said <= 4 ? this.#host.handshakeDelayMs : DELAY_MS;
    const copy = typeof data === 'string' ? data : Uint8Array.from(data);
    this.#arrive(to, delayMs, (end) => end.message(copy));
  }

  /** `by` hangs up. */
  close(by: 'near' | 'far', code: number, reason: string): void {
    if (!this.#open) return;
    this.#arrive(by === 'near' ? 'far' : 'near', DELAY_MS, () => this.end(code, reason));
  }

  end(code: number, reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#host.release(this);
    setTimeout(() => this.#near.closed(code, reason), 0);
    this.#host.turn(() => this.#far.closed(code, reason));
  }

  #arrive(to: 'near' | 'far', delayMs: number, act: (end: End) => void): void {
    const run = (): void => {
      const end = to === 'near' ? this.#near : this.#far;
      const deliver = (): void => {
        if (this.#open) act(end);
      };
      if (to === 'far') this.#host.turn(deliver);
      else deliver();
    };
    const leave = (): void => {
      const atMs = Math.max(performance.now() + delayMs, this.#lastMs[to]);
      this.#lastMs[to] = atMs;
      setTimeout(run, atMs - performance.now());
    };
    if (to === 'near') this.#host.turn(leave);
    else leave();
  }
}

/** The doors of a fake cell: the real handshake and links, over wires that a test breaks. */
export class Wires {
  readonly hosts: readonly Host[];
  /** Counts attempts that ended as links, per replica. */
  readonly links: number[];
  readonly #cell: FakeCell;
  readonly #random: (size: number) => Uint8Array;
  readonly #visitors = new Map<string, Map<number, Link>>();

  constructor(cell: FakeCell, random: (size: number) => Uint8Array) {
    this.#cell = cell;
    this.#random = random;
    this.hosts = cell.behaviours.map((_, index) => new Host(index));
    this.links = cell.behaviours.map(() => 0);
  }

  /** A WebSocket class whose sockets end here. */
  get webSocket() {
    const { hosts } = this;
    const accept = (host: Host, near: End): Pair => this.accept(host, near);
    return class {
      binaryType = '';
      readonly bufferedAmount = 0;
      readonly #listeners = new Map<string, Listener>();
      #pair: Pair | undefined;

      constructor(url: string) {
        const host = hosts[Number(url.slice(-1))] as Host;
        setTimeout(() => {
          if (!host.reachable) this.#tell({ type: 'close', code: ABNORMAL, reason: '' });
          else host.turn(() => this.#opened(host));
        }, DELAY_MS);
      }

      #opened(host: Host): void {
        this.#pair = accept(host, {
          message: (data) =>
            this.#tell({
              type: 'message',
              data: typeof data === 'string' ? data : Uint8Array.from(data).buffer,
            }),
          closed: (code, reason) => this.#tell({ type: 'close', code, reason }),
        });
        this.#tell({ type: 'open' });
      }

      #tell(event: SocketEvent): void {
        this.#listeners.get(event.type)?.(event);
      }

      addEventListener(type: string, listener: Listener): void {
        this.#listeners.set(type, listener);
      }

      send(data: Uint8Array | string): void {
        this.#pair?.send('far', data);
      }

      close(code = 1000, reason = ''): void {
        this.#pair?.close('near', code, reason);
      }
    };
  }

  /** The replica's end of a new connection. */
  accept(host: Host, near: End): Pair {
    const signer = this.#cell.signers[host.index];
    if (signer === undefined) throw new RangeError(`no replica ${host.index}`);
    const identity = {
      cellId: this.#cell.cell.cellId,
      epoch: () => 0,
      role: 'replica',
      signer,
      scheme,
      admit: admitClients,
    } as const;
    const limits = DEFAULT_LIMITS;
    const environment = { random: this.#random, monotonicMs: () => performance.now() };
    const context = { limits, environment, handler: this.#handler(host), retryAfterMs: 0 };
    const { messageBytesMax, silenceMsMax } = limits;
    const handshake = acceptor(identity, { messageBytesMax, silenceMsMax }, this.#random);
    const connection = new Connection(handshake, context, {
      established: (link) => context.handler.up(link),
      failed: () => undefined,
    });
    const pair = new Pair(host, near, connection);
    const wire: Wire = {
      buffered: () => 0,
      send: (data) => pair.send('near', data),
      close: (code, reason) => pair.close('far', code, reason),
      terminate: () => host.turn(() => pair.end(ABNORMAL, '')),
    };
    connection.attach(wire);
    return pair;
  }

  #handler({ index }: Host): LinkHandler {
    return {
      up: (link) => {
        this.links[index] = (this.links[index] ?? 0) + 1;
        this.#visitor(link).set(index, link);
      },
      message: (link, bytes) => {
        this.#cell.receive(index, [...this.#visitors.keys()].indexOf(toHex(link.peer)), bytes);
      },
      down: (link) => {
        const visitor = this.#visitor(link);
        if (visitor.get(index) === link) visitor.delete(index);
      },
    };
  }

  /** All links of one client key: the fake cell speaks to clients, not to links. */
  #visitor({ peer }: Link): Map<number, Link> {
    const known = this.#visitors.get(toHex(peer));
    if (known !== undefined) return known;
    const links = new Map<number, Link>();
    this.#visitors.set(toHex(peer), links);
    this.#cell.clients.push({ hear: (replica, bytes) => links.get(replica)?.send(bytes, 1) });
    return links;
  }
}
