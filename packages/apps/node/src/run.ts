// Starts a replica and stops it.
import { join } from 'node:path';
import { ok, reject, type SignatureScheme, type Signer, selfTest, toHex } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import { type FrameBytes, Host } from '@fatty/host';
import type { Failure, LinkHandler, Outcome, StateMachine, Verifier } from '@fatty/interface';
import { admitClients, CLOSE, type LinkIdentity, type Listener } from '@fatty/network';
import type { Cell, Change, Committee, EpochLink, SignedAddresses } from '@fatty/protocol';
import { openAdmin } from './admin.ts';
import { mayFollow } from './chain-file.ts';
import type { NodeConfig } from './config.ts';
import { Core } from './core.ts';
import { DiskRoom } from './disk-room.ts';
import { keepBoth } from './divergence.ts';
import { readFounding } from './founding.ts';
import { frontOf } from './front.ts';
import { CLOCK, portsOver } from './host-ports.ts';
import { type Hosting, hostingOf } from './hosting.ts';
import { type HttpServer, serveHttp } from './http.ts';
import { loadCell } from './init.ts';
import { loadSigner } from './keys.ts';
import { type MembersShown, membersShown } from './members-shown.ts';
import { Motions } from './motions.ts';
import { pagesOf } from './pages.ts';
import { Peering } from './peering.ts';
import { Ports } from './ports.ts';
import type { RunningNode, RunOptions } from './running.ts';
import { openStores, type Restoring, replayLog, type Stores } from './stores.ts';
import { Telemetry } from './telemetry.ts';
import { verifierPool } from './verifier-pool.ts';
import { originsOf } from './web-page.ts';

export type { RunningNode, RunOptions } from './running.ts';

const TICK_MS = 1_000;

/**
 * Starts one replica: tests its signatures, locks its folder, replays its log, binds its ports,
 * dials its peers. Codes: `bad_ed25519`, `bad_key_file`, those of `loadCell`, `readFounding`, `hostingOf` and `openStores`, `not_a_member`,
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
  const state = readFounding(cell.value, config.cell, signer.value.publicKey);
  if (!state.ok) return state;
  const hosting = await hostingOf(cell.value, config.algorithm, state.value);
  if (!hosting.ok) return hosting;
  const room = new DiskRoom({ dir: config.dir, freeBytesMin: config.diskFreeBytesMin });
  const stores = await openStores(config.dir, room.patience, options.log);
  if (!stores.ok) return stores;
  const { dir } = config;
  const [{ committee }, { frames }, key] = [cell.value, stores.value, signer.value.publicKey];
  const chain = await mayFollow({ dir, committee, key, frames });
  if (!chain.ok) {
    await stores.value.close();
    return chain;
  }
  const parts = { ...options, scheme, room, links: chain.value };
  return new Node(config, parts, cell.value, signer.value, stores.value, hosting.value).start();
}

/** Where a replica can be reached, and what keeps its links. */
interface Opened {
  readonly addresses: SignedAddresses;
  readonly peering: Peering;
}

type Given = RunOptions & {
  readonly scheme: SignatureScheme;
  readonly room: DiskRoom;
  readonly links: readonly EpochLink[];
};

class Node {
  readonly #config: NodeConfig;
  readonly #options: Given;
  /** With the genesis committee. */
  readonly #cell: Cell;
  readonly #signer: Signer;
  readonly #stores: Stores;
  readonly #verifier: Verifier;
  readonly #core: Core;
  readonly #telemetry: Telemetry;
  readonly #hosting: Hosting;
  readonly #host: Host;
  readonly #ports: Ports;
  #peering: Peering | undefined;
  #clients: Listener | undefined;
  readonly #motions: Motions;
  /** Records of the log replayed so far; undefined when all are. */
  #replaying: number | undefined = 0;

  constructor(
    config: NodeConfig,
    options: Given,
    cell: Cell,
    signer: Signer,
    stores: Stores,
    hosting: Hosting,
  ) {
    this.#config = config;
    this.#options = options;
    this.#cell = cell;
    this.#signer = signer;
    this.#stores = stores;
    const { scheme, wrap, links, copying, tuning } = options;
    const choices = { ...(copying && { copying }), ...(tuning && { tuning }) };
    this.#hosting = hosting;
    const fresh = (committee: Committee): StateMachine => hosting.fresh(committee);
    this.#core = new Core({ cell, signer, scheme, links, fresh, wrap, choices });
    this.#telemetry = new Telemetry({ config, me: () => this.#core.me, clock: CLOCK });
    this.#verifier = verifierPool({
      entry: new URL(import.meta.resolve('@fatty/cairo-verify/worker')),
      queueMax: config.verifierQueueMax,
      onCrash: (error) => this.#telemetry.log.error({ error: error.message }, 'verifier died'),
    });
    this.#ports = new Ports(config, (...refusal) => this.#telemetry.refusedAtDoor(...refusal));
    this.#host = this.#makeHost();
    this.#motions = new Motions((move) => this.#host.driver.dispatch(move));
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
    const { addresses, peering } = opened.value;
    this.#begin();
    const ticking = setInterval(() => this.#tick(peering), TICK_MS);
    const close = async (): Promise<void> => {
      clearInterval(ticking);
      room.close();
      peering.close();
      await new Promise<void>((closed) => this.#host.driver.close(closed));
      await this.#release();
    };
    const complain = (failure: Failure): void => this.#telemetry.notReloaded(failure);
    return ok({ addresses, reload: (config) => this.#reload(config, peering), complain, close });
  }

  #begin(): void {
    this.#core.begin();
    this.#host.begin();
  }

  /** The replica has ended, and asks for another behind what is on the disk now. */
  async #reopen(): Promise<void> {
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
  #reload(config: NodeConfig, peering: Peering): void {
    this.#telemetry.reload(config);
    const cell = loadCell(config.cell);
    const attempts = [
      () => {
        if (!cell.ok) this.#telemetry.notReloaded(cell.failure);
        else peering.update(cell.value, config);
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
  async #open(): Promise<Outcome<Opened>> {
    const http = await this.#ports.listening(() => this.#serveHttp());
    if (!http.ok) return http;
    const replayed = await this.#replay();
    return replayed.ok ? this.#ports.listening(() => this.#openPorts(http.value)) : replayed;
  }

  async #replay(): Promise<Outcome<number>> {
    this.#openCore(await this.#stores.frames.read());
    if (!this.#core.isReplica) return ok(0);
    const restore: Restoring = (...part) => this.#host.driver.restore(...part);
    const replayed = await replayLog(this.#stores, restore, (records) => {
      this.#replaying = records;
      this.#options.onReplay?.(records);
    });
    if (!replayed.ok) return replayed;
    this.#replaying = undefined;
    const records = replayed.value;
    const { frameCommit } = this.#core.openedStatus;
    this.#telemetry.log.info({ records, frameCommit }, 'log behind the frame replayed');
    return replayed;
  }

  /** The core that the disk leads to, and links to the members of its epoch. */
  #openCore(frames: readonly FrameBytes[]): void {
    const before = this.#core.cell.committee.epoch;
    const opened = this.#core.open(frames);
    const { epoch, members } = this.#core.cell.committee;
    for (const failure of opened.failures)
      this.#telemetry.log.error({ failure }, 'a frame is of no use');
    const numberOf = this.#peering?.numberOf;
    this.#host.driver.open(opened.core, { at: opened.at, ...(numberOf && { numberOf }) });
    const isMember = this.#core.isReplica;
    const why = isMember ? undefined : this.#core.openedStatus.observer;
    if (!isMember)
      for (const link of this.#clients?.links() ?? []) link.close(CLOSE.restart, 'no_member');
    if (epoch === before && isMember) return;
    this.#telemetry.epoch(epoch, members.length, why);
    this.#peering?.enter();
  }

  async #openPorts(http: HttpServer): Promise<Opened> {
    const { clientPort } = this.#config;
    const peering = this.#makePeering();
    const clients = await this.#ports.listen('clients', {
      port: clientPort,
      identity: this.#clientIdentity,
      handler: this.#clientHandler(),
      cellFile: () => peering.cellFile,
      allowOrigins: () => originsOf(this.#config, peering.cell.addresses),
      allowHosts: this.#ports.hosts,
    });
    this.#clients = clients;
    await this.#openAdmin(peering);
    const addresses = await peering.open(this.#ports, {
      client: this.#ports.published(clients),
      http: `http://127.0.0.1:${http.port}`,
    });
    return { addresses, peering };
  }

  /** A door that does not open costs the commands of the operator, not the replica. */
  async #openAdmin(peering: Peering): Promise<void> {
    const { dir } = this.#config;
    const own = toHex(this.#signer.publicKey);
    const members = (): MembersShown =>
      membersShown(peering.cell, own, this.#core.openedStatus, this.#host.driver.peersUp);
    const move = (change: Change): Promise<Failure | undefined> => this.#motions.move(change);
    try {
      await this.#ports.keep(openAdmin(dir, { members, move }));
    } catch (error) {
      this.#telemetry.log.error({ err: error, dir }, 'no door for "fatty member"');
    }
  }

  #makePeering(): Peering {
    this.#peering = new Peering({
      cell: this.#cell,
      config: this.#config,
      core: this.#core,
      driver: this.#host.driver,
      scheme: this.#options.scheme,
      signer: this.#signer,
      telemetry: this.#telemetry,
    });
    return this.#peering;
  }

  #makeHost(): Host {
    const { metrics } = this.#telemetry;
    return new Host({
      replica: this.#core.driven,
      ports: portsOver(this.#stores, this.#verifier),
      clockMs: (sample) => this.#core.clockMs(sample),
      isCurrent: () => this.#core.isCurrent(),
      chain: () => this.#core.chain,
      front: frontOf({
        cell: this.#cell,
        config: this.#config,
        core: this.#core,
        hosting: this.#hosting,
        signer: this.#signer,
        telemetry: this.#telemetry,
      }),
      onReplayed: (effect) => {
        if (effect.kind === 'halt') this.#telemetry.outward(effect, () => this.#core.status);
      },
      onEvent: (event) => this.#telemetry.event(event),
      onEffect: (effect) => this.#telemetry.effect(effect),
      onOutward: (effect) => {
        this.#telemetry.outward(effect, () => this.#core.status);
        if (effect.kind === 'stated') this.#motions.stated(effect.tag, effect.failure);
        if (effect.kind === 'diverged')
          void keepBoth(this.#config.dir, effect, this.#core.me, this.#telemetry.log);
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

  get #clientIdentity(): LinkIdentity {
    return {
      cellId: this.#cell.cellId,
      epoch: () => this.#core.cell.committee.epoch,
      role: 'replica',
      signer: this.#signer,
      scheme: this.#options.scheme,
      admit: (key, role) =>
        !this.#core.isReplica
          ? reject('not_a_member', 'a replica that is one', 'another')
          : admitClients(key, role),
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
    const { httpPort } = this.#config;
    const sources = pagesOf({
      config: this.#config,
      telemetry: this.#telemetry,
      core: this.#core,
      driver: this.#host.driver,
      hosts: this.#ports.hosts,
      clients: () => this.#host.front?.clients ?? 0,
      replaying: () => this.#replaying,
      peering: () => this.#peering,
    });
    return this.#ports.keep(serveHttp(httpPort, sources));
  }

  #tick(peering: Peering): void {
    peering.tick();
    this.#telemetry.gauges(this.#core.status, {
      peersUp: this.#host.driver.peersUp.length,
      clients: this.#host.front?.clients ?? 0,
      sessions: this.#hosting.sessions(this.#core.machine),
    });
  }
}
