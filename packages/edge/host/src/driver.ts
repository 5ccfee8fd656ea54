// The driver: performs the effects of one replica and tells it what happens.
import type { Failure, Link, LogRecord, Outcome, PublicKey } from '@fatty/interface';
import type { ReplicaEffect, ReplicaEvent, StoredWant, TimerName } from '@fatty/replica';
import { BlockIndex, type IndexGroup } from './block-index.ts';
import {
  type Happening,
  type Outward,
  type ResumedAt,
  type SendEffect,
  sampleOf,
} from './doings.ts';
import { REOPENING } from './gateway/refusals.ts';
import { PeerLinks } from './links.ts';
import type { Cancel, FrameBytes, HostPorts, Written } from './ports.ts';

/** What a driver drives: the honest replica, or a program that a test cell puts in its place. */
export interface ReplicaCore {
  step(event: ReplicaEvent): readonly ReplicaEffect[];
  /** Before `restore`: see `Replica.resume`. */
  resume?(head: Uint8Array, payload: Uint8Array): Outcome<ResumedAt>;
  /** Before the first step: see `Replica.restore`. Without it, nothing of the log is of use. */
  restore?(records: readonly LogRecord[], mark: Uint8Array | undefined): readonly ReplicaEffect[];
}

/** Where a core begins. */
export interface Opening {
  /** The commit that it was put behind already, so that `resume` has nothing to do. */
  readonly at?: ResumedAt | undefined;
  /** By which number the core knows who has this key; undefined: not at all. */
  readonly numberOf?: (key: PublicKey) => number | undefined;
}

/** What a driver is made of. */
export interface DriverParts {
  readonly replica: ReplicaCore;
  readonly ports: HostPorts;
  /** How much the block index writes at once. */
  readonly indexGroup?: IndexGroup;
  readonly onOutward: (effect: Outward) => void;
  /** What replaying the log did to the state; clients were told in an earlier life. */
  readonly onReplayed?: (effect: ReplicaEffect) => void;
  /** The replica goes on behind this commit, whose state it has from a frame. */
  readonly onResumed?: (commit: ResumedAt) => void;
  /** Sees everything before it happens; for traces. */
  readonly onEvent?: (event: ReplicaEvent) => void;
  readonly onEffect?: (effect: ReplicaEffect) => void;
  readonly onPersisted?: (ms: number) => void;
  readonly onVerified?: (ms: number) => void;
  /** After {@link onEffect}: whether a link took the packet, or it is lost here. */
  readonly onSent?: (effect: SendEffect, taken: boolean) => void;
  /**
   * The core has ended and all that it wrote is on disk: read the disk again, give the driver another core by
   * {@link Driver.open}, and go on as at the first start. Called once for each {@link Driver.reopen}.
   */
  readonly onReopen?: () => void;
  /**
   * Once: the disk failed, or the replica or its machine threw, so an invariant is broken. Nothing
   * may be signed any more; the driver has stopped, the process must end.
   */
  readonly onFatal: (error: Error) => void;
}

/**
 * Feeds one sans-IO replica and performs what it asks, in order. It decides nothing and waits for
 * nothing: ports answer by calls, and a call while effects are performed waits for its turn.
 */
export class Driver {
  readonly #parts: DriverParts;
  #core: ReplicaCore;
  /** Of the core: what was asked for by an earlier one is not answered. */
  #life = 0;
  /** Between the end of one core and the beginning of the next. */
  #isReopening = false;
  /** The core ends with the event `stop` that is under way. */
  #isEnding = false;
  readonly #links = new PeerLinks();
  readonly #timers = new Map<TimerName, Cancel>();
  readonly #queue: Happening[] = [];
  readonly #index: BlockIndex;
  /** Writes of log and mark under way. */
  #writes = 0;
  #onWritten: (() => void) | undefined;
  #busy = false;
  #closed = false;
  #failed = false;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#core = parts.replica;
    const fail = (error: Error): void => this.#fail(error);
    this.#index = new BlockIndex(parts.ports.kv, fail, parts.indexGroup);
  }

  get peersUp(): readonly number[] {
    return this.#links.members;
  }

  /** It takes nothing more: by `close`, or because something failed. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** `peer`: committee index. Below 0 stand guests, each with a number of its own: they may ask, and are no peers. */
  linkUp(peer: number, link: Link): void {
    this.#links.add(peer, link);
    if (peer >= 0) this.dispatch({ kind: 'peerUp', peer });
  }

  linkDown(peer: number, link: Link): void {
    const left = this.#links.remove(peer, link);
    if (peer < 0 || left === 'same') return;
    this.dispatch({ kind: 'peerDown', peer });
    if (left === 'other') this.dispatch({ kind: 'peerUp', peer });
  }

  /**
   * Before `restore`: goes on behind the first of these frames that is good, the newest first. Answers why
   * others were not. What the replica throws ends the start.
   */
  resume(frames: readonly FrameBytes[]): readonly Failure[] {
    const failures: Failure[] = [];
    for (const { head, payload } of frames) {
      const resumed = this.#core.resume?.(head, payload);
      if (resumed?.ok) {
        this.#parts.onResumed?.(resumed.value);
        break;
      }
      if (resumed !== undefined) failures.push(resumed.failure);
    }
    return failures;
  }

  /**
   * Before `start`: takes the log in order, in as many parts as the caller likes, and the signer mark
   * with the last one. `written` comes when the index holds the blocks of this part, or with what the
   * replica threw or the disk failed with.
   */
  restore(records: readonly LogRecord[], mark: Uint8Array | undefined, written: Written): void {
    try {
      for (const effect of this.#core.restore?.(records, mark) ?? []) {
        this.#parts.onReplayed?.(effect);
        if (effect.kind === 'index') this.#index.add(effect.blocks);
      }
    } catch (error) {
      return written(asError(error));
    }
    this.#index.flush(written);
  }

  /** After `resume` and `restore`: the life of the core begins, with the links that are up. */
  begin(): void {
    this.#isReopening = false;
    this.dispatch({ kind: 'start' });
    for (const peer of this.peersUp) this.dispatch({ kind: 'peerUp', peer });
  }

  /**
   * Ends the core as an orderly stop does, and has another opened from the disk, as after a restart; links
   * stay. Meanwhile peers are not heard, and batches are refused with `reopening`.
   */
  reopen(): void {
    if (this.#closed || this.#isEnding || this.#isReopening) return;
    this.#isEnding = true;
    this.dispatch({ kind: 'stop' });
  }

  /** From {@link DriverParts.onReopen} on: the core that `resume`, `restore` and `begin` are for. */
  open(core: ReplicaCore, { at, numberOf }: Opening = {}): void {
    this.#core = core;
    if (at) this.#parts.onResumed?.(at);
    if (numberOf) this.#links.renumber(numberOf);
  }

  dispatch(happening: Happening): void {
    if (this.#closed) return;
    if (this.#isReopening) return this.#turnAway(happening);
    this.#queue.push(happening);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const event = { ...next, ...sampleOf(this.#parts.ports.clock) } as ReplicaEvent;
        this.#parts.onEvent?.(event);
        for (const effect of this.#core.step(event)) {
          this.#parts.onEffect?.(effect);
          this.#perform(effect, event);
        }
        if (this.#isEnding && event.kind === 'stop') this.#end();
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#busy = false;
  }

  /** The core has had its last event. */
  #end(): void {
    this.#isEnding = false;
    this.#isReopening = true;
    this.#life += 1;
    this.#cancelTimers();
    for (const happening of this.#queue.splice(0)) this.#turnAway(happening);
    this.#whenWritten(() => {
      const { onReopen } = this.#parts;
      if (onReopen) onReopen();
      else this.#fail(new Error('no other core can be opened here'));
    });
  }

  /** There is no core: what peers say they say again when one asks them; a client has to hear of it. */
  #turnAway(happening: Happening): void {
    const { onOutward } = this.#parts;
    if (happening.kind === 'move' || happening.kind === 'statement')
      onOutward({ kind: 'stated', tag: happening.tag, failure: REOPENING });
    if (happening.kind === 'submit')
      onOutward({ kind: 'refused', tag: happening.tag, failure: REOPENING });
  }

  #whenWritten(act: () => void): void {
    this.#onWritten = act;
    if (this.#writes === 0) this.#written();
  }

  #written(): void {
    const act = this.#onWritten;
    this.#onWritten = undefined;
    act?.();
  }

  /** Safety over liveness: a replica that may be wrong about anything does nothing more. */
  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#stop();
    this.#parts.onFatal(asError(error));
  }

  #stop(): void {
    this.#closed = true;
    this.#queue.length = 0;
    this.#cancelTimers();
  }

  #cancelTimers(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  /**
   * Lets the replica put its disk in order (R24). No event is taken and no timer fires after this;
   * `closed` comes when log, mark and index are written.
   */
  close(closed: () => void): void {
    this.dispatch({ kind: 'stop' });
    this.#stop();
    this.#whenWritten(() =>
      this.#index.flush((failure) => {
        if (failure) this.#fail(failure);
        closed();
      }),
    );
  }

  #perform(effect: ReplicaEffect, event: ReplicaEvent): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(effect);
      case 'persist':
        return this.#persist(effect);
      case 'storeFrame':
        return this.#storeFrame(effect);
      case 'readFrame':
        return this.#readFrame(effect);
      case 'reopen':
        return this.reopen();
      case 'dropLog':
        this.#index.drop(effect.epoch, effect.fromRound);
        return this.#tracked((written) => this.#parts.ports.log.dropBelow(effect.below, written));
      case 'setTimer':
        return this.#setTimer(effect.name, effect.atMs - event.nowMs);
      case 'clearTimer':
        return this.#clearTimer(effect.name);
      case 'verify':
        return this.#verify(effect);
      case 'read':
        return this.#read(effect);
      case 'index':
        return this.#index.add(effect.blocks);
      case 'committed':
      case 'delivered':
      case 'refused':
      case 'stated':
      case 'proved':
      case 'note':
      case 'halt':
      case 'diverged':
        this.#parts.onOutward(effect);
    }
  }

  #send(effect: SendEffect): void {
    const taken = this.#links.get(effect.peer)?.send(effect.bytes, effect.priority) ?? false;
    this.#parts.onSent?.(effect, taken);
  }

  /** Log and mark in parallel. */
  #persist({ token, records, mark }: Extract<ReplicaEffect, { kind: 'persist' }>): void {
    const { ports, onPersisted } = this.#parts;
    const startMs = ports.clock.monotonicMs();
    let open = mark === undefined ? 1 : 2;
    let place = 0;
    const life = this.#life;
    this.#writes += 1;
    const written = (failure: Error | undefined, segment = place): void => {
      if (failure) this.#fail(failure);
      place = segment;
      open -= 1;
      if (open > 0) return;
      this.#writes -= 1;
      if (!this.#failed) onPersisted?.(ports.clock.monotonicMs() - startMs);
      this.#answer(life, { kind: 'persisted', token, segment: place });
      if (this.#writes === 0) this.#written();
    };
    ports.log.append(records, written);
    if (mark !== undefined) ports.mark.write(mark, (failure) => written(failure));
  }

  #storeFrame({ index, head, payload }: Extract<ReplicaEffect, { kind: 'storeFrame' }>): void {
    const life = this.#life;
    this.#tracked(
      (written) => this.#parts.ports.frames.write(index, { head, payload }, written),
      () => this.#answer(life, { kind: 'frameStored', index }),
    );
  }

  #readFrame({ request, index, from, bytes }: Extract<ReplicaEffect, { kind: 'readFrame' }>): void {
    const life = this.#life;
    this.#parts.ports.frames.read(index, from, bytes, (part) =>
      this.#answer(life, { kind: 'frameRead', request, bytes: part }),
    );
  }

  /** What a core has asked for is for itself alone. */
  #answer(life: number, happening: Happening): void {
    if (life === this.#life) this.dispatch(happening);
  }

  /** A write that {@link close} waits for. */
  #tracked(write: (written: Written) => void, done: () => void = () => undefined): void {
    this.#writes += 1;
    write((failure) => {
      this.#writes -= 1;
      if (failure) this.#fail(failure);
      else done();
      if (this.#writes === 0) this.#written();
    });
  }

  /** A delay counts from the event that was answered: the wall clock may be set at any time. */
  #setTimer(name: TimerName, delayMs: number): void {
    this.#clearTimer(name);
    const fire = (): void => {
      this.#timers.delete(name);
      this.dispatch({ kind: 'timer', name });
    };
    const wholeMs = Math.max(0, Math.ceil(delayMs));
    this.#timers.set(name, this.#parts.ports.timers.after(wholeMs, fire));
  }

  #clearTimer(name: TimerName): void {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
  }

  #verify({ job, client }: Extract<ReplicaEffect, { kind: 'verify' }>): void {
    const { ports, onVerified } = this.#parts;
    const life = this.#life;
    const startMs = ports.clock.monotonicMs();
    ports.verifier.verify(job, client, (verdict) => {
      onVerified?.(ports.clock.monotonicMs() - startMs);
      this.#answer(life, { kind: 'verified', job, verdict });
    });
  }

  #read({ request, want }: Extract<ReplicaEffect, { kind: 'read' }>): void {
    this.dispatch({ kind: 'stored', request, blocks: this.#find(want) });
  }

  #find(want: StoredWant): readonly Uint8Array[] {
    const { epoch } = want;
    if (want.kind === 'refs') return want.refs.flatMap((ref) => this.#index.get(epoch, ref) ?? []);
    return this.#index.rounds(epoch, want.from, want.to, want.blocksMax);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
