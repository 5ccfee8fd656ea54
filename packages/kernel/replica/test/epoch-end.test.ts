// Members that have come to the last commit of their epoch wait for its certificate without turning in circles.
import { expect, it } from 'vitest';
import { bareMachine } from './bare-machine.ts';
import { read } from './forge.ts';
import { busy } from './traffic.ts';
import { listAlgorithm, makeCell, World } from './world.ts';

const STEPS_MAX = 5_000;

it('an end that nobody certifies costs nobody a core, though time must pass for sessions', () => {
  const cell = makeCell(4, { checkpointCommits: 2, supportRoundsMax: 8, horizonRounds: 12 });
  const { cellId, committee } = cell;
  const context = { cellId, epoch: 0, members: committee.members };
  const world = new World({
    cell,
    machine: () => Object.assign(bareMachine(listAlgorithm, context), { needsTime: () => true }),
    copying: { bytesMin: 1, chunkBytes: 256 },
  });
  world.start();
  busy(world, 4);
  world.run(5_000);
  let certifies = false;
  world.onSend = (_from, _to, bytes) => certifies || !/^(vote|cert)$/u.test(read(bytes).kind);
  for (const index of [0, 1, 2]) {
    world.event(world.host(index), { kind: 'move', change: { kind: 'renew' }, tag: index });
  }
  const hasEnded = (): boolean =>
    world.hosts.every(({ replica }) => replica.status().agenda.sealed.length >= 3);
  world.run(20_000, hasEnded);
  expect(hasEnded()).toBe(true);
  const before = world.steps;
  world.run(20_000, () => world.steps > before + STEPS_MAX);
  expect(world.steps - before).toBeLessThan(STEPS_MAX);
  expect(world.hosts.map(({ replica }) => replica.status().epoch)).toEqual([0, 0, 0, 0]);
  certifies = true;
  const isOver = (): boolean => world.hosts.every(({ replica }) => replica.status().epoch === 1);
  world.run(60_000, isOver);
  expect(isOver()).toBe(true);
});
