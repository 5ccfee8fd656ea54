import { join } from 'node:path';
import { type Cell, quorum, type SignedAddresses, signAddresses, writeCell } from '@fatty/api';
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
import type { Clock, LinkHandler, Outcome, PublicKey, Verifier } from '@fatty/interface';
import {
  admitClients,
  admitOnly,
  CLOSE,
  type LinkIdentity,
  type Listener,
  type ListenOptions,
  listen,
  refuseHost,
  urlHost,
} from '@fatty/network';
import { Replica } from '@fatty/replica';
import { LockService } from '@fatty/service';
import { Backend } from './backend.ts';
import type { NodeConfig } from './config.ts';
import { Driver, type Outward, type ReplicaCore } from './driver.ts';
import { Gateway } from './gateway.ts';
import { GATEWAY_LIMITS } from './gateway-contract.ts';
import { type HttpServer, serveHttp } from './http.ts';
import { loadCell, withAddresses } from './init.ts';
import { loadSigner } from './keys.ts';
import { PeerDialers } from './links.ts';
import { Observer } from './observer.ts';
import { openStores, replayLog, type Stores } from './stores.ts';
import { verifierPool } from './verifier-pool.ts';

export interface RunOptions {
  /** Puts another program in the replica's place (a liar of a test cell). */
  readonly wrap?: (replica: Replica, signer: Signer, cell: Cell) => ReplicaCore;
  /** Default: node:crypto in front of the rule. */
  readonly scheme?: SignatureScheme;
  /** Told how many records of the log are replayed, while they are. */
  readonly onReplay?: (records: number) => void;
  /** Called once when the process cannot go on: the disk failed, or an invariant is broken. */
  readonly onFatal: (error: Error) => void;
}

/** A replica process at work. */
export interface RunningNode {
  /** Where it can be reached, signed; ports are the real ones. */
  readonly addresses: SignedAddresses;
  /** New addresses of the other members (cell.json changed). */
  update(cell: Cell): void;
  close(): Promise<void>;
}

const CLOCK: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
const GAUGES_MS = 1_000;

interface OpenPort {
  close(code?: number): Promise<void>;
}

/**
 * Starts one replica: tests its signatures, locks its folder, replays its log, binds its ports,
 * dials its peers. Codes: `bad_ed25519`, `bad_key_file`, those of `loadCell` and `openStores`, `not_a_member`,
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
  const stores = await openStores(config.dir);
  if (!stores.ok) return stores;
  const parts = { ...options, scheme };
  return new Node(config, parts, cell.value, me, signer.value, stores.value).start();
}

class Node {
  readonly #config: NodeConfig;
  readonly #options: RunOptions & { readonly scheme: SignatureScheme };
  readonly #cell: Cell;
  readonly #me: number;
  readonly #signer: Signer;
  readonly #stores: Stores;
  readonly #verifier: Verifier;
  readonly #replica: Replica;
  readonly #observer: Observer;
  readonly #driver: Driver;
  readonly #gateway: Gateway;
  readonly #backend: Backend;
  /** cell.json as clients may fetch it: with our own addresses of now. */
  #cellFile = '';
  readonly #ports: OpenPort[] = [];
  #dialers: PeerDialers | undefined;
  /** Records of the log replayed so far; undefined when all are. */
  #replaying: number | undefined = 0;

  constructor(
    config: NodeConfig,
    options: RunOptions & { readonly scheme: SignatureScheme },
    cell: Cell,
    me: number,
    signer: Signer,
    stores: Stores,
  ) {
    this.#config = config;
    this.#options = options;
    this.#cell = cell;
    this.#me = me;
    this.#signer = signer;
    this.#stores = stores;
    const { cellId, committee } = cell;
    const { epoch, members, params } = committee;
    const machine = new LockService({ cell: { cellId, epoch, members }, params });
    this.#replica = new Replica({ committee, cellId, me, signer, scheme: options.scheme, machine });
    this.#observer = new Observer({ config, me, clock: CLOCK });
    this.#verifier = verifierPool({
      entry: new URL('../../cairo/dist/worker.js', import.meta.url),
      queueMax: config.verifierQueueMax,
      onCrash: (error) => this.#observer.log.error({ error: error.message }, 'verifier died'),
    });
    this.#driver = this.#makeDriver();
    const { commitLatencySeconds } = this.#observer.metrics;
    this.#backend = new Backend(cellId, signer, machine, this.#replica, this.#driver, CLOCK, (ms) =>
      commitLatencySeconds.observe(ms / 1000),
    );
    const limits = {
      ...GATEWAY_LIMITS,
      messagesPerSecMax: config.clientMessagesPerSecMax,
      bytesPerSecMax: config.clientBytesPerSecMax,
    };
    this.#gateway = new Gateway(this.#backend, limits, (error, serving, client) =>
      this.#observer.log.error({ err: error, serving, client: toHex(client) }, 'client dropped'),
    );
  }

  async start(): Promise<Outcome<RunningNode>> {
    const opened = await this.#open();
    if (!opened.ok) {
      await this.#release();
      return opened;
    }
    const { addresses, dialers } = opened.value;
    const update = (fresh: Cell): void => {
      if (!equalBytes(fresh.cellId, this.#cell.cellId)) return;
      this.#cellFile = writeCell(withAddresses(fresh, [addresses]));
      dialers.update(fresh);
    };
    update(this.#cell);
    this.#driver.dispatch({ kind: 'start' });
    const gauges = setInterval(() => this.#gauges(), GAUGES_MS);
    const close = async (): Promise<void> => {
      clearInterval(gauges);
      dialers.close();
      await this.#driver.close();
      await this.#release();
    };
    return ok({ addresses, update, close });
  }

  /** Tells clients and peers that we will be back, and lets go of everything. */
  async #release(): Promise<void> {
    await Promise.all(this.#ports.map((port) => port.close(CLOSE.restart)));
    await Promise.all([this.#stores.close(), this.#verifier.close(), this.#observer.close()]);
  }

  /** HTTP comes first: a long replay can be watched. The others come when we know who we are. */
  async #open(): Promise<Outcome<{ addresses: SignedAddresses; dialers: PeerDialers }>> {
    const http = await this.#listening(() => this.#serveHttp());
    if (!http.ok) return http;
    const replayed = await this.#replay();
    return replayed.ok ? this.#listening(() => this.#openPorts(http.value)) : replayed;
  }

  async #replay(): Promise<Outcome<number>> {
    const replayed = await replayLog(this.#stores, this.#replica, {
      progress: (records) => {
        this.#replaying = records;
        this.#options.onReplay?.(records);
      },
      halted: (effect) => this.#outward(effect),
    });
    if (!replayed.ok) return replayed;
    this.#replaying = undefined;
    this.#backend.refresh();
    const records = replayed.value;
    this.#observer.log.info({ records }, 'log replayed; without frames it is kept whole');
    return replayed;
  }

  /** Code `cannot_listen`: a port is taken, an address is not ours, a PEM file is unreadable. */
  async #listening<T>(open: () => Promise<T>): Promise<Outcome<T>> {
    try {
      return ok(await open());
    } catch (error) {
      return fail('cannot_listen', `ports on ${this.#config.host}`, (error as Error).message);
    }
  }

  /** Remembers what to close. */
  async #keep<P extends OpenPort>(opening: Promise<P>): Promise<P> {
    const port = await opening;
    this.#ports.push(port);
    return port;
  }

  async #openPorts(
    http: HttpServer,
  ): Promise<{ addresses: SignedAddresses; dialers: PeerDialers }> {
    const { peerPort, clientPort } = this.#config;
    const [identity, handler] = [this.#peerIdentity(), this.#peerHandler()];
    const dialers = new PeerDialers(identity, handler, this.#config, (peer, url, why) =>
      this.#observer.peerLink(this.#indexOf(peer), url, why),
    );
    this.#dialers = dialers;
    const peers = await this.#keep(this.#listen({ port: peerPort, identity, handler }));
    const clients = await this.#keep(
      this.#listen({
        port: clientPort,
        identity: this.#identity(admitClients),
        handler: this.#clientHandler(),
        cellFile: () => this.#cellFile,
        allowOrigins: this.#config.allowOrigins,
        allowHosts: this.#hosts,
      }),
    );
    const addresses = signAddresses(this.#cell.cellId, this.#signer, {
      peer: this.#published(peers),
      client: this.#published(clients),
      http: `http://127.0.0.1:${http.port}`,
    });
    return { addresses, dialers };
  }

  /** Names under which HTTP is answered. */
  get #hosts(): readonly string[] {
    const { host, advertise, allowHosts } = this.#config;
    return [host, advertise, ...allowHosts].map((name) => name.toLowerCase());
  }

  /** Where others find what listens here. */
  #published({ url, port }: Listener): string {
    const { advertise } = this.#config;
    if (advertise === '') return url;
    return `${new URL(url).protocol}//${urlHost(advertise)}:${port}`;
  }

  #makeDriver(): Driver {
    const { log, kv, mark } = this.#stores;
    const { metrics } = this.#observer;
    const wrap = this.#options.wrap ?? ((replica: Replica): ReplicaCore => replica);
    return new Driver({
      replica: wrap(this.#replica, this.#signer, this.#cell),
      log,
      kv,
      mark,
      verifier: this.#verifier,
      clock: CLOCK,
      onEvent: (event) => this.#observer.event(event),
      onEffect: (effect) => this.#observer.effect(effect),
      onOutward: (effect) => this.#outward(effect),
      onSent: (effect, taken) => this.#observer.sent(effect, taken),
      onPersisted: (ms) => metrics.persistSeconds.observe(ms / 1000),
      onVerified: (ms) => metrics.verifySeconds.observe(ms / 1000),
      onFatal: (error) => {
        this.#observer.log.fatal({ err: error }, 'stopped: nothing more is signed');
        this.#options.onFatal(error);
      },
    });
  }

  #outward(effect: Outward): void {
    this.#observer.outward(effect);
    if (effect.kind === 'refused') this.#gateway.refused(effect.tag, effect.failure);
    if (effect.kind !== 'committed') return;
    const { index, commitTs, leaseClock } = effect.commit;
    this.#backend.advance({ commit: index, commitTs, leaseClock });
    this.#gateway.committed(index, effect.applied);
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

  #peerHandler(): LinkHandler {
    return {
      up: (link) => this.#driver.linkUp(this.#indexOf(link.peer), link),
      message: (link, bytes) => {
        this.#driver.dispatch({ kind: 'message', peer: this.#indexOf(link.peer), bytes });
      },
      down: (link) => this.#driver.linkDown(this.#indexOf(link.peer), link),
    };
  }

  #clientHandler(): LinkHandler {
    return {
      up: (link) => this.#gateway.linkUp(link),
      message: (link, bytes) => this.#gateway.message(link, bytes),
      down: (link) => this.#gateway.linkDown(link),
    };
  }

  #listen(port: ListenOptions): Promise<Listener> {
    const { host, tlsCert, tlsKey, clientsMax, insecure } = this.#config;
    const tls = tlsCert === '' ? {} : { tls: { certFile: tlsCert, keyFile: tlsKey } };
    return listen({ ...port, ...tls, host, insecure, connectionsMax: clientsMax });
  }

  #serveHttp(): Promise<HttpServer> {
    const { observer, replica, driver } = {
      observer: this.#observer,
      replica: this.#replica,
      driver: this.#driver,
    };
    const needed = quorum(this.#cell.committee);
    return this.#keep(
      serveHttp(this.#config.httpPort, {
        registry: observer.metrics.registry,
        refuse: (request) => refuseHost(request, { allowHosts: this.#hosts }),
        live: () => observer.live(),
        ready: () => [
          ...observer.ready(replica.status(), {
            reachable: driver.peersUp.length + 1,
            needed,
            unlinked: this.#unlinked(),
          }),
          observer.replayed(this.#replaying),
        ],
        status: () => ({
          replica: this.#me,
          ...replica.status(),
          peersUp: driver.peersUp,
          clients: this.#gateway.clients,
        }),
      }),
    );
  }

  #unlinked(): string[] {
    const unlinked = this.#dialers?.unlinked ?? [];
    const texts = unlinked.map(({ peer, why }) => `replica ${this.#indexOf(peer)}: ${why}`);
    return texts.sort();
  }

  #gauges(): void {
    this.#observer.gauges(this.#replica.status(), {
      peersUp: this.#driver.peersUp.length,
      clients: this.#gateway.clients,
      sessions: this.#backend.sessions,
    });
  }
}
