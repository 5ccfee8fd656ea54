// L2: delivery goes on whatever the network does.
import { runAsynchrony, SCHEDULERS } from '@fatty/testnet';
import { expect, test } from 'vitest';

for (const scheduler of SCHEDULERS) {
  for (const replicas of [4, 7]) {
    test(`L2: delivery goes on under ${scheduler}, n = ${replicas}`, () => {
      for (const seed of [2, 3]) {
        const { violations, rounds } = runAsynchrony(scheduler, seed, replicas);
        expect(violations).toEqual([]);
        expect(rounds).toBeGreaterThan(30);
      }
    });
  }
}
