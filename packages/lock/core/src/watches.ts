// All watches of a client.
import { encodeClientMessage, type GatewayMessage } from '@fatty/api';
import { PROTOCOL } from '@fatty/interface';
import type { Shared } from './shared.ts';
import type { ClientEffect, ClientEvent } from './types.ts';
import { Watch, type WatchEnds, type WatchLines } from './watch.ts';

/** As many as a gateway lets one key have. */
const WATCHES_MAX = 64;

/** Takes what is told of watches. */
export type WatchesTell = (
  effect: Extract<ClientEffect, { kind: 'watched' | 'watchGap' | 'watchFailed' }>,
) => void;
type Wish = Extract<ClientEvent, { kind: 'watch' | 'watchTaken' | 'unwatch' }>;
type Opening = Extract<Wish, { kind: 'watch' }>;

/** Opens watches, and hands each what is said about it. */
export class Watches {
  readonly #shared: Shared;
  readonly #tell: WatchesTell;
  readonly #watches = new Map<number, Watch>();
  /** The watch of each number on the wire that may still be used. */
  readonly #byWire = new Map<number, Watch>();
  #nextWire = 1;

  constructor(shared: Shared, tell: WatchesTell) {
    this.#shared = shared;
    this.#tell = tell;
  }

  get nextAtMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const watch of this.#watches.values()) next = Math.min(next, watch.nextAtMs);
    return next;
  }

  /** What the caller wants. */
  note(wish: Wish): void {
    if (wish.kind === 'watch') this.#open(wish);
    else if (wish.kind === 'unwatch') this.#close(wish.watch);
    else this.#watches.get(wish.watch)?.taken(wish.count);
  }

  #open({ watch: id, topic, from }: Opening): void {
    if (this.#watches.size >= WATCHES_MAX) {
      const [expected, actual] = [`at most ${WATCHES_MAX} watches`, 'one more'];
      const failure = { code: 'too_many_watches', expected, actual };
      return this.#tell({ kind: 'watchFailed', watch: id, failure });
    }
    const ends = this.#endsOf(id);
    const watch: Watch = new Watch({
      topic,
      from,
      ends,
      shared: this.#shared,
      lines: this.#linesOf(() => watch),
    });
    this.#watches.set(id, watch);
    watch.tick();
  }

  #endsOf(watch: number): WatchEnds {
    return {
      believed: (events, until) => this.#tell({ kind: 'watched', watch, events, until }),
      gap: (code, from) => this.#tell({ kind: 'watchGap', watch, code, from }),
      failed: (failure) => {
        this.#close(watch);
        this.#tell({ kind: 'watchFailed', watch, failure });
      },
    };
  }

  #linesOf(watch: () => Watch): WatchLines {
    const { send } = this.#shared;
    return {
      ask: (replica, topic, from, room) => {
        const wire = this.#nextWire;
        this.#nextWire = (wire % 0xffff_fffe) + 1;
        this.#byWire.set(wire, watch());
        const message = { kind: 'watch', watch: wire, topic, from, room } as const;
        send(replica, encodeClientMessage(message), PROTOCOL);
        return wire;
      },
      more: (replica, wire, room) =>
        send(replica, encodeClientMessage({ kind: 'watchMore', watch: wire, room }), PROTOCOL),
      end: (replica, wire) => {
        this.#byWire.delete(wire);
        send(replica, encodeClientMessage({ kind: 'unwatch', watch: wire }), PROTOCOL);
      },
      forget: (wire) => void this.#byWire.delete(wire),
    };
  }

  #close(id: number): void {
    this.#watches.get(id)?.end();
    this.#watches.delete(id);
  }

  linkUp(replica: number): void {
    for (const watch of this.#watches.values()) watch.linkUp(replica);
  }

  linkDown(replica: number): void {
    for (const watch of this.#watches.values()) watch.linkDown(replica);
  }

  moved(): void {
    for (const watch of this.#watches.values()) watch.moved();
  }

  tick(): void {
    for (const watch of Array.from(this.#watches.values())) watch.tick();
  }

  hear(
    replica: number,
    message: Extract<GatewayMessage, { kind: 'watched' | 'watchEnded' }>,
  ): void {
    const watch = this.#byWire.get(message.watch);
    if (message.kind === 'watched') watch?.hear(replica, message);
    else watch?.ended(replica, message);
  }
}
