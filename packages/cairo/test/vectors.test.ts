import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ok } from '@fatty/codec';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CairoVerifier,
  COMMITTEE_POLICY,
  categoryOf,
  createCairoVerifier,
  decodeProof,
  encodeProof,
  idOfProgram,
  parseProgram,
  parseStoneJson,
  writeStoneJson,
} from '../src/index.ts';
import { leaseTick, proofOf, shown, withByte } from './fixtures.ts';

/**
 * The full set of published and locally made proofs is too large for the repository. FATTY_VECTORS
 * names its folder; set but incomplete is a failure.
 */
const root = process.env.FATTY_VECTORS;

const ACCEPTED = [
  'commit_blake2s_all',
  'commit_keccak160lsb',
  'commit_keccak256_full',
  'lc1_q80_pow16',
  'lc2_q40_pow16',
  'lc3_q27_pow16',
  'pow0_q24',
  'statement_cells',
  'tick_n800_8192steps',
];
const UNSUPPORTED = [
  ['plain.ok.channel_poseidon_keccak160lsb', 'unsupported_hash'],
  ['small.ok.tick_ped_512steps', 'unsupported_layout'],
] as const;
const REFUSED: Readonly<Record<string, string>> = {
  'bad.duplicate_cell': 'statement',
  'bad.extra_public_cell': 'statement',
  'bad.felt_plus_P': 'parse',
  'bad.flip_last_auth_node': 'stark',
  'bad.layout_small_label': 'parse',
  'bad.no_safe_call_fp': 'statement',
  'bad.params_n_queries_10': 'policy',
  'bad.program_not_public': 'statement',
  'bad.program_words_at_wrong_addresses': 'statement',
  'bad.public_value_changed': 'stark',
  'bad.public_value_plus_P': 'parse',
  'bad.reordered_cells': 'statement',
  'bad.ret_pc_nonzero': 'statement',
  'bad.trailing_byte': 'parse',
  'bad.truncated_bytes': 'parse',
  'weak.q1_pow0': 'policy',
  'weak.q20_lc1_pow16_36bits': 'policy',
};
const ROUND_TRIPS = 56;
const total = ACCEPTED.length + UNSUPPORTED.length + Object.keys(REFUSED).length + ROUND_TRIPS;

if (root === undefined) {
  console.info(`FATTY_VECTORS is not set: ${total} checks of vector files not tried`);
  it('leaves the large vectors to a run with FATTY_VECTORS', () => expect(total).toBe(84));
} else vectors(root);

function vectors(folder: string): void {
  const local = (name: string): string =>
    readFileSync(join(folder, 'stone', 'stone-local', `${name}.json`), 'utf8');

  describe('the vector proofs', () => {
    let verifier: CairoVerifier;
    beforeAll(async () => {
      verifier = await createCairoVerifier();
    });
    const lease = { extra: 0 };

    it('are all known here', () => {
      const known = [
        ...ACCEPTED.map((name) => `plain.ok.${name}`),
        ...Object.keys(REFUSED).map((name) => `plain.${name}`),
        'plain.ok.channel_poseidon_keccak160lsb',
      ];
      const files = readdirSync(join(folder, 'stone', 'stone-local'));
      const plain = files.filter((name) => name.startsWith('plain.'));
      expect(plain.sort()).toEqual(known.map((name) => `${name}.json`).sort());
    });

    it.each(ACCEPTED)('accepts plain.ok.%s', (name) => {
      const proof = proofOf(local(`plain.ok.${name}`));
      const programId = idOfProgram(leaseTick(), 'plain');
      const options = name.startsWith('tick') ? {} : { lease, programId };
      expect(verifier.verifyProof(proof, COMMITTEE_POLICY, options).kind).toBe('accept');
    });

    it.each(UNSUPPORTED)('does not know %s', (name, code) => {
      const verdict = verifier.verifyProof(proofOf(local(name)), COMMITTEE_POLICY);
      expect(verdict).toMatchObject({ kind: 'reject', code });
    });

    it.each(Object.entries(REFUSED))('refuses plain.%s: %s', (name, category) => {
      const read = parseStoneJson(local(`plain.${name}`));
      const verdict = read.ok
        ? verifier.verifyProof(read.value, COMMITTEE_POLICY, { lease })
        : { kind: 'reject' as const, ...read.failure };
      if (verdict.kind === 'accept') throw new Error('accepted');
      expect(categoryOf(verdict.code)).toBe(category);
    });

    it('come back the same from JSON and envelope, whatever their layout', () => {
      let count = 0;
      for (const group of readdirSync(join(folder, 'stone'), { withFileTypes: true })) {
        if (!group.isDirectory()) continue;
        for (const file of readdirSync(join(folder, 'stone', group.name))) {
          if (!file.endsWith('.json')) continue;
          const text = readFileSync(join(folder, 'stone', group.name, file), 'utf8');
          if (!text.includes('"proof_hex"')) continue;
          count++;
          if (file === 'plain.bad.public_value_plus_P.json') continue;
          const proof = proofOf(text);
          expect(shown(parseStoneJson(writeStoneJson(proof)))).toEqual(shown(ok(proof)));
          expect(shown(decodeProof(encodeProof(proof)))).toEqual(shown(ok(proof)));
        }
      }
      expect(count).toBe(ROUND_TRIPS);
    });

    it('are refused with one byte changed, at every place a prover speaks', () => {
      const proof = proofOf(local('plain.ok.pow0_q24'));
      const places: number[] = [];
      verifier.verifyProof(proof, COMMITTEE_POLICY, {
        observer: ({ start, end }) => {
          if (start !== undefined && end !== undefined)
            places.push(start + (places.length % (end - start)));
        },
      });
      expect(places.length).toBeGreaterThan(1000);
      for (const [i, at] of places.entries()) {
        const verdict = verifier.verifyProof(withByte(proof, at, 1 << (i % 8)), COMMITTEE_POLICY);
        expect(verdict.kind, `byte ${at}`).toBe('reject');
      }
    });

    it('have compiled programs that can be read', () => {
      const programs = join(folder, 'cairo-programs');
      expect(existsSync(join(programs, 'lease-tick', 'compiled.json'))).toBe(true);
      const files = readdirSync(join(programs, 'stone-cli'));
      expect(files.length).toBeGreaterThan(15);
      for (const file of files) {
        const program = parseProgram(readFileSync(join(programs, 'stone-cli', file), 'utf8'));
        expect(program.ok, file).toBe(true);
      }
    });
  });
}
