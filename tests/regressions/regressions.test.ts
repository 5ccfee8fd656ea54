// Worlds that once broke an invariant.
import { runPlan } from '@fatty/testnet';
import { describe, expect, test } from 'vitest';
import { filed } from '../nets/check.ts';
import { netNamed } from '../nets/nets.ts';

/** Worlds that once broke an invariant; a failing net adds its own. */
describe('every filed world', () => {
  test('can be read', () => {
    for (const { world } of filed()) expect(netNamed(world.net).name).toBe(world.net);
  });

  for (const { name, world } of filed()) {
    test(`${name} holds`, () => {
      expect(runPlan(netNamed(world.net), world.plan).violations).toEqual([]);
    });
  }
});
