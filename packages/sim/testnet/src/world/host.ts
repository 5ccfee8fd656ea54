/** One machine of the cell: a process that runs the host of @fatty/host, its disk, its clock, its links. */
import {
  type ClientFront,
  type EpochChain,
  type Happening,
  type HostPorts,
  type MakeFront,
  type ReplicaCore,
  Host as ReplicaHost,
} from '@fatty/host';
import type { Link, LogRecord, PublicKey, StateMachine, Verdict } from '@fatty/interface';
import type { ClockSample, ReplicaEffect } from '@fatty/replica';
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
}

/** What a machine has of the world around it. */
export interface Surroundings {
  nowMs(): number;
  after(delayMs: number, run: () => void): void;
  keyOf(replica: number): PublicKey;
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
  /** A process goes on behind a frame that an earlier one kept. */
  resumed(host: Host, index: number): void;
  /**
   * What serves a replica's clients. A net has none when its clients speak to replicas themselves.
   */
  frontOf(replica: number): MakeFront | undefined;
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
  readonly #boot: (replica: number) => Peer;
  #process: ReplicaHost | undefined;
  readonly #links = new Map<number, Link>();
  #life = 0;
  /** How many faults hold the process at present. */
  #pauses = 0;
  /** What has happened to it while it stood still. */
  #stalled: (() => void)[] = [];

  constructor(
    index: number,
    disk: Disk,
    boot: (replica: number) => Peer,
    surroundings: Surroundings,
  ) {
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

  start(): void {
    const around = this.#around;
    const peer = this.#boot(this.index);
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
        const next = this.#boot(this.index);
        process.driver.open(next);
        around.reopened(this);
        this.#begin(process, next);
      },
    });
    this.#process = process;
    this.#begin(process, peer);
  }

  /** Opens its core anew while the process lives. */
  reopen(): void {
    this.#awake(() => this.#process?.driver.reopen());
  }

  /** A core begins, behind what the disk has. */
  #begin(process: ReplicaHost, peer: Peer): void {
    const around = this.#around;
    const { records, mark, frames } = this.disk.open();
    this.peer = peer;
    const refused = process.driver.resume(frames);
    for (const { code } of refused) around.threw(this, new Error(`a frame of no use: ${code}`));
    process.driver.restore(records, mark, (failure) => {
      if (failure) around.threw(this, failure);
    });
    process.begin();
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

  /** Something that is neither a link nor an answer of a port happens: bytes of a peer or of a client. */
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
      if (known) this.#process?.driver.linkDown(other, known);
      return;
    }
    const link = this.#linkTo(other);
    this.#links.set(other, link);
    this.#process?.driver.linkUp(other, link);
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
