// Worlds that nobody has tried yet: fixed seeds forgive what they never met.
import { randomInt } from 'node:crypto';
import { runNet } from '@fatty/testnet';
import { expect, test } from 'vitest';
import { file, inWords, sweep } from './check.ts';
import { ALL_NETS, netNamed } from './nets.ts';

/** Worlds of each net. */
const RUNS = 6;

const given = process.env.FATTY_SEED;
/** `FATTY_SEED=N` runs the worlds of a failure again. */
const seed = given === undefined ? randomInt(2 ** 31) : Number(given);

test.each(Object.keys(ALL_NETS))('%s holds in worlds of a fresh seed', (name) => {
  const { failure, runs } = runNet(netNamed(name), { seed, runs: sweep(RUNS) });
  expect(runs).toBeGreaterThan(0);
  if (failure === undefined) return;
  const path = file(failure);
  expect.fail(`${inWords(seed, failure)}; again: FATTY_SEED=${seed}; filed as ${path}`);
});
