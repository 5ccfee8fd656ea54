// Any bytes and any change of a proof end in a verdict.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  ANY_POLICY,
  type CairoVerifier,
  categoryOf,
  createCairoVerifier,
  decodeProof,
  encodeProof,
  inspectProof,
  type Proof,
  parseStoneJson,
  writeStoneJson,
} from '../src/index.ts';
import { fixture, proofOf, withByte, withInput } from './fixtures.ts';

const root = process.env.FATTY_VECTORS;
const vector = (name: string): readonly [string, () => Proof] => [
  name,
  () => proofOf(readFileSync(join(root ?? '', 'stone', `${name}.json`), 'utf8')),
];
const own = (name: string): readonly [string, () => Proof] => [name, () => fixture(`${name}.json`)];

/** One proof per layout, and per kind of channel; the large ones only where they are at hand. */
const PROOFS: readonly (readonly [string, () => Proof])[] = [
  ...['statement-cells', 'blake256', 'poseidon-channel', 'small-tick-pedersen'].map(own),
  ...(root === undefined || !existsSync(root)
    ? []
    : [
        'swiftness/recursive.stone5.keccak160.vff',
        'swiftness/recursive_with_poseidon.stone6.blake248.vff10',
        'stone-cli/starknet.bootloader_v5.default-keccak',
      ].map(vector)),
];

let verifier: CairoVerifier;
beforeAll(async () => {
  verifier = await createCairoVerifier();
});

/** Both verdicts, which are the same when asked again, and known codes when they refuse. */
function answersOf(proof: Proof): string[] {
  const ask = (): string[] => {
    const verdicts = [
      verifier.verifyProof(proof, ANY_POLICY),
      verifier.verifyRun(proof, ANY_POLICY),
    ];
    return verdicts.map((one) => (one.kind === 'accept' ? 'accept' : one.code));
  };
  const answers = ask();
  expect(ask()).toEqual(answers);
  for (const answer of answers)
    if (answer !== 'accept') expect(categoryOf(answer), answer).toBeDefined();
  return answers;
}

/** A byte of every kind of thing that a prover says: roots, values, tables, paths, the nonce. */
function regionsOf(proof: Proof): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  verifier.verifyRun(proof, ANY_POLICY, ({ label, start, end }) => {
    if (start === undefined || end === undefined) return;
    const kind = label.replace(/(Row|Column|node|OODS values:) \d+/g, '$1');
    places.set(kind, start + (places.size % (end - start)));
  });
  return places;
}

describe.each(PROOFS)('%s', (_, make) => {
  it('is refused, twice alike, with one byte changed in any of its parts', () => {
    const proof = make();
    expect(answersOf(proof)[1]).toBe('accept');
    const regions = regionsOf(proof);
    // three roots, out-of-domain values, a last layer, and of each table rows and paths
    expect(regions.size).toBeGreaterThanOrEqual(12);
    for (const [kind, at] of regions) {
      const changed = withByte(proof, at, 1 << (at % 8));
      const run = verifier.verifyRun(changed, ANY_POLICY);
      expect(run.kind, kind).toBe('reject');
      if (run.kind === 'reject') expect(categoryOf(run.code), kind).toMatch(/stark|parse/);
      expect(verifier.verifyRun(changed, ANY_POLICY), kind).toEqual(run);
    }
  });

  it('is refused for any other public input', () => {
    const proof = make();
    const { segments, rcMin, rcMax, nSteps, publicMemory } = proof.publicInput;
    const others = [
      { rcMin: rcMin + 1 },
      { rcMax: rcMax + 1 },
      { nSteps: nSteps * 2 },
      { publicMemory: publicMemory.slice(0, -1) },
      { publicMemory: publicMemory.toReversed() },
      ...segments.flatMap((one, i) => [
        { segments: segments.with(i, { ...one, stopPtr: one.stopPtr + 1 }) },
        { segments: segments.with(i, { ...one, beginAddr: one.beginAddr + 1 }) },
        { segments: segments.toSpliced(i, 1) },
      ]),
    ];
    for (const other of others) expect(answersOf(withInput(proof, other))).not.toContain('accept');
  });
});

describe('a proof as text and as bytes', () => {
  const small = fixture('weak-q1-pow0.json');
  const text = writeStoneJson(small);
  const bytes = encodeProof(small);
  const places = fc.array(fc.nat({ max: text.length }), { minLength: 1, maxLength: 4 });
  const pieces = fc.constantFrom(
    '',
    '0',
    '-1',
    '"',
    '{}',
    '[]',
    'null',
    ',',
    '1e9',
    '\\u0000',
    '0x1',
  );

  it('is read or refused, never otherwise, however its text is cut and pasted', () => {
    fc.assert(
      fc.property(places, pieces, fc.nat({ max: 12 }), (at, piece, cut) => {
        const changed = at.reduce((all, i) => all.slice(0, i) + piece + all.slice(i + cut), text);
        const read = parseStoneJson(changed);
        expect(parseStoneJson(changed)).toEqual(read);
        if (read.ok) {
          expect(parseStoneJson(writeStoneJson(read.value))).toEqual(read);
          expect(inspectProof(read.value).layout).toBe(read.value.publicInput.layout);
          answersOf(read.value);
        } else expect(categoryOf(read.failure.code)).toBe('parse');
      }),
      { numRuns: 300 },
    );
  });

  it('has one envelope: other bytes are another proof, or none', () => {
    const bytePlaces = fc.array(
      fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 })),
      {
        minLength: 1,
        maxLength: 3,
      },
    );
    fc.assert(
      fc.property(bytePlaces, (changes) => {
        const changed = Uint8Array.from(bytes);
        for (const [at, by] of changes) changed[at] = (changed[at] ?? 0) ^ by;
        const read = decodeProof(changed);
        if (read.ok) {
          expect(Buffer.from(encodeProof(read.value)).equals(Buffer.from(changed))).toBe(true);
          if (!Buffer.from(changed).equals(Buffer.from(bytes)))
            expect(answersOf(read.value)).not.toContain('accept');
        } else expect(categoryOf(read.failure.code)).toBe('parse');
      }),
      { numRuns: 300 },
    );
  });
});
