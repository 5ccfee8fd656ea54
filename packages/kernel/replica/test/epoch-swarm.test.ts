// Members come and go at random, crash and come back: every run ends level, with one history (S1, S4, S5, S8, L6).
import { expect, it } from 'vitest';
import { EpochSwarm } from './epoch-swarm.ts';

// More by hand: SEEDS=500 FIRST=1.
const SEEDS = Number(process.env.SEEDS ?? 4);
const FIRST = Number(process.env.FIRST ?? 1);

it(`${SEEDS} cells whose members change while they crash`, { timeout: 3_600_000 }, () => {
  let epochs = 0;
  let crashes = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const report = new EpochSwarm(seed, seed % 2 === 0).run();
    expect([seed, ...report.flaws]).toEqual([seed]);
    epochs += report.epochs;
    crashes += report.crashes;
  }
  // Or it has tested nothing.
  expect(epochs).toBeGreaterThan(SEEDS);
  expect(crashes).toBeGreaterThan(SEEDS);
});
