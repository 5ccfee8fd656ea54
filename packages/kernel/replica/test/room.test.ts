// Tests of a replica whose disk has too little room (R24).
import { failure } from '@fatty/codec';
import { describe, expect, it } from 'vitest';
import { batchesOf, Client, commitsAgree, makeCell, World } from './world.ts';

const LACK = failure('disk_low', 'room', 'none');

describe('a disk with too little room', () => {
  it('makes a replica take and sign nothing, and it catches up when there is room', () => {
    const world = new World({ cell: makeCell(4), seed: 4 });
    world.start();
    const client = new Client(world.options.cell, 'c');
    const host = world.host(1);
    const write = (count: number): void => {
      for (let k = 0; k < count; k++) {
        world.submit(0, client.op(`${k}`));
        world.run(100);
      }
    };
    write(3);
    world.event(host, { kind: 'room', lack: LACK });
    // What is under way still gets written, and then nothing does.
    world.run(100);
    const { round, commitIndex } = host.replica.status();
    const bytes = host.log.length;
    write(30);
    world.submit(1, new Client(world.options.cell, 'd').op('1'), 7);
    expect(host.refused.at(-1)).toMatchObject({ tag: 7, failure: { code: 'disk_low' } });
    expect(host.replica.status()).toMatchObject({ round, commitIndex, lack: LACK });
    expect(host.replica.isCurrent()).toBe(false);
    expect(host.log.length).toBe(bytes);
    expect(batchesOf(world.host(0)), 'the others go on').toHaveLength(33);
    world.event(host, { kind: 'room', lack: undefined });
    world.submit(1, new Client(world.options.cell, 'e').op('1'));
    world.run(5_000);
    expect(batchesOf(host)).toHaveLength(34);
    expect(host.replica.status().round).toBeGreaterThan(round);
    expect(host.replica.status().observer).toBeUndefined();
    expect(commitsAgree(world.hosts)).toBe(true);
  });

  it('of all stops the cell, which goes on when q have room', () => {
    const world = new World({ cell: makeCell(4), seed: 5 });
    world.start();
    const client = new Client(world.options.cell, 'c');
    world.submit(0, client.op('0'));
    world.run(200);
    for (const host of world.hosts) world.event(host, { kind: 'room', lack: LACK });
    world.submit(0, client.op('1'));
    world.run(2_000);
    expect(batchesOf(world.host(2))).toHaveLength(1);
    for (const index of [0, 2, 3]) {
      world.event(world.host(index), { kind: 'room', lack: undefined });
      world.run(100);
    }
    world.submit(0, new Client(world.options.cell, 'd').op('2'));
    world.run(5_000);
    expect(batchesOf(world.host(2))).toHaveLength(2);
  });
});
