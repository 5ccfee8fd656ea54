// For how long a cell commits nothing of its clients' while an epoch ends and the next one begins, in virtual time: what
// the protocol and its timers take, whatever the machine.
import type { Change } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { Client, makeCell, World } from './world.ts';

const RENEW: Change = { kind: 'renew' };
/** Of each member one is asked so often, ms. */
const OP_MS = 40;
const CALM_MS = 400;

type Hosts = World['hosts'];

/**
 * The longest time between two commits with ops at one of the members that are up, from the motion on until all have
 * one in the next epoch, ms; `mostMs` when that takes longer.
 */
function pauseOf(n: number, silent: readonly number[], mostMs: number): number {
  const world = new World({
    cell: makeCell(n),
    delayMs: (random) => 2 + random.below(5),
    syncMs: (random) => 1 + random.below(3),
  });
  const up = world.hosts.filter(({ index }) => !silent.includes(index));
  world.start();
  for (const { index } of up) {
    const client = new Client(world.options.cell, `c${index}`);
    for (let at = 0; at < CALM_MS + mostMs; at += OP_MS) {
      world.after(at, () => world.submit(index, client.op(`${at}`)));
    }
  }
  for (const index of silent) world.kill(index);
  world.run(CALM_MS);
  for (const host of up) world.event(host, { kind: 'move', change: RENEW, tag: host.index });
  return longestGap(world, up, mostMs);
}

function longestGap(world: World, up: Hosts, mostMs: number): number {
  const last = up.map(() => world.nowMs);
  const seen = up.map(({ committed }) => committed.length);
  const isIn = up.map(() => false);
  let longest = 0;
  world.run(mostMs, () => {
    for (const [i, { committed }] of up.entries()) {
      const news = committed.slice(seen[i]).filter(({ input }) => input.batches.length > 0);
      seen[i] = committed.length;
      if (news.length === 0) continue;
      longest = Math.max(longest, world.nowMs - (last[i] ?? 0));
      last[i] = world.nowMs;
      isIn[i] ||= news.some(({ input }) => input.epoch === 1);
    }
    return isIn.every((one) => one);
  });
  return isIn.every((one) => one) ? longest : mostMs;
}

describe('the end of an epoch', () => {
  it('pauses a healthy cell for less than a second', () => {
    for (const n of [4, 7]) expect(pauseOf(n, [], 1_200)).toBeLessThan(1_000);
  });

  it('pauses a cell whose f are silent for less than three seconds', () => {
    expect(pauseOf(4, [2], 3_600)).toBeLessThan(3_000);
    expect(pauseOf(7, [1, 4], 3_600)).toBeLessThan(3_000);
  });
});
