import {
  decodeClientMessage,
  decodeGatewayMessage,
  type SignedBatch,
  signedBatchShape,
} from '@fatty/api';
import {
  type Belief,
  type CallOutcome,
  type CallRequest,
  ClientCore,
  type ClientEffect,
  type ClientEvent,
  type CoreConfig,
} from '@fatty/client/core';
import { asSessionId, encode, hash, type Signer, utf8 } from '@fatty/codec';
import type { Link, Outcome, PublicKey, SessionId } from '@fatty/interface';
import { CLOSE } from '@fatty/network';
import type { Scene, SeededRng, Victim } from '@fatty/testnet';
import type { Caller, Doors } from './doors.ts';

type Untimed<E> = E extends { readonly atMs: number } ? Omit<E, 'atMs'> : never;
type Happening = Untimed<ClientEvent>;

/** Whoever watches clients. Every method is called before anything else can happen. */
export interface Onlooker {
  called(client: SimClient, call: number, request: CallRequest): void;
  submitted(client: SimClient, batch: SignedBatch): void;
  heard(client: SimClient, replica: number, bytes: Uint8Array): void;
  settled(client: SimClient, call: number, outcome: CallOutcome): void;
  stepped(client: SimClient): void;
}

interface Wire {
  link: Link | undefined;
  /** Closed to new links until then, world ms. */
  closedUntilMs: number;
  /** Until then this client's key is refused, world ms. */
  refusedUntilMs: number;
  /** When the last message of each direction arrives: a link keeps its order. */
  readonly lastMs: { in: number; out: number };
}

const BYTES_MAX = 2_000_000;
const TELLING = new Set(['submit', 'receipt', 'refused', 'read', 'readResult']);
/** The shortest there is, so that leases run out in short worlds. In ms. */
const LEASE_MS = 4_000;
const GRACE_MS = 6_000;
/** So few links that long worlds need a second anchor (the core keeps 32 in reserve). */
const CHAIN_LINKS = 48;
const HUNG_UP = 1006;

/**
 * The real client core in the world: links that break and are dialled again, a clock of its own that
 * drifts within ρ, a process that stops for a while. Nothing here decides anything.
 */
export class SimClient implements Victim {
  readonly name: string;
  readonly signer: Signer;
  readonly core: ClientCore;
  readonly outcomes = new Map<number, CallOutcome>();
  readonly requests = new Map<number, CallRequest>();
  readonly sent: Uint8Array[] = [];
  closed = false;
  /** The last that befell it. */
  trouble = 'nothing';
  /** Receipts do not get through until then, world ms. */
  #deafUntilMs = 0;
  readonly #scene: Scene;
  readonly #doors: Doors;
  readonly #onlooker: Onlooker;
  readonly #rng: SeededRng;
  readonly #wires: readonly Wire[];
  readonly #ratePpm: number;
  /** Events that wait for a process that stands still. */
  #backlog: Happening[] | undefined;
  #calls = 0;
  #wakes = 0;
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
    this.#doors = doors;
    this.#onlooker = onlooker;
    this.#rng = world.rng.fork();
    this.#ratePpm = this.#rng.between(-180, 180);
    this.#wires = world.hosts.map(() => ({
      link: undefined,
      closedUntilMs: 0,
      refusedUntilMs: 0,
      lastMs: { in: 0, out: 0 },
    }));
    this.signer = cell.scheme.signer(hash('testnet-client', utf8(name)));
    this.core = new ClientCore({
      cell,
      signer: this.signer,
      scheme: cell.scheme,
      seed: this.#rng.bytes(32),
      leaseMs: LEASE_MS,
      graceMs: GRACE_MS,
      deltaMs: 100,
      chainLength: CHAIN_LINKS,
      ...options,
    });
    this.#step({ kind: 'start' });
    for (const replica of this.#wires.keys()) this.#dial(replica);
  }

  /** The session of its last batch. */
  get session(): SessionId {
    return this.#session;
  }

  /** Its own monotonic clock, ms. */
  get clockMs(): number {
    return 77_000 + this.#scene.world.elapsedMs * (1 + this.#ratePpm / 1e6);
  }

  get beliefs(): readonly Belief[] {
    return this.core.beliefs(this.clockMs);
  }

  /** Calls without an outcome. */
  get open(): readonly number[] {
    return [...this.requests.keys()].filter((call) => !this.outcomes.has(call));
  }

  get nextCall(): number {
    return this.#calls + 1;
  }

  call(request: CallRequest, timeoutMs?: number): number {
    const call = ++this.#calls;
    this.requests.set(call, request);
    this.#onlooker.called(this, call, request);
    const deadline = timeoutMs === undefined ? {} : { deadlineMs: this.clockMs + timeoutMs };
    this.#happen({ kind: 'call', call, request, ...deadline });
    return call;
  }

  abort(call: number): void {
    this.#happen({ kind: 'abort', call });
  }

  /** Breaks the links to these replicas; they may be dialled again after `forMs`. */
  cut(replicas: readonly number[], forMs: number): void {
    this.trouble = 'cut';
    for (const replica of replicas) {
      const wire = this.#wires[replica];
      if (wire === undefined) continue;
      wire.closedUntilMs = Math.max(wire.closedUntilMs, this.#scene.world.nowMs + forMs);
      this.#hangUp(replica, HUNG_UP);
    }
  }

  /** These replicas refuse the client's key: its links end, and every handshake does for a while. */
  refuse(replicas: readonly number[], forMs: number): void {
    this.trouble = 'refused';
    for (const replica of replicas) {
      const wire = this.#wires[replica];
      if (wire === undefined) continue;
      wire.refusedUntilMs = this.#scene.world.nowMs + forMs;
      this.#hangUp(replica, CLOSE.notAdmitted);
    }
  }

  /** Everything gets through but receipts. */
  loseReceipts(forMs: number): void {
    this.trouble = 'receipts lost';
    this.#deafUntilMs = this.#scene.world.nowMs + forMs;
  }

  close(): void {
    this.trouble = 'close';
    this.#happen({ kind: 'close' });
  }

  /** The process stands still; what comes meanwhile is handled afterwards, at once. */
  freeze(forMs: number): void {
    if (this.#backlog !== undefined) return;
    this.trouble = 'freeze';
    this.#backlog = [];
    this.#scene.world.after(forMs, () => {
      const missed = this.#backlog ?? [];
      this.#backlog = undefined;
      for (const happening of missed) this.#step(happening);
    });
  }

  #happen(happening: Happening): void {
    if (this.#backlog === undefined) this.#step(happening);
    else this.#backlog.push(happening);
  }

  #step(happening: Happening): void {
    const event = { ...happening, atMs: this.clockMs } as ClientEvent;
    for (const effect of this.core.step(event)) this.#perform(effect);
    this.#onlooker.stepped(this);
  }

  #dial(replica: number): void {
    const { world } = this.#scene;
    world.after(this.#rng.between(20, 300), () => {
      const wire = this.#wires[replica];
      if (wire === undefined || wire.link !== undefined || this.closed) return;
      if (world.nowMs < wire.refusedUntilMs) {
        this.#happen({ kind: 'linkDown', replica, code: CLOSE.notAdmitted });
        return this.#dial(replica);
      }
      if (world.nowMs >= wire.closedUntilMs) wire.link = this.#open(replica);
      if (wire.link === undefined) this.#dial(replica);
      else this.#happen({ kind: 'linkUp', replica });
    });
  }

  #open(replica: number): Link | undefined {
    const caller: Caller & { link: Link | undefined } = {
      link: undefined,
      key: this.signer.publicKey as PublicKey,
      hear: (bytes) =>
        this.#carry(replica, 'in', caller.link, () => {
          this.#tell('receive', replica, decodeGatewayMessage(bytes, BYTES_MAX));
          this.#hear(replica, bytes);
        }),
      hungUp: (code) => this.#hangUp(replica, code),
    };
    caller.link = this.#doors.at(replica).open(caller);
    return caller.link;
  }

  #hear(replica: number, bytes: Uint8Array): void {
    if (this.#scene.world.nowMs < this.#deafUntilMs) {
      const message = decodeGatewayMessage(bytes, BYTES_MAX);
      if (message.ok && message.value.kind === 'receipt') {
        this.#scene.world.count('receiptsLost');
        return;
      }
    }
    this.#onlooker.heard(this, replica, bytes);
    this.#happen({ kind: 'message', replica, bytes });
  }

  #hangUp(replica: number, code: number): void {
    const wire = this.#wires[replica];
    const link = wire?.link;
    if (wire === undefined || link === undefined) return;
    wire.link = undefined;
    this.#scene.world.count('linksLost');
    this.#doors.at(replica).close(link);
    this.#happen({ kind: 'linkDown', replica, code });
    this.#dial(replica);
  }

  /** After the network's delay, in order, unless the link breaks before. */
  #carry(replica: number, way: 'in' | 'out', link: Link | undefined, arrive: () => void): void {
    const wire = this.#wires[replica];
    const { world } = this.#scene;
    if (wire === undefined) return;
    const { delayMsMin, delayMsMax } = world.network.options;
    const delayMs = this.#rng.between(delayMsMin, delayMsMax);
    const atMs = Math.max(world.nowMs + delayMs, wire.lastMs[way]);
    wire.lastMs[way] = atMs;
    world.after(atMs - world.nowMs, () => {
      if (wire.link === link) arrive();
    });
  }

  #send(replica: number, bytes: Uint8Array): void {
    const message = decodeClientMessage(bytes, BYTES_MAX);
    if (!message.ok) throw new TypeError(`a client says ${message.failure.code}`);
    if (message.value.kind === 'submit') this.#submitted(message.value.batch);
    this.#tell('send', replica, message);
    const link = this.#wires[replica]?.link;
    if (link === undefined) return;
    this.#carry(replica, 'out', link, () => this.#doors.at(replica).message(link, bytes));
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
    this.#session = this.core.status.session ?? this.#session;
    this.#onlooker.submitted(this, batch);
  }

  #wake(atMs: number): void {
    const id = ++this.#wakes;
    const delayMs = (atMs - this.clockMs) / (1 + this.#ratePpm / 1e6);
    this.#scene.world.after(Math.max(0, Math.ceil(delayMs)), () => {
      if (id === this.#wakes) this.#happen({ kind: 'wake' });
    });
  }

  #perform(effect: ClientEffect): void {
    const { world } = this.#scene;
    switch (effect.kind) {
      case 'send':
        return this.#send(effect.replica, effect.bytes);
      case 'wake':
        return this.#wake(effect.atMs);
      case 'settled':
        this.#onlooker.settled(this, effect.call, effect.outcome);
        this.outcomes.set(effect.call, effect.outcome);
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
      case 'closed':
        this.closed = true;
    }
  }
}
