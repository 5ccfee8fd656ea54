// What a net is, and how one world of it runs.
import { ed25519, type SignatureScheme, standIn, toHex } from '@fatty/codec';
import type { CellContext, Tracer, Verdict } from '@fatty/interface';
import type { CellParams } from '@fatty/protocol';
import type { Copying, Tuning } from '@fatty/replica';
import { type Watch, watch } from '../checkers/index.ts';
import { type Reader, ViewChecker } from '../checkers/views.ts';
import { Operators } from '../staging/operators.ts';
import { type StagedMachines, type StageOptions, stage } from '../staging/stage.ts';
import type { Staged } from '../staging/staged.ts';
import { type Cell, makeCell, narrowWindows, smallWindows } from '../world/cell.ts';
import { Client, lieAsClient, type Victim } from '../world/client.ts';
import {
  CALM_NETWORK,
  faultsEndMs,
  QUICK_DISK,
  QUICK_VERIFIER,
  ROUGH_NETWORK,
  SLOW_DISK,
  setAhead,
} from '../world/faults.ts';
import type { Checker, Violation } from '../world/observation.ts';
import { type PipelinedClient, type Pipelining, pipeline } from '../world/pipelined.ts';
import { SeededRng } from '../world/rng.ts';
import { sharedVerdicts } from '../world/verdicts.ts';
import type { World } from '../world/world.ts';
import { type Plan, type PlannedOp, type PlanSize, SKEW_MS_MAX } from './plan.ts';

/** One world of a net while it runs: what a net's own code may use. */
export interface Scene {
  readonly plan: Plan;
  readonly cell: Cell;
  readonly world: World;
  readonly watch: Watch;
  readonly machines: StagedMachines;
  readonly views: ViewChecker;
  /** Where members change. */
  readonly operators: Operators | undefined;
  /** Honest clients; the act's `prepare` fills in whom it has. */
  readonly clients: Client[];
}

/** What a net sets up in a world and asks of it at the end. */
export interface Act {
  /** Before the first op: makes the clients, opens sessions. */
  prepare(scene: Scene): void;
  /** Sends one planned op. */
  perform(scene: Scene, op: PlannedOp): void;
  /** Ops for lying clients: well formed, different from call to call. */
  lie(scene: Scene): readonly Uint8Array[];
  checkers?(cell: Cell): readonly Checker[];
  /** Names of whoever still waits for something; by default, clients without their answers. */
  waiting?(): readonly string[];
  /** With it the world has a client that sends many batches at once, and none of them twice (R19). */
  readonly pipelining?: Pipelining;
  /** Whose batches a lying client copies; default: the scene's clients. */
  victims?(): readonly Victim[];
  /** The lying client; default: one without a session of its own. */
  thief?(scene: Scene): Client;
  /** Slow checks: every job passes by default. */
  readonly verdictOf?: (job: Uint8Array) => Verdict;
  /** Last questions, after the world has come to rest. */
  finish?(scene: Scene): readonly Violation[];
}

/** An algorithm with its worlds, its properties and what its runs have to reach. */
export interface Net {
  readonly name: string;
  readonly size: PlanSize;
  machine(context: CellContext): Staged;
  /** What a client could read in a machine, as text; default: its root. */
  readonly read?: Reader;
  /** What its replicas choose otherwise than by default. */
  readonly tuning?: Partial<Tuning>;
  /** What serves clients, where they speak to gateways; without it they hand batches to replicas. */
  readonly front?: StageOptions['front'];
  /** Fresh per world: the net's model and checkers live in it. */
  act(): Act;
  /** How often each machine is copied by its snapshot (S24), in commits; default 16. */
  readonly restoreEvery?: number;
  /** Least sums over a default run; a net that reaches less has proved nothing. */
  readonly wants: Readonly<Record<string, number>>;
}

/**
 * A net whose worlds are no cells of ours: it plays a plan with processes of its own, over the same clock,
 * links, disks and faults. Everything else (seeds, coverage, shrinking, charts) is as for a {@link Net}.
 */
export interface OwnNet extends Pick<Net, 'name' | 'size' | 'wants'> {
  /** Same plan, same run. */
  play(plan: Plan, tracer?: Tracer): RunOutcome;
}

/** Whatever has a name, worlds and wants. */
export type AnyNet = Net | OwnNet;

/** What came of one world. */
export interface RunOutcome {
  readonly violations: readonly Violation[];
  readonly reached: Readonly<Record<string, number>>;
  /** How much work the world was. */
  readonly events: number;
  /** Virtual time that it took, ms. */
  readonly simulatedMs: number;
}

/** After the last fault and op, everything honest is to be answered within this time (L1). ms. */
export const CALM_MS_MAX = 40_000;

/** K of R27: one world in four has that of a cell. */
const CHECKPOINT_COMMITS: readonly number[] = [1, 2, 3, 16];

const isNarrow = ({ seed }: Pick<Plan, 'seed'>): boolean => (seed >>> 2) % 2 === 0;

/** Half of the worlds have windows so narrow that the horizon is never far. */
function windowsOf({ seed, replicas }: Plan): CellParams {
  const checkpointCommits = CHECKPOINT_COMMITS[seed % CHECKPOINT_COMMITS.length] ?? 1;
  const windows = isNarrow({ seed }) ? narrowWindows(replicas) : smallWindows(replicas);
  return { ...windows, checkpointCommits };
}

/** Short worlds have many restarts from a frame, and payloads of several chunks. */
const OFTEN: Copying = { bytesMin: 1, chunkBytes: 1_024 };
const SHORT_LOGS: Partial<Tuning> = { logKeptBytesMin: 0 };

/** How often the delivered views are looked at, ms. */
const LOOK_MS = 100;

let realScheme: SignatureScheme = ed25519();

/** Installs a faster Ed25519 with the same verdicts for worlds with real signatures. */
export function useRealScheme(fast: SignatureScheme): void {
  realScheme = fast;
}

function schemeOf(plan: Plan): SignatureScheme {
  // A stand-in is made again as fast as it is looked up.
  return plan.signatures ? sharedVerdicts(realScheme) : standIn();
}

/** Runs one world of a net from its plan to rest. Same plan, same run. */
export function runPlan(net: AnyNet, plan: Plan, tracer?: Tracer): RunOutcome {
  return 'play' in net ? net.play(plan, tracer) : runCell(net, plan, tracer);
}

function runCell(net: Net, plan: Plan, tracer?: Tracer): RunOutcome {
  const joiners = plan.members?.joiners ?? 0;
  const cell = makeCell(plan.replicas, schemeOf(plan), windowsOf(plan), joiners);
  const liars = new Map(plan.liars.map(({ replica, lie }) => [replica, lie]));
  const checked = { cell, liars: new Set(liars.keys()), skewMsMax: SKEW_MS_MAX };
  const seen = watch(checked);
  const act = net.act();
  const read = net.read ?? ((machine) => toHex(machine.root()));
  const views = new ViewChecker(seen.book, read, new SeededRng(plan.seed ^ 0x51e));
  const { world, machines } = stage({
    cell,
    liars,
    seed: plan.seed,
    machine: (context) => net.machine(context),
    network: plan.rough ? ROUGH_NETWORK : CALM_NETWORK,
    disk: plan.slowDisk ? SLOW_DISK : QUICK_DISK,
    verifier: QUICK_VERIFIER,
    checkers: [...seen.checkers, views, ...(act.checkers?.(cell) ?? [])],
    ...(net.restoreEvery === undefined ? {} : { restoreEvery: net.restoreEvery }),
    ...(act.verdictOf === undefined ? {} : { verdictOf: act.verdictOf }),
    copying: OFTEN,
    tuning: { ...SHORT_LOGS, ...net.tuning },
    ...(net.front === undefined ? {} : { front: net.front }),
    ...(tracer === undefined ? {} : { tracer }),
  });
  const operators = plan.members && new Operators(world, plan.members, setAhead(plan.faults));
  const scene = { plan, cell, world, watch: seen, machines, views, operators, clients: [] };
  play(act, scene);
  for (const { reached } of [views, seen.copies]) {
    for (const [what, times] of Object.entries(reached)) world.count(what, times);
  }
  world.count('statementsTried', seen.framed.tried);
  const { violations, reached, events, elapsedMs } = world;
  return { violations, reached, events, simulatedMs: elapsedMs };
}

function play(act: Act, scene: Scene): void {
  const { world, plan } = scene;
  world.count('runs');
  if (plan.liars.length > 0) world.count('runsWithLiars');
  if (plan.signatures) world.count('runsWithRealSignatures');
  if (isNarrow(plan)) world.count('runsInNarrowWindows');
  world.start(plan.faults);
  act.prepare(scene);
  const clerk = act.pipelining && pipeline(world, plan.seed, act.pipelining);
  for (const op of plan.ops) world.after(op.atMs, () => act.perform(scene, op));
  tellLies(act, scene);
  const busyMs = plan.ops.reduce((end, op) => Math.max(end, op.atMs), faultsEndMs(plan.faults)) + 1;
  for (let atMs = LOOK_MS; atMs < busyMs; atMs += LOOK_MS) world.after(atMs, () => look(scene));
  world.run(busyMs);
  settle(act, scene, busyMs + CALM_MS_MAX, clerk);
  if (world.violations.length > 0) return;
  world.report(act.finish?.(scene) ?? []);
  world.finish();
}

/** S15 of every honest replica, between two of its steps. */
function look({ world, machines, views }: Scene): void {
  for (const { index, peer } of world.hosts) {
    const committed = machines.of(index);
    const view = peer?.deliveredView;
    if (committed === undefined || view === undefined || !world.honest(index)) continue;
    world.report(views.look({ replica: index, atMs: world.nowMs, committed, view }));
  }
}

function tellLies(act: Act, scene: Scene): void {
  const { world, plan, clients } = scene;
  if (plan.clientLies.length === 0) return;
  const thief = act.thief?.(scene) ?? new Client(world, 'c99', 0);
  for (const { atMs, lie } of plan.clientLies) {
    const victims = act.victims?.() ?? clients;
    world.after(atMs, () => lieAsClient(lie, { world, thief, victims, ops: () => act.lie(scene) }));
  }
}

/** L1 and L4: with a quorum up, everything is answered and every replica reaches the tip. */
function settle(act: Act, scene: Scene, untilMs: number, clerk?: PipelinedClient): void {
  const { world, clients, machines } = scene;
  const { operators } = scene;
  const busy = (some: readonly { readonly idle: boolean; readonly name: string }[]): string[] =>
    some.filter(({ idle }) => !idle).map(({ name }) => name);
  const waiting = (): readonly string[] => [
    ...(act.waiting?.() ?? busy(clients.filter((one) => !isStranded(one, machines)))),
    ...busy(clerk ? [clerk] : []),
  ];
  const isDone = (): boolean => operators?.isIdle !== false && waiting().length === 0;
  const answered = world.run(untilMs, isDone);
  if (world.violations.length > 0) return;
  const lost = world.attendance.members.filter(
    (index) =>
      !world.honest(index) || machines.isObserver(index) || world.attendance.dead.has(index),
  ).length;
  if (lost > world.cell.roll.newest.faultsMax) {
    world.count('quorumLost');
    return;
  }
  if (!answered) {
    const open = `open: ${waiting().join(' ')} (${machines.tips(world)})`;
    world.report([say(world, 'L1', 'every honest batch answered', open)]);
    return;
  }
  const level = world.run(untilMs, () => machines.level(world) && !isEnding(world));
  if (world.violations.length > 0 || level) return;
  const rule = isEnding(world) ? 'L6' : 'L4';
  world.report([say(world, rule, 'every replica at the tip', machines.tips(world))]);
}

/** L6: an epoch whose end is decided has not come to it. */
function isEnding(world: World): boolean {
  return world.hosts.some(
    ({ index, peer }) => world.follows(index) && peer?.status?.().agenda.plan !== undefined,
  );
}

/** Its one gateway signs no more. */
function isStranded({ gateway, isFaithful }: Client, machines: StagedMachines): boolean {
  return isFaithful && machines.isObserver(gateway);
}

/** A broken rule of a world, as of now. */
export function say(
  world: Pick<World, 'nowMs'>,
  rule: string,
  expected: string,
  actual: string,
): Violation {
  return { rule, expected, actual, atMs: world.nowMs, replica: -1 };
}
