/** One machine of the cell: a process that runs the host of @fatty/host, its disk, its clock, its links. */
import {
  type ClientFront,
  type EpochChain,
  type FrameBytes,
  type Happening,
  type HostPorts,
  type MakeFront,
  type ReplicaCore,
  Host as ReplicaHost,
  type ResumedAt,
} from '@fatty/host';
import type {
  Failure,
  Link,
  LogRecord,
  PlacedRecord,
  PublicKey,
  StateMachine,
  Verdict,
} from '@fatty/interface';
import type { Epoch } from '@fatty/protocol';
import type { CheckedChain, ClockSample, ReplicaEffect, ReplicaStatus } from '@fatty/replica';
import type { Disk } from './disk.ts';
import { virtualPorts } from './ports.ts';

/** A replica or a liar, as the world sees one. */
export interface Peer extends ReplicaCore {
  /** The machine that a client sees when it asks for the delivered view; a liar has none. */
  deliveredView?(): StateMachine;
  /** Its own clock, which it stamps blocks with; a liar has none. */
  clockMs?(sample: ClockSample): number;
  /** R32b; a liar says so always. */
  isCurrent?(): boolean;
  /** Where it is in the chain of epochs. */
  chain?(): EpochChain;
  /** A liar has none. */
  status?(): ReplicaStatus;
  /** What its process has checked of the chain of epochs; a liar checks nothing. */
  readonly checked?: CheckedChain;
}

/** How a life of a core begins. */
export interface Booted {
  /** Undefined: its key is no member of the epoch that its disk leads to. */
  readonly peer: Peer | undefined;
  readonly epoch: Epoch;
  /** The commit of the frame that it goes on behind. */
  readonly at?: ResumedAt | undefined;
  /** Why newer frames were not taken. */
  readonly failures?: readonly Failure[];
}

/**
 * Starts the core of a host: the real one, or a liar. `frames`: of its disk, the newest first; `past`: the core before, in
 * the same process.
 */
export type Boot = (host: number, frames: readonly FrameBytes[], past: Peer | undefined) => Booted;

/** What a machine has of the world around it. */
export interface Surroundings {
  nowMs(): number;
  after(delayMs: number, run: () => void): void;
  keyOf(host: number): PublicKey;
  hostWith(key: PublicKey): number;
  /** Committee index of a host in an epoch; below 0 where it is no member. */
  placeOf(epoch: number, host: number): number;
  /** A link takes bytes; what becomes of them is the network's business. */
  send(from: number, to: number, bytes: Uint8Array): void;
  /** A link with a full queue has not taken bytes. */
  notTaken(): void;
  verify(job: Uint8Array, answer: (verdict: Verdict | undefined) => void): void;
  observe(host: Host, effect: ReplicaEffect): void;
  /** These records, and the mark that the disk has now, are durable. */
  synced(host: Host, records: readonly LogRecord[]): void;
  threw(host: Host, error: unknown): void;
  /** The core of a process has ended, and another begins behind what is on its disk. */
  reopened(host: Host): void;
  /** A core begins in this epoch, or would if it were a member of it. */
  opened(host: Host, epoch: Epoch): void;
  /** Its key is of no use any more: its process ends. */
  retired(host: Host): void;
  /** A process goes on behind a frame that an earlier one kept. */
  resumed(host: Host, index: number): void;
  /**
   * What serves a replica's clients. A net has none when its clients speak to replicas themselves.
   */
  frontOf(replica: number): MakeFront | undefined;
}

/** What a core begins with. */
interface Opened {
  readonly peer: Peer;
  readonly at: ResumedAt | undefined;
  readonly records: readonly PlacedRecord[];
  readonly mark: Uint8Array | undefined;
}

/** How much the index writes at once: so little that short worlds write it more than once. */
const INDEX_GROUP = { blocks: 24, bytes: 1 << 20 };

const MESSAGE_BYTES_MAX = 1 << 24;

/**
 * One machine of the cell. Its process runs the same driver as a real one; the machine gives it ports in
 * virtual time: a disk that loses writes, a clock that somebody sets, links that break. A process that
 * has died hears nothing more.
 */
export class Host {
  readonly index: number;
  readonly disk: Disk;
  /** By how little its wall clock is ahead of world time. */
  skewMs = 0;
  /** And by how much somebody has set it since. */
  steppedMs = 0;
  /** How many faults keep its links from taking anything at present. */
  fullQueues = 0;
  /** Undefined while the process is down. */
  peer: Peer | undefined;
  readonly #around: Surroundings;
  readonly #boot: Boot;
  #process: ReplicaHost | undefined;
  /** By host. */
  readonly #links = new Map<number, Link>();
  #epoch = 0;
  #life = 0;
  /** How many faults hold the process at present. */
  #pauses = 0;
  /** What has happened to it while it stood still. */
  #stalled: (() => void)[] = [];

  constructor(index: number, disk: Disk, boot: Boot, surroundings: Surroundings) {
    this.index = index;
    this.disk = disk;
    this.#boot = boot;
    this.#around = surroundings;
  }

  get wallMs(): number {
    return this.#around.nowMs() + this.skewMs + this.steppedMs;
  }

  /** What its replica takes for the time. */
  get clockMs(): number {
    const sample = { nowMs: this.wallMs, monotonicMs: this.#around.nowMs() };
    return this.peer?.clockMs?.(sample) ?? this.wallMs;
  }

  /** In which its core is, or was last. */
  get epoch(): number {
    return this.#epoch;
  }

  /** A process starts, behind what the disk has; or does not, where its key is of no use. */
  start(): void {
    const around = this.#around;
    const opened = this.#open();
    if (opened === undefined) return around.retired(this);
    const { peer } = opened;
    const process = new ReplicaHost({
      replica: peer,
      ports: this.#ports(),
      clockMs: (sample) => this.peer?.clockMs?.(sample) ?? sample.nowMs,
      isCurrent: () => this.peer?.isCurrent?.() ?? true,
      chain: () => this.peer?.chain?.() ?? { epoch: 0, links: [] },
      front: around.frontOf(this.index),
      indexGroup: INDEX_GROUP,
      // Onlookers have seen it as an effect.
      onOutward: () => undefined,
      onReplayed: (effect) => around.observe(this, effect),
      onResumed: ({ index }) => around.resumed(this, index),
      onEffect: (effect) => around.observe(this, effect),
      onFatal: (error) => around.threw(this, error),
      onReopen: () => {
        around.reopened(this);
        const next = this.#open();
        if (next === undefined) return around.retired(this);
        this.#begin(process, next);
      },
    });
    this.#process = process;
    this.#begin(process, opened);
  }

  /** The core that the disk leads to (R31); undefined where the own key is no member. */
  #open(): Opened | undefined {
    const { records, mark, frames } = this.disk.open();
    const { peer, epoch, at, failures = [] } = this.#boot(this.index, frames, this.peer);
    this.#epoch = epoch.committee.epoch;
    this.#around.opened(this, epoch);
    for (const { code } of failures) {
      this.#around.threw(this, new Error(`a frame of no use: ${code}`));
    }
    return peer && { peer, at, records, mark };
  }

  /** A driver knows links by the places that their keys have in its epoch. */
  #numberOf(key: PublicKey): number | undefined {
    const { hostWith, placeOf } = this.#around;
    const place = placeOf(this.#epoch, hostWith(key));
    return place < 0 ? undefined : place;
  }

  /** Opens its core anew while the process lives. */
  reopen(): void {
    this.#awake(() => this.#process?.driver.reopen());
  }

  /** A core begins, behind what the disk has. */
  #begin(process: ReplicaHost, { peer, at, records, mark }: Opened): void {
    const around = this.#around;
    this.peer = peer;
    process.driver.open(peer, { at, numberOf: (key) => this.#numberOf(key) });
    process.driver.restore(records, mark, (failure) => {
      if (failure) around.threw(this, failure);
    });
    process.begin();
    this.#introduce(process);
  }

  /** Of links to who was no member before, the driver has not heard. */
  #introduce({ driver }: ReplicaHost): void {
    for (const [host, link] of this.#links) {
      const place = this.#around.placeOf(this.#epoch, host);
      if (place >= 0 && !driver.peersUp.includes(place)) driver.linkUp(place, link);
    }
  }

  /** Where clients come in, while the process is up. */
  get front(): ClientFront | undefined {
    const front = this.#process?.front;
    return front && this.#pauses > 0 ? this.#waiting(front) : front;
  }

  /** The process stands still: what happens to it waits, while its disk and its links go on. */
  pause(): void {
    this.#pauses += 1;
  }

  /** The process goes on, unless another fault holds it. Answers how much it had missed. */
  goOn(): number {
    this.#pauses -= 1;
    if (this.#pauses > 0) return 0;
    const stalled = this.#stalled;
    this.#stalled = [];
    for (const act of stalled) act();
    return stalled.length;
  }

  #waiting(front: ClientFront): ClientFront {
    return {
      linkUp: (link) => this.#awake(() => front.linkUp(link)),
      linkDown: (link) => this.#awake(() => front.linkDown(link)),
      message: (link, bytes) => this.#awake(() => front.message(link, bytes)),
      resume: (commit) => front.resume(commit),
      replayed: (commit, applied) => front.replayed(commit, applied),
      committed: (commit, applied) => front.committed(commit, applied),
      refused: (tag, failure) => front.refused(tag, failure),
      proved: (tag, answer) => front.proved(tag, answer),
      clients: front.clients,
    };
  }

  /** Does this now, or when the process goes on; never when it has died by then. */
  #awake(act: () => void): void {
    if (this.#pauses === 0) return act();
    this.#stalled.push(act);
  }

  /** Answers how many records were lost. */
  crash(power: boolean): number {
    this.peer = undefined;
    this.#process = undefined;
    this.#life += 1;
    this.#links.clear();
    this.#stalled = [];
    return this.disk.crash(power);
  }

  /** Bytes of another host; who is no member in the own epoch is not heard. */
  hear(other: number, bytes: Uint8Array): void {
    this.#awake(() => {
      const peer = this.#around.placeOf(this.#epoch, other);
      if (peer >= 0) this.#process?.driver.dispatch({ kind: 'message', peer, bytes });
    });
  }

  /** Something that is neither a link nor an answer of a port happens: bytes of a client, a word of the operator. */
  handle(event: Happening): void {
    this.#awake(() => this.#process?.driver.dispatch(event));
  }

  /** The link to another member stands, as this end sees it, or has ended. */
  linked(other: number, up: boolean): void {
    this.#awake(() => this.#linked(other, up));
  }

  #linked(other: number, up: boolean): void {
    const known = this.#links.get(other);
    if (!up) {
      this.#links.delete(other);
      const place = this.#around.placeOf(this.#epoch, other);
      if (known) this.#process?.driver.linkDown(place, known);
      return;
    }
    const link = this.#linkTo(other);
    this.#links.set(other, link);
    const place = this.#around.placeOf(this.#epoch, other);
    if (place >= 0) this.#process?.driver.linkUp(place, link);
  }

  #linkTo(other: number): Link {
    return {
      peer: this.#around.keyOf(other),
      role: 'replica',
      messageBytesMax: MESSAGE_BYTES_MAX,
      send: (bytes) => {
        if (this.fullQueues > 0) {
          this.#around.notTaken();
          return false;
        }
        this.#around.send(this.index, other, bytes);
        return true;
      },
      close: () => undefined,
    };
  }

  /** The ports of the life that begins now. */
  #ports(): HostPorts {
    const around = this.#around;
    const life = this.#life;
    return virtualPorts({
      clock: { nowMs: () => this.wallMs, monotonicMs: () => around.nowMs() },
      disk: this.disk,
      after: (delayMs, act) => this.#later(delayMs, act),
      verify: (job, answer) =>
        around.verify(job, (verdict) => {
          if (life === this.#life) this.#awake(() => answer(verdict));
        }),
      awake: (act) => this.#awake(act),
      synced: (records) => around.synced(this, records),
    });
  }

  /** Runs `act` later, unless the process has died in between. */
  #later(delayMs: number, act: () => void): () => void {
    const life = this.#life;
    let isDue = true;
    this.#around.after(delayMs, () => {
      if (!isDue || life !== this.#life) return;
      this.#awake(() => isDue && act());
    });
    return () => {
      isDue = false;
    };
  }
}
