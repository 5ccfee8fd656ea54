// Tests of what authors carry for nothing (R12).
import { Dag } from '@fatty/broadcast';
import { describe, expect, it } from 'vitest';
import type { Tuning } from '../src/index.ts';
import { carried, Follower, forge } from './forge.ts';
import { batchesOf, Client, makeCell, World } from './world.ts';

const KIB = 1024;

function cellOf(tuning: Partial<Tuning> = {}) {
  const cell = makeCell(4);
  const world = new World({ cell, tuning });
  world.start();
  world.run(5);
  const codes = (host = 0): readonly string[] =>
    world.host(host).refused.map(({ tag, failure }) => `${tag} ${failure.code}`);
  return { cell, world, codes };
}

describe('a gateway carries nothing twice for nothing (R12)', () => {
  it('takes one batch of a seq at a time, whatever a client signs', () => {
    const { cell, world, codes } = cellOf();
    const client = new Client(cell, 'c');
    const texts = ['a', 'b', 'c'].map((text) => client.batch([new TextEncoder().encode(text)], 0));
    for (const [tag, batch] of texts.entries()) world.submit(0, batch, tag);
    expect(codes()).toEqual(['1 overloaded', '2 overloaded']);
    world.run(1_000);
    expect(batchesOf(world.host(0))).toHaveLength(1);
  });

  it('and what was out of turn once waits for its predecessor', () => {
    const { cell, world, codes } = cellOf();
    const client = new Client(cell, 'c');
    const ops = [0, 1, 2].map((k) => client.op(`${k}`));
    const send = (seq: number, tag: number): void => {
      world.submit(0, ops[seq] as Uint8Array, tag);
      world.run(500);
    };
    send(2, 1);
    expect(batchesOf(world.host(0))).toHaveLength(1);
    for (let tag = 2; tag < 6; tag++) send(2, tag);
    expect(codes()).toEqual([2, 3, 4, 5].map((tag) => `${tag} overloaded`));
    send(0, 6);
    send(1, 7);
    send(2, 8);
    expect(codes()).toHaveLength(4);
    expect(batchesOf(world.host(0)).map(({ seq }) => seq)).toEqual([2, 0, 1, 2]);
  });
});

describe('an author that carries too much for nothing (R12)', () => {
  it('is not referenced for a while, and what it pushes is put aside', () => {
    const tuning = { wasteBytesMax: 8 * KIB, wasteBytesPerSec: KIB };
    const { cell, world } = cellOf(tuning);
    const liar = new Follower(world, 3, new Dag(cell.committee, cell.cellId).virtual);
    let junk = 0;
    liar.twist = (round, parents) => {
      const client = new Client(cell, `junk ${junk++}`);
      const batch = carried(client.batch([new Uint8Array(4 * KIB)], 70));
      const content = { batches: [batch] };
      const block = forge(cell, 3, round, parents, { ts: world.nowMs, content });
      return new Map(world.honest.map((host) => [host.index, block]));
    };
    const honest = new Client(cell, 'honest');
    for (let k = 0; k < 40; k++) {
      world.submit(k % 3, honest.op(`${k}`), k);
      world.run(50);
    }
    world.run(1_000);
    for (const host of world.honest) {
      expect(host.count('overBudget')).toBeGreaterThan(0);
      expect(host.notes.filter(({ what }) => what === 'overBudget')).toMatchObject([{ peer: 3 }]);
      const theirs = batchesOf(host).filter(({ seq }) => seq === 70);
      expect(theirs.length).toBeLessThan(12);
      expect(batchesOf(host).filter(({ seq }) => seq < 70)).toHaveLength(40);
    }
    expect(junk).toBeGreaterThan(40);
  });
});
