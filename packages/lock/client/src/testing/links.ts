// The links between one client and the replicas of a simulated cell.
import { decodeClientMessage } from '@fatty/api';
import { GATEWAY_LIMITS } from '@fatty/host';
import type { Link, PublicKey } from '@fatty/interface';
import { CLOSE } from '@fatty/network/client';
import type { World } from '@fatty/testnet';
import type { Dial } from '../sdk/cell-links.ts';

type DialTerms = Parameters<Dial>[0];

/** Both ends of a link that stands. */
interface Strand {
  readonly clients: Link;
  readonly gateways: Link;
}

interface Wire {
  /** Whom the SDK wants told; undefined before it dials and after it hangs up. */
  terms: DialTerms | undefined;
  strand: Strand | undefined;
  isCut: boolean;
  /** Extra one-way delay, ms. */
  slowedMs: number;
  /** When the last message of each direction arrives: a link keeps its order. */
  readonly lastMs: { in: number; out: number };
}

const DELAY_MS = 1;
const REDIAL_MS = 50;

/** The addresses of replicas in such a cell are their committee indices. */
const replicaOf = (url: string): number => Number(url);

/** What stands between one client and its gateways; each link is dialled again until it stands. */
export class TestLinks {
  readonly #world: World;
  readonly #key: PublicKey;
  readonly #wires: readonly Wire[];
  /** The replica that the last batch went to. */
  gateway: number | undefined;

  constructor(world: World, key: PublicKey) {
    this.#world = world;
    this.#key = key;
    this.#wires = world.hosts.map(() => ({
      terms: undefined,
      strand: undefined,
      isCut: false,
      slowedMs: 0,
      lastMs: { in: 0, out: 0 },
    }));
    world.onObservation(({ kind, by }) => {
      if (kind === 'crashed') this.#end(by, CLOSE.abnormal);
    });
  }

  /** How the SDK dials. */
  readonly dial: Dial = (terms) => {
    const replica = replicaOf(terms.url);
    const wire = this.#wire(replica);
    wire.terms = terms;
    this.#redial(replica, DELAY_MS);
    const close = (): void => {
      wire.terms = undefined;
      this.#detach(replica);
    };
    return { url: terms.url, state: { kind: 'connecting' }, close };
  };

  /** Ends these links and refuses new ones until {@link mend}. */
  cut(replicas: readonly number[]): void {
    for (const replica of replicas) {
      this.#wire(replica).isCut = true;
      this.#end(replica, CLOSE.abnormal);
    }
  }

  /** Everything that this client says to a replica, and hears of it, takes so much longer. */
  slow(replicas: readonly number[], byMs: number): void {
    for (const replica of replicas) this.#wire(replica).slowedMs = byMs;
  }

  mend(): void {
    for (const wire of this.#wires) {
      wire.isCut = false;
      wire.slowedMs = 0;
    }
  }

  #wire(replica: number): Wire {
    const wire = this.#wires[replica];
    if (wire === undefined) throw new RangeError(`no replica ${replica}`);
    return wire;
  }

  #redial(replica: number, delayMs: number): void {
    this.#world.after(delayMs, () => {
      const wire = this.#wire(replica);
      if (wire.terms === undefined || wire.strand !== undefined) return;
      if (!wire.isCut) wire.strand = this.#open(replica);
      if (wire.strand === undefined) this.#redial(replica, REDIAL_MS);
      else wire.terms.handler.up(wire.strand.clients);
    });
  }

  /** Undefined while the replica's process is down. */
  #open(replica: number): Strand | undefined {
    const { front } = this.#world.hosts[replica] ?? {};
    if (front === undefined) return undefined;
    const { messageBytesMax } = { messageBytesMax: GATEWAY_LIMITS.frameBytesMax };
    const strand: Strand = {
      clients: {
        peer: this.#world.cell.committee.members[replica] ?? this.#key,
        role: 'replica',
        messageBytesMax,
        send: (bytes) => this.#say(replica, strand, bytes),
        close: () => this.#detach(replica),
      },
      gateways: {
        peer: this.#wire(replica).terms?.identity.signer.publicKey ?? this.#key,
        role: 'client',
        messageBytesMax,
        send: (bytes) => this.#carry(replica, 'in', strand, () => this.#hear(replica, bytes)),
        close: (code) => this.#end(replica, code),
      },
    };
    front.linkUp(strand.gateways);
    return strand;
  }

  #say(replica: number, strand: Strand, bytes: Uint8Array): boolean {
    const message = decodeClientMessage(bytes, GATEWAY_LIMITS.frameBytesMax);
    if (message.ok && message.value.kind === 'submit') this.gateway = replica;
    return this.#carry(replica, 'out', strand, () => {
      this.#world.hosts[replica]?.front?.message(strand.gateways, bytes);
    });
  }

  #hear(replica: number, bytes: Uint8Array): void {
    const { terms, strand } = this.#wire(replica);
    if (strand !== undefined) terms?.handler.message(strand.clients, bytes);
  }

  /** In order, unless the link ends before. */
  #carry(replica: number, way: 'in' | 'out', strand: Strand, arrive: () => void): boolean {
    const wire = this.#wire(replica);
    const { nowMs } = this.#world;
    const atMs = Math.max(nowMs + DELAY_MS + wire.slowedMs, wire.lastMs[way]);
    wire.lastMs[way] = atMs;
    this.#world.after(atMs - nowMs, () => {
      if (wire.strand === strand) arrive();
    });
    return true;
  }

  #detach(replica: number): Strand | undefined {
    const wire = this.#wire(replica);
    const { strand } = wire;
    if (strand === undefined) return undefined;
    wire.strand = undefined;
    this.#world.hosts[replica]?.front?.linkDown(strand.gateways);
    return strand;
  }

  #end(replica: number, code: number): void {
    const strand = this.#detach(replica);
    if (strand === undefined) return;
    this.#wire(replica).terms?.handler.down(strand.clients, code, '');
    this.#redial(replica, REDIAL_MS);
  }
}
