// The net of reads: clients that write and read the same few nodes, and ask as soon as anybody is told.
import { type Dot, encodeAnswer, encodeOp, type Op, type Query } from '@fatty/api';
import { toHex, utf8 } from '@fatty/codec';
import type { CallOutcome, CallRequest } from '@fatty/core';
import type { SignedBatch, StateView } from '@fatty/protocol';
import { LockService } from '@fatty/service';
import {
  type Act,
  type Cell,
  type Checker,
  type Client,
  type Net,
  type Observation,
  type PlannedOp,
  ReadChecker,
  readService,
  type Scene,
  SessionClient,
  type Violation,
} from '@fatty/testnet';
import { Doors, lockFront } from './doors.ts';
import { Referee } from './referee.ts';
import { type Onlooker, SimClient } from './sim-client.ts';

const KINDS = 14;
/** How much later than one replica the others hear of anything, in most of the worlds, ms. */
const AHEAD_MS = 60;
const FILES = ['/f0', '/f1'] as const;
/** Made and removed again, so that the listing comes back to what it was. */
const DIRECTORY = '/d';

const create = (path: string, node: 'file' | 'directory' = 'file'): Op => ({
  kind: 'create',
  path,
  node,
  mode: 'shared',
  ephemeral: false,
  exclusive: false,
  content: node === 'file' ? utf8(path) : utf8(''),
});

/** What readers ask, by name. */
const QUERIES: ReadonlyMap<string, Query> = new Map<string, Query>([
  ...FILES.map((path) => [`get ${path}`, { kind: 'get', path }] as const),
  ['stat', { kind: 'stat', path: FILES[0] }],
  ['list', { kind: 'list', path: DIRECTORY, after: undefined, limit: 64 }],
  ['lock', { kind: 'lock', path: FILES[1] }],
  ['absent', { kind: 'get', path: '/absent' }],
]);
const NAMES = [...QUERIES.keys()];

function readOf(name: string, view: StateView | 'current'): CallRequest {
  const query = QUERIES.get(name) ?? { kind: 'get', path: name };
  return { kind: 'read', query, view, replica: undefined };
}

/** Tells the checker of every read, and whoever writes of what it was told. */
class Ledger implements Onlooker {
  readonly #referee: Referee;
  readonly #checker: ReadChecker;
  readonly #scene: Scene;
  /** What each client wrote last, by file: its next write takes the place of that. */
  readonly written = new Map<string, Dot>();
  /** What it made and has not removed. */
  readonly made = new Map<string, Dot>();
  onTold: (op: Op) => void = () => undefined;

  constructor(scene: Scene, referee: Referee, checker: ReadChecker) {
    this.#scene = scene;
    this.#referee = referee;
    this.#checker = checker;
  }

  called(client: SimClient, call: number, request: CallRequest): void {
    if (request.kind !== 'read' || request.view !== 'current') return;
    const { query } = request;
    const name = NAMES.find((one) => QUERIES.get(one) === query);
    if (name !== undefined) this.#checker.began(`${client.name} ${call}`, name);
  }

  submitted(client: SimClient, batch: SignedBatch): void {
    this.#referee.submitted(client, batch);
  }

  heard(client: SimClient, replica: number, bytes: Uint8Array): void {
    this.#referee.heard(client, replica, bytes);
  }

  stepped(client: SimClient): void {
    this.#referee.stepped(client);
  }

  settled(client: SimClient, call: number, outcome: CallOutcome): void {
    this.#referee.settled(client, call, outcome);
    const request = client.requests.get(call);
    if (outcome.kind === 'results') this.#results(client, request, outcome);
    if (outcome.kind === 'answer' && outcome.view === 'current') this.#read(client, call, outcome);
  }

  #results(
    client: SimClient,
    request: CallRequest | undefined,
    { results, at }: Extract<CallOutcome, { kind: 'results' }>,
  ): void {
    this.#checker.told(at.commit);
    const [op] = request?.kind === 'ops' ? request.ops : [];
    const dot = { session: at.session, seq: at.seq, index: at.index };
    if (results[0]?.kind === 'error') return;
    if (op?.kind === 'write') this.written.set(`${client.name} ${op.path}`, dot);
    if (op?.kind === 'create') this.made.set(op.path, dot);
    if (op?.kind === 'remove') this.made.delete(op.path);
    if (op !== undefined) this.onTold(op);
  }

  #read(
    client: SimClient,
    call: number,
    { answer, commit, replicas }: Extract<CallOutcome, { kind: 'answer' }>,
  ): void {
    const { world } = this.#scene;
    const isPolled = replicas.length === world.hosts.length;
    world.count(isPolled ? 'reads.polled' : 'reads.ordered');
    if (isPolled && world.liars.size > 0) world.count('reads.polledWithLiars');
    const seen = { answer: toHex(encodeAnswer(answer)), commit };
    const wrong = this.#checker.ended(`${client.name} ${call}`, seen);
    if (wrong !== undefined) world.report([{ ...wrong, atMs: world.nowMs }]);
  }
}

class ReadsAct implements Act {
  readonly #clients: SimClient[] = [];
  #referee: Referee | undefined;
  #checker: ReadChecker | undefined;
  #ledger: Ledger | undefined;

  readonly checkers = (cell: Cell): readonly Checker[] => {
    const { committee, cellId } = cell;
    const context = { cellId, epoch: committee.epoch, members: committee.members };
    const ask = (query: Query) => (machine: unknown) =>
      machine instanceof LockService ? toHex(encodeAnswer(machine.query(query))) : '';
    const queries = new Map(NAMES.map((name) => [name, ask(queryOf(name))]));
    const checker = new ReadChecker({ machine: new LockService({ cell: context }), queries });
    this.#checker = checker;
    return [
      checker,
      {
        rules: ['R3', 'R32'],
        see: (seen: Observation): readonly Violation[] => this.#referee?.see(seen) ?? [],
        finish: (): readonly Violation[] => this.#referee?.finish() ?? [],
      },
    ];
  };
  readonly waiting = (): readonly string[] =>
    this.#clients
      .filter((one) => one.open.length > 0)
      .map((one) => `${one.name}: ${one.open.join()}`);
  readonly victims = (): readonly SimClient[] => this.#clients;
  readonly thief = ({ world }: Scene): Client => new SessionClient(world, 'c99', 0, 60_000).client;

  prepare(scene: Scene): void {
    const { world, plan } = scene;
    const referee = new Referee(world);
    if (this.#checker === undefined) throw new TypeError('checkers are made first');
    const ledger = new Ledger(scene, referee, this.#checker);
    this.#referee = referee;
    this.#ledger = ledger;
    if (plan.seed % 4 !== 0) putAhead(world);
    const doors = new Doors(scene);
    for (let i = 0; i < plan.clients; i++) {
      const client = new SimClient(scene, `c${i}`, doors, ledger);
      referee.watch(client);
      this.#clients.push(client);
    }
    const ops = [create(DIRECTORY, 'directory'), ...FILES.map((path) => create(path))];
    world.after(100, () => this.#clients[0]?.call({ kind: 'ops', ops }));
    // Just told, one replica alone may know of it: now is when the others are asked.
    ledger.onTold = (op) => {
      const name = 'path' in op && op.path.startsWith('/f') ? `get ${op.path}` : 'list';
      for (const client of this.#clients) {
        world.after(0, () => client.call(readOf(name, 'current'), 9_000));
      }
    };
  }

  perform({ world }: Scene, { client, what, arg }: PlannedOp): void {
    const one = this.#clients[client];
    if (one === undefined) return;
    world.count('ops');
    const all = world.hosts.map(({ index }) => index);
    if (what === 12) return one.cut([arg % all.length], 50 + (arg % 3_000));
    if (what === 13) return one.freeze(50 + (arg % 1_500));
    one.call(readOf(NAMES[arg % NAMES.length] ?? 'list', 'current'), 9_000);
    // The last one only reads: as long as all agree it needs no session.
    if (client === this.#clients.length - 1) return;
    const request = what < 8 ? this.#change(one, what, arg) : undefined;
    if (request !== undefined) one.call(request, 9_000);
  }

  #change(client: SimClient, what: number, arg: number): CallRequest {
    const path = FILES[arg % FILES.length] ?? FILES[0];
    if (what < 5) {
      const last = this.#ledger?.written.get(`${client.name} ${path}`);
      const content = utf8(`${client.name} ${client.nextCall}`);
      const observed = last === undefined ? [] : [last];
      return { kind: 'ops', ops: [{ kind: 'write', path, content, observed }] };
    }
    const [made] = this.#ledger?.made ?? [];
    if (what === 5 && made?.[0].startsWith(`${DIRECTORY}/`)) {
      return { kind: 'ops', ops: [{ kind: 'remove', path: made[0], dots: [made[1]] }] };
    }
    if (what === 6) {
      const [held] = client.beliefs;
      if (held !== undefined) return { kind: 'release', hold: held.hold };
      const mode = 'exclusive';
      // The call's own number as lock-delay: the referee knows the op again by it.
      const terms = {
        mode,
        wait: false,
        maxWaitMs: undefined,
        lockDelayMs: client.nextCall,
      } as const;
      return { kind: 'acquire', path: FILES[1], ...terms };
    }
    const name = `${DIRECTORY}/${client.name}-${client.nextCall}`;
    return { kind: 'ops', ops: [create(name)] };
  }

  /** Made by a stranger, each under a name of its own: the listing moves by it. */
  lie({ world }: Scene): readonly Uint8Array[] {
    return [encodeOp(create(`${DIRECTORY}/lie-${world.rng.below(1e9)}`))];
  }
}

/**
 * One honest replica hears everything at once and the others late: it commits before them and tells what they
 * do not know yet, together with whatever a liar knows of it.
 */
function putAhead(world: Scene['world']): void {
  const ahead = world.hosts.find(({ index }) => world.honest(index))?.index;
  world.count('worldsAhead');
  world.network.scheduler = ({ to }) => world.rng.between(1, 3) + (to === ahead ? 0 : AHEAD_MS);
}

function queryOf(name: string): Query {
  const query = QUERIES.get(name);
  if (query === undefined) throw new RangeError(`no query ${name}`);
  return query;
}

/**
 * Real client cores against real gateways, writing and reading the same few nodes: a read of view current is no
 * older than its call, over all clients, with liars that answer with what was, lagging replicas and such that
 * lost what they had told (R32b).
 */
export const readsNet: Net = {
  name: 'reads',
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
  front: lockFront,
  act: () => new ReadsAct(),
  wants: {
    runsWithLiars: 4,
    'lie.silent': 1,
    'lie.late': 1,
    worldsAhead: 5,
    'reads.polled': 200,
    'reads.polledWithLiars': 15,
    'reads.ordered': 200,
    'fault.crash': 1,
    'fault.partition': 2,
    'fault.pause': 1,
    'fault.aimed': 2,
    'refused.not_current': 50,
    'gatewayLie.old': 20,
    'gatewayLie.trimmed': 3,
    'outcome.results': 100,
  },
};
