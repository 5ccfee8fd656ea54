// The list of FRI steps can be chosen, and proofs with it verify.
import { beforeAll, expect, test } from 'vitest';
import { fixture, NO_POLICY } from '../../verify/test/fixtures.ts';
import {
  type CairoProver,
  type CairoVerifier,
  createCairoVerifier,
  createProver,
  proofParameters,
} from '../src/index.ts';
import { codeOf, must, tick } from './runs.ts';

let prover: CairoProver;
let verifier: CairoVerifier;

beforeAll(async () => {
  [prover, verifier] = await Promise.all([createProver(), createCairoVerifier()]);
});

test('default parameters: 96 bits, FRI down to 64 coefficients', () => {
  expect(proofParameters(128)).toEqual(fixture('lease-chain/0.json').parameters);
  for (const [steps, list] of [
    [16, [0, 2]],
    [32, [0, 3]],
    [64, [0, 4]],
    [128, [0, 3, 2]],
    [256, [0, 3, 3]],
    [512, [0, 3, 4]],
    [1024, [0, 3, 3, 2]],
    [2048, [0, 3, 3, 3]],
    [8192, [0, 3, 3, 3, 2]],
  ] as const)
    expect(proofParameters(steps).friStepList).toEqual(list);
});

test('a given list of FRI steps, and a given last layer', () => {
  const run = tick(1n); // 32 steps: 2^9 rows
  expect(run.publicInput.nSteps).toBe(32);
  for (const [friStepList, lastLayerDegreeBound] of [
    [[0, 1, 2], 64],
    [[0, 1, 3], 32],
    [[0, 4, 4], 2],
    [[0, 4, 4, 1], 1],
  ] as const) {
    const options = { friStepList, lastLayerDegreeBound, bits: 20, powBits: 4 };
    const proof = must(prover.prove(run, proofParameters(32, options)));
    expect(proof.parameters).toMatchObject({ friStepList, lastLayerDegreeBound });
    expect(verifier.verifyProof(proof, NO_POLICY).kind).toBe('accept');
  }
  expect(proofParameters(32, { lastLayerDegreeBound: 4 }).friStepList).toEqual([0, 3, 4]);
  // what no list leads to is said when proving
  for (const lastLayerDegreeBound of [0, 3, 512, 2 ** 40, Number.NaN, -1]) {
    const parameters = proofParameters(32, { lastLayerDegreeBound });
    expect(codeOf(prover.prove(run, parameters))).toBe('bad_counts');
  }
  const outcome = prover.prove(run, proofParameters(32, { friStepList: [0, 3, 2] }));
  expect(outcome).toMatchObject({
    failure: {
      code: 'bad_counts',
      expected: 'fri steps of sum 3 (2^9 rows, last layer 2^6)',
      actual: '0 3 2, sum 5',
    },
  });
});
