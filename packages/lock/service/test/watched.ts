// Test helper: what a state looks like to whoever watches, and what events make of it.
import {
  comparePositions,
  type EventBody,
  type JobStatus,
  type LockMode,
  showPosition,
} from '@fatty/api';
import type { Position } from '@fatty/interface';
import { expect } from 'vitest';
import type { World } from './world.ts';

interface SeenNode {
  readonly node: string;
  readonly instance: Position;
  readonly generation: Position;
}

interface SeenMachine {
  readonly t: bigint;
  readonly s: bigint;
  readonly lockGen: Position | undefined;
  readonly posted: number;
}

interface SeenJob {
  readonly status: JobStatus;
  readonly t: bigint;
}

/** Everything that events tell of, by path. */
export interface Seen {
  readonly nodes: Map<string, SeenNode>;
  /** By `path generation`. */
  readonly holds: Map<string, LockMode>;
  readonly machines: Map<string, SeenMachine>;
  readonly jobs: Map<string, SeenJob>;
}

const NONE: Position = { commit: 0, index: 0 };

/** Asks the state itself, node by node. */
export function look(world: World, path = '/', seen: Seen = nothing()): Seen {
  const page = world.ask({ kind: 'list', path, after: undefined, limit: 256 });
  if (page.kind !== 'list') return seen;
  for (const { name } of page.entries) {
    const child = path === '/' ? `/${name}` : `${path}/${name}`;
    lookAt(world, child, seen);
    look(world, child, seen);
  }
  return seen;
}

function nothing(): Seen {
  return { nodes: new Map(), holds: new Map(), machines: new Map(), jobs: new Map() };
}

function lookAt(world: World, path: string, seen: Seen): void {
  const found = world.ask({ kind: 'stat', path });
  if (found.kind !== 'stat') throw new Error('a node');
  const { node, instance = NONE, contentGen: generation = NONE } = found.stat;
  seen.nodes.set(path, { node, instance, generation });
  const lock = world.ask({ kind: 'lock', path });
  for (const { position, mode } of lock.kind === 'lock' ? lock.holders : []) {
    seen.holds.set(`${path} ${showPosition(position)}`, mode);
  }
  const job = world.ask({ kind: 'job', path });
  if (job.kind === 'job') seen.jobs.set(path, { status: job.status, t: job.progress.t });
  const machine = world.ask({ kind: 'machine', path });
  if (machine.kind !== 'machine') return;
  const { t, s, lessee, inbox } = machine;
  const lockGen = lessee && machine.lockGen;
  const posted = (inbox?.consumed ?? 0) + (inbox?.pending.length ?? 0);
  seen.machines.set(path, { t, s, lockGen, posted });
}

/** What one event makes of it; fails where the event says what cannot have happened. */
export function follow(seen: Seen, event: EventBody): void {
  const { path } = event;
  const { nodes, machines, jobs } = seen;
  const node = nodes.get(path);
  const machine = machines.get(path);
  switch (event.kind) {
    case 'added': {
      const { node: kind, instance } = event;
      expect(node).toBeUndefined();
      nodes.set(path, { node: kind, instance, generation: instance });
      if (kind === 'job') jobs.set(path, { status: 'waiting', t: 0n });
      if (kind === 'machine') machines.set(path, { t: 0n, s: 1n, lockGen: undefined, posted: 0 });
      return;
    }
    case 'removed':
      expect([...nodes.keys()].filter((one) => one.startsWith(`${path}/`))).toEqual([]);
      expect([...seen.holds.keys()].filter((one) => one.startsWith(`${path} `))).toEqual([]);
      expect(machine?.lockGen).toBeUndefined();
      expect(nodes.delete(path)).toBe(true);
      machines.delete(path);
      jobs.delete(path);
      return;
    case 'modified':
      expect(node?.node).toMatch(/file|job/);
      if (node === undefined) return;
      expect(comparePositions(event.generation, node.generation)).toBeGreaterThan(0);
      nodes.set(path, { ...node, generation: event.generation });
      return;
    case 'published':
      expect(machine?.lockGen).toBeDefined();
      return;
    case 'posted':
      expect(event.number).toBe((machine?.posted ?? 0) + 1);
      if (machine) machines.set(path, { ...machine, posted: event.number });
      return;
    case 'jobMoved': {
      const { status, t } = event;
      expect(jobs.get(path)).not.toEqual({ status, t });
      jobs.set(path, { status, t });
      return;
    }
    case 'aclChanged':
    case 'sessionExpired':
    case 'epochChanged':
      return;
    case 'lockAcquired':
    case 'lockReleased':
    case 'lockLost':
    case 'lockConflict':
    case 'machineTaken':
    case 'machineAdvanced':
    case 'machineReleased':
    case 'machineLost':
      return followHold(seen, event);
  }
}

type AboutHold = Extract<
  EventBody,
  {
    kind:
      | 'lockAcquired'
      | 'lockReleased'
      | 'lockLost'
      | 'lockConflict'
      | 'machineTaken'
      | 'machineAdvanced'
      | 'machineReleased'
      | 'machineLost';
  }
>;

function followHold({ nodes, holds, machines }: Seen, event: AboutHold): void {
  const { path } = event;
  const machine = machines.get(path);
  switch (event.kind) {
    case 'lockAcquired': {
      const key = `${path} ${showPosition(event.lockGen)}`;
      expect([nodes.has(path), holds.has(key)]).toEqual([true, false]);
      holds.set(key, event.mode);
      return;
    }
    case 'lockReleased':
    case 'lockLost':
      expect(holds.delete(`${path} ${showPosition(event.lockGen)}`)).toBe(true);
      return;
    case 'lockConflict':
      expect([...holds.keys()].some((key) => key.startsWith(`${path} `))).toBe(true);
      return;
    case 'machineTaken':
      expect(machine).toMatchObject({ lockGen: undefined });
      if (machine) machines.set(path, { ...machine, lockGen: event.lockGen });
      return;
    case 'machineAdvanced':
      expect(event.t).toBeGreaterThan(machine?.t ?? event.t);
      if (machine) machines.set(path, { ...machine, t: event.t, s: event.s });
      return;
    case 'machineReleased':
    case 'machineLost':
      expect(machine).toMatchObject({ lockGen: event.lockGen });
      if (machine) machines.set(path, { ...machine, lockGen: undefined });
      return;
  }
}
