// Tests of bodies that leave memory.
import { describe, expect, it } from 'vitest';
import { batchesOf, Client, commitsAgree, makeCell, World } from './world.ts';

const OP_BYTES = 100_000;

function bigOp(client: Client, k: number): Uint8Array {
  return client.op(`${k} ${'x'.repeat(OP_BYTES)}`);
}

describe('bodies of blocks leave memory', () => {
  it('after their commit: what is held does not grow with what was said', () => {
    const cell = makeCell(4);
    const world = new World({ cell });
    world.start();
    const client = new Client(cell, 'c');
    for (let k = 0; k < 40; k++) {
      world.submit(k % 4, bigOp(client, k));
      world.run(100);
    }
    world.run(2_000);
    for (const host of world.hosts) {
      const { commitIndex, horizon, blocks, bodyBytes, uncommitted } = host.replica.status();
      expect(batchesOf(host)).toHaveLength(40);
      expect(commitIndex).toBeGreaterThan(40);
      expect(horizon, 'nothing has left for its age').toBe(0);
      expect(blocks).toBeGreaterThan(160);
      expect(uncommitted).toBe(0);
      // The own blocks of the last 16 rounds may be sent again.
      expect(bodyBytes).toBeLessThan(8 * OP_BYTES);
    }
  });

  it('and are served from disk to who comes late, above the horizon too', () => {
    const cell = makeCell(4);
    const world = new World({ cell });
    world.start();
    world.kill(3);
    const client = new Client(cell, 'c');
    for (let k = 0; k < 20; k++) {
      world.submit(k % 3, bigOp(client, k));
      world.run(150);
    }
    expect(world.host(0).replica.status().bodyBytes).toBeLessThan(16 * OP_BYTES);
    world.restart(3);
    world.run(10_000);
    expect(batchesOf(world.host(3))).toHaveLength(20);
    expect(commitsAgree(world.hosts)).toBe(true);
  });

  it('also when the log is read back', () => {
    const cell = makeCell(4);
    const world = new World({ cell });
    world.start();
    const client = new Client(cell, 'c');
    for (let k = 0; k < 20; k++) {
      world.submit(0, bigOp(client, k));
      world.run(100);
    }
    world.run(2_000);
    world.kill(1);
    world.restart(1);
    expect(world.host(1).replica.status().bodyBytes).toBeLessThan(8 * OP_BYTES);
    world.submit(1, client.op('after'));
    world.run(3_000);
    expect(batchesOf(world.host(1)).length).toBeGreaterThan(20);
  });
});
