// Test helper: a virtual machine that is put back to a snapshot, with its memory and its disk.
import type { ReplicaEvent, TimerName } from '../src/index.ts';
import type { Host, World } from './world.ts';

/** All of one machine at one moment. */
export interface Snapshot {
  readonly events: number;
  readonly log: Host['log'];
  readonly kv: Host['kv'];
  readonly frames: Host['frames'];
  readonly mark: Host['mark'];
  readonly writes: Host['writes'];
  readonly timers: ReadonlyMap<string, number>;
}

/**
 * One machine of a world that can be put back. Its memory is made again out of the events that it has had:
 * a replica is a function of them. After that its links are dead, and it does not know.
 */
export class Machine {
  readonly #world: World;
  readonly #host: Host;
  readonly #events: ReplicaEvent[] = [];
  /** Peers whose link was there when the snapshot was taken, and leads nowhere any more. */
  readonly #dead = new Set<number>();

  /** Before the world starts; after whoever else watches `onSend`. */
  constructor(world: World, index: number) {
    this.#world = world;
    this.#host = world.host(index);
    const { onSend } = world;
    world.onSend = (from, to, bytes) => !this.#isDead(from, to) && onSend(from, to, bytes);
    const event = world.event.bind(world);
    world.event = (host, happening) => {
      if (host.index !== index) return event(host, happening);
      if (happening.kind === 'message' && this.#dead.has(happening.peer)) return;
      this.#events.push({ ...happening, nowMs: world.nowMs } as ReplicaEvent);
      event(host, happening);
    };
  }

  snapshot(): Snapshot {
    const { log, kv, frames, mark, writes, timers } = this.#host;
    return {
      events: this.#events.length,
      log: log.slice(),
      kv: new Map(kv),
      frames,
      mark,
      writes: writes.slice(),
      timers: new Map(timers),
    };
  }

  /** It goes on from the snapshot. The others have lost it; it finds that out link by link. */
  putBack(snapshot: Snapshot): void {
    const host = this.#host;
    this.#events.length = snapshot.events;
    host.life++;
    host.replica = this.#world.fresh(host.index);
    for (const event of this.#events) host.replica.step(event);
    host.log = snapshot.log.slice();
    host.kv.clear();
    for (const [key, block] of snapshot.kv) host.kv.set(key, block);
    host.frames = snapshot.frames;
    host.mark = snapshot.mark;
    host.writes = [];
    host.timers.clear();
    for (const [name, atMs] of snapshot.timers) this.#arm(name as TimerName, atMs);
    for (const { effect } of snapshot.writes) this.#write(effect);
    for (const other of this.#world.hosts)
      if (other !== host && other.up) this.#dead.add(other.index);
  }

  /** The machine finds out that a link is dead, and links anew `downMs` later. */
  relink(peer: number, downMs: number): void {
    const [host, other] = [this.#host, this.#world.host(peer)];
    this.#world.event(other, { kind: 'peerDown', peer: host.index });
    this.#world.event(host, { kind: 'peerDown', peer });
    this.#world.after(downMs, () => {
      this.#dead.delete(peer);
      this.#world.event(host, { kind: 'peerUp', peer });
      this.#world.event(other, { kind: 'peerUp', peer: host.index });
    });
  }

  #isDead(from: number, to: number): boolean {
    if (from === this.#host.index) return this.#dead.has(to);
    return to === this.#host.index && this.#dead.has(from);
  }

  #arm(name: TimerName, atMs: number): void {
    const { life, timers } = this.#host;
    timers.set(name, atMs);
    this.#world.after(Math.max(0, atMs - this.#world.nowMs), () => {
      if (this.#host.life !== life || timers.get(name) !== atMs) return;
      timers.delete(name);
      this.#world.event(this.#host, { kind: 'timer', name });
    });
  }

  /** A write that was on its way when the snapshot was taken. */
  #write(effect: Snapshot['writes'][number]['effect']): void {
    const host = this.#host;
    const { life } = host;
    host.writes.push({ effect, life });
    this.#world.after(1, () => {
      if (host.life !== life) return;
      host.writes.shift();
      const segment = host.log.at(-1)?.segment ?? 1;
      host.log.push(...effect.records.map((record) => ({ ...record, segment })));
      host.mark = effect.mark ?? host.mark;
      this.#world.event(host, { kind: 'persisted', token: effect.token, segment });
    });
  }
}
