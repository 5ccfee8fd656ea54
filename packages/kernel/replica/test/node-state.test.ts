// What a replica is doing, as it shows it.
import { describe, expect, it } from 'vitest';
import { type NodeState, nodeStateOf, type Situation } from '../src/index.ts';
import { busy } from './traffic.ts';
import { makeCell, World } from './world.ts';

const WELL: Situation = {
  hasBegun: true,
  hasEnded: false,
  reachable: 3,
  quorum: 3,
  isSyncing: false,
};

describe('the state of a replica', () => {
  it.each<[NodeState, Partial<Situation>]>([
    ['active', {}],
    ['catchingUp', { isSyncing: true }],
    ['catchingUp', { hasBegun: false, reachable: 1 }],
    ['suspended', { reachable: 2 }],
    ['suspended', { reachable: 1, isSyncing: true }],
    ['shutdown', { hasBegun: false, hasEnded: true }],
  ])('%s: %j', (state, change) => {
    expect(nodeStateOf({ ...WELL, ...change })).toBe(state);
  });

  it('follows links, distance and its end; who was suspended goes on by itself', () => {
    const world = new World({ cell: makeCell(4) });
    const host = world.host(0);
    const stateNow = (): NodeState => host.replica.status().state;
    expect(stateNow()).toBe('catchingUp');
    world.start();
    busy(world, 2);
    world.run(60_000);
    expect(stateNow()).toBe('active');
    world.kill(2);
    expect(stateNow()).toBe('active');
    world.kill(3);
    expect(stateNow()).toBe('suspended');
    const { commitIndex, replica } = host;
    expect(replica.machine.root()).toBeDefined();
    world.restart(2);
    busy(world, 30, 1);
    world.run(60_000);
    expect(stateNow()).toBe('active');
    expect(host.commitIndex).toBeGreaterThan(commitIndex);
    const seen = new Set<NodeState>();
    world.restart(3);
    world.run(60_000, () => {
      seen.add(world.host(3).replica.status().state);
      return false;
    });
    expect(seen).toContain('catchingUp');
    expect(world.host(3).replica.status().state).toBe('active');
    world.event(host, { kind: 'stop' });
    expect(stateNow()).toBe('shutdown');
  });
});
