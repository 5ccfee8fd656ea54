// The net `outcomes`: what calls are told of their ops.
import { encodeOp, type Op } from '@fatty/api';
import { utf8 } from '@fatty/codec';
import type { CallRequest } from '@fatty/core';
import { DEFAULT_QUOTAS, LockService } from '@fatty/service';
import {
  type Act,
  type Checker,
  type Client,
  IdealProver,
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

const KINDS = 16;
const MACHINE = '/machine';
const LOCK = '/lock';
/** The machine's stored t: a proof that starts before it is one that every gateway refuses. */
const STORED_T = 5n;
/** So little that results are forgotten, and batches that were applied are all that is known. */
const QUOTAS = { ...DEFAULT_QUOTAS, receiptBytesPerSessionMax: 700 };

const create = (path: string): Op => ({
  kind: 'create',
  path,
  node: 'file',
  mode: 'shared',
  ephemeral: false,
  exclusive: false,
  content: utf8(path),
});

/**
 * Clients with many calls in flight while everything goes wrong around them: links break, receipts are
 * lost, their key is refused, their process stands still, they close; gateways refuse what cannot be, and
 * liars what can, and pass it on all the same, at once or when its session is over.
 */
class OutcomesAct implements Act {
  readonly #clients: SimClient[] = [];
  readonly #prover = new IdealProver();
  #proofs = 0n;
  #referee: Referee | undefined;

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
  readonly verdictOf = (job: Uint8Array) => this.#prover.verdictOf(job);

  prepare(scene: Scene): void {
    const { world, plan } = scene;
    const referee = new Referee(world);
    this.#referee = referee;
    const doors = new Doors(scene);
    for (let i = 0; i < plan.clients; i++) {
      const client = new SimClient(scene, `c${i}`, doors, referee, { opsPerBatchMax: 3 });
      referee.watch(client);
      this.#clients.push(client);
    }
    world.after(100, () =>
      this.#clients[0]?.call({ kind: 'ops', ops: [this.#declaration(), create(LOCK)] }),
    );
    const busyMs = Math.max(0, ...plan.ops.map((op) => op.atMs));
    world.after(busyMs + 1, () => this.#quieten(plan.seed));
  }

  #declaration(): Op {
    return {
      kind: 'declareMachine',
      path: MACHINE,
      programId: this.#prover.programId,
      t: STORED_T,
      s: 1n,
      policy: { layout: 'plain', bitsMin: 96, collisionBitsMin: 80 },
      binding: 'open',
      outputs: 0,
      inbox: undefined,
      periodMs: 3_600_000,
      lockDelayMs: 0,
    };
  }

  perform({ world }: Scene, { client, what, arg }: PlannedOp): void {
    const one = this.#clients[client];
    if (one === undefined) return;
    world.count('ops');
    const patience = arg % 3 === 0 ? 300 + (arg % 6_000) : undefined;
    if (what < 11)
      for (const request of this.#requests(one, what, arg)) one.call(request, patience);
    else this.#trouble(world.hosts.length, one, what, arg);
  }

  /** Calls that one turn of a program makes, next to each other in their batches where they may be. */
  #requests(client: SimClient, what: number, arg: number): readonly CallRequest[] {
    const own = (i: number): Op => create(`/o-${client.name}-${client.nextCall}-${i}`);
    const [held] = client.beliefs;
    if (what < 3) return [{ kind: 'ops', ops: [own(0)] }];
    if (what < 5) {
      const one = (_: unknown, i: number): CallRequest => ({ kind: 'ops', ops: [own(i)] });
      return Array.from({ length: 2 + (arg % 14) }, one);
    }
    if (what === 5) {
      return [{ kind: 'ops', ops: Array.from({ length: 1 + (arg % 9) }, (_, i) => own(i)) }];
    }
    if (what === 6) {
      const path = LOCK;
      // The call's own number as lock-delay: the referee knows the op again by it.
      const terms = { mode: 'exclusive', maxWaitMs: 2_000, lockDelayMs: client.nextCall } as const;
      return [{ kind: 'acquire', path, wait: arg % 2 === 0, ...terms }];
    }
    if (what === 7 && held !== undefined) return [{ kind: 'release', hold: held.hold }];
    const proof = this.#proofCall(arg % 4 === 0);
    return [{ kind: 'ops', ops: [own(0)] }, proof, { kind: 'ops', ops: [own(1)] }];
  }

  /** A take or renewal with a true proof of its own: from the stored state, or from one long past. */
  #proofCall(isFresh: boolean): CallRequest {
    this.#proofs += 1n;
    const tFrom = isFresh ? STORED_T : STORED_T - 2n;
    const sTo = 1_000n + this.#proofs;
    const proven = { bound: undefined, tFrom, sFrom: 1n, tTo: tFrom + 1n, sTo, extra: [] };
    const kind = isFresh || this.#proofs % 2n === 0n ? 'takeMachine' : 'renewMachine';
    const proofs = [this.#prover.prove(0n, proven)];
    const op = { kind, path: MACHINE, nonce: undefined, outputs: 0, inbox: 0, proofs } as const;
    return { kind: 'machine', op, hold: undefined };
  }

  /** What happens to a client rather than what it wants. */
  #trouble(replicas: number, client: SimClient, what: number, arg: number): void {
    const all = Array.from({ length: replicas }, (_, i) => i);
    if (what === 11) {
      const some = all.filter((i) => (arg >> i) % 2 === 1);
      return client.cut(arg % 3 === 0 ? all : some, 100 + (arg % 9_000));
    }
    if (what === 12) return client.loseReceipts(200 + (arg % 4_000));
    if (what === 13) return client.refuse(arg % 4 === 0 ? all.slice(1) : all, 100 + (arg % 3_000));
    if (what === 14) return client.freeze(100 + (arg % 7_000));
    const open = client.open.at(arg % 8);
    if (open !== undefined) client.abort(open);
  }

  /** Some leave in the middle of their work; the others give back what they hold. */
  #quieten(seed: number): void {
    for (const [i, client] of this.#clients.entries()) {
      for (const request of this.#requests(client, 4, seed % 97)) client.call(request);
      if ((seed + i) % 3 === 0) client.close();
      for (const { hold } of client.beliefs) client.call({ kind: 'release', hold });
    }
  }

  /** Made and remade under one name by a stranger: nothing here depends on it. */
  lie({ world }: Scene): readonly Uint8Array[] {
    return [encodeOp(create(`/lie-${world.rng.below(1e9)}`))];
  }
}

/**
 * Real client cores against real gateways: whatever is lost, refused, closed or lied about, a call is told
 * `applied` or `not_applied` only when that is so (R32a).
 */
export const outcomesNet: Net = {
  name: 'outcomes',
  size: {
    replicas: [4, 4, 7],
    clients: 3,
    opsMin: 16,
    opsMax: 44,
    busyMs: 12e3,
    faultsMax: 3,
    realSignaturesOneIn: 12,
    kinds: KINDS,
    favours: ['selective', 'silent'],
  },
  machine: (cell) => ({ machine: new LockService({ cell, quotas: QUOTAS }) }),
  read: readService,
  front: lockFront,
  act: () => new OutcomesAct(),
  wants: {
    runsWithLiars: 4,
    'lie.selective': 1,
    'lie.silent': 1,
    'fault.pause': 1,
    'fault.aimed': 2,
    submits: 500,
    resends: 100,
    linksLost: 40,
    receiptsLost: 40,
    committedTooLate: 2,
    'noOp.filled': 10,
    'gatewayLie.refused': 6,
    'gatewayLie.betrayed': 1,
    'gatewayLie.hoarded': 2,
    'gatewayLie.swallowed': 2,
    'outcome.results': 200,
    'told.applied.receipt_forgotten': 2,
    'told.not_applied.not_authenticated': 20,
    'told.not_applied.stale_t': 8,
    'told.not_applied.timeout': 4,
    'told.unknown.closed': 8,
    'told.unknown.not_authenticated': 15,
    'told.unknown.session_expired': 8,
    'told.unknown.timeout': 2,
    'told.unknown after cut': 4,
    'told.unknown after freeze': 4,
    'told.unknown after receipts lost': 4,
  },
};
