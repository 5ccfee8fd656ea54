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
import type { Epoch, StateView } from '@fatty/protocol';
import { type Copying, firstEpoch, type OpenedEpoch, type Tuning, viewOf } from '@fatty/replica';
import { type Insider, type Lie, makeLiar } from '../liars/index.ts';
import { mutating } from '../liars/mutate.ts';
import { Twins, type TwinsParts } from '../liars/twins.ts';
import type { Cell } from '../world/cell.ts';
import { Copies } from '../world/copies.ts';
import type { DiskOptions } from '../world/disk.ts';
import type { NetworkOptions, VerifierOptions } from '../world/faults.ts';
import type { Boot, Host, Peer } from '../world/host.ts';
import type { Scheduler } from '../world/network.ts';
import type { Checker } from '../world/observation.ts';
import { RESTORE_EVERY, Restored } from '../world/restored.ts';
import { SeededRng } from '../world/rng.ts';
import type { RolledEpoch } from '../world/roll.ts';
import { World } from '../world/world.ts';
import { honest, honestOf, signerOf } from './cores.ts';
import type { Staged } from './staged.ts';

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
  /** Host of each liar. */
  readonly liars: ReadonlyMap<number, Lie>;
  /** Liars that no net draws, by committee index: each is made of an honest replica. */
  readonly programs?: ReadonlyMap<number, (honest: Peer) => Peer>;
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

  /** Wraps a fresh machine for a process that starts now. */
  adopt(replica: number, staged: Staged): StateMachine {
    const { machine } = staged;
    this.#machines.set(replica, staged);
    staged.onThrow?.((method, error) => this.#threw(replica, method, error));
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

  #say(rule: string, replica: number, expected: string, actual: string): void {
    const atMs = this.#world?.nowMs ?? 0;
    this.#world?.report([{ rule, expected, actual, atMs, replica }]);
  }

  /** The host has answered `algorithm_failed`, as everywhere: the others agree, and still it is a fault. */
  #threw(replica: number, method: string, error: unknown): void {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    // What was thrown, and where: who broke what is in the first two lines.
    const [what = '', where = ''] = stack.split(/\n\s*/u);
    this.#say('no throw', replica, `the algorithm's ${method} answers`, `${what} ${where}`.trim());
  }

  #restored(replica: number, machine: StateMachine): Restored {
    const say = (expected: string, actual: string): void =>
      this.#say('S24', replica, expected, actual);
    const count = (what: string): void => void this.#world?.count(what);
    return new Restored({ machine, copies: this.#copies, every: this.#restoreEvery, say, count });
  }

  follow(world: World): void {
    this.#world = world;
    world.onObservation((observation) => {
      const { by } = observation;
      // R26 is of one epoch.
      if (observation.kind === 'restarted') this.#observers.delete(by);
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

/** Nobody looks at the machines of a liar. */
function twins(
  options: StageOptions,
  index: number,
  { lied, refused }: Pick<TwinsParts, 'lied' | 'refused'>,
): Peer {
  const { cell, machine } = options;
  const epoch = firstEpoch(cell.committee);
  const copy = (): Peer =>
    honestOf(options, { index, epoch }, machine(contextOf(cell, cell)).machine);
  const { quorum, committee } = cell;
  const replicas = committee.members.length;
  const me = index;
  return new Twins({ copies: [copy(), copy()], me, replicas, quorum, lied, refused });
}

function contextOf({ cellId }: Cell, { committee }: Pick<Epoch, 'committee'>): CellContext {
  return { cellId, epoch: committee.epoch, members: committee.members };
}

/** Puts a whole cell of real replicas (and liars) into a new world. */
export function stage(options: StageOptions): { world: World; machines: StagedMachines } {
  const machines = new StagedMachines(options.restoreEvery);
  const { cell, liars, programs = new Map() } = options;
  const dice = new SeededRng(options.seed ^ 0x5eed);
  const machineOf = (epoch: OpenedEpoch): Staged => options.machine(contextOf(cell, epoch));
  const boot: Boot = (index, frames, before) => {
    const followed = (): void => void world.count('followed');
    const past = { index, frames, before, followed };
    const lie = liars.get(index);
    const program = programs.get(index);
    if (program) {
      return honest(options, past, (core) =>
        program(honestOf(options, core, machineOf(core.epoch).machine)),
      );
    }
    if (lie === undefined) {
      return honest(options, past, (core) =>
        honestOf(options, core, machines.adopt(index, machineOf(core.epoch))),
      );
    }
    const lied = (what: string): void => {
      world.count('lies');
      world.count(`lie.${what}`);
    };
    if (lie === 'twins') {
      const came = (to: string) => (): void => {
        lied(lie);
        world.count(to);
      };
      const told = { lied: came('twinsBoth'), refused: came('twinsRefused') };
      return { peer: twins(options, index, told), epoch: firstEpoch(cell.committee) };
    }
    if (lie === 'mutate') {
      const rng = dice.fork();
      return honest(options, past, (core) =>
        mutating(honestOf(options, core, machineOf(core.epoch).machine), rng, () => lied(lie)),
      );
    }
    const epoch = lastEpochOf(cell, index);
    const insider = insiderOf(cell, epoch, index);
    return { peer: makeLiar(lie, { ...insider, rng: dice.fork(), lied }), epoch };
  };
  const { front } = options;
  const world: World = new World({
    ...options,
    isHosted: options.machine(contextOf(cell, cell)).algorithm !== undefined,
    boot,
    front: (replica) => front?.(frontScene(options, machines, () => world, replica)),
    liars: new Set([...liars.keys(), ...programs.keys()]),
    rootOf: (replica, commit) => machines.rootOf(replica, commit),
  });
  machines.follow(world);
  tellLiars(world);
  world.onEpoch(() => moveLiars(world, liars));
  return { world, machines };
}

/** Programs of liars that have no disk: the world tells them of each epoch. */
function moveLiars(world: World, liars: ReadonlyMap<number, Lie>): void {
  for (const [index, lie] of liars) {
    if (lie === 'twins' || lie === 'mutate' || !world.attendance.isMember(index)) continue;
    world.after(1, () => world.hosts[index]?.reopen());
  }
}

/** The newest epoch of which a host is a member. Who is none any more goes on in it. */
function lastEpochOf({ roll }: Cell, index: number): RolledEpoch {
  for (let at = roll.newest.committee.epoch; at > 0; at--) {
    const epoch = roll.of(at);
    if (epoch?.hosts.includes(index)) return epoch;
  }
  return roll.of(0) ?? roll.newest;
}

/** What a liar knows of its epoch: places are those of its members. */
function insiderOf(
  cell: Cell,
  { committee, origin, hosts, quorum, faultsMax }: RolledEpoch,
  host: number,
): Pick<Insider, 'index' | 'signer' | 'cell' | 'origin'> {
  const signers = hosts.map((one) => signerOf(cell, one));
  const inner = { ...cell, committee, signers, quorum, faultsMax };
  return { index: hosts.indexOf(host), signer: signerOf(cell, host), cell: inner, origin };
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
