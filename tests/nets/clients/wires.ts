// The links of simulated clients.
import { decodeGatewayMessage } from '@fatty/api';
import type { Dial } from '@fatty/client/driver';
import type { Link, PublicKey } from '@fatty/interface';
import { CLOSE } from '@fatty/network';
import type { Scene, SeededRng } from '@fatty/testnet';
import type { Caller, Doors } from './doors.ts';

type DialTerms = Parameters<Dial>[0];

/** One link, as either end has it. */
interface Strand {
  readonly clients: Link;
  readonly gateways: Link;
}

interface Wire {
  /** Whom the driver wants told; undefined before it dials and after it closes. */
  terms: DialTerms | undefined;
  strand: Strand | undefined;
  /** Closed to new links until then, world ms. */
  closedUntilMs: number;
  /** Until then this client's key is refused, world ms. */
  refusedUntilMs: number;
  /** When the last message of each direction arrives: a link keeps its order. */
  readonly lastMs: { in: number; out: number };
}

/** The client at its end of the wires. */
export interface WiresOwner {
  readonly key: PublicKey;
  /** One turn of its process: now, or when it runs again. */
  turn(act: () => void): void;
  /** Called as bytes leave, before they are lost anywhere. */
  sends(replica: number, bytes: Uint8Array): void;
  /** Called as bytes reach the host. */
  arrives(replica: number, bytes: Uint8Array): void;
  /** Called when bytes that arrived count as heard. */
  hears(replica: number, bytes: Uint8Array): void;
}

export const BYTES_MAX = 2_000_000;
const HUNG_UP = 1006;

/** What stands between one client and its gateways: links that break and are dialled again. */
export class Wires {
  readonly #scene: Scene;
  readonly #doors: Doors;
  readonly #rng: SeededRng;
  readonly #owner: WiresOwner;
  readonly #wires: readonly Wire[];
  /** Receipts do not get through until then, world ms. */
  #deafUntilMs = 0;
  /** Nothing leaves until then, world ms. */
  #muteUntilMs = 0;

  constructor(scene: Scene, doors: Doors, rng: SeededRng, owner: WiresOwner) {
    this.#scene = scene;
    this.#doors = doors;
    this.#rng = rng;
    this.#owner = owner;
    this.#wires = scene.world.hosts.map(() => ({
      terms: undefined,
      strand: undefined,
      closedUntilMs: 0,
      refusedUntilMs: 0,
      lastMs: { in: 0, out: 0 },
    }));
  }

  get #nowMs(): number {
    return this.#scene.world.nowMs;
  }

  /** How the driver dials; a replica's url is its number. */
  readonly dial: Dial = (terms) => {
    const replica = Number(terms.url);
    const wire = this.#wires[replica];
    if (wire === undefined) throw new RangeError(`no replica ${terms.url}`);
    wire.terms = terms;
    this.#redial(replica);
    const close = (): void => {
      wire.terms = undefined;
      this.#detach(replica);
    };
    return { url: terms.url, state: { kind: 'connecting' }, close };
  };

  /** Breaks the links to these replicas; they may be dialled again after `forMs`. */
  cut(replicas: readonly number[], forMs: number): void {
    for (const replica of replicas) {
      const wire = this.#wires[replica];
      if (wire === undefined) continue;
      wire.closedUntilMs = Math.max(wire.closedUntilMs, this.#nowMs + forMs);
      this.#hangUp(replica, HUNG_UP);
    }
  }

  /** These replicas refuse the client's key: its links end, and every handshake does for a while. */
  refuse(replicas: readonly number[], forMs: number): void {
    for (const replica of replicas) {
      const wire = this.#wires[replica];
      if (wire === undefined) continue;
      wire.refusedUntilMs = this.#nowMs + forMs;
      this.#hangUp(replica, CLOSE.notAdmitted);
    }
  }

  /** Everything gets through but receipts. */
  loseReceipts(forMs: number): void {
    this.#deafUntilMs = this.#nowMs + forMs;
  }

  /** The links stand, and everything is heard; nothing leaves. */
  mute(forMs: number): void {
    this.#muteUntilMs = Math.max(this.#muteUntilMs, this.#nowMs + forMs);
  }

  /** Tries after a while, and again until there is a link. */
  #redial(replica: number): void {
    this.#scene.world.after(this.#rng.between(20, 300), () => {
      const wire = this.#wires[replica];
      if (wire?.terms === undefined || wire.strand !== undefined) return;
      if (this.#nowMs < wire.refusedUntilMs) this.#refused(wire.terms);
      else if (this.#nowMs >= wire.closedUntilMs) wire.strand = this.#open(replica);
      const { terms, strand } = wire;
      if (strand === undefined) this.#redial(replica);
      else this.#owner.turn(() => terms.handler.up(strand.clients));
    });
  }

  /** A handshake that the other end closes because it does not admit our key. */
  #refused({ onState }: DialTerms): void {
    const state = { kind: 'waiting', delayMs: 0, code: CLOSE.notAdmitted, reason: '' } as const;
    this.#owner.turn(() => onState?.({ ...state, refused: true }, undefined));
  }

  #open(replica: number): Strand | undefined {
    const caller: Caller & { strand: Strand | undefined } = {
      strand: undefined,
      key: this.#owner.key,
      hear: (bytes) => {
        this.#carry(replica, 'in', caller.strand, () => this.#arrive(replica, bytes));
      },
      hungUp: (code) => this.#hangUp(replica, code),
    };
    const gateways = this.#doors.at(replica).open(caller);
    if (gateways === undefined) return undefined;
    const send = (bytes: Uint8Array): boolean => {
      this.#send(replica, caller.strand, bytes);
      return true;
    };
    caller.strand = { gateways, clients: { ...gateways, send } };
    return caller.strand;
  }

  #send(replica: number, strand: Strand | undefined, bytes: Uint8Array): void {
    this.#owner.sends(replica, bytes);
    if (strand === undefined || this.#wires[replica]?.strand !== strand) return;
    if (this.#nowMs < this.#muteUntilMs) return;
    const arrive = (): void => this.#doors.at(replica).message(strand.gateways, bytes);
    this.#carry(replica, 'out', strand, arrive);
  }

  #arrive(replica: number, bytes: Uint8Array): void {
    this.#owner.arrives(replica, bytes);
    if (this.#nowMs < this.#deafUntilMs && isReceipt(bytes)) {
      this.#scene.world.count('receiptsLost');
      return;
    }
    this.#owner.hears(replica, bytes);
    const { terms, strand } = this.#wires[replica] ?? {};
    if (strand === undefined) return;
    this.#owner.turn(() => terms?.handler.message(strand.clients, bytes));
  }

  /** After the network's delay, in order, unless the link breaks before. */
  #carry(replica: number, way: 'in' | 'out', strand: Strand | undefined, arrive: () => void): void {
    const wire = this.#wires[replica];
    const { world } = this.#scene;
    if (wire === undefined) return;
    const { delayMsMin, delayMsMax } = world.network.options;
    const delayMs = this.#rng.between(delayMsMin, delayMsMax);
    const atMs = Math.max(world.nowMs + delayMs, wire.lastMs[way]);
    wire.lastMs[way] = atMs;
    world.after(atMs - world.nowMs, () => {
      if (wire.strand === strand) arrive();
    });
  }

  /** Answers the link that ended, if there was one. */
  #detach(replica: number): Strand | undefined {
    const wire = this.#wires[replica];
    const strand = wire?.strand;
    if (wire === undefined || strand === undefined) return undefined;
    wire.strand = undefined;
    this.#doors.at(replica).close(strand.gateways);
    return strand;
  }

  #hangUp(replica: number, code: number): void {
    const strand = this.#detach(replica);
    if (strand === undefined) return;
    this.#scene.world.count('linksLost');
    const terms = this.#wires[replica]?.terms;
    this.#owner.turn(() => terms?.handler.down(strand.clients, code, ''));
    this.#redial(replica);
  }
}

function isReceipt(bytes: Uint8Array): boolean {
  const message = decodeGatewayMessage(bytes, BYTES_MAX);
  return message.ok && message.value.kind === 'receipt';
}
