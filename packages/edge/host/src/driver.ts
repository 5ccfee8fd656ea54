import type { Clock, KvStore, Link, LogStore, MarkStore, Verifier } from '@fatty/interface';
import type {
  ClockSample,
  ReplicaEffect,
  ReplicaEvent,
  StoredWant,
  TimerName,
} from '@fatty/replica';
import { BlockIndex } from './block-index.ts';

/** A {@link ReplicaEvent} without what the clocks say. */
export type Happening = ReplicaEvent extends infer E
  ? E extends ReplicaEvent
    ? Omit<E, 'nowMs' | 'monotonicMs'>
    : never
  : never;

/** Effects that the driver does not perform itself: they concern clients, logs and metrics. */
export type Outward = Extract<
  ReplicaEffect,
  { kind: 'committed' | 'delivered' | 'refused' | 'note' | 'halt' }
>;

export type SendEffect = Extract<ReplicaEffect, { kind: 'send' }>;

/** What the host's clocks say now. */
export function sampleOf(clock: Clock): ClockSample {
  return { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
}

/** Node fires a longer timer at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** What a driver drives: the honest replica, or a program that a test cell puts in its place. */
export interface ReplicaCore {
  step(event: ReplicaEvent): readonly ReplicaEffect[];
}

export interface DriverParts {
  readonly replica: ReplicaCore;
  readonly log: LogStore;
  readonly kv: KvStore;
  readonly mark: MarkStore;
  readonly verifier: Verifier;
  readonly clock: Clock;
  readonly onOutward: (effect: Outward) => void;
  /** Sees everything before it happens; for traces. */
  readonly onEvent: (event: ReplicaEvent) => void;
  readonly onEffect: (effect: ReplicaEffect) => void;
  readonly onPersisted: (ms: number) => void;
  readonly onVerified: (ms: number) => void;
  /** After {@link onEffect}: whether a link took the packet, or it is lost here. */
  readonly onSent: (effect: SendEffect, taken: boolean) => void;
  /**
   * Once: the disk failed, or the replica or its machine threw, so an invariant is broken. Nothing
   * may be signed any more; the driver has stopped, the process must end.
   */
  readonly onFatal: (error: Error) => void;
}

/**
 * Feeds one sans-IO replica and performs what it asks, in order. Every await lives here, none in a
 * state transition; events that arise while effects are performed wait their turn.
 */
export class Driver {
  readonly #parts: DriverParts;
  readonly #links = new Map<number, Link>();
  readonly #timers = new Map<TimerName, NodeJS.Timeout>();
  readonly #queue: Happening[] = [];
  readonly #index: BlockIndex;
  /** Writes under way; never rejects. */
  #writing: Promise<unknown> = Promise.resolve();
  #busy = false;
  #closed = false;
  #failed = false;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#index = new BlockIndex(parts.kv, (error) => this.#fail(error));
  }

  get peersUp(): readonly number[] {
    return [...this.#links.keys()].sort((a, b) => a - b);
  }

  linkUp(peer: number, link: Link): void {
    this.#links.set(peer, link);
    this.dispatch({ kind: 'peerUp', peer });
  }

  linkDown(peer: number, link: Link): void {
    if (this.#links.get(peer) !== link) return;
    this.#links.delete(peer);
    this.dispatch({ kind: 'peerDown', peer });
  }

  dispatch(happening: Happening): void {
    if (this.#closed) return;
    this.#queue.push(happening);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const event = { ...next, ...sampleOf(this.#parts.clock) } as ReplicaEvent;
        this.#parts.onEvent(event);
        for (const effect of this.#parts.replica.step(event)) {
          this.#parts.onEffect(effect);
          this.#perform(effect, event);
        }
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#busy = false;
  }

  /** Safety over liveness: a replica that may be wrong about anything does nothing more. */
  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#stop();
    this.#parts.onFatal(error instanceof Error ? error : new Error(String(error)));
  }

  #stop(): void {
    this.#closed = true;
    this.#queue.length = 0;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /**
   * Lets the replica put its disk in order (R24). No event is taken and no timer fires after this;
   * resolves when log, mark and index are written.
   */
  async close(): Promise<void> {
    this.dispatch({ kind: 'stop' });
    this.#stop();
    await this.#writing;
    await this.#index.flush();
  }

  /** A delay counts from the event that was answered: the wall clock may be set at any time. */
  #perform(effect: ReplicaEffect, event: ReplicaEvent): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(effect);
      case 'persist':
        return this.#persist(effect);
      case 'setTimer':
        return this.#setTimer(effect.name, Math.max(0, effect.atMs - event.nowMs));
      case 'clearTimer':
        clearTimeout(this.#timers.get(effect.name));
        this.#timers.delete(effect.name);
        return;
      case 'verify':
        return this.#verify(effect);
      case 'read':
        return this.#read(effect);
      case 'index':
        return this.#index.add(effect.blocks);
      case 'committed':
      case 'delivered':
      case 'refused':
      case 'note':
      case 'halt':
        this.#parts.onOutward(effect);
    }
  }

  #send(effect: SendEffect): void {
    const taken = this.#links.get(effect.peer)?.send(effect.bytes, effect.priority) ?? false;
    this.#parts.onSent(effect, taken);
  }

  #persist(effect: Extract<ReplicaEffect, { kind: 'persist' }>): void {
    const { log, mark, clock } = this.#parts;
    const startMs = clock.monotonicMs();
    const writes = [log.append(effect.records)];
    if (effect.mark) writes.push(mark.write(effect.mark));
    const done = Promise.all(writes).then(
      () => {
        this.#parts.onPersisted(clock.monotonicMs() - startMs);
        this.dispatch({ kind: 'persisted', token: effect.token });
      },
      (error: unknown) => this.#fail(error),
    );
    this.#writing = Promise.all([this.#writing, done]);
  }

  #setTimer(name: TimerName, delayMs: number): void {
    clearTimeout(this.#timers.get(name));
    const fire = (): void => {
      if (delayMs > DELAY_MS_MAX) return this.#setTimer(name, delayMs - DELAY_MS_MAX);
      this.#timers.delete(name);
      this.dispatch({ kind: 'timer', name });
    };
    this.#timers.set(name, setTimeout(fire, Math.min(delayMs, DELAY_MS_MAX)));
  }

  #verify({ job, client }: Extract<ReplicaEffect, { kind: 'verify' }>): void {
    const startMs = this.#parts.clock.monotonicMs();
    void this.#parts.verifier.verify(job, client).then(
      (verdict) => {
        this.#parts.onVerified(this.#parts.clock.monotonicMs() - startMs);
        this.dispatch({ kind: 'verified', job, verdict });
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #read({ request, want }: Extract<ReplicaEffect, { kind: 'read' }>): void {
    this.dispatch({ kind: 'stored', request, blocks: this.#find(want) });
  }

  #find(want: StoredWant): readonly Uint8Array[] {
    if (want.kind === 'rounds') return this.#index.rounds(want.from, want.to, want.blocksMax);
    return want.refs.flatMap((ref) => this.#index.get(ref) ?? []);
  }
}
