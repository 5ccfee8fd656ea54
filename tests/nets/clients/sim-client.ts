// A client of the SDK in virtual time.
import { decodeClientMessage, decodeGatewayMessage } from '@fatty/api';
import { askForLock, type CallOptions, type Lock } from '@fatty/client/driver';
import { asSessionId, encode, hash, type Signer, utf8 } from '@fatty/codec';
import type { Belief, CallOutcome, CallRequest, ClientEffect, CoreConfig } from '@fatty/core';
import { Epochs } from '@fatty/core/epochs';
import { Watches } from '@fatty/core/watching';
import type { Outcome, Position, SessionId } from '@fatty/interface';
import { type SignedBatch, signedBatchShape } from '@fatty/protocol';
import type { Scene, Victim } from '@fatty/testnet';
import { ClientHost } from './client-host.ts';
import { CountedDriver } from './counted-driver.ts';
import type { Doors } from './doors.ts';
import { BYTES_MAX, Wires } from './wires.ts';

/** A lock as its user has it: the object, and the signal that was taken of it once. */
interface Had {
  readonly lock: Lock;
  readonly signal: AbortSignal;
}

/** Whoever watches clients. Every method is called before anything else can happen. */
export interface Onlooker {
  called(client: SimClient, call: number, request: CallRequest): void;
  submitted(client: SimClient, batch: SignedBatch): void;
  heard(client: SimClient, replica: number, bytes: Uint8Array): void;
  settled(client: SimClient, call: number, outcome: CallOutcome): void;
  stepped(client: SimClient): void;
}

const TELLING = new Set(['submit', 'receipt', 'refused', 'read', 'readResult']);
/** The shortest there is, so that leases run out in short worlds. In ms. */
const LEASE_MS = 4_000;
const GRACE_MS = 6_000;
/** So few links that long worlds need a second anchor (the core keeps 32 in reserve). */
const CHAIN_LINKS = 48;

/**
 * The SDK's own driver and locks in the world: its links break and are dialled again, its clocks drift
 * and are set, its process stops for a while, its host sleeps. Nothing here decides anything.
 */
export class SimClient implements Victim {
  readonly name: string;
  readonly signer: Signer;
  readonly outcomes = new Map<number, CallOutcome>();
  readonly requests = new Map<number, CallRequest>();
  readonly sent: Uint8Array[] = [];
  onWatch: (told: Extract<ClientEffect, { kind: 'watched' | 'watchGap' | 'watchFailed' }>) => void =
    () => undefined;
  /** The last that befell it. */
  trouble = 'nothing';
  readonly #scene: Scene;
  readonly #onlooker: Onlooker;
  readonly #host: ClientHost;
  readonly #wires: Wires;
  readonly #driver: CountedDriver;
  /** By the call that got it. */
  readonly #locks = new Map<number, Had>();
  /** Our numbers of calls by the driver's: a call of a process that stands still is made later. */
  readonly #numbers = new Map<number, number>();
  #calls = 0;
  /** The call that is being made. */
  #making: { readonly call: number; readonly request: CallRequest } | undefined;
  #session = asSessionId(new Uint8Array(32));

  constructor(
    scene: Scene,
    name: string,
    doors: Doors,
    onlooker: Onlooker,
    options: Pick<CoreConfig, 'opsPerBatchMax'> = {},
  ) {
    const { world, cell } = scene;
    this.name = name;
    this.#scene = scene;
    this.#onlooker = onlooker;
    this.signer = cell.scheme.signer(hash('testnet-client', utf8(name)));
    const rng = world.rng.fork();
    this.#host = new ClientHost(world, rng, { stepped: () => this.#onlooker.stepped(this) });
    this.#wires = new Wires(scene, doors, rng, {
      key: this.signer.publicKey,
      turn: (act) => this.#host.turn(act),
      sends: (replica, bytes) => this.#sends(replica, bytes),
      arrives: (replica, bytes) =>
        this.#tell('receive', replica, decodeGatewayMessage(bytes, BYTES_MAX)),
      hears: (replica, bytes) => this.#onlooker.heard(this, replica, bytes),
    });
    this.#driver = this.#drive(options);
    this.#driver.core.attach({ watches: (shared, tell) => new Watches(shared, tell) });
    this.#driver.core.attach({ epochs: (shared, tell) => new Epochs(shared, tell) });
    this.#driver.onCall = (call) => this.#called(call);
  }

  #drive(options: Pick<CoreConfig, 'opsPerBatchMax'>): CountedDriver {
    const { committee, cellId, scheme } = this.#scene.cell;
    const addresses = committee.members.map((key, i) => {
      return { key, peer: '', client: String(i), http: '', version: 0, sig: new Uint8Array(64) };
    });
    return new CountedDriver({
      ...options,
      cell: { committee, cellId, addresses },
      signer: this.signer,
      scheme,
      leaseMs: LEASE_MS,
      graceMs: GRACE_MS,
      deltaMs: 100,
      chainLength: CHAIN_LINKS,
      dial: this.#wires.dial,
      host: this.#host,
      watch: (effect) => this.#watch(effect),
      onFault: (error) => {
        throw error;
      },
    });
  }

  /** The session of its last batch. */
  get session(): SessionId {
    return this.#session;
  }

  /** How many may lie of the members that it counts. */
  get faults(): number {
    const { roll, faultsMax } = this.#scene.cell;
    return roll.of(this.#driver.core.status.epoch)?.faultsMax ?? faultsMax;
  }

  get isInJeopardy(): boolean {
    return this.#driver.core.status.state === 'jeopardy';
  }

  /**
   * The locks whose signals are silent, as their user sees them, while the process runs: one that stands
   * still can neither do nor hear anything. And whatever the deadlines say, at any time.
   */
  get beliefs(): readonly Belief[] {
    const nowMs = this.#host.elapsedMs();
    const proved = this.#proved(nowMs);
    const unproved = this.#silent.filter(([call]) => proved.every(({ hold }) => hold !== call));
    return [
      ...proved,
      ...unproved.map(([hold, { path, mode, generation: lockGen }]): Belief => {
        return { hold, path, mode, lockGen, untilMs: nowMs };
      }),
    ];
  }

  /** Paths of locks whose signals are silent though nothing proves them, of a process that runs. */
  get unproved(): readonly string[] {
    const proved = this.#proved(this.#host.awakeMs);
    const unproved = this.#silent.filter(([call]) => proved.every(({ hold }) => hold !== call));
    return unproved.map(([, { path }]) => path);
  }

  #proved(atMs: number): readonly Belief[] {
    const beliefs = this.#driver.core.beliefs(atMs);
    return beliefs.map((one) => ({ ...one, hold: this.#numbers.get(one.hold) ?? 0 }));
  }

  /** By call. */
  get #silent(): readonly (readonly [number, Lock])[] {
    if (!this.#host.isRunning) return [];
    const had = [...this.#locks].filter(([, { signal }]) => !signal.aborted);
    return had.map(([call, { lock }]) => [call, lock]);
  }

  /** Calls without an outcome. */
  get open(): readonly number[] {
    return [...this.requests.keys()].filter((call) => !this.outcomes.has(call));
  }

  get nextCall(): number {
    return this.#calls + 1;
  }

  /** Its user does something: now, or when the process runs again. */
  turn(act: () => void): void {
    this.#host.turn(act);
  }

  call(request: CallRequest, timeoutMs?: number): number {
    const call = ++this.#calls;
    this.#host.turn(() => {
      this.#making = { call, request };
      this.#make(request, timeoutMs === undefined ? {} : { timeoutMs });
      this.#making = undefined;
    });
    return call;
  }

  #make(request: CallRequest, options: CallOptions): void {
    if (request.kind === 'release') {
      const lock = this.#locks.get(request.hold)?.lock;
      // What comes of it is settled like any other call.
      lock?.release(options).catch(() => undefined);
    } else if (request.kind === 'acquire') {
      void askForLock(this.#driver, request, { ...options, defaults: {} }, (lock, call) => {
        const number = this.#numbers.get(call) ?? 0;
        this.#locks.set(number, { lock, signal: lock.signal });
      });
    } else this.#driver.call(request, options);
  }

  /** The driver is about to make a call of this number. */
  #called(number: number): void {
    if (this.#making === undefined) throw new TypeError('a call that nobody asked for');
    const { call, request } = this.#making;
    this.#numbers.set(number, call);
    this.requests.set(call, request);
    this.#onlooker.called(this, call, request);
  }

  abort(call: number): void {
    const [number] = [...this.#numbers].find(([, own]) => own === call) ?? [];
    if (number === undefined) return;
    this.#host.turn(() => this.#driver.dispatch({ kind: 'abort', call: number }));
  }

  watch(watch: number, topic: string, from: Position | undefined): void {
    this.#host.turn(() => this.#driver.dispatch({ kind: 'watch', watch, topic, from }));
  }

  taken(watch: number, count: number): void {
    this.#host.turn(() => this.#driver.dispatch({ kind: 'watchTaken', watch, count }));
  }

  unwatch(watch: number): void {
    this.#host.turn(() => this.#driver.dispatch({ kind: 'unwatch', watch }));
  }

  close(): void {
    this.trouble = 'close';
    this.#host.turn(() => void this.#driver.close());
  }

  /** Breaks the links to these replicas; they may be dialled again after `forMs`. */
  cut(replicas: readonly number[], forMs: number): void {
    this.trouble = 'cut';
    this.#wires.cut(replicas, forMs);
  }

  /** These replicas refuse the client's key: its links end, and every handshake does for a while. */
  refuse(replicas: readonly number[], forMs: number): void {
    this.trouble = 'refused';
    this.#wires.refuse(replicas, forMs);
  }

  /** Everything gets through but receipts. */
  loseReceipts(forMs: number): void {
    this.trouble = 'receipts lost';
    this.#wires.loseReceipts(forMs);
  }

  /** It hears everything, and nothing that it says gets through. */
  mute(forMs: number): void {
    this.trouble = 'mute';
    this.#wires.mute(forMs);
  }

  /** The process stands still; what comes meanwhile is handled afterwards, at once. */
  freeze(forMs: number): void {
    this.trouble = 'freeze';
    this.#host.freeze(forMs);
  }

  /** The host sleeps: nothing runs, and its monotonic clock stands still. */
  sleep(forMs: number): void {
    this.trouble = 'sleep';
    this.#host.sleep(forMs, () => this.#countOnLocks('sleptOnLocks'));
  }

  /** Somebody sets the wall clock, and the next tick is right then. */
  setClock(byMs: number): void {
    if (!this.#host.isRunning) return;
    this.trouble = 'clock set';
    this.#countOnLocks('setOnLocks');
    this.#host.setClock(byMs, () => void this.#driver.look());
  }

  #countOnLocks(what: string): void {
    const isBelieved = [...this.#locks.values()].some(({ signal }) => !signal.aborted);
    if (isBelieved) this.#scene.world.count(what);
  }

  #sends(replica: number, bytes: Uint8Array): void {
    const message = decodeClientMessage(bytes, BYTES_MAX);
    if (!message.ok) throw new TypeError(`a client says ${message.failure.code}`);
    if (message.value.kind === 'submit') this.#submitted(message.value.batch);
    this.#tell('send', replica, message);
  }

  /** For charts: what moves locks and answers calls; clocks and keep-alives are left out. */
  #tell(way: 'send' | 'receive', replica: number, message: Outcome<{ kind: string }>): void {
    if (!message.ok || !TELLING.has(message.value.kind)) return;
    const what = `${message.value.kind} ${way === 'send' ? 'to' : 'from'} r${replica}`;
    this.#scene.world.story.tell('note', this.name, what);
  }

  #submitted(batch: SignedBatch): void {
    this.#scene.world.count('submits');
    const bytes = encode(signedBatchShape, batch);
    this.#scene.world.story.submitted(this.name, bytes);
    this.sent.push(bytes);
    this.#session = this.#driver.core.status.session ?? this.#session;
    this.#onlooker.submitted(this, batch);
  }

  /** What the driver is about to perform. */
  #watch(effect: ClientEffect): void {
    const { world } = this.#scene;
    switch (effect.kind) {
      case 'watched':
      case 'watchGap':
      case 'watchFailed':
        this.onWatch(effect);
        return;
      case 'settled':
        this.#settled(this.#numbers.get(effect.call) ?? 0, effect.outcome);
        return;
      case 'lost':
        world.story.tell('note', this.name, `lost: ${effect.failure.code}`);
        world.count('lost');
        return;
      case 'status':
        world.count(`session.${effect.status.state}`);
        return;
      case 'suspect':
        world.count('suspects');
        return;
      case 'epoch':
        world.count('client.epochs');
        return;
      case 'epochs':
      case 'send':
      case 'wake':
      case 'rekeyed':
      case 'closed':
        return;
    }
  }

  #settled(call: number, outcome: CallOutcome): void {
    this.#onlooker.settled(this, call, outcome);
    this.outcomes.set(call, outcome);
  }
}
