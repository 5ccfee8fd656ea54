// The machine that a simulated client's process runs on.
import type { SeededRng, World } from '@fatty/testnet';

/** What one process of a client may do to the world, and the world to it. */
export interface ClientHostOwner {
  /** After every turn of the process. */
  stepped(): void;
}

/**
 * The machine that a client's process runs on: a monotonic clock that drifts within ρ and stands still
 * while the host sleeps, a wall clock that somebody sets, and a process that stands still for a while.
 */
export class ClientHost {
  readonly #world: World;
  readonly #rng: SeededRng;
  readonly #owner: ClientHostOwner;
  readonly #rate: number;
  /** What waits for a process that stands still. */
  #backlog: (() => void)[] | undefined;
  /** How long the host has slept: its monotonic clock stood still, ms. */
  #sleptMs = 0;
  /** By how much its wall clock was set, ms. */
  #setMs = 0;
  /** The part of that which counts as elapsed. */
  #aheadMs = 0;

  constructor(world: World, rng: SeededRng, owner: ClientHostOwner) {
    this.#world = world;
    this.#rng = rng;
    this.#owner = owner;
    this.#rate = 1 + rng.between(-180, 180) / 1e6;
  }

  get isRunning(): boolean {
    return this.#backlog === undefined;
  }

  /** What the monotonic clock of a host that never slept would show. */
  get awakeMs(): number {
    return 77_000 + this.#world.elapsedMs * this.#rate;
  }

  monotonicMs(): number {
    return this.awakeMs - this.#sleptMs;
  }

  wallMs(): number {
    return Math.floor(this.#world.nowMs + this.#setMs);
  }

  /** No more than the elapsed time of a client (TIME.md, T6) that looks at its clocks right now. */
  elapsedMs(): number {
    return this.awakeMs + this.#aheadMs;
  }

  random(count: number): Uint8Array {
    return this.#rng.bytes(count);
  }

  after(delayMs: number, act: () => void): () => void {
    let live = true;
    this.#world.after(Math.ceil(delayMs / this.#rate), () => {
      if (live) this.turn(() => live && act());
    });
    return () => {
      live = false;
    };
  }

  /** One turn of the process: now, or when it runs again. */
  turn(act: () => void): void {
    if (this.#backlog !== undefined) {
      this.#backlog.push(act);
      return;
    }
    act();
    this.#owner.stepped();
  }

  /** The process stands still; what comes meanwhile is handled afterwards, at once. */
  freeze(forMs: number, awake: () => void = () => undefined): void {
    if (this.#backlog !== undefined) return;
    this.#backlog = [];
    this.#world.after(forMs, () => {
      awake();
      const missed = this.#backlog ?? [];
      this.#backlog = undefined;
      for (const act of missed) this.turn(act);
    });
  }

  /** The host sleeps: nothing runs, and its monotonic clock stands still. */
  sleep(forMs: number, awake: () => void): void {
    const beganMs = this.awakeMs;
    this.freeze(forMs, () => {
      awake();
      this.#sleptMs += this.awakeMs - beganMs;
    });
  }

  /** Somebody sets the wall clock of the host, which runs; `look` is how its process sees it at once. */
  setClock(byMs: number, look: () => void): void {
    if (this.#backlog !== undefined) return;
    this.#setMs += byMs;
    this.#aheadMs += Math.max(0, byMs);
    this.turn(look);
  }
}
