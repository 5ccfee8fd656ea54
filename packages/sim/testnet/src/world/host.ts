import { toHex } from '@fatty/codec';
import type { LogRecord, StateMachine, Verdict } from '@fatty/interface';
import type {
  ClockSample,
  ReplicaEffect,
  ReplicaEvent,
  StoredWant,
  TimerName,
} from '@fatty/replica';
import type { Disk } from './disk.ts';
import { blocksIn } from './sight.ts';

/** A replica or a liar, as the world sees one. */
export interface Peer {
  /** What replaying its log asks for, before the first step. */
  readonly restored?: readonly ReplicaEffect[];
  step(event: ReplicaEvent): readonly ReplicaEffect[];
  /** What it would show a client that asks for the delivered view; a liar has none. */
  deliveredView?(): StateMachine;
  /** Its own clock, which it stamps blocks with; a liar has none. */
  clockMs?(sample: ClockSample): number;
}

/** What a process finds when it starts. */
export interface Boot {
  readonly index: number;
  readonly records: readonly LogRecord[];
  readonly mark: Uint8Array | undefined;
  readonly nowMs: number;
}

type Untimed<E> = E extends ClockSample ? Omit<E, keyof ClockSample> : never;
/** An event without its time: the host reads its own clock. */
export type HostEvent = Untimed<ReplicaEvent>;

/** What a host asks of the world around it. */
export interface HostPorts {
  nowMs(): number;
  after(delayMs: number, run: () => void): void;
  send(from: number, to: number, bytes: Uint8Array): void;
  verify(job: Uint8Array, answer: (verdict: Verdict | undefined) => void): void;
  observe(host: Host, effect: ReplicaEffect): void;
  synced(host: Host, records: readonly LogRecord[]): void;
  threw(host: Host, error: unknown): void;
}

/** One machine of the cell: process, disk, clock, timers. Performs effects as the contract says. */
export class Host {
  readonly index: number;
  readonly disk: Disk;
  /** What its wall clock is ahead of world time, in small ways. */
  skewMs = 0;
  /** And by how much somebody has set it since. */
  steppedMs = 0;
  peer: Peer | undefined;
  readonly #ports: HostPorts;
  readonly #boot: (boot: Boot) => Peer;
  readonly #timers = new Map<TimerName, number>();
  #timerIds = 0;
  /** Blocks `read` can find, by hex digest, in the order they were indexed. */
  readonly #blocks = new Map<string, { round: number; bytes: Uint8Array }>();
  #life = 0;

  constructor(index: number, disk: Disk, boot: (boot: Boot) => Peer, ports: HostPorts) {
    this.index = index;
    this.disk = disk;
    this.#boot = boot;
    this.#ports = ports;
  }

  get wallMs(): number {
    return this.#ports.nowMs() + this.skewMs + this.steppedMs;
  }

  /** What its replica takes for the time. */
  get clockMs(): number {
    return this.peer?.clockMs?.(this.#sample()) ?? this.wallMs;
  }

  #sample(): ClockSample {
    return { nowMs: this.wallMs, monotonicMs: this.#ports.nowMs() };
  }

  start(): void {
    const { records, mark } = this.disk.open();
    this.#reindex(records);
    this.#guard(() => {
      this.peer = this.#boot({ index: this.index, records, mark, nowMs: this.wallMs });
      for (const effect of this.peer.restored ?? []) this.#perform(effect);
    });
    this.handle({ kind: 'start' });
  }

  /** The index is derived data: after a crash it holds what the log holds. */
  #reindex(records: readonly LogRecord[]): void {
    this.#blocks.clear();
    for (const { body } of records) {
      const [block] = blocksIn(body);
      if (block !== undefined) this.#blocks.set(block.key, { round: block.round, bytes: body });
    }
  }

  /** Answers how many records were lost. */
  crash(power: boolean): number {
    this.peer = undefined;
    this.#life += 1;
    this.#timers.clear();
    return this.disk.crash(power);
  }

  handle(event: HostEvent): void {
    this.#guard(() => {
      const peer = this.peer;
      if (peer === undefined) return;
      const timed = { ...event, ...this.#sample() } as ReplicaEvent;
      for (const effect of peer.step(timed)) this.#perform(effect);
    });
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#ports.threw(this, error);
    }
  }

  /** Runs `then` later unless the process has died in between. */
  #later(delayMs: number, then: () => void): void {
    const life = this.#life;
    this.#ports.after(delayMs, () => {
      if (life === this.#life) then();
    });
  }

  #perform(effect: ReplicaEffect): void {
    this.#ports.observe(this, effect);
    switch (effect.kind) {
      case 'send':
        return this.#ports.send(this.index, effect.peer, effect.bytes);
      case 'persist':
        return this.#persist(effect);
      case 'setTimer':
        return this.#setTimer(effect.name, effect.atMs);
      case 'clearTimer':
        this.#timers.delete(effect.name);
        return;
      case 'verify':
        return this.#verify(effect.job);
      case 'index':
        for (const { ref, bytes } of effect.blocks) {
          this.#blocks.set(toHex(ref.digest), { round: ref.round, bytes });
        }
        return;
      case 'read':
        return this.#read(effect.request, effect.want);
      case 'committed':
      case 'delivered':
      case 'refused':
      case 'note':
      case 'halt':
        // These are for onlookers, who have seen it.
        return;
    }
  }

  #persist(effect: Extract<ReplicaEffect, { kind: 'persist' }>): void {
    const life = this.#life;
    this.disk.persist(effect.records, effect.mark, () => {
      if (life !== this.#life) return;
      this.#ports.synced(this, effect.records);
      this.handle({ kind: 'persisted', token: effect.token });
    });
  }

  #setTimer(name: TimerName, atMs: number): void {
    const id = this.#timerIds++;
    this.#timers.set(name, id);
    this.#later(Math.max(0, Math.ceil(atMs) - this.wallMs), () => {
      if (this.#timers.get(name) !== id) return;
      this.#timers.delete(name);
      this.handle({ kind: 'timer', name });
    });
  }

  #verify(job: Uint8Array): void {
    const life = this.#life;
    this.#ports.verify(job, (verdict) => {
      if (life === this.#life) this.handle({ kind: 'verified', job, verdict });
    });
  }

  #read(request: number, want: StoredWant): void {
    this.#later(1, () => {
      const blocks = want.kind === 'refs' ? this.#byRefs(want) : this.#byRounds(want);
      this.handle({ kind: 'stored', request, blocks });
    });
  }

  #byRefs(want: Extract<StoredWant, { kind: 'refs' }>): readonly Uint8Array[] {
    return want.refs.flatMap((ref) => this.#blocks.get(toHex(ref.digest))?.bytes ?? []);
  }

  #byRounds(want: Extract<StoredWant, { kind: 'rounds' }>): readonly Uint8Array[] {
    return [...this.#blocks.values()]
      .filter(({ round }) => round >= want.from && round <= want.to)
      .sort((a, b) => a.round - b.round)
      .slice(0, want.blocksMax)
      .map(({ bytes }) => bytes);
  }
}
