// Puts a cell of replicas, liars and gateways into a world.
import { asDigest } from '@fatty/codec';
import type { MakeFront } from '@fatty/host';
import type {
  Algorithm,
  CellContext,
  Digest,
  StateMachine,
  Tracer,
  Verdict,
} from '@fatty/interface';
import type { StateView } from '@fatty/protocol';
import { COPYING, type Copying, Replica, type Tuning, viewOf } from '@fatty/replica';
import { hosted } from '@fatty/sessions';
import { type Lie, makeLiar } from '../liars/index.ts';
import { mutating } from '../liars/mutate.ts';
import { Twins, type TwinsParts } from '../liars/twins.ts';
import { BASIS_COMMITS_MAX, type Cell } from '../world/cell.ts';
import { Copies } from '../world/copies.ts';
import type { DiskOptions } from '../world/disk.ts';
import type { NetworkOptions, VerifierOptions } from '../world/faults.ts';
import type { Host, Peer } from '../world/host.ts';
import type { Scheduler } from '../world/network.ts';
import type { Checker } from '../world/observation.ts';
import { RESTORE_EVERY, Restored } from '../world/restored.ts';
import { SeededRng } from '../world/rng.ts';
import { World } from '../world/world.ts';

/** A machine, and the algorithm inside when it is a hosted one. */
export interface Staged {
  readonly machine: StateMachine;
  readonly algorithm?: Algorithm;
}

/** Hosts a plain algorithm and keeps hold of the instance that has the committed state. */
export function staged(make: (context: CellContext) => Algorithm, context: CellContext): Staged {
  let algorithm: Algorithm | undefined;
  const makeOne = (cell: CellContext): Algorithm => {
    const made = make(cell);
    algorithm ??= made;
    return made;
  };
  const machine = hosted(makeOne, context, { basisCommitsMax: BASIS_COMMITS_MAX });
  return algorithm === undefined ? { machine } : { machine, algorithm };
}

/** Whom a front serves, and of what. */
export interface FrontScene {
  readonly cell: Cell;
  readonly replica: number;
  /** What its replica would show of this view; a liar has no state, so it knows what an honest one does. */
  state(view: StateView): StateMachine | undefined;
}

/** The cell, and who in it lies and how. */
export interface StageOptions {
  readonly seed: number;
  readonly cell: Cell;
  /** The algorithm under test, fresh per process. */
  readonly machine: (context: CellContext) => Staged;
  /** Committee index of each liar. */
  readonly liars: ReadonlyMap<number, Lie>;
  readonly network: NetworkOptions;
  readonly disk: DiskOptions;
  readonly verifier: VerifierOptions;
  readonly checkers: readonly Checker[];
  readonly verdictOf?: (job: Uint8Array) => Verdict;
  readonly tuning?: Partial<Tuning>;
  /** Of all replicas; default that of every cell. */
  readonly copying?: Copying;
  /** What serves the clients of each replica. */
  readonly front?: (scene: FrontScene) => MakeFront;
  readonly scheduler?: Scheduler;
  readonly tracer?: Tracer;
  /** How often each machine is copied by its snapshot (S24), in commits; default 16. */
  readonly restoreEvery?: number;
}

/** The state machines of the running replicas, with the root after every commit. */
export class StagedMachines {
  readonly #machines = new Map<number, Staged>();
  readonly #roots = new Map<number, Map<number, Digest>>();
  readonly #commits = new Map<number, number>();
  readonly #observers = new Set<number>();
  readonly #restoreEvery: number;
  readonly #copies = new Copies();
  #world: World | undefined;

  constructor(restoreEvery: number = RESTORE_EVERY) {
    this.#restoreEvery = restoreEvery;
  }

  /** The committed state of a replica's present process. */
  of(replica: number): StateMachine | undefined {
    return this.#machines.get(replica)?.machine;
  }

  algorithm(replica: number): Algorithm | undefined {
    return this.#machines.get(replica)?.algorithm;
  }

  rootOf(replica: number, commit: number): Digest | undefined {
    return this.#roots.get(replica)?.get(commit);
  }

  /** It has lost its right to propose (R26). */
  isObserver(replica: number): boolean {
    return this.#observers.has(replica);
  }

  /** Replicas that lost their right to propose (R26). */
  get observers(): number {
    return this.#observers.size;
  }

  /** Wraps a fresh machine for a process that starts now. */
  adopt(replica: number, staged: Staged): StateMachine {
    const { machine } = staged;
    this.#machines.set(replica, staged);
    const roots = new Map<number, Digest>();
    this.#roots.set(replica, roots);
    const restored = this.#restored(replica, machine);
    return {
      open: (bytes) => machine.open(bytes),
      validate: (source, op) => machine.validate(source, op),
      precheck: (batch) => machine.precheck(batch),
      ...(machine.unsigned && { unsigned: machine.unsigned }),
      applyCommit: (commit) => {
        const applied = machine.applyCommit(commit);
        const root = asDigest(machine.root().slice());
        roots.set(commit.index, root);
        restored.applied(commit, applied, root);
        return applied;
      },
      deliverBatch: (batch) => machine.deliverBatch(batch),
      needsTime: () => machine.needsTime(),
      snapshot: () => machine.snapshot(),
      restore: (bytes) => machine.restore(bytes),
      root: () => machine.root(),
      fresh: () => machine.fresh(),
      ...(machine.hasUsed && { hasUsed: (batch) => machine.hasUsed?.(batch) ?? true }),
      ...(machine.provable && { provable: machine.provable.bind(machine) }),
      // The checker of S15 copies by snapshot, so both ways to a view are compared.
      view: () => viewOf(machine),
    };
  }

  #restored(replica: number, machine: StateMachine): Restored {
    const say = (expected: string, actual: string): void => {
      const atMs = this.#world?.nowMs ?? 0;
      this.#world?.report([{ rule: 'S24', expected, actual, atMs, replica }]);
    };
    const count = (what: string): void => void this.#world?.count(what);
    return new Restored({ machine, copies: this.#copies, every: this.#restoreEvery, say, count });
  }

  follow(world: World): void {
    this.#world = world;
    world.onObservation((observation) => {
      const { by } = observation;
      if (observation.kind === 'committed') this.#commits.set(by, observation.commit.index);
      // What an earlier life had come to may be gone: a core behind a frame tells no commit up to it.
      if (observation.kind === 'resumed') this.#commits.set(by, observation.index);
      if (observation.kind === 'noted' && observation.note.what === 'observer') {
        this.#observers.add(by);
      }
    });
  }

  /** Every honest replica is up and has come as far as the furthest. */
  level(world: World): boolean {
    const honest = world.hosts.filter(({ index }) => world.follows(index));
    const tips = honest.map((host) => this.#commits.get(host.index) ?? 0);
    return honest.every((host) => host.peer !== undefined) && new Set(tips).size === 1;
  }

  tips(world: World): string {
    return world.hosts
      .filter(({ index }) => world.follows(index))
      .map(({ index }) => `r${index}: ${this.#commits.get(index) ?? 0}`)
      .join(', ');
  }
}

function honest(options: StageOptions, machines: StagedMachines, index: number): Peer {
  const { cell, machine } = options;
  return honestOf(options, index, machines.adopt(index, machine(contextOf(cell))));
}

function honestOf(options: StageOptions, index: number, machine: StateMachine): Peer {
  const { cell, tuning, copying = COPYING } = options;
  const { committee, cellId, scheme } = cell;
  const signer = signerOf(cell, index);
  const config = { committee, cellId, me: index, signer, scheme, machine, copying };
  const replica = new Replica(tuning === undefined ? config : { ...config, tuning });
  return {
    resume: (head, payload) => replica.resume(head, payload),
    restore: (records, mark) => replica.restore(records, mark),
    step: (event) => replica.step(event),
    deliveredView: () => replica.deliveredView(),
    clockMs: (sample) => replica.clockMs(sample),
    isCurrent: replica.isCurrent,
    chain: () => replica,
  };
}

/** Nobody looks at the machines of a liar. */
function twins(
  options: StageOptions,
  me: number,
  { lied, refused }: Pick<TwinsParts, 'lied' | 'refused'>,
): Peer {
  const { cell, machine } = options;
  const copy = (): Peer => honestOf(options, me, machine(contextOf(cell)).machine);
  const { quorum, signers } = cell;
  const replicas = signers.length;
  return new Twins({ copies: [copy(), copy()], me, replicas, quorum, lied, refused });
}

function contextOf({ committee, cellId }: Cell): CellContext {
  return { cellId, epoch: committee.epoch, members: committee.members };
}

/** Puts a whole cell of real replicas (and liars) into a new world. */
export function stage(options: StageOptions): { world: World; machines: StagedMachines } {
  const machines = new StagedMachines(options.restoreEvery);
  const { cell, liars } = options;
  const dice = new SeededRng(options.seed ^ 0x5eed);
  const machine = (): Staged => options.machine(contextOf(cell));
  const boot = (index: number): Peer => {
    const lie = liars.get(index);
    if (lie === undefined) return honest(options, machines, index);
    const lied = (what: string): void => {
      world.count('lies');
      world.count(`lie.${what}`);
    };
    if (lie === 'twins') {
      const came = (to: string) => (): void => {
        lied(lie);
        world.count(to);
      };
      return twins(options, index, { lied: came('twinsBoth'), refused: came('twinsRefused') });
    }
    if (lie === 'mutate') {
      return mutating(honestOf(options, index, machine().machine), dice.fork(), () => lied(lie));
    }
    const signer = signerOf(cell, index);
    return makeLiar(lie, { index, signer, cell, rng: dice.fork(), lied });
  };
  const { front } = options;
  const world: World = new World({
    ...options,
    isHosted: options.machine(contextOf(cell)).algorithm !== undefined,
    boot,
    front: (replica) => front?.(frontScene(options, machines, () => world, replica)),
    liars: new Set(liars.keys()),
    rootOf: (replica, commit) => machines.rootOf(replica, commit),
  });
  machines.follow(world);
  tellLiars(world);
  return { world, machines };
}

/** Of whom the front of a replica speaks: of its own replica, or for a liar of the first honest one. */
function sourceOf(world: World, replica: number): Host | undefined {
  if (world.honest(replica)) return world.hosts[replica];
  return world.hosts.find(({ index }) => world.honest(index));
}

function frontScene(
  { cell }: StageOptions,
  machines: StagedMachines,
  world: () => World,
  replica: number,
): FrontScene {
  return {
    cell,
    replica,
    state(view) {
      const source = sourceOf(world(), replica);
      if (source === undefined) return undefined;
      if (view === 'committed') return machines.of(source.index);
      return source.peer?.deliveredView?.();
    },
  };
}

/** A liar's front hears of commits from whom it knows them. */
function tellLiars(world: World): void {
  world.onObservation((seen) => {
    if (seen.kind !== 'committed') return;
    const { index: commit, commitTs, leaseClock } = seen.commit;
    for (const liar of world.liars) {
      if (sourceOf(world, liar)?.index !== seen.by) continue;
      world.hosts[liar]?.front?.committed({ commit, commitTs, leaseClock }, seen.applied);
    }
  });
}

function signerOf(cell: Cell, index: number): Cell['signers'][number] {
  const signer = cell.signers[index];
  if (signer === undefined) throw new RangeError(`no member ${index}`);
  return signer;
}
