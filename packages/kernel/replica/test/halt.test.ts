// Tests of a replica that halts (R18).
import { Dag } from '@fatty/broadcast';
import { encode } from '@fatty/codec';
import { describe, expect, it } from 'vitest';
import { ownerShape } from '../src/index.ts';
import { contradiction, push, vouch } from './forge.ts';
import { Client, makeCell, World } from './world.ts';

/** Replica 0 among members that all lie. */
function deceived(n = 4): { world: World; client: Client } {
  const cell = makeCell(n);
  const world = new World({ cell });
  const liars = cell.signers.map((_, member) => member).slice(1);
  for (const liar of liars) world.liars.set(liar, () => undefined);
  world.start();
  vouch(world, 0, liars);
  return { world, client: new Client(cell, 'c') };
}

function lie(world: World): void {
  const { cell } = world.options;
  const blocks = contradiction(cell, new Dag(cell.committee, cell.cellId).virtual);
  // Children first: a second block of a slot enters only when something needs it (R13).
  for (const block of [...blocks].reverse()) world.inject(block.ref.author, 0, push(block));
}

describe('two certified blocks in one slot (R18)', () => {
  it('end the order for good: told once, nothing signed, clients refused, nothing crashes', () => {
    // Of seven, four say two things each and two believe one of them: who is shunned is needed (R12).
    const { world, client } = deceived(7);
    const host = world.host(0);
    lie(world);
    world.run(100);
    expect(host.halts).toEqual([
      { kind: 'halt', failure: expect.objectContaining({ code: 'contradiction' }) },
    ]);
    expect(host.replica.status().halted?.actual).toBe('two in round 1');
    const proposed = host.count('proposed');
    world.submit(0, client.op('1'), 4);
    expect(host.refused.at(-1)).toMatchObject({ tag: 4, failure: { code: 'contradiction' } });
    lie(world);
    expect(world.run(60_000), 'at rest').toBe(true);
    expect([host.count('proposed'), host.commitIndex, host.halts.length]).toEqual([proposed, 0, 1]);
    expect(host.replica.deliveredView()).toBeDefined();
  });

  it('are found again in the log: a restart cures nothing', () => {
    const { world, client } = deceived();
    const host = world.host(0);
    const { committee, cellId } = world.options.cell;
    const owner = encode(ownerShape, { cellId, epoch: committee.epoch, author: 0 });
    world.kill(0);
    host.log = [
      { type: 2, body: owner },
      ...contradiction(world.options.cell, new Dag(committee, cellId).virtual).map((block) => ({
        type: 1,
        body: block.bytes,
      })),
    ];
    world.restart(0);
    expect(host.halts).toHaveLength(1);
    vouch(world, 0, [1, 2, 3]);
    world.submit(0, client.op('1'), 4);
    world.run(1_000);
    expect(host.refused.at(-1)).toMatchObject({ tag: 4, failure: { code: 'contradiction' } });
    expect([host.count('proposed'), host.halts.length]).toEqual([0, 1]);
  });

  it('one certified block is no reason, however many liars there are', () => {
    const { world } = deceived();
    const { committee, cellId } = world.options.cell;
    const blocks = contradiction(world.options.cell, new Dag(committee, cellId).virtual);
    // Without two votes of the second side, and so without its certificate.
    const fewer = blocks.filter((_, i) => i < 8 || i === 10).reverse();
    for (const block of fewer) world.inject(1, 0, push(block));
    world.run(1_000);
    expect(world.host(0).replica.status().highestRound).toBe(3);
    expect(world.host(0).count('equivocation')).toBeGreaterThan(0);
    expect(world.host(0).halts).toEqual([]);
    expect(world.host(0).replica.status().halted).toBeUndefined();
  });
});
