// Test helper: replicas with delay and loss between them, in virtual time. It performs effects by itself:
// the host of package edge/host stands above the kernel, whose tests may not import it.
import { refKey } from '@fatty/broadcast';
import { compareBytes, type Signer } from '@fatty/codec';
import type { StateMachine, Verdict } from '@fatty/interface';
import { type Epoch, genesisOrigin, memberIndex } from '@fatty/protocol';
import {
  beginBehind,
  CheckedChain,
  type Copying,
  Follower,
  linkBytes,
  type OpenedEpoch,
  Replica,
  type ReplicaEffect,
  type ReplicaEvent,
  type Tuning,
} from '../src/index.ts';
import { type Cell, listAlgorithm, Random, START_MS, scheme } from './cell.ts';

export * from './agreement.ts';
export * from './cell.ts';
export { Host, type Logged } from './host.ts';

import { bareMachine } from './bare-machine.ts';
import { type Effect, Host } from './host.ts';
import { Schedule } from './schedule.ts';

type Happening = ReplicaEvent extends infer E
  ? E extends ReplicaEvent
    ? Omit<E, 'nowMs'>
    : never
  : never;

export interface Options {
  readonly cell: Cell;
  readonly seed?: number;
  readonly tuning?: Partial<Tuning>;
  readonly copying?: Copying;
  readonly delayMs?: (random: Random, from: number, to: number) => number;
  /** True: the packet is lost. */
  readonly loses?: (random: Random, from: number, to: number) => boolean;
  readonly syncMs?: (random: Random) => number;
  readonly machine?: () => StateMachine;
  /** Undefined: no verdict. */
  /** Keys that are no members yet: hosts behind the first ones, down until they are begun. */
  readonly joiners?: readonly Signer[];
  /** Whether hosts whose key is no member's follow, or stop. */
  readonly follows?: boolean;
  readonly verify?: (job: Uint8Array) => Verdict | undefined;
}

/** Virtual time, one queue, real replicas. A host's `step` may be watched or replaced by a liar. */
export class World {
  readonly hosts: Host[] = [];
  readonly random: Random;
  readonly options: Options;
  readonly signers: readonly Signer[];
  readonly first: OpenedEpoch;
  nowMs = START_MS;
  steps = 0;
  /** Sees each packet before the network does; false drops it. */
  onSend: (from: number, to: number, bytes: Uint8Array) => boolean = () => true;
  /** Sees each persist when it is asked for. */
  onPersist: (host: Host, effect: Effect<'persist'>) => void = () => undefined;
  /** Takes the place of replicas that are not honest. */
  readonly liars = new Map<number, (from: number, bytes: Uint8Array) => void>();
  readonly #queue = new Schedule();

  constructor(options: Options) {
    this.options = options;
    this.random = new Random(options.seed ?? 1);
    const { cell, joiners = [] } = options;
    const { committee, cellId, origin = genesisOrigin(cellId, committee) } = cell;
    this.signers = [...cell.signers, ...joiners];
    this.first = { committee, origin, links: [] };
    for (const index of cell.signers.keys()) {
      this.hosts.push(new Host(index, this.fresh(index), this.first));
    }
    for (const at of joiners.keys()) {
      // In the place of a replica that is not there yet.
      const host = new Host(cell.signers.length + at, this.fresh(0), this.first);
      host.up = false;
      this.hosts.push(host);
    }
  }

  host(index: number): Host {
    return this.hosts[index] as Host;
  }

  get honest(): readonly Host[] {
    return this.hosts.filter((host) => host.up && !this.liars.has(host.index));
  }

  /** Starts every replica and brings the links up. */
  start(without: readonly number[] = []): void {
    for (const host of this.hosts) if (without.includes(host.index)) host.up = false;
    for (const host of this.honest) this.event(host, { kind: 'start' });
    for (const host of this.hosts) if (host.up) this.connect(host.index);
  }

  connect(index: number): void {
    for (const other of this.hosts) {
      if (other.index === index || !other.up) continue;
      for (const [a, b] of [
        [index, other.index],
        [other.index, index],
      ] as const) {
        const peer = this.placeOf(b, this.host(a).epoch);
        if (!this.liars.has(a) && peer >= 0) this.event(this.host(a), { kind: 'peerUp', peer });
      }
    }
  }

  kill(index: number, keptWrites = 0): void {
    const host = this.host(index);
    host.up = false;
    host.life++;
    for (const { effect } of host.writes.slice(0, keptWrites)) host.append(effect.records);
    host.writes = [];
    host.chain = undefined;
    host.timers.clear();
    for (const other of this.honest) {
      const peer = this.placeOf(index, other.epoch);
      if (peer >= 0) this.event(other, { kind: 'peerDown', peer });
    }
  }

  restart(index: number): void {
    const host = this.host(index);
    host.up = true;
    this.#begin(host);
    this.connect(index);
  }

  /** Ends the replica in order; when its writes are done another begins, behind the disk. */
  #reopen(host: Host): void {
    this.event(host, { kind: 'stop' });
    const { life } = host;
    const whenWritten = (): void => {
      if (host.life !== life) return;
      if (host.writes.length > 0) return this.after(1, whenWritten);
      host.life++;
      host.timers.clear();
      if (!host.follower) this.#chainOf(host).follow(host.replica.links.map(linkBytes));
      this.#begin(host);
      for (const { index } of this.honest) {
        const peer = this.placeOf(index, host.epoch);
        if (index !== host.index && peer >= 0) this.event(host, { kind: 'peerUp', peer });
      }
    };
    whenWritten();
  }

  #begin(host: Host): void {
    if (!this.#open(host)) return;
    // As a process does: the log first, the mark at its end.
    if (host.follower === undefined) {
      for (const effect of host.replica.restore(host.log)) this.#perform(host, effect);
      for (const effect of host.replica.restore([], host.mark)) this.#perform(host, effect);
    }
    this.event(host, { kind: 'start' });
  }

  /** Where a host stands in the committee of an epoch; below 0: nowhere. */
  placeOf(index: number, { committee }: Epoch): number {
    const key = this.signers[index]?.publicKey;
    return key === undefined ? -1 : memberIndex(committee, key);
  }

  /** Of the process. */
  #chainOf(host: Host): CheckedChain {
    const { cellId, committee: genesis } = this.options.cell;
    host.chain ??= new CheckedChain({ cellId, scheme, genesis });
    return host.chain;
  }

  /** False: it is no member. */
  #open(host: Host): boolean {
    const { origin } = this.options.cell;
    if (origin) {
      host.replica = this.fresh(host.index);
      host.frames.toReversed().some(({ head, payload }) => host.replica.resume(head, payload).ok);
      return true;
    }
    const chain = this.#chainOf(host);
    const make = (epoch: OpenedEpoch): Replica | undefined =>
      this.placeOf(host.index, epoch) < 0 ? undefined : this.fresh(host.index, epoch);
    const { core, epoch } = beginBehind(chain, host.frames.toReversed(), make);
    host.epoch = epoch;
    host.removed = this.placeOf(host.index, epoch) < 0;
    host.follower = undefined;
    if (core) host.replica = core;
    else if (!host.removed || this.options.follows) this.#follow(host, chain);
    else host.up = false;
    return host.up;
  }

  #follow(host: Host, chain: CheckedChain): void {
    const { cellId } = this.options.cell;
    host.follower = new Follower({
      cellId,
      chain,
      scheme,
      signer: this.signers[host.index] as Signer,
      keptIndex: host.frames.at(-1)?.index ?? 0,
    });
  }

  submit(index: number, batch: Uint8Array, tag = 0): void {
    this.event(this.host(index), { kind: 'submit', batch, tag });
  }

  event(host: Host, happening: Happening): void {
    if (!host.up || this.liars.has(host.index)) return;
    this.steps++;
    const event = { ...happening, nowMs: this.nowMs } as ReplicaEvent;
    const core = host.follower ?? host.replica;
    for (const effect of core.step(event)) this.#perform(host, effect);
  }

  /** A packet from a liar, or a forged one. */
  inject(from: number, to: number, bytes: Uint8Array): void {
    this.after(1, () => this.event(this.host(to), { kind: 'message', peer: from, bytes }));
  }

  after(delayMs: number, run: () => void): void {
    this.#queue.add(this.nowMs + delayMs, run);
  }

  /** Runs until nothing is scheduled or `untilMs` later. True when the world came to rest. */
  run(forMs: number, isDone: () => boolean = () => false): boolean {
    const endMs = this.nowMs + forMs;
    for (let next = this.#queue.next; next && !isDone(); next = this.#queue.next) {
      if (next.atMs > endMs) {
        this.nowMs = endMs;
        return false;
      }
      this.#queue.take();
      this.nowMs = next.atMs;
      next.run();
    }
    return this.#queue.next === undefined;
  }

  /** Lets time pass, whether anything happens or not. */
  idle(forMs: number): void {
    const endMs = this.nowMs + forMs;
    this.run(forMs);
    this.nowMs = endMs;
  }

  /** A replica without a past. */
  fresh(index: number, epoch: OpenedEpoch = this.first): Replica {
    const { cellId } = this.options.cell;
    const { committee, origin, links } = epoch;
    const context = { cellId, epoch: committee.epoch, members: committee.members };
    return new Replica({
      committee,
      cellId,
      origin,
      links,
      me: this.placeOf(index, epoch),
      scheme,
      signer: this.signers[index] as Signer,
      machine: this.options.machine?.() ?? bareMachine(listAlgorithm, context),
      tuning: this.options.tuning ?? {},
      ...(this.options.copying && { copying: this.options.copying }),
    });
  }

  #perform(host: Host, effect: ReplicaEffect): void {
    const { life } = host;
    const later = (delayMs: number, happening: Happening): void =>
      this.after(delayMs, () => host.life === life && this.event(host, happening));
    switch (effect.kind) {
      case 'send':
        if (effect.peer < 0) return this.#send(host.index, -1 - effect.peer, effect.bytes);
        return this.#send(host.index, this.#hostAt(effect.peer, host.epoch), effect.bytes);
      case 'persist':
        return this.#persist(host, effect);
      case 'setTimer': {
        const { name, atMs } = effect;
        host.timers.set(name, atMs);
        this.after(Math.max(0, atMs - this.nowMs), () => {
          if (host.life !== life || host.timers.get(name) !== atMs) return;
          host.timers.delete(name);
          this.event(host, { kind: 'timer', name });
        });
        return;
      }
      case 'clearTimer':
        host.timers.delete(effect.name);
        return;
      case 'storeFrame': {
        const { index } = effect;
        return this.after(2, () => {
          if (host.life !== life) return;
          host.frames = [...host.frames, effect].slice(-2);
          this.event(host, { kind: 'frameStored', index });
        });
      }
      case 'readFrame': {
        const { request, index, from, bytes } = effect;
        const frame = host.frames.find((one) => one.index === index);
        const part = frame?.payload.slice(from, from + bytes);
        return later(1, { kind: 'frameRead', request, bytes: part });
      }
      case 'reopen':
        // What the core has said besides goes out before it ends.
        return this.after(0, () => host.life === life && this.#reopen(host));
      case 'dropLog':
        return this.after(2, () => {
          if (host.life === life) host.drop(effect);
        });
      case 'verify': {
        const { job } = effect;
        return later(3, { kind: 'verified', job, verdict: this.options.verify?.(job) });
      }
      case 'read':
        return later(1, {
          kind: 'stored',
          request: effect.request,
          blocks: host.find(effect),
        });
      case 'index':
        for (const block of effect.blocks)
          host.kv.set(`${block.epoch}/${refKey(block.ref)}`, block);
        return;
      case 'committed':
        host.committed.push(effect);
        return;
      case 'delivered':
        host.delivered.push(effect.ref);
        return;
      case 'refused':
        return void host.refused.push(effect);
      case 'stated':
        return void host.stated.push(effect);
      case 'proved':
        return void host.proved.push(effect);
      case 'note':
        return void host.notes.push(effect.note);
      case 'halt':
        host.halts.push(effect);
        return;
      case 'diverged':
        host.diverged.push(effect);
    }
  }

  #persist(host: Host, effect: Effect<'persist'>): void {
    host.persists++;
    const write = { effect, life: host.life };
    host.writes.push(write);
    // A store refuses a mark below the one before, and the process would have to end.
    if (effect.mark && host.mark && compareBytes(effect.mark, host.mark) < 0) {
      throw new Error(`replica ${host.index} takes its mark back`);
    }
    this.onPersist(host, effect);
    this.after(this.options.syncMs?.(this.random) ?? 1, () => {
      if (host.life !== write.life) return;
      host.writes.shift();
      const segment = host.append(effect.records);
      host.mark = effect.mark ?? host.mark;
      this.event(host, { kind: 'persisted', token: effect.token, segment });
    });
  }

  /** The host of a member. */
  #hostAt(place: number, { committee }: Epoch): number {
    const key = committee.members[place];
    return this.signers.findIndex(({ publicKey }) => key && compareBytes(publicKey, key) === 0);
  }

  #send(from: number, to: number, bytes: Uint8Array): void {
    if (!this.onSend(from, to, bytes)) return;
    if (this.options.loses?.(this.random, from, to)) return;
    const delayMs = this.options.delayMs?.(this.random, from, to) ?? 1;
    this.after(delayMs, () => {
      const liar = this.liars.get(to);
      if (liar) liar(from, bytes);
      else {
        const place = this.placeOf(from, this.host(to).epoch);
        // Whoever has no place is a guest, by the number of its host.
        const peer = place < 0 && this.options.follows ? -1 - from : place;
        if (place >= 0 || this.options.follows) {
          this.event(this.host(to), { kind: 'message', peer, bytes });
        }
      }
    });
  }
}
