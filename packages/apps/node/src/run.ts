// Starts a replica and stops it.
import { join } from 'node:path';
import {
  equalBytes,
  fail,
  ok,
  type SignatureScheme,
  type Signer,
  selfTest,
  toHex,
} from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import { Host } from '@fatty/host';
import type { Failure, LinkHandler, Outcome, PublicKey, Verifier } from '@fatty/interface';
import { admitClients, admitOnly, CLOSE, type LinkIdentity, refuseHost } from '@fatty/network';
import { type Cell, quorum, type SignedAddresses, writeCell } from '@fatty/protocol';
import { Replica } from '@fatty/replica';
import type { NodeConfig } from './config.ts';
import { Core } from './core.ts';
import { DiskRoom } from './disk-room.ts';
import { keepBoth } from './divergence.ts';
import { frontOf } from './front.ts';
import { CLOCK, portsOver } from './host-ports.ts';
import { type Hosting, hostingOf } from './hosting.ts';
import { type HttpServer, serveHttp } from './http.ts';
import { loadCell } from './init.ts';
import { loadSigner } from './keys.ts';
import { Members } from './members.ts';
import { Ports } from './ports.ts';
import type { RunningNode, RunOptions } from './running.ts';
import { openStores, type Restoring, replayLog, type Stores } from './stores.ts';
import { Telemetry } from './telemetry.ts';
import { verifierPool } from './verifier-pool.ts';

export type { RunningNode, RunOptions } from './running.ts';

const TICK_MS = 1_000;

/**
 * Starts one replica: tests its signatures, locks its folder, replays its log, binds its ports,
 * dials its peers. Codes: `bad_ed25519`, `bad_key_file`, those of `loadCell`, `hostingOf` and `openStores`, `not_a_member`,
 * `cannot_listen`.
 */
export async function runNode(
  config: NodeConfig,
  options: RunOptions,
): Promise<Outcome<RunningNode>> {
  const scheme = options.scheme ?? nodeScheme();
  const flaw = selfTest(scheme);
  if (flaw) return { ok: false, failure: flaw };
  const signer = loadSigner(join(config.dir, 'key.pem'));
  if (!signer.ok) return signer;
  const cell = loadCell(config.cell);
  if (!cell.ok) return cell;
  const me = cell.value.committee.members.findIndex((key) =>
    equalBytes(key, signer.value.publicKey),
  );
  if (me < 0) return fail('not_a_member', 'a committee key', toHex(signer.value.publicKey));
  const hosting = await hostingOf(cell.value, config.algorithm);
  if (!hosting.ok) return hosting;
  const room = new DiskRoom({ dir: config.dir, freeBytesMin: config.diskFreeBytesMin });
  const stores = await openStores(config.dir, room.patience);
  if (!stores.ok) return stores;
  const parts = { ...options, scheme, room };
  return new Node(config, parts, cell.value, me, signer.value, stores.value, hosting.value).start();
}

type Given = RunOptions & { readonly scheme: SignatureScheme; readonly room: DiskRoom };

class Node {
  readonly #config: NodeConfig;
  readonly #options: Given;
  readonly #cell: Cell;
  readonly #me: number;
  readonly #signer: Signer;
  readonly #stores: Stores;
  readonly #verifier: Verifier;
  readonly #core: Core;
  readonly #telemetry: Telemetry;
  readonly #hosting: Hosting;
  readonly #host: Host;
  /** cell.json as clients may fetch it: with our own addresses of now. */
  #cellFile = '';
  readonly #ports: Ports;
  #members: Members | undefined;
  /** Records of the log replayed so far; undefined when all are. */
  #replaying: number | undefined = 0;

  constructor(
    config: NodeConfig,
    options: Given,
    cell: Cell,
    me: number,
    signer: Signer,
    stores: Stores,
    hosting: Hosting,
  ) {
    this.#config = config;
    this.#options = options;
    this.#cell = cell;
    this.#me = me;
    this.#signer = signer;
    this.#stores = stores;
    const { cellId, committee } = cell;
    const { scheme, wrap } = options;
    this.#hosting = hosting;
    this.#core = new Core({
      make: () => new Replica({ committee, cellId, me, signer, scheme, machine: hosting.fresh() }),
      wrap: wrap && ((replica) => wrap(replica, signer, cell)),
    });
    this.#telemetry = new Telemetry({ config, me, clock: CLOCK });
    this.#verifier = verifierPool({
      entry: new URL(import.meta.resolve('@fatty/cairo-verify/worker')),
      queueMax: config.verifierQueueMax,
      onCrash: (error) => this.#telemetry.log.error({ error: error.message }, 'verifier died'),
    });
    this.#ports = new Ports(config, (...refusal) => this.#telemetry.refusedAtDoor(...refusal));
    this.#host = this.#makeHost();
  }

  async start(): Promise<Outcome<RunningNode>> {
    const { room } = this.#options;
    room.watch((lack) => {
      this.#telemetry.room(lack, this.#config.dir);
      this.#host.driver.dispatch({ kind: 'room', lack });
    });
    const opened = await this.#open();
    if (!opened.ok) {
      await this.#release();
      return opened;
    }
    const { addresses, members } = opened.value;
    this.#begin();
    const ticking = setInterval(() => this.#tick(members), TICK_MS);
    const close = async (): Promise<void> => {
      clearInterval(ticking);
      room.close();
      members.close();
      await new Promise<void>((closed) => this.#host.driver.close(closed));
      await this.#release();
    };
    const complain = (failure: Failure): void => this.#telemetry.notReloaded(failure);
    return ok({ addresses, reload: (config) => this.#reload(config, members), complain, close });
  }

  #begin(): void {
    this.#core.begin();
    this.#host.begin();
  }

  /** The replica has ended, and asks for another behind what is on the disk now. */
  async #reopen(): Promise<void> {
    this.#host.driver.open(this.#core.open());
    const replayed = await this.#replay();
    // Closed meanwhile: the disk, and all that is read from it, is gone.
    if (this.#host.driver.isClosed) return;
    if (replayed.ok) return this.#begin();
    this.#fatal(new Error(JSON.stringify(replayed.failure)));
  }

  #fatal(error: Error): void {
    this.#telemetry.log.fatal({ err: error }, 'stopped: nothing more is signed');
    this.#options.onFatal(error);
  }

  /** One thing that cannot be read keeps nothing else from being taken. */
  #reload(config: NodeConfig, members: Members): void {
    this.#telemetry.reload(config);
    const cell = loadCell(config.cell);
    const attempts = [
      () => {
        if (!cell.ok) this.#telemetry.notReloaded(cell.failure);
        else members.update(cell.value, config);
      },
      () => this.#ports.reloadTls(),
    ];
    for (const attempt of attempts) {
      try {
        attempt();
      } catch (error) {
        const { message } = error as Error;
        this.#telemetry.notReloaded({ code: 'unreadable', expected: 'PEM files', actual: message });
      }
    }
  }

  /** Tells clients and peers that we will be back, and lets go of everything. */
  async #release(): Promise<void> {
    this.#options.room.close();
    await this.#ports.close(CLOSE.restart);
    await Promise.all([this.#stores.close(), this.#verifier.close(), this.#telemetry.close()]);
  }

  /** HTTP comes first: a long replay can be watched. The others come when we know who we are. */
  async #open(): Promise<Outcome<{ addresses: SignedAddresses; members: Members }>> {
    const http = await this.#ports.listening(() => this.#serveHttp());
    if (!http.ok) return http;
    const replayed = await this.#replay();
    return replayed.ok ? this.#ports.listening(() => this.#openPorts(http.value)) : replayed;
  }

  async #replay(): Promise<Outcome<number>> {
    const refused = this.#host.driver.resume(await this.#stores.frames.read());
    for (const failure of refused) this.#telemetry.log.error({ failure }, 'a frame is of no use');
    const restore: Restoring = (...part) => this.#host.driver.restore(...part);
    const replayed = await replayLog(this.#stores, restore, (records) => {
      this.#replaying = records;
      this.#options.onReplay?.(records);
    });
    if (!replayed.ok) return replayed;
    this.#replaying = undefined;
    const records = replayed.value;
    const { frameCommit } = this.#core.opened.status();
    this.#telemetry.log.info({ records, frameCommit }, 'log behind the frame replayed');
    return replayed;
  }

  async #openPorts(http: HttpServer): Promise<{ addresses: SignedAddresses; members: Members }> {
    const { peerPort, clientPort, allowOrigins } = this.#config;
    const identity = this.#peerIdentity();
    const members = this.#makeMembers(identity);
    this.#members = members;
    const handler = this.#peerHandler(members, 'them');
    const peers = await this.#ports.listen('peers', { port: peerPort, identity, handler });
    const clients = await this.#ports.listen('clients', {
      port: clientPort,
      identity: this.#identity(admitClients),
      handler: this.#clientHandler(),
      cellFile: () => this.#cellFile,
      allowOrigins,
      allowHosts: this.#ports.hosts,
    });
    const addresses = members.open({
      peer: this.#ports.published(peers),
      client: this.#ports.published(clients),
      http: `http://127.0.0.1:${http.port}`,
    });
    this.#cellFile = writeCell(members.cell);
    return { addresses, members };
  }

  #makeMembers(identity: LinkIdentity): Members {
    const handler: LinkHandler = {
      up: (link) => this.#peerHandler(members, 'us').up(link),
      message: (link, bytes) => this.#peerHandler(members, 'us').message(link, bytes),
      down: (link, code, reason) => this.#peerHandler(members, 'us').down(link, code, reason),
    };
    const members: Members = new Members({
      cell: this.#cell,
      path: join(this.#config.dir, 'addresses.json'),
      identity,
      config: this.#config,
      clock: CLOCK,
      handler,
      onNews: (peer, url, why) => this.#telemetry.peerLink(this.#indexOf(peer), url, why),
      onMoved: (cell) => {
        this.#cellFile = writeCell(cell);
        this.#telemetry.moved(cell.addresses.map(({ peer }) => peer));
      },
      onLonely: (lonely) => this.#telemetry.lonely(lonely, this.#unlinked()),
    });
    return members;
  }

  #makeHost(): Host {
    const { metrics } = this.#telemetry;
    return new Host({
      replica: this.#core.driven,
      ports: portsOver(this.#stores, this.#verifier),
      clockMs: (sample) => this.#core.replica.clockMs(sample),
      isCurrent: () => this.#core.replica.isCurrent(),
      chain: () => this.#core.replica,
      front: frontOf({
        cell: this.#cell,
        config: this.#config,
        core: this.#core,
        hosting: this.#hosting,
        signer: this.#signer,
        telemetry: this.#telemetry,
      }),
      onReplayed: (effect) => {
        if (effect.kind === 'halt') this.#telemetry.outward(effect);
      },
      onEvent: (event) => this.#telemetry.event(event),
      onEffect: (effect) => this.#telemetry.effect(effect),
      onOutward: (effect) => {
        this.#telemetry.outward(effect);
        if (effect.kind === 'diverged')
          void keepBoth(this.#config.dir, effect, this.#me, this.#telemetry.log);
      },
      onSent: (effect, taken) => this.#telemetry.sent(effect, taken),
      onPersisted: (ms) => metrics.persistSeconds.observe(ms / 1000),
      onVerified: (ms) => metrics.verifySeconds.observe(ms / 1000),
      onReopen: () => {
        this.#reopen().catch((error: unknown) => {
          if (!this.#host.driver.isClosed) this.#fatal(error as Error);
        });
      },
      onFatal: (error) => this.#fatal(error),
    });
  }

  #identity(admit: LinkIdentity['admit']): LinkIdentity {
    const { cellId, committee } = this.#cell;
    const epoch = (): number => committee.epoch;
    return {
      cellId,
      epoch,
      role: 'replica',
      signer: this.#signer,
      scheme: this.#options.scheme,
      admit,
    };
  }

  #peerIdentity(): LinkIdentity {
    return this.#identity(admitOnly(this.#cell.committee.members.filter((_, i) => i !== this.#me)));
  }

  #indexOf(key: PublicKey): number {
    return this.#cell.committee.members.findIndex((member) => equalBytes(member, key));
  }

  #peerHandler(members: Members, dialledBy: 'us' | 'them'): LinkHandler {
    return {
      up: (link) => {
        this.#host.driver.linkUp(this.#indexOf(link.peer), link);
        members.linked(link, dialledBy);
      },
      message: (link, bytes) => {
        if (members.message(link, bytes)) return;
        this.#host.driver.dispatch({ kind: 'message', peer: this.#indexOf(link.peer), bytes });
      },
      down: (link) => {
        members.unlink(link);
        this.#host.driver.linkDown(this.#indexOf(link.peer), link);
      },
    };
  }

  #clientHandler(): LinkHandler {
    return {
      up: (link) => this.#host.front?.linkUp(link),
      message: (link, bytes) => this.#host.front?.message(link, bytes),
      down: (link) => this.#host.front?.linkDown(link),
    };
  }

  #serveHttp(): Promise<HttpServer> {
    const [telemetry, core, { driver }] = [this.#telemetry, this.#core, this.#host];
    const needed = quorum(this.#cell.committee);
    return this.#ports.keep(
      serveHttp(this.#config.httpPort, {
        registry: telemetry.metrics.registry,
        refuse: (request) => refuseHost(request, { allowHosts: this.#ports.hosts }),
        live: () => telemetry.live(),
        ready: () => [
          ...telemetry.ready(core.replica.status(), {
            reachable: driver.peersUp.length + 1,
            needed,
            unlinked: this.#unlinked(),
          }),
          telemetry.replayed(this.#replaying),
        ],
        status: () => ({
          replica: this.#me,
          ...core.replica.status(),
          state: core.opened.status().state,
          peersUp: driver.peersUp,
          clients: this.#host.front?.clients ?? 0,
        }),
      }),
    );
  }

  #unlinked(): string[] {
    const unlinked = this.#members?.unlinked ?? [];
    const texts = unlinked.map(({ peer, why }) => `replica ${this.#indexOf(peer)}: ${why}`);
    return [...texts.sort(), ...this.#telemetry.turnedAway];
  }

  #tick(members: Members): void {
    members.tick();
    this.#telemetry.gauges(this.#core.replica.status(), {
      peersUp: this.#host.driver.peersUp.length,
      clients: this.#host.front?.clients ?? 0,
      sessions: this.#hosting.sessions(this.#core.machine),
    });
  }
}
