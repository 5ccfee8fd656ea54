// What members say about the next epoch reaches the commits, once, and comes back after a restart (R30).
import { type Change, EMPTY_AGENDA, signReady } from '@fatty/protocol';
import { expect, it } from 'vitest';
import { busy } from './traffic.ts';
import { Client, commitsAgree, makeCell, scheme, World } from './world.ts';

const WINDOWS = { checkpointCommits: 2, supportRoundsMax: 8, horizonRounds: 12 };
const joiner = scheme.signer(new Uint8Array(32).fill(3));
const add: Change = { kind: 'add', key: joiner.publicKey };

function started(): World {
  const world = new World({
    cell: makeCell(4, WINDOWS),
    tuning: { logKeptBytesMin: 0 },
    copying: { bytesMin: 1, chunkBytes: 512 },
    delayMs: (random) => 1 + random.below(4),
  });
  world.start();
  world.run(1_000);
  return world;
}

const move = (world: World, member: number, change: Change): void =>
  world.event(world.host(member), { kind: 'move', change, tag: member });

it('a motion is in the agenda of all, and the cell rests again', () => {
  const world = started();
  move(world, 1, add);
  expect(world.host(1).stated).toEqual([{ kind: 'stated', tag: 1, failure: undefined }]);
  expect(world.run(20_000)).toBe(true);
  const moved = [{ change: add, by: [{ member: 1, number: 0 }] }];
  for (const { replica } of world.hosts) expect(replica.status().agenda).toMatchObject({ moved });
  expect(commitsAgree(world.hosts)).toBe(true);
});

it('is made by the member again with a higher number, and by nobody a second time', () => {
  const world = started();
  move(world, 2, add);
  world.run(5_000);
  move(world, 2, { kind: 'renew' });
  world.run(5_000);
  const { agenda } = world.host(0).replica.status();
  expect(agenda.numbers).toEqual([{ member: 2, number: 1 }]);
  expect(agenda.moved.map(({ change }) => change.kind)).toEqual(['add', 'renew']);
});

it('a ready is carried by whoever is given it, once somebody moves its key', () => {
  const world = started();
  const { cellId } = world.options.cell;
  const bytes = signReady(cellId, joiner, { epoch: 0, index: 0 });
  const say = (tag: number): unknown => {
    world.event(world.host(3), { kind: 'statement', bytes, tag });
    world.run(5_000);
    return world.host(3).stated.at(-1)?.failure?.code;
  };
  expect(say(1)).toBe('nothing_new');
  move(world, 0, add);
  world.run(5_000);
  expect(say(2)).toBeUndefined();
  const { ready } = world.host(1).replica.status().agenda;
  expect(ready).toEqual([{ key: joiner.publicKey, index: 0 }]);
  expect(say(3)).toBe('nothing_new');
});

it('what nobody could mean is refused, and so is everything by who may not sign', () => {
  const world = started();
  move(world, 0, {
    kind: 'add',
    key: world.options.cell.signers[2]?.publicKey ?? joiner.publicKey,
  });
  expect(world.host(0).stated.at(-1)?.failure?.code).toBe('already_member');
  const host = world.host(1);
  const lack = { code: 'disk_low', expected: 'room', actual: 'none' };
  world.event(host, { kind: 'room', lack });
  move(world, 1, add);
  expect(host.stated.at(-1)?.failure).toEqual(lack);
});

it('comes back from a frame, where the log that said it is gone', () => {
  const world = started();
  for (const member of [0, 1, 2]) move(world, member, add);
  busy(world, 20);
  world.run(20_000);
  const agenda = world.host(3).replica.status().agenda;
  expect(agenda.moved[0]?.by).toHaveLength(3);
  // Nobody is ready.
  expect(agenda.plan).toBeUndefined();
  expect(world.host(1).frames.length).toBeGreaterThan(0);
  world.kill(1);
  world.host(1).log = world
    .host(1)
    .log.filter(({ segment }) => segment === world.host(1).log.at(-1)?.segment);
  world.restart(1);
  expect(world.host(1).replica.status().agenda).toEqual(agenda);
  expect(agenda).not.toEqual(EMPTY_AGENDA);
});

it('costs no op of a client its place', () => {
  const world = started();
  move(world, 0, add);
  const client = new Client(world.options.cell, 'c');
  world.submit(0, client.op('x'));
  world.run(5_000);
  expect(world.host(2).committed.flatMap(({ input }) => input.batches)).toHaveLength(1);
  expect(world.host(2).replica.status().agenda.moved).toHaveLength(1);
});
