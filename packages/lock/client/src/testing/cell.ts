// A cell in this process, for tests of applications.
import './loaded.ts';
import { createCairoVerifier } from '@fatty/cairo-verify';
import { hash, type SignatureScheme, type Signer, standIn, utf8 } from '@fatty/codec';
import { GATEWAY_LIMITS, Gateway, type MakeFront } from '@fatty/host';
import type { SessionId } from '@fatty/interface';
import { lockServed } from '@fatty/node/lock-served';
import { type Cell, DEFAULT_PARAMS, faultsMax, signReady } from '@fatty/protocol';
import { LockService } from '@fatty/service';
import { type FrontScene, makeCell, type StagedMachines, stage, type World } from '@fatty/testnet';
import { Client } from '../sdk/client.ts';
import type { ConnectOptions } from '../sdk/connect.ts';
import type { Host } from '../sdk/host.ts';
import { TestLinks } from './links.ts';

/** Options of {@link startTestCell}. */
export interface TestCellOptions {
  /** 4 (default) bear one that fails, 7 two, 10 three. */
  readonly replicas?: number | undefined;
  /** Machines that are no members, for {@link TestCell.replace}. Default 0. */
  readonly spares?: number | undefined;
  /** The same seed gives the same delays and the same keys. Default 1. */
  readonly seed?: number | undefined;
  /** Default: signatures that cost nothing and protect nobody. `nodeScheme()` for real ones. */
  readonly scheme?: SignatureScheme | undefined;
  /**
   * `real` (default): the cell's clock goes with this machine's, and with `advance` as far ahead as is asked.
   * `manual`: it goes with `advance` only.
   */
  readonly clock?: 'real' | 'manual' | undefined;
}

/** Options of {@link TestCell.connect}: those of `connect` that have a meaning here. */
export type TestClientOptions = Omit<
  ConnectOptions,
  'cellId' | 'insecure' | 'signal' | 'webSocket'
>;

/** How often the clock of the cell is moved on, ms. */
const PUMP_MS = 4;
/** The longest stretch of the cell's time in one turn of this process, ms. */
const STRETCH_MS = 20;
/** A session is over when its lease has run out and a commit has said so; leases. */
const LEASES_MAX = 4;
const STEP_MS = 200;

/** A cell in this process: the real replicas, gateways and lock service; only network, disks and clocks are simulated. */
export class TestCell implements AsyncDisposable {
  /** As `cell.json` would have it; its addresses are good for {@link connect} only. */
  readonly cell: Cell;
  readonly #world: World;
  readonly #machines: StagedMachines;
  readonly #scheme: SignatureScheme;
  readonly #links = new Map<Client, TestLinks>();
  readonly #crashed = new Set<number>();
  readonly #paused = new Set<number>();
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  #lastMs = performance.now();
  #clients = 0;

  /** @internal {@link startTestCell} makes them. */
  constructor(
    staged: { readonly world: World; readonly machines: StagedMachines },
    clock: 'real' | 'manual',
  ) {
    const { world, machines } = staged;
    const { cellId, committee, scheme } = world.cell;
    this.#world = world;
    this.#machines = machines;
    this.#scheme = scheme;
    const addresses = world.cell.signers.map(({ publicKey: key }, i) => {
      return { key, peer: '', client: String(i), http: '', version: 0, sig: new Uint8Array(64) };
    });
    this.cell = { cellId, committee, addresses };
    this.#timer = clock === 'real' ? setInterval(() => this.#pump(), PUMP_MS) : undefined;
  }

  /** Elapsed time of the cell, ms; what `deadlineMs` of locks is measured in, here. */
  get nowMs(): number {
    return this.#world.elapsedMs;
  }

  /** Of replicas, from 0. */
  get replicas(): readonly number[] {
    return this.#world.hosts.map(({ index }) => index);
  }

  /**
   * A client like any other, linked to f + 1 replicas at least. Its clocks are the cell's, so its `timeoutMs`,
   * leases and deadlines pass by `advance` too. Without a `signer` it has a key of its own.
   */
  async connect(options: TestClientOptions = {}): Promise<Client> {
    const signer = options.signer ?? this.signer(`client-${this.#clients++}`);
    const links = new TestLinks(this.#world, signer.publicKey);
    const client = new Client({
      ...options,
      cell: this.cell,
      signer,
      scheme: this.#scheme,
      dial: links.dial,
      host: this.#host(signer),
    });
    this.#links.set(client, links);
    const isLinked = client.linked(faultsMax(this.cell.committee) + 1);
    if (this.#timer === undefined) await this.advance(STRETCH_MS);
    await isLinked;
    return client;
  }

  /** The same key for the same name: for a client that comes back after its process has died. */
  signer(name: string): Signer {
    return this.#scheme.signer(hash('test-client', utf8(name)));
  }

  /** Lets so much of the cell's time pass as fast as this machine can; what is awaited meanwhile goes on. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.nowMs + byMs;
    while (this.nowMs < untilMs) {
      this.#run(Math.min(untilMs, this.nowMs + STRETCH_MS));
      await turn();
    }
    this.#lastMs = performance.now();
  }

  // ── what goes wrong ────────────────────────────────────────────────────────

  /** The process of a replica is gone, as by `kill -9`: its links end, its disk stays. */
  crash(replica: number): void {
    this.#check([replica]);
    this.#crashed.add(replica);
    this.#world.crash(replica, false);
  }

  /** The process starts again from its disk. */
  restart(replica: number): void {
    this.#check([replica]);
    if (this.#crashed.delete(replica)) this.#world.restart(replica);
  }

  /** The process of a replica stands still, as by SIGSTOP: its links stay, and nothing is answered until `heal`. */
  pause(replica: number): void {
    this.#check([replica]);
    if (this.#paused.has(replica)) return;
    this.#paused.add(replica);
    this.#world.hosts[replica]?.pause();
  }

  /**
   * A spare machine becomes a member in the place of this one: the epoch ends, and the next one begins. Resolves with the
   * number of the new one when it has.
   */
  async replace(replica: number): Promise<number> {
    this.#check([replica]);
    const { attendance, cell, hosts } = this.#world;
    const spare = hosts.findIndex(
      ({ index }) => !attendance.isMember(index) && !attendance.begun.has(index),
    );
    const [old, signer] = [cell.signers[replica]?.publicKey, cell.signers[spare]];
    if (old === undefined || signer === undefined) throw new RangeError('no spare machine is left');
    const { epoch } = cell.roll.newest.committee;
    const change = { kind: 'replace', old, key: signer.publicKey } as const;
    await this.#until(() => {
      const head = Math.max(...hosts.map(({ peer }) => peer?.status?.().commitIndex ?? 0));
      const bytes = signReady(cell.cellId, signer, { epoch, index: head });
      for (const member of attendance.members) {
        hosts[member]?.handle({ kind: 'move', change, tag: 0 });
        hosts[member]?.handle({ kind: 'statement', bytes, tag: 0 });
      }
      return cell.roll.newest.committee.epoch > epoch;
    });
    this.#join(spare);
    return spare;
  }

  /** It begins behind the frame that ended the epoch before, which whoever came to the new one has. */
  #join(replica: number): void {
    const { cell, hosts } = this.#world;
    const { index } = cell.roll.newest.origin;
    const frames = hosts.flatMap(({ disk }) => disk.copy().frames);
    const final = frames.find((one) => one.index === index);
    if (final !== undefined) this.#world.join(replica, final);
  }

  /** The links between these replicas (default: all) and all clients that there are take so much longer, each way. */
  slow(byMs: number, replicas: readonly number[] = this.replicas): void {
    this.#check(replicas);
    for (const links of this.#links.values()) links.slow(replicas, byMs);
  }

  /** This client's links to these replicas (default: all) end, and no new one stands until `heal`. */
  cutOff(client: Client, replicas: readonly number[] = this.replicas): void {
    this.#check(replicas);
    this.#linksOf(client).cut(replicas);
  }

  /** These replicas hear one another and no other replica; clients reach all of them. */
  partition(side: readonly number[]): void {
    this.#check(side);
    this.#world.network.partition(side);
  }

  /** The replicas are parted so that no side has a quorum: nothing is committed until `heal`. */
  loseQuorum(): void {
    this.partition(this.replicas.slice(0, Math.floor(this.replicas.length / 2)));
  }

  /**
   * This client's session ends at the cell: cut off until its lease has run out there, then linked again.
   * Resolves when the client knows.
   */
  async loseSession(client: Client): Promise<void> {
    const { session } = client.session;
    if (session === undefined) throw new RangeError('this client has no session yet');
    const links = this.#linksOf(client);
    links.cut(this.replicas);
    await this.#until(() => this.#hasEnded(session));
    links.mend();
    await this.#until(() => client.session.session !== session);
  }

  #hasEnded(session: SessionId): boolean {
    const up = this.replicas.find((one) => !this.#crashed.has(one) && !this.#paused.has(one));
    const machine = up === undefined ? undefined : this.#machines.of(up);
    if (!(machine instanceof LockService)) return false;
    return machine.query({ kind: 'session', id: session }).kind === 'error';
  }

  async #until(isSo: () => boolean): Promise<void> {
    const untilMs = this.nowMs + LEASES_MAX * this.cell.committee.params.leaseMs;
    while (!isSo()) {
      if (this.nowMs > untilMs) throw new Error('nothing came of it: has the cell a quorum?');
      await this.advance(STEP_MS);
    }
  }

  /** Everything works again: processes run, links stand at their usual pace, replicas hear one another. */
  heal(): void {
    for (const replica of this.replicas) this.restart(replica);
    for (const replica of this.#paused) this.#world.hosts[replica]?.goOn();
    this.#paused.clear();
    this.#world.network.heal();
    for (const links of this.#links.values()) links.mend();
  }

  /** The replica that this client's last batch went to. */
  gatewayOf(client: Client): number | undefined {
    return this.#linksOf(client).gateway;
  }

  /** Ends the cell at once, without a word to its clients: close them before. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#links.keys()) {
      let isClosed = false;
      const closed = client.close().finally(() => {
        isClosed = true;
      });
      // One that was cut off dials again before it says goodbye.
      while (this.#timer === undefined && !isClosed) await this.advance(STEP_MS);
      await closed;
    }
    await this.stop();
  }

  #linksOf(client: Client): TestLinks {
    const links = this.#links.get(client);
    if (links === undefined) throw new RangeError('a client of another cell');
    return links;
  }

  #check(replicas: readonly number[]): void {
    for (const one of replicas) {
      if (!this.replicas.includes(one)) throw new RangeError(`no replica ${one}`);
    }
  }

  /** The clocks and timers of a client, and what it draws: those of the world. */
  #host(signer: Signer): Host {
    const world = this.#world;
    let drawn = 0;
    return {
      monotonicMs: () => world.elapsedMs,
      wallMs: () => world.nowMs,
      after(delayMs, act) {
        let isLive = true;
        world.after(delayMs, () => {
          if (isLive) act();
        });
        return () => {
          isLive = false;
        };
      },
      random(count) {
        const seed = utf8(`${this.monotonicMs()} ${drawn++}`);
        return hash('test-chance', signer.publicKey, seed).slice(0, count);
      },
    };
  }

  #pump(): void {
    const nowMs = performance.now();
    const byMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    this.#run(this.nowMs + byMs);
  }

  #run(untilMs: number): void {
    this.#world.run(untilMs);
    const [broken] = this.#world.violations;
    if (broken !== undefined) {
      clearInterval(this.#timer);
      throw new Error(`the simulated cell is broken: ${JSON.stringify(broken)}`);
    }
  }
}

/** Whatever is due in this process: promises, timers, sockets. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}

/** The gateway of the lock service, as a replica's process has it. */
function gateway({ cell, replica, state }: FrontScene): MakeFront {
  const signer = cell.signers[replica];
  if (signer === undefined) throw new RangeError(`no member ${replica}`);
  const onError = (error: unknown): never => {
    throw error;
  };
  const own = {
    cellId: cell.cellId,
    signer,
    served: lockServed(state),
    limits: GATEWAY_LIMITS,
    onError,
  };
  return (behind, timers) => new Gateway({ ...own, replica: behind, timers });
}

/** Starts a cell in this process. It takes some milliseconds, and a few megabytes. */
export async function startTestCell(options: TestCellOptions = {}): Promise<TestCell> {
  const { replicas = 4, spares = 0, seed = 1, scheme = standIn(), clock = 'real' } = options;
  const { runJob } = await createCairoVerifier();
  const staged = stage({
    seed,
    cell: makeCell(replicas, scheme, DEFAULT_PARAMS, spares),
    machine: (cell) => ({ machine: new LockService({ cell, scheme }) }),
    liars: new Map(),
    network: {
      delayMsMin: 1,
      delayMsMax: 2,
      lossPerMille: 0,
      duplicatePerMille: 0,
      reorder: false,
    },
    disk: { syncMsMin: 1, syncMsMax: 2 },
    verifier: { delayMsMin: 1, delayMsMax: 2, silentPerMille: 0 },
    verdictOf: runJob,
    checkers: [],
    front: gateway,
    restoreEvery: Number.MAX_SAFE_INTEGER,
  });
  staged.world.start([]);
  return new TestCell(staged, clock);
}
