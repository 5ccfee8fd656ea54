// The net of the plain ORSWOT.
import { encode, toHex } from '@fatty/codec';
import { type Dot, dotKey, OrswotAlgorithm, type SetOp, setOp } from '@fatty/crdt';
import type { OrderedBatch, Receipt } from '@fatty/interface';
import { effects } from '../checkers/index.ts';
import { staged } from '../staging/staged.ts';
import { Client } from '../world/client.ts';
import type { Checker, Observation, Violation } from '../world/observation.ts';
import { readItem } from '../world/sight.ts';
import { type Net, type Scene, say } from './net.ts';

/** The set as a client would explain it: members and the adds of them that stand. No CRDT code. */
class SetModel implements Checker {
  readonly rules: readonly string[] = ['set'];
  readonly members = new Map<string, Map<string, Dot>>();
  readonly #seen = new Set<string>();
  readonly #adds = new Map<string, number>();
  #index = 0;

  see(observation: Observation): readonly Violation[] {
    if (observation.kind !== 'committed' || observation.commit.index <= this.#index) return [];
    this.#index = observation.commit.index;
    const { atMs, by } = observation;
    return effects(observation).flatMap(({ batch, receipt }) =>
      this.#batch(batch, receipt).map((violation) => ({ ...violation, atMs, replica: by })),
    );
  }

  finish(): readonly Violation[] {
    return [];
  }

  /** Members, sorted, each with its sorted dots. */
  text(): string {
    const lines = [...this.members].map(
      ([name, dots]) => `${name}:${[...dots.keys()].sort().join(',')}`,
    );
    return lines.sort().join(' ');
  }

  dotsOf(member: Uint8Array): readonly Dot[] {
    return [...(this.members.get(toHex(member))?.values() ?? [])];
  }

  #batch(batch: OrderedBatch, receipt: Receipt): readonly Omit<Violation, 'atMs' | 'replica'>[] {
    return batch.ops.flatMap((bytes, i) => {
      const done = this.#op(toHex(batch.session), batch.session, readItem(bytes));
      const result = readItem(receipt.results[i] ?? new Uint8Array());
      const told = Array.isArray(result) && result[0] === 0;
      return told === done ? [] : [{ rule: 'set', expected: `done: ${done}`, actual: `${told}` }];
    });
  }

  #op(session: string, actor: Uint8Array, item: unknown): boolean {
    if (!Array.isArray(item)) return false;
    const name = toHex(item[1] as Uint8Array);
    const dots = this.members.get(name) ?? new Map<string, Dot>();
    if (item[0] === 0) {
      const counter = (this.#adds.get(session) ?? 0) + 1;
      this.#adds.set(session, counter);
      this.#seen.add(`${session}.${counter}`);
      this.members.set(name, dots.set(`${session}.${counter}`, { actor, counter }));
      return true;
    }
    const named = (item[2] as [Uint8Array, number][]).map(([who, n]) => `${toHex(who)}.${n}`);
    if (!named.every((key) => this.#seen.has(key))) return false;
    for (const key of named) dots.delete(key);
    if (dots.size === 0) this.members.delete(name);
    return true;
  }
}

const member = (arg: number): Uint8Array => Uint8Array.of(arg % 6);

function opOf(model: SetModel, what: number, arg: number, actor: Uint8Array): SetOp {
  if (what < 4) return { kind: 'add', member: member(arg) };
  const dots = model.dotsOf(member(arg));
  if (what < 7) return { kind: 'remove', member: member(arg), dots };
  // An add nobody made: a failed receipt, never a change.
  return { kind: 'remove', member: member(arg), dots: [...dots, { actor, counter: 60_000 + arg }] };
}

function finish(scene: Scene, model: SetModel): readonly Violation[] {
  const { world, machines } = scene;
  return world.hosts.flatMap(({ index }) => {
    const algorithm = machines.algorithm(index);
    if (!world.follows(index) || !(algorithm instanceof OrswotAlgorithm)) return [];
    const lines = algorithm.value
      .entries()
      .map((entry) => `${toHex(entry.member)}:${entry.dots.map(dotKey).sort().join(',')}`);
    const text = lines.sort().join(' ');
    if (text === model.text()) return [];
    return [say(world, 'set', model.text(), `r${index}: ${text}`)];
  });
}

/** A plain observed-remove set: concurrent adds and removes, several ops under way per client. */
export const orswotNet: Net = {
  name: 'orswot',
  size: {
    replicas: [4, 4, 7],
    clients: 3,
    opsMin: 4,
    opsMax: 30,
    busyMs: 4e3,
    faultsMax: 4,
    realSignaturesOneIn: 8,
    kinds: 8,
    favours: ['withhold', 'silent', 'copier', 'twins'],
  },
  machine: (context) => staged(() => new OrswotAlgorithm(), context),
  act() {
    const model = new SetModel();
    let said = 0;
    const ops = (): Uint8Array[] => [encode(setOp, { kind: 'add', member: member(said++) })];
    return {
      pipelining: { ops },
      checkers: () => [model],
      prepare({ clients, world, plan }) {
        for (let i = 0; i < plan.clients; i++) {
          clients.push(new Client(world, `c${i}`, i % plan.replicas));
        }
      },
      perform({ clients, world }, { client, what, arg }) {
        const sender = clients[client];
        const count = 1 + (arg % 3);
        sender?.send(`set op ${what}`, () =>
          Array.from({ length: count }, (_, i) => {
            world.count('ops');
            return encode(setOp, opOf(model, what, arg + i, sender.session));
          }),
        );
      },
      lie: ({ world }) => [encode(setOp, { kind: 'add', member: world.rng.bytes(2) })],
      finish: (scene) => finish(scene, model),
    };
  },
  wants: {
    lies: 100,
    clientLies: 10,
    'lie.withhold': 1,
    'lie.silent': 1,
    'lie.copier': 1,
    'lie.twins': 1,
    twinsBoth: 1,
    twinsRefused: 1,
    pipelinedAnswers: 200,
    'clientLie.replay': 1,
    'clientLie.garbage': 1,
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
    runsWithLiars: 4,
    crashes: 3,
    retries: 5,
    commits: 500,
    restores: 100,
    restoredCommits: 500,
    deliveries: 2000,
    answers: 60,
  },
};
