// Public memory in several pages, proved and checked.
import { beforeAll, describe, expect, it } from 'vitest';
import { attempt } from '../../air/src/proof/rejected.ts';
import { readPages } from '../../air/src/stark/pages.ts';
import { withCell, withInput } from '../../verify/test/fixtures.ts';
import {
  ANY_POLICY,
  type CairoProver,
  type CairoVerifier,
  createCairoVerifier,
  createProver,
  type Proof,
  type PublicCell,
  type PublicInput,
  proofParameters,
} from '../src/index.ts';
import { must, tick } from './runs.ts';

const run = tick(10n);
const { publicInput } = run;

/** The run's public memory, its last cells spread over pages behind the first. */
function paged(...sizes: readonly number[]): PublicInput {
  const { publicMemory: cells } = publicInput;
  const behind = sizes.flatMap((size, i) => Array.from({ length: size }, () => i + 1));
  const first = cells.length - behind.length;
  const publicMemory = cells.map((cell, i) => ({ ...cell, page: behind[i - first] ?? 0 }));
  return { ...publicInput, publicMemory };
}

describe('pages of public memory', () => {
  it('are a list of cells, then continuous ones in order', () => {
    const { main, others } = readPages(paged(2, 3));
    expect(main).toHaveLength(publicInput.publicMemory.length - 5);
    expect(others.map(({ start, values }) => [start, values.length])).toEqual([
      [36, 2],
      [38, 3],
    ]);
    expect(others.flatMap(({ values }) => values)).toEqual(
      publicInput.publicMemory.slice(-5).map(({ value }) => value),
    );
  });

  const cell = (address: number, page: number): PublicCell => ({ address, value: 1n, page });
  it.each([
    ['begin with page 1', [cell(1, 1)]],
    ['leave one out', [cell(1, 0), cell(2, 2)]],
    ['go back', [cell(1, 0), cell(2, 1), cell(3, 0)]],
    ['go back to a later one', [cell(1, 0), cell(2, 1), cell(3, 2), cell(4, 1)]],
    ['have a gap', [cell(1, 0), cell(2, 1), cell(4, 1)]],
    ['repeat an address', [cell(1, 0), cell(2, 1), cell(2, 1)]],
    ['descend', [cell(1, 0), cell(2, 1), cell(1, 1)]],
  ])('are refused when they %s', (_, publicMemory) => {
    const read = attempt(() => readPages({ ...publicInput, publicMemory }));
    expect(read).toMatchObject({ ok: false, failure: { code: 'pages' } });
  });

  describe('of a proof', () => {
    let verifier: CairoVerifier;
    let prover: CairoProver;
    let proof: Proof;
    beforeAll(async () => {
      verifier = await createCairoVerifier();
      prover = await createProver();
      const parameters = proofParameters(publicInput.nSteps, { bits: 20, powBits: 0 });
      proof = must(prover.prove({ ...run, publicInput: paged(2, 3) }, parameters));
    });

    const codeOf = (one: Proof): string => {
      const verdict = verifier.verifyRun(one, ANY_POLICY);
      return verdict.kind === 'accept' ? verdict.kind : verdict.code;
    };

    it('are in the seed and in the product', () => {
      expect(codeOf(proof)).toBe('accept');
      for (const sizes of [[], [5], [3, 2], [2, 2], [1, 1, 3]])
        expect(codeOf({ ...proof, publicInput: paged(...sizes) })).toBe('bad_oods');
      for (const i of [-1, -3, -5])
        expect(codeOf(withCell(proof, i, { value: 99n }))).toBe('bad_oods');
      const [execution, program] = proof.publicInput.segments;
      if (execution === undefined || program === undefined) throw new Error('segments');
      expect(codeOf(withInput(proof, { segments: [execution, program] }))).toBe('accept');
    });

    it('hold no part of a statement but outputs', () => {
      const verdict = verifier.verifyProof(proof, ANY_POLICY);
      expect(verdict).toMatchObject({ kind: 'reject', code: 'pages' });
    });
  });
});
