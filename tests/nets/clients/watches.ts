// The net of watches: clients that hear of what the others do, from gateways that crash, forget and lie.
import { decodeEvent, encodeOp, type Op, showPosition, topicOf, topicsOf } from '@fatty/api';
import { utf8 } from '@fatty/codec';
import type { ClientEffect } from '@fatty/core';
import { GATEWAY_LIMITS } from '@fatty/host';
import type { CommitEvent, Position } from '@fatty/interface';
import { LockService } from '@fatty/service';
import {
  type Act,
  type Cell,
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
import { Doors, lockFrontOf } from './doors.ts';
import { Referee } from './referee.ts';
import { SimClient } from './sim-client.ts';

const KINDS = 16;
const FILES = ['/d/f0', '/d/f1', '/e/f2'] as const;
/** So few bytes that a watch which is away for long misses something. */
const EVENT_BYTES_MAX = 6_000;

type Told = Extract<ClientEffect, { kind: 'watched' | 'watchGap' | 'watchFailed' }>;

const create = (path: string, node: 'file' | 'directory' = 'file'): Op => ({
  kind: 'create',
  path,
  node,
  mode: 'shared',
  ephemeral: false,
  exclusive: false,
  content: utf8(node === 'file' ? path : ''),
});

const isBefore = (a: Position, b: Position): boolean =>
  a.commit < b.commit || (a.commit === b.commit && a.index < b.index);

/** What the cell's commits did, by a machine of its own. */
class Truth implements Checker {
  readonly rules: readonly string[] = ['R32c'];
  readonly events: { readonly position: Position; readonly event: CommitEvent }[] = [];
  index = 0;
  readonly #machine: LockService;

  constructor({ committee, cellId }: Cell) {
    const { epoch, members } = committee;
    this.#machine = new LockService({ cell: { cellId, epoch, members } });
  }

  see(seen: Observation): readonly Violation[] {
    if (seen.kind !== 'committed' || seen.commit.index <= this.index) return [];
    this.index = seen.commit.index;
    const { events = [] } = this.#machine.applyCommit(seen.input as never);
    for (const [index, event] of events.entries()) {
      this.events.push({ position: { commit: this.index, index }, event });
    }
    return [];
  }

  finish(): readonly Violation[] {
    return [];
  }

  /** What a watch is to hear between these places. */
  between(topic: string, from: Position, until: Position): string[] {
    return this.events
      .filter(({ position }) => !isBefore(position, from) && isBefore(position, until))
      .filter(({ event }) => topicsOf(event.about).includes(topic))
      .map(({ position, event }) => describe(position, event.body));
  }
}

function describe(position: Position, body: Uint8Array): string {
  const event = decodeEvent(body);
  return `${showPosition(position)} ${event.ok ? `${event.value.kind} ${event.value.path}` : 'nothing'}`;
}

/** One watch of a client, and how far it has heard. */
interface Watching {
  readonly client: SimClient;
  readonly id: number;
  readonly topic: string;
  cursor: Position | undefined;
  /** Its reader takes what it gets so much later, ms. */
  readonly paceMs: number;
}

class WatchesAct implements Act {
  readonly #clients: SimClient[] = [];
  #watchings: Watching[] = [];
  #referee: Referee | undefined;
  #truth: Truth | undefined;
  #scene: Scene | undefined;
  #nextId = 1;
  /** Files that somebody made and nobody has removed. */
  readonly #made = new Set<string>();
  /** The highest commit that a writer was told of. */
  #wanted = 0;

  readonly checkers = (cell: Cell): readonly Checker[] => {
    const truth = new Truth(cell);
    this.#truth = truth;
    return [
      truth,
      {
        rules: ['R3', 'R32'],
        see: (seen: Observation): readonly Violation[] => this.#referee?.see(seen) ?? [],
        finish: (): readonly Violation[] => this.#referee?.finish() ?? [],
      },
    ];
  };

  readonly waiting = (): readonly string[] => [
    ...this.#clients
      .filter((one) => one.open.length > 0)
      .map((one) => `${one.name}: ${one.open.join()}`),
    ...this.#watchings
      .filter(({ cursor }) => (cursor?.commit ?? 0) <= this.#wanted)
      .map(({ client, topic }) => `${client.name} watches ${topic}`),
  ];
  readonly victims = (): readonly SimClient[] => this.#clients;
  readonly thief = ({ world }: Scene): Client => new SessionClient(world, 'c99', 0, 60_000).client;

  prepare(scene: Scene): void {
    const { world, plan } = scene;
    this.#scene = scene;
    const referee = new Referee(world);
    this.#referee = referee;
    const doors = new Doors(scene);
    for (let i = 0; i < plan.clients; i++) {
      const client = new SimClient(scene, `c${i}`, doors, {
        called: () => referee.called(),
        submitted: (one, batch) => referee.submitted(one, batch),
        heard: (one, replica, bytes) => referee.heard(one, replica, bytes),
        stepped: (one) => referee.stepped(one),
        settled: (one, call, outcome) => {
          referee.settled(one, call, outcome);
          if (outcome.kind === 'results') this.#wanted = Math.max(this.#wanted, outcome.at.commit);
        },
      });
      client.onWatch = (told) => this.#heard(told);
      referee.watch(client);
      this.#clients.push(client);
      this.#watch(
        client,
        i % 2 === 0 ? '/' : '/d',
        i % 2 === 0,
        i % 3 === 0 ? undefined : { commit: 1, index: 0 },
      );
    }
    const ops = [
      create('/d', 'directory'),
      create('/e', 'directory'),
      ...FILES.map((path) => create(path)),
    ];
    world.after(100, () => this.#clients[0]?.call({ kind: 'ops', ops }));
  }

  #watch(client: SimClient, path: string, recursive: boolean, from: Position | undefined): void {
    const id = this.#nextId++;
    const topic = topicOf(path, recursive);
    const paceMs = id % 3 === 0 ? 2_500 : 0;
    this.#watchings.push({ client, id, topic, cursor: from, paceMs });
    client.watch(id, topic, from);
  }

  #heard(told: Told): void {
    const watching = this.#watchings.find(({ id }) => id === told.watch);
    const world = this.#scene?.world;
    if (watching === undefined || world === undefined) return;
    if (told.kind === 'watchFailed') return this.#wrong(watching, 'a watch', told.failure.code);
    if (told.kind === 'watchGap') {
      world.count(`watch.${told.code}`);
      if (isBefore(told.from, watching.cursor ?? told.from))
        this.#wrong(watching, 'forward', 'back');
      watching.cursor = told.from;
    } else this.#judge(watching, told);
    if ((watching.cursor?.commit ?? 0) > (this.#truth?.index ?? 0) + 1) {
      this.#wrong(watching, `commit ${this.#truth?.index}`, showPosition(watching.cursor));
    }
  }

  /** Exactly what happened between the place before and this one. */
  #judge(watching: Watching, { events, until }: Extract<Told, { kind: 'watched' }>): void {
    const { client, id, topic } = watching;
    const from = watching.cursor ?? until;
    const wanted = this.#truth?.between(topic, from, until) ?? [];
    const got = events.map(
      ({ position, event }) => `${showPosition(position)} ${event.kind} ${event.path}`,
    );
    if (wanted.join('; ') !== got.join('; ')) {
      this.#wrong(watching, wanted.join('; ') || 'nothing', got.join('; ') || 'nothing');
    }
    watching.cursor = until;
    const world = this.#scene?.world;
    world?.count(events.length > 0 ? 'watch.told' : 'watch.silence');
    for (const _ of events) world?.count('watch.events');
    if (events.length === 0) return;
    const take = (): void => client.taken(id, events.length);
    if (watching.paceMs === 0) take();
    else world?.after(watching.paceMs, take);
  }

  #wrong({ client, topic }: Watching, expected: string, actual: string): void {
    const world = this.#scene?.world;
    const what = `${client.name} ${topic}: ${expected}`;
    world?.report([{ rule: 'R32c', replica: -1, expected: what, actual, atMs: world.nowMs }]);
  }

  perform({ world }: Scene, { client, what, arg }: PlannedOp): void {
    const one = this.#clients[client];
    if (one === undefined) return;
    world.count('ops');
    const all = world.hosts.map(({ index }) => index);
    if (what === 13) return one.cut([arg % all.length], 50 + (arg % 3_000));
    if (what === 14) return one.cut(all, 500 + (arg % 6_000));
    if (what === 15) return one.freeze(50 + (arg % 3_000));
    if (what === 12) return this.#reopen(one);
    one.call({ kind: 'ops', ops: this.#opsOf(one, what, arg) }, 9_000);
  }

  /** Its user ends a watch, and goes on from where it was with another. */
  #reopen(client: SimClient): void {
    const old = this.#watchings.find((one) => one.client === client && one.cursor !== undefined);
    if (old === undefined) return;
    this.#scene?.world.count('watch.reopened');
    this.#watchings = this.#watchings.filter((one) => one !== old);
    client.unwatch(old.id);
    const isTree = old.topic.startsWith('tree');
    this.#watch(client, old.topic.slice(5), isTree, old.cursor);
  }

  #opsOf(client: SimClient, what: number, arg: number): readonly Op[] {
    const path = FILES[arg % FILES.length] ?? FILES[0];
    const content = utf8(`${client.name} ${client.nextCall}`);
    if (what < 6) return [{ kind: 'write', path, content, observed: [] }];
    const fresh = `${client.name}-${client.nextCall}`;
    const [made] = this.#made;
    if (what >= 8 && what < 10 && made !== undefined) {
      this.#made.delete(made);
      return [{ kind: 'removeSubtree', path: made }];
    }
    if (what < 10) {
      this.#made.add(`/d/${fresh}`);
      return [create(`/d/${fresh}`)];
    }
    return Array.from({ length: 12 }, (_, i) => create(`/e/${fresh}-${i}`));
  }

  lie({ world }: Scene): readonly Uint8Array[] {
    return [encodeOp(create(`/d/lie-${world.rng.below(1e9)}`))];
  }
}

/**
 * Real client cores against real gateways with little memory: every watch hears exactly what happened between
 * two places, or that it cannot be had (R32c), with liars that withhold, invent, alter and reorder events.
 */
export const watchesNet: Net = {
  name: 'watches',
  size: {
    replicas: [4, 4, 7],
    clients: 4,
    opsMin: 24,
    opsMax: 60,
    busyMs: 8e3,
    faultsMax: 4,
    realSignaturesOneIn: 12,
    kinds: KINDS,
    favours: ['silent', 'late'],
  },
  machine: (cell) => ({ machine: new LockService({ cell }) }),
  read: readService,
  front: lockFrontOf({ ...GATEWAY_LIMITS, eventBytesMax: EVENT_BYTES_MAX }),
  act: () => new WatchesAct(),
  wants: {
    runsWithLiars: 2,
    'lie.silent': 1,
    'lie.late': 1,
    'fault.crash': 1,
    'fault.partition': 1,
    'watch.events': 600,
    'watch.silence': 100,
    'watch.compacted': 1,
    'watch.lagged': 2,
    'watch.reopened': 5,
    'gatewayLie.events': 20,
    suspects: 5,
    linksLost: 20,
    'outcome.results': 50,
  },
};
