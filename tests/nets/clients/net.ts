// The net `clients`: what clients of the SDK believe.
import { encodeOp, type Op } from '@fatty/api';
import { utf8 } from '@fatty/codec';
import type { CallRequest } from '@fatty/core';
import type { View } from '@fatty/protocol';
import { LockService } from '@fatty/service';
import {
  type Act,
  type Checker,
  type Client,
  type Net,
  type Observation,
  type PlannedOp,
  readService,
  type Scene,
  SessionClient,
  type Violation,
} from '@fatty/testnet';
import { Doors, lockFront } from './doors.ts';
import { Referee } from './referee.ts';
import { SimClient } from './sim-client.ts';

const LOCKS = ['/a', '/b'] as const;
const KINDS = 17;
/** Longer than a lease, and so short that whoever is in jeopardy has not given up yet, ms. */
const ECLIPSE_MS = 4_000;

const lockOf = (arg: number): string => LOCKS[arg % LOCKS.length] ?? '/a';

const create = (path: string): Op => ({
  kind: 'create',
  path,
  node: 'file',
  mode: 'shared',
  ephemeral: false,
  exclusive: false,
  content: utf8(path),
});

class ClientsAct implements Act {
  readonly #clients: SimClient[] = [];
  #referee: Referee | undefined;
  #eclipsed = false;

  /** The referee needs the world, which is not there yet when a net names its checkers. */
  readonly checkers = (): readonly Checker[] => [
    {
      rules: ['S13', 'R3', 'R32'],
      see: (seen: Observation): readonly Violation[] => this.#referee?.see(seen) ?? [],
      finish: (): readonly Violation[] => this.#referee?.finish() ?? [],
    },
  ];
  readonly waiting = (): readonly string[] =>
    this.#clients
      .filter((one) => one.open.length > 0)
      .map((one) => `${one.name}: ${one.open.join()}`);
  readonly victims = (): readonly SimClient[] => this.#clients;
  readonly thief = ({ world }: Scene): Client => new SessionClient(world, 'c99', 0, 60_000).client;

  prepare(scene: Scene): void {
    const { world, plan } = scene;
    const referee = new Referee(world);
    this.#referee = referee;
    const doors = new Doors(scene);
    for (let i = 0; i < plan.clients; i++) {
      const client = new SimClient(scene, `c${i}`, doors, referee);
      referee.watch(client);
      this.#clients.push(client);
    }
    world.after(100, () => this.#clients[0]?.call({ kind: 'ops', ops: LOCKS.map(create) }));
    const busyMs = Math.max(0, ...plan.ops.map((op) => op.atMs));
    world.after(busyMs + 1, () => this.#quietenIn(world));
  }

  /** Once no eclipse is under way. */
  #quietenIn(world: Scene['world']): void {
    if (this.#eclipsed) world.after(500, () => this.#quietenIn(world));
    else this.#quieten();
  }

  perform({ world }: Scene, { client, what, arg }: PlannedOp): void {
    const one = this.#clients[client];
    if (one === undefined) return;
    world.count('ops');
    const patience = arg % 3 === 0 ? 500 + (arg % 4_000) : undefined;
    // Somebody looks whatever happens: an answer is where one liar among f+1 is believed most easily.
    one.call(readOf(arg, 'committed'), 2_000 + (arg % 4_000));
    if (what < 9) one.call(requestOf(one, what, arg), patience);
    else if (what === 15 && arg % 3 === 0) this.#eclipse(world, one, lockOf(arg));
    else if (!this.#eclipsed) this.#trouble(world.hosts.length, one, what, arg);
  }

  /**
   * All ask for one lock. Then nothing is committed for longer than a lease, so that everybody is in
   * jeopardy, and this client is heard by nobody: when commits go on, whoever held the lock gives it
   * back, and it is given to one who cannot prove it, and who then hears nothing more of its session,
   * which runs out before it gives up.
   */
  #eclipse(world: Scene['world'], client: SimClient, path: string): void {
    if (this.#eclipsed) return;
    this.#eclipsed = true;
    world.count('eclipses');
    const all = world.hosts.map(({ index }) => index);
    const others = this.#clients.filter((one) => one !== client);
    for (const [i, one] of [...others.slice(0, 1), client, ...others.slice(1)].entries()) {
      world.after(200 * i, () => one.call(acquireOf(one, path)));
    }
    world.after(1_500, () => {
      world.network.partition(all.filter((i) => i % 2 === 0));
      client.mute(3 * ECLIPSE_MS);
    });
    world.after(1_500 + ECLIPSE_MS, () => world.network.heal());
    world.after(2_200 + ECLIPSE_MS, () => client.cut(all, 2 * ECLIPSE_MS));
    world.after(1_500 + 3 * ECLIPSE_MS, () => {
      this.#eclipsed = false;
    });
  }

  /** What happens to a client rather than what it wants. */
  #trouble(replicas: number, client: SimClient, what: number, arg: number): void {
    const all = Array.from({ length: replicas }, (_, i) => i);
    if (what === 9) return client.cut([arg % replicas], 100 + (arg % 3_000));
    if (what === 10)
      return client.cut(
        all.filter((i) => (arg >> i) % 2 === 1),
        arg % 5_000,
      );
    if (what === 11) return client.cut(all, 500 + (arg % 12_000));
    if (what === 12) return client.freeze(100 + (arg % 7_000));
    const holder = this.#clients.find(({ beliefs }) => beliefs.length > 0) ?? client;
    if (what === 13) return holder.sleep(500 + (arg % 9_000));
    if (what === 14) return holder.setClock((arg % 12_000) - 4_000);
    const [oldest] = client.open;
    if (oldest !== undefined) client.abort(oldest);
  }

  /**
   * Nobody waits for a lock for ever: waits are given up, and what is held is given back. A client that
   * stands still does so when it runs again: what it was asked meanwhile is asked by then.
   */
  #quieten(): void {
    for (const client of this.#clients) {
      client.turn(() => {
        for (const call of client.open) {
          if (client.requests.get(call)?.kind === 'acquire') client.abort(call);
        }
        for (const { hold } of client.beliefs) client.call({ kind: 'release', hold });
      });
    }
  }

  /** A lock taken and given back at once; different from call to call. */
  lie({ world }: Scene): readonly Uint8Array[] {
    const path = lockOf(world.rng.below(9));
    const acquire: Op = { kind: 'tryAcquire', path, mode: 'exclusive', lockDelayMs: 0 };
    return [acquire, { kind: 'release', path, lockGen: undefined } as const].map(encodeOp);
  }
}

function requestOf(client: SimClient, what: number, arg: number): CallRequest {
  const [held] = client.beliefs;
  if (what < 4) {
    const mode = arg % 4 === 1 ? 'shared' : 'exclusive';
    const maxWaitMs = arg % 5 === 2 ? 300 + (arg % 2_000) : undefined;
    return { ...acquireOf(client, lockOf(arg)), mode, wait: what < 3, maxWaitMs };
  }
  if (what < 6 && held !== undefined) return { kind: 'release', hold: held.hold };
  if (what < 8) return { kind: 'ops', ops: [create(`/w-${client.name}-${client.nextCall}`)] };
  return readOf(arg, arg % 2 === 0 ? 'committed' : 'delivered');
}

/** Waits for it as long as it takes. The call's own number as lock-delay: the referee knows the op by it. */
function acquireOf(client: SimClient, path: string): Extract<CallRequest, { kind: 'acquire' }> {
  const lockDelayMs = client.nextCall;
  return {
    kind: 'acquire',
    path,
    mode: 'exclusive',
    wait: true,
    maxWaitMs: undefined,
    lockDelayMs,
  };
}

function readOf(arg: number, view: View): CallRequest {
  return { kind: 'read', query: { kind: 'get', path: lockOf(arg) }, view, replica: undefined };
}

/** Real client cores against real gateways, liars among them: what a client may believe (S13). */
export const clientsNet: Net = {
  name: 'clients',
  size: {
    replicas: [4, 4, 7],
    clients: 3,
    opsMin: 14,
    opsMax: 40,
    busyMs: 12e3,
    faultsMax: 3,
    realSignaturesOneIn: 8,
    kinds: KINDS,
    favours: ['equivocate', 'silent'],
  },
  machine: (cell) => ({ machine: new LockService({ cell }) }),
  read: readService,
  front: lockFront,
  act: () => new ClientsAct(),
  wants: {
    lies: 100,
    clientLies: 10,
    'lie.equivocate': 1,
    'lie.silent': 1,
    'clientLie.forged': 1,
    'clientLie.garbage': 1,
    'fault.crash': 2,
    'fault.partition': 2,
    'fault.lossy': 2,
    'fault.oneWay': 1,
    'fault.pause': 1,
    'fault.slow': 1,
    'fault.aimed': 2,
    viewsCompared: 200,
    viewsPermuted: 50,
    runsWithLiars: 4,
    linksLost: 60,
    submits: 300,
    resends: 50,
    handovers: 5,
    believedThenPassedOn: 3,
    'session.jeopardy': 20,
    'session.expired': 4,
    eclipses: 3,
    grantedInJeopardy: 4,
    sleptOnLocks: 2,
    setOnLocks: 2,
    'outcome.held': 12,
    'outcome.results': 40,
    'outcome.answer': 100,
    'gatewayLie.clock': 60,
    'gatewayLie.read': 30,
    'gatewayLie.receipt': 30,
    'gatewayLie.notice': 6,
    'gatewayLie.refused': 4,
  },
};
