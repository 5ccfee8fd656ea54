// What every script of a chart is made of.
import type { Op } from '@fatty/api';
import { standIn } from '@fatty/codec';
import type { TraceEvent, Verdict } from '@fatty/interface';
import type { Copying, Tuning } from '@fatty/replica';
import { HoldChecker } from '../checkers/holds.ts';
import { watch } from '../checkers/index.ts';
import type { Lie } from '../liars/index.ts';
import { makeCell, narrowWindows, smallWindows } from '../world/cell.ts';
import { CALM_NETWORK, type Fault, QUICK_DISK, QUICK_VERIFIER } from '../world/faults.ts';
import type { Peer } from '../world/host.ts';
import type { World } from '../world/world.ts';
import { Operators, type PlannedMembers } from './operators.ts';
import { lockService } from './service.ts';
import { SessionClient } from './session.ts';
import { stage } from './stage.ts';

/** What a chart of a scenario shows: the events, and the part of them that it is about. */
export interface Recording {
  readonly events: readonly TraceEvent[];
  /** As package msc takes them. */
  readonly options: {
    readonly fromMs: number;
    readonly toMs: number;
    readonly filter: (event: TraceEvent) => boolean;
  };
}

/** A run, and what of it is shown. Times in ms. */
export interface Script {
  readonly seed: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly shows: (event: TraceEvent) => boolean;
  readonly liars?: ReadonlyMap<number, Lie>;
  /** Liars that are honest replicas but for one thing. */
  readonly programs?: ReadonlyMap<number, (honest: Peer) => Peer>;
  readonly faults?: readonly Fault[];
  /** Frames come soon, of the log nothing is kept for others, and windows are narrow. */
  readonly frames?: { readonly copying: Copying; readonly tuning: Partial<Tuning> };
  readonly verdictOf?: (job: Uint8Array) => Verdict;
  /** Default: four. */
  readonly replicas?: number;
  /** How the members change; default: they stay. */
  readonly members?: PlannedMembers;
  play(world: World): void;
}

/** Links are up, everybody has heard of everybody, and the cell rests. */
export const SETTLED_MS = 500;

/** Makes a file. */
export const file = (path: string): Op => ({
  kind: 'create',
  path,
  node: 'file',
  mode: 'shared',
  ephemeral: false,
  exclusive: false,
  content: new Uint8Array(),
});

/** Plays a script with every checker on; a scenario that breaks an invariant has no chart. */
export function record(script: Script): Recording {
  const { replicas = 4, members, frames, programs = new Map() } = script;
  const params = frames ? narrowWindows(replicas) : smallWindows(replicas);
  const cell = makeCell(replicas, standIn(), params, members?.joiners ?? 0);
  const liars = script.liars ?? new Map<number, Lie>();
  const events: TraceEvent[] = [];
  const all = new Set([...liars.keys(), ...programs.keys()]);
  const seen = watch({ cell, liars: all, skewMsMax: 0 });
  const { fromMs, toMs, shows, verdictOf } = script;
  const { world } = stage({
    cell,
    liars,
    programs,
    ...frames,
    seed: script.seed,
    network: CALM_NETWORK,
    disk: QUICK_DISK,
    machine: (context) => ({ machine: lockService(context) }),
    verifier: { ...QUICK_VERIFIER, silentPerMille: 0 },
    checkers: [...seen.checkers, new HoldChecker(() => undefined)],
    tracer: { trace: (event) => void events.push(event) },
    ...(members && { copying: { bytesMin: 1, chunkBytes: 1_024 } }),
    ...(verdictOf === undefined ? {} : { verdictOf }),
  });
  world.start(script.faults ?? []);
  if (members) new Operators(world, members);
  world.after(SETTLED_MS, () => script.play(world));
  world.run(toMs);
  const [broken] = world.violations;
  if (broken !== undefined) throw new Error(`${broken.rule}: ${broken.expected}, ${broken.actual}`);
  return { events, options: { fromMs, toMs, filter: shows } };
}

/** The lifeline is that of a client. */
export const isClient = (name: string | undefined): boolean => name?.startsWith('c') === true;
/** A client does it, or it is done to one. */
export const ofClient = ({ who, peer }: TraceEvent): boolean => isClient(who) || isClient(peer);
/** One is at either end. */
export const touches = ({ who, peer }: TraceEvent, one: string): boolean =>
  who === one || peer === one;
/** It is sent. */
export const isPacket = ({ packet }: TraceEvent): boolean => packet !== undefined;
/** A block is sent. */
export const isBlock = (event: TraceEvent): boolean =>
  isPacket(event) && event.label.startsWith('block');
/** A block with batches is sent. */
export const carries = (event: TraceEvent): boolean =>
  isBlock(event) && event.label.includes('batch');
/** A commit with ops. */
export const committedOps = ({ kind, label }: TraceEvent): boolean =>
  kind === 'commit' && !label.includes(' 0 ops');
/** A crash, a restart or a refusal. */
export const isMishap = ({ kind }: TraceEvent): boolean =>
  kind === 'crash' || kind === 'restart' || kind === 'reject';
/** What a replica notes. */
export const isTold = ({ kind, who }: TraceEvent): boolean => kind === 'note' && !isClient(who);

/** A session that makes a file now and then. */
export function writer(world: World, gateway: number, everyMs: number, files: number): void {
  const alice = new SessionClient(world, 'c0', gateway, 30_000);
  for (let i = 0; i < files; i++) world.after(everyMs * i, () => alice.send([file(`/f${i}`)]));
}
