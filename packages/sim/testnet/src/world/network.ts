// The simulated network.
import type { NetworkOptions } from './faults.ts';
import type { SeededRng } from './rng.ts';

/** A message under way between two replicas. */
export interface Packet {
  /** Unique in a run. */
  readonly id: string;
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

/**
 * Decides how long a packet takes; `undefined` leaves it to the network's own dice. An adversarial
 * scheduler is nothing but this function: it may read the packet and take as long as it likes.
 */
export type Scheduler = (packet: Packet, nowMs: number) => number | undefined;

/** What the network needs of its world, and tells it. */
export interface NetworkPorts {
  nowMs(): number;
  after(delayMs: number, run: () => void): void;
  sent(packet: Packet): void;
  arrive(packet: Packet): void;
  dropped(packet: Packet, why: string): void;
  linkChanged(at: number, other: number, up: boolean): void;
}

/** Time for a side to notice that a link has gone silent (ping), and to dial again. In ms. */
const NOTICE_MS_MAX = 400;
const REDIAL_MS_MAX = 80;

/**
 * Links between every two replicas. A link that is cut loses what is in flight; both ends notice
 * some time later, and dial again when they can (which is what a WebSocket does).
 */
export class Network {
  options: NetworkOptions;
  scheduler: Scheduler | undefined;
  readonly #ports: NetworkPorts;
  readonly #rng: SeededRng;
  readonly #replicas: number;
  readonly #latest: number[];
  /** What each end believes; index `at * replicas + other`. */
  readonly #up: boolean[];
  /** Counts cuts of a link: packets sent before one never arrive after it. */
  readonly #cuts: number[];
  #side: ReadonlySet<number> | undefined;
  /** Whom nobody outside of the set hears. */
  #mute: ReadonlySet<number> | undefined;
  readonly #dead = new Set<number>();
  #packets = 0;

  constructor(replicas: number, options: NetworkOptions, rng: SeededRng, ports: NetworkPorts) {
    this.options = options;
    this.#replicas = replicas;
    this.#rng = rng;
    this.#ports = ports;
    const links = replicas * replicas;
    this.#latest = Array.from<number>({ length: links }).fill(0);
    this.#up = Array.from<boolean>({ length: links }).fill(false);
    this.#cuts = Array.from<number>({ length: links }).fill(0);
  }

  send(from: number, to: number, bytes: Uint8Array): void {
    this.#post(from, to, bytes);
    if (!this.#rng.chance(this.options.duplicatePerMille)) return;
    this.#post(from, to, bytes);
  }

  partition(side: readonly number[]): void {
    this.#side = new Set(side);
    this.#settle(NOTICE_MS_MAX);
  }

  /** Nothing that these say comes out of their midst; the links do not notice. */
  mute(side: readonly number[]): void {
    this.#mute = new Set(side);
  }

  unmute(): void {
    this.#mute = undefined;
    this.resetLinks();
  }

  heal(): void {
    this.#side = undefined;
    this.resetLinks();
  }

  /** Every link is dialled anew: what TCP does in the end with a link that lost packets. */
  resetLinks(): void {
    for (let at = 0; at < this.#replicas; at++) {
      for (let other = 0; other < this.#replicas; other++) this.#drop(at, other);
    }
    this.#settle(REDIAL_MS_MAX);
  }

  died(replica: number): void {
    this.#dead.add(replica);
    for (let other = 0; other < this.#replicas; other++) {
      this.#up[replica * this.#replicas + other] = false;
      this.#cuts[replica * this.#replicas + other] = this.#cut(replica, other) + 1;
      this.#cuts[other * this.#replicas + replica] = this.#cut(other, replica) + 1;
    }
    this.#settle(REDIAL_MS_MAX);
  }

  revived(replica: number): void {
    this.#dead.delete(replica);
    for (let other = 0; other < this.#replicas; other++) this.#drop(other, replica);
    this.#settle(REDIAL_MS_MAX);
  }

  connected(a: number, b: number): boolean {
    if (a === b || this.#dead.has(a) || this.#dead.has(b)) return false;
    return this.#side === undefined || this.#side.has(a) === this.#side.has(b);
  }

  #cut(from: number, to: number): number {
    return this.#cuts[from * this.#replicas + to] ?? 0;
  }

  #drop(at: number, other: number): void {
    const link = at * this.#replicas + other;
    if (!this.#up[link]) return;
    this.#up[link] = false;
    this.#cuts[link] = (this.#cuts[link] ?? 0) + 1;
    this.#ports.linkChanged(at, other, false);
  }

  /** Lets every end learn, within `msMax`, what its links now are. */
  #settle(msMax: number): void {
    for (let at = 0; at < this.#replicas; at++) {
      for (let other = 0; other < this.#replicas; other++) {
        if (at === other || this.#dead.has(at)) continue;
        this.#ports.after(this.#rng.between(1, msMax), () => this.#notice(at, other));
      }
    }
  }

  #notice(at: number, other: number): void {
    const link = at * this.#replicas + other;
    const up = this.connected(at, other);
    if (this.#dead.has(at) || this.#up[link] === up) return;
    if (up) {
      this.#up[link] = true;
      this.#ports.linkChanged(at, other, true);
    } else this.#drop(at, other);
  }

  #post(from: number, to: number, bytes: Uint8Array): void {
    const packet = { id: `p${this.#packets++}`, from, to, bytes };
    this.#ports.sent(packet);
    if (!this.connected(from, to)) return this.#ports.dropped(packet, 'no link');
    if (this.#mute?.has(from) && !this.#mute.has(to)) {
      return this.#ports.dropped(packet, 'one way');
    }
    if (this.#rng.chance(this.options.lossPerMille)) return this.#ports.dropped(packet, 'lost');
    const cut = this.#cut(from, to);
    this.#ports.after(this.#delay(packet), () => {
      const whole = this.#cut(from, to) === cut && this.connected(from, to);
      if (!whole) return this.#ports.dropped(packet, 'link cut');
      // Nothing comes by a link that is not up, so an end that receives a packet learns that the
      // link is up.
      this.#notice(to, from);
      this.#ports.arrive(packet);
    });
  }

  #delay(packet: Packet): number {
    const now = this.#ports.nowMs();
    const chosen = this.scheduler?.(packet, now);
    if (chosen !== undefined) return chosen;
    const delay = this.#rng.between(this.options.delayMsMin, this.options.delayMsMax);
    if (this.options.reorder) return delay;
    const link = packet.from * this.#replicas + packet.to;
    const at = Math.max(now + delay, this.#latest[link] ?? 0);
    this.#latest[link] = at;
    return at - now;
  }
}
