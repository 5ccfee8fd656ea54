// Worlds that nobody has tried yet: fixed seeds forgive what they never met.
import { randomInt } from 'node:crypto';
import { runNet } from '@fatty/testnet';
import { expect, test } from 'vitest';
import { file, inWords, sweep } from './check.ts';
import { ALL_NETS, netNamed } from './nets.ts';

/** Worlds of each net; `FATTY_RUNS=1000` for a night. */
const RUNS = Number(process.env.FATTY_RUNS ?? 6);

const given = process.env.FATTY_SEED;
/** `FATTY_SEED=N` runs the worlds of a failure again. */
const seed = given === undefined ? randomInt(2 ** 31) : Number(given);

/** Generous: nothing is judged by it. */
const TIMEOUT_MS = 300_000 + RUNS * 20_000;

test.each(Object.keys(ALL_NETS))(
  '%s holds in worlds of a fresh seed',
  { timeout: TIMEOUT_MS },
  (name) => {
    const { failure, runs } = runNet(netNamed(name), { seed, runs: sweep(RUNS) });
    expect(runs).toBeGreaterThan(0);
    if (failure === undefined) return;
    const path = file(failure);
    expect.fail(`${inWords(seed, failure)}; again: FATTY_SEED=${seed}; filed as ${path}`);
  },
);
