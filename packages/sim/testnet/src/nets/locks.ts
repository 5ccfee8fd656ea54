// The net of the lock service's locks.
import { encodeOp, type Op } from '@fatty/api';
import { HoldChecker } from '../checkers/holds.ts';
import { lockService, readService } from '../staging/service.ts';
import { SessionClient } from '../staging/session.ts';
import type { Client } from '../world/client.ts';
import type { Act, Net, Scene } from './net.ts';
import type { PlannedOp } from './plan.ts';

const PATHS = ['/a', '/b', '/c/d'] as const;
const pathOf = (arg: number): string => PATHS[arg % PATHS.length] ?? '/a';

const KINDS = 12;

/** One lock op; clients that die and nodes that are removed and made anew come in between. */
function opsOf(what: number, arg: number, seq: number): readonly Op[] {
  const path = pathOf(arg);
  const mode = arg % 2 === 0 ? 'exclusive' : 'shared';
  const lockDelayMs = arg % 5 === 0 ? 500 : 0;
  const acquire: Op = {
    kind: 'acquire',
    path,
    mode: 'exclusive',
    maxWaitMs: undefined,
    lockDelayMs,
  };
  switch (what) {
    case 0:
    case 1:
      return [acquire];
    case 2:
      return [{ ...acquire, mode: 'shared' }];
    case 3:
      return [{ ...acquire, mode, maxWaitMs: 100 + (arg % 2000) }];
    case 4:
      return [{ kind: 'tryAcquire', path, mode, lockDelayMs }];
    case 5:
    case 6:
    case 7:
      return [{ kind: 'release', path, lockGen: undefined }];
    case 8:
      return [{ kind: 'cancel', seq: Math.max(0, seq - 1 - (arg % 3)), index: 0 }];
    case 9:
      return [acquire, { kind: 'release', path, lockGen: undefined }];
    case 10:
      return [{ kind: 'removeSubtree', path }, create(path)];
    default:
      return [
        { ...create(`/e${arg % 4}`), ephemeral: true },
        { ...acquire, path: `/e${arg % 4}` },
      ];
  }
}

function create(path: string): Extract<Op, { kind: 'create' }> {
  const rest = { mode: 'shared', ephemeral: false, exclusive: false } as const;
  return { kind: 'create', path, node: 'file', content: new Uint8Array(), ...rest };
}

class LockAct implements Act {
  #clients: SessionClient[] = [];

  readonly checkers = (): readonly HoldChecker[] => [this.#holds];
  readonly #holds: HoldChecker = new HoldChecker((what) => this.#count(what));
  #count: (what: string) => void = () => undefined;

  prepare(scene: Scene): void {
    const { world, plan, clients } = scene;
    this.#count = (what) => void world.count(what);
    const leases = [4_000, 6_000, 60_000];
    this.#clients = Array.from({ length: plan.clients }, (_, i) => {
      return new SessionClient(world, `c${i}`, i % plan.replicas, leases[i % 3] ?? 4_000);
    });
    clients.push(...this.#clients.map((one) => one.client));
    this.#clients[0]?.send([
      { ...create('/c'), node: 'directory' },
      ...PATHS.map((path) => create(path)),
    ]);
  }

  perform({ world }: Scene, { client, what, arg }: PlannedOp): void {
    const session = this.#clients[client];
    if (session?.alive !== true) return;
    if (what === 11 && arg % 3 === 0) return session.sleep();
    world.count('ops');
    session.send(opsOf(what, arg, session.client.nextSeq));
  }

  lie({ world }: Scene): readonly Uint8Array[] {
    return opsOf(world.rng.below(KINDS), world.rng.below(100), 0).map(encodeOp);
  }

  readonly waiting = (): readonly string[] =>
    this.#clients.filter((one) => !one.settled).map((one) => one.name);
  readonly thief = ({ world }: Scene): Client => new SessionClient(world, 'c99', 0, 60_000).client;
}

/** Locks under contention: waits, shared runs, time-outs, dying clients, nodes that come and go. */
export const locksNet: Net = {
  name: 'locks',
  size: {
    replicas: [4],
    clients: 4,
    opsMin: 6,
    opsMax: 36,
    busyMs: 6e3,
    faultsMax: 4,
    realSignaturesOneIn: 8,
    kinds: KINDS,
    favours: ['inventParents', 'garbage', 'late', 'twins', 'mutate'],
  },
  machine: (context) => ({ machine: lockService(context) }),
  read: readService,
  restoreEvery: 1,
  act: () => new LockAct(),
  wants: {
    lies: 100,
    clientLies: 10,
    'lie.inventParents': 1,
    'lie.garbage': 1,
    'lie.late': 1,
    'lie.twins': 1,
    'lie.mutate': 1,
    twinsBoth: 1,
    twinsRefused: 1,
    'clientLie.staleBasis': 1,
    'clientLie.futureBasis': 1,
    'refusal.stale_basis': 1,
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
    stepsBack: 2,
    stepsForward: 1,
    commits: 500,
    restores: 2000,
    restoredCommits: 2000,
    deliveries: 2000,
    'note.certified': 500,
    'note.frameKept': 200,
    resumes: 3,
    segmentsDropped: 20,
    grants: 30,
    'result.waiting': 10,
    'result.released': 8,
    'notice.lost': 3,
    sharedTogether: 4,
  },
};
