// The net of files and directories.
import {
  decodeOp,
  decodeResult,
  encodeOp,
  type Op,
  type OpId,
  opKey,
  type Result,
} from '@fatty/api';
import { toHex, utf8 } from '@fatty/codec';
import type { OrderedBatch, Receipt } from '@fatty/interface';
import { HoldChecker } from '../checkers/holds.ts';
import { effects } from '../checkers/index.ts';
import { lockService, readService } from '../staging/service.ts';
import { SessionClient } from '../staging/session.ts';
import type { Client } from '../world/client.ts';
import type { Checker, Observation, Violation } from '../world/observation.ts';
import type { Pipelining } from '../world/pipelined.ts';
import { type Act, type Net, type Scene, say } from './net.ts';
import type { PlannedOp } from './plan.ts';

interface ModelNode {
  readonly id: string;
  readonly guarded: boolean;
  readonly directory: boolean;
  readonly dots: Map<string, { readonly id: OpId; readonly session: string; ephemeral: boolean }>;
  /** Shared: siblings by the write that made them. Guarded: at most one. */
  readonly contents: Map<string, string>;
  instance: number;
}

/**
 * The namespace in plain words: a map from path to node. A create adds its dot, a remove takes the
 * dots it names, the last dot takes the node; a dead session takes its own dots. It follows what the
 * clients were told and objects where the answers do not fit together.
 */
class NamespaceModel implements Checker {
  readonly rules: readonly string[] = ['namespace', 'S14'];
  readonly nodes = new Map<string, ModelNode>();
  #index = 0;
  readonly #count: (what: string) => void;
  #births = new Map<string, number>();

  constructor(count: (what: string) => void) {
    this.#count = count;
  }

  see(observation: Observation): readonly Violation[] {
    if (observation.kind !== 'committed' || observation.commit.index <= this.#index) return [];
    this.#index = observation.commit.index;
    const { atMs, by } = observation;
    const out: Violation[] = [];
    const say = (expected: string, actual: string): void =>
      void out.push({ rule: 'namespace', expected, actual, atMs, replica: by });
    for (const { batch, receipt } of effects(observation)) this.#batch(batch, receipt, say);
    return out;
  }

  finish(): readonly Violation[] {
    return [];
  }

  /** Dots of a path, as a client that looks now would name them. */
  dotsOf(path: string): readonly OpId[] {
    return [...(this.nodes.get(path)?.dots.values() ?? [])].map((dot) => dot.id);
  }

  #batch(batch: OrderedBatch, receipt: Receipt, say: (want: string, got: string) => void): void {
    for (const [index, bytes] of batch.ops.entries()) {
      const op = decodeOp(bytes);
      const result = decodeResult(receipt.results[index] ?? new Uint8Array());
      if (!op.ok || !result.ok) return say('readable op and result', 'unreadable');
      const id: OpId = { session: batch.session, seq: batch.seq, index };
      this.#count(`answer.${op.value.kind}.${result.value.kind}`);
      this.#op(op.value, result.value, id, say);
    }
  }

  #op(op: Op, result: Result, id: OpId, say: (want: string, got: string) => void): void {
    if (op.kind === 'create' && result.kind === 'created') return this.#create(op, result, id, say);
    if (op.kind === 'create' && result.kind === 'error' && result.code === 'exists') {
      if (!op.exclusive || !this.nodes.has(op.path)) say(`${op.path} created`, 'exists');
    }
    if (op.kind === 'remove') this.#remove(op, result, say);
    if (op.kind === 'removeSubtree' && result.kind === 'subtreeRemoved') {
      // These nets make far fewer nodes than one op takes.
      if (result.left > 0) say(`${op.path} gone`, `${result.left} nodes left`);
      for (const path of this.nodes.keys()) {
        if (path === op.path || path.startsWith(`${op.path}/`)) this.nodes.delete(path);
      }
    }
    if (op.kind === 'closeSession' && result.kind === 'sessionClosed')
      this.#gone(toHex(id.session));
  }

  #create(
    op: Extract<Op, { kind: 'create' }>,
    result: Extract<Result, { kind: 'created' }>,
    id: OpId,
    say: (want: string, got: string) => void,
  ): void {
    const known = this.nodes.get(op.path);
    if (result.existed !== (known !== undefined)) {
      say(`${op.path} ${known ? 'joined' : 'new'}`, result.existed ? 'joined' : 'new');
    }
    if (known !== undefined && opKey(result.node) !== known.id) say(known.id, opKey(result.node));
    if (known !== undefined && op.exclusive) say(`${op.path} refused: exists`, 'created');
    const node: ModelNode = known ?? {
      id: opKey(id),
      guarded: op.mode === 'guarded',
      directory: op.node === 'directory',
      dots: new Map(),
      contents: new Map(),
      instance: result.instance.commit,
    };
    if (known === undefined) {
      const last = this.#births.get(op.path) ?? 0;
      if (result.instance.commit < last) say(`instance after ${last}`, `${result.instance.commit}`);
      this.#births.set(op.path, result.instance.commit);
    }
    node.dots.set(opKey(id), { id, session: toHex(id.session), ephemeral: op.ephemeral });
    this.nodes.set(op.path, node);
  }

  #remove(
    op: Extract<Op, { kind: 'remove' }>,
    result: Result,
    say: (want: string, got: string) => void,
  ): void {
    if (result.kind !== 'removed') return;
    const node = this.nodes.get(op.path);
    if (node === undefined) return say(`${op.path} not there`, 'removed');
    for (const dot of op.dots) node.dots.delete(opKey(dot));
    const dead = node.dots.size === 0;
    if (dead !== result.dead) say(`dead: ${dead}`, `dead: ${result.dead}`);
    if (dead) this.nodes.delete(op.path);
  }

  #gone(session: string): void {
    for (const [path, node] of this.nodes) {
      for (const [key, dot] of node.dots) {
        if (dot.ephemeral && dot.session === session) node.dots.delete(key);
      }
      if (node.dots.size === 0) this.nodes.delete(path);
    }
  }
}

const PATHS = ['/x', '/y', '/dir/a', '/dir/b', '/dir/sub/c', '/nowhere/z'] as const;
const pathOf = (arg: number): string => PATHS[arg % PATHS.length] ?? '/x';

class NamespaceAct implements Act {
  #clients: SessionClient[] = [];
  #count: (what: string) => void = () => undefined;
  readonly #model: NamespaceModel = new NamespaceModel((what) => this.#count(what));
  readonly #holds: HoldChecker = new HoldChecker(() => undefined);
  readonly checkers = (): readonly Checker[] => [this.#model, this.#holds];
  readonly waiting = (): readonly string[] =>
    this.#clients.filter((one) => !one.settled).map((one) => one.name);
  readonly thief = ({ world }: Scene): Client => new SessionClient(world, 'c99', 0, 60_000).client;

  #said = 0;
  readonly pipelining: Pipelining = {
    ops: () => [encodeOp(this.#create(`/said${this.#said++ % 50}`, 'file', 0))],
  };

  prepare({ world, plan, clients }: Scene): void {
    this.#count = (what) => void world.count(what);
    this.#clients = Array.from(
      { length: plan.clients },
      (_, i) => new SessionClient(world, `c${i}`, i % plan.replicas, 30_000),
    );
    clients.push(...this.#clients.map((one) => one.client));
    const [first] = this.#clients;
    first?.send([this.#create('/dir', 'directory', 0), this.#create('/dir/sub', 'directory', 0)]);
  }

  perform({ world }: Scene, { client, what, arg }: PlannedOp): void {
    world.count('ops');
    this.#clients[client]?.send([this.#op(what, arg)]);
  }

  lie({ world }: Scene): readonly Uint8Array[] {
    return [encodeOp(this.#op(world.rng.below(8), world.rng.below(1000)))];
  }

  /** Reading back what was written, and no child without its parent. */
  finish({ world }: Scene): readonly Violation[] {
    const orphans = [...this.#model.nodes.keys()].filter((path) => {
      const parent = path.slice(0, path.lastIndexOf('/'));
      return parent !== '' && !this.#model.nodes.has(parent);
    });
    return orphans.map((path) => say(world, 'S16', `a parent of ${path}`, 'none'));
  }

  #create(path: string, node: 'directory' | 'file', arg: number): Extract<Op, { kind: 'create' }> {
    const mode = arg % 4 === 1 ? 'guarded' : 'shared';
    const flags = { mode, ephemeral: arg % 5 === 2, exclusive: arg % 3 === 1 } as const;
    const content = node === 'file' ? utf8(`v${arg}`) : new Uint8Array();
    return { kind: 'create', path, node, content, ...flags };
  }

  #op(what: number, arg: number): Op {
    const path = pathOf(arg);
    switch (what) {
      case 0:
      case 1:
      case 2:
        return this.#create(path, 'file', arg >> 3);
      case 3:
        return { kind: 'write', path, content: utf8(`w${arg}`), observed: [] };
      case 4:
      case 5: {
        const dots = this.#model.dotsOf(path);
        return dots.length > 0 ? { kind: 'remove', path, dots } : this.#create(path, 'file', arg);
      }
      case 6:
        return { kind: 'removeSubtree', path };
      default:
        return {
          kind: 'compareAndSet',
          path,
          content: utf8(`g${arg}`),
          generation: {
            commit: arg % 50,
            index: 0,
          },
          lockGen: undefined,
        };
    }
  }
}

/** Files and directories: concurrent creates, observed removes, ephemerals, guarded writes. */
export const namespaceNet: Net = {
  name: 'namespace',
  size: {
    replicas: [4],
    clients: 3,
    opsMin: 6,
    opsMax: 40,
    busyMs: 4e3,
    faultsMax: 4,
    realSignaturesOneIn: 8,
    kinds: 8,
    favours: ['garbage', 'selective', 'copier', 'twins'],
  },
  machine: (context) => ({ machine: lockService(context) }),
  read: readService,
  act: () => new NamespaceAct(),
  wants: {
    lies: 100,
    clientLies: 10,
    'lie.garbage': 1,
    'lie.selective': 1,
    'lie.copier': 1,
    'lie.twins': 1,
    twinsBoth: 1,
    twinsRefused: 1,
    pipelinedAnswers: 200,
    'clientLie.twoFaces': 1,
    'clientLie.gap': 1,
    'fault.crash': 2,
    'fault.partition': 2,
    'fault.lossy': 2,
    'fault.oneWay': 1,
    'fault.reopen': 1,
    'fault.slow': 1,
    'fault.pause': 1,
    'fault.slowDisk': 1,
    'fault.fullQueues': 1,
    'aim.leaders': 1,
    'aim.one': 1,
    'aim.each': 1,
    heardLate: 10,
    viewsCompared: 200,
    viewsPermuted: 50,
    'note.convicted': 4,
    statementsTried: 1000,
    runsWithLiars: 3,
    crashes: 3,
    commits: 500,
    restores: 100,
    restoredCommits: 500,
    deliveries: 2000,
    'answer.create.created': 40,
    'answer.remove.removed': 4,
    'answer.create.error': 10,
  },
};
