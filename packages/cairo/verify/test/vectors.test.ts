// What is answered about every vector proof (FATTY_VECTORS), and about the fixtures.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ok } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  ANY_POLICY,
  type CairoVerifier,
  COMMITTEE_POLICY,
  categoryOf,
  createCairoVerifier,
  decodeProof,
  encodeProof,
  extractStatement,
  idOfProgram,
  parseProgram,
  parseStoneJson,
  type TranscriptEvent,
  taskHash,
  writeStoneJson,
} from '../src/index.ts';
import {
  annotation,
  leaseTick,
  proofOf,
  shown,
  withByte,
  withCell,
  withInput,
} from './fixtures.ts';
import { vectorRows, withTable } from './vector-table.ts';

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
/** Refused unless the policy names their layout or channel. */
const UNLISTED = [
  ['stone-local/plain.ok.channel_poseidon_keccak160lsb', 'policy_hash'],
  ['stone-local/small.ok.tick_ped_512steps', 'policy_layout'],
  ['stone-local/small.ok.tick_rc_8192steps', 'policy_layout'],
  ['stone-local/small.ok.tick_ped.poseidon_blake248_vff9_pow30', 'policy_layout'],
  ['stone-local/small.ok.tick_ped.poseidon_vff1000', 'policy_layout'],
  ['stark-evm-adapter/small.default-keccak.512steps', 'policy_layout'],
  ['stone-cli/small.fibonacci_cairo0_stone_v5.512steps', 'policy_layout'],
  ['stone-cli/small.fibonacci_cairo0_stone_v6.512steps', 'policy_layout'],
  ['swiftness/small.stone5.keccak160.vff', 'policy_layout'],
  ['swiftness/small.stone6.blake248.vff10', 'policy_layout'],
  ['swiftness/small.stone6.keccak160.vff1000', 'policy_layout'],
  ['swiftness/recursive.stone5.keccak160.vff', 'policy_layout'],
  ['swiftness/recursive.stone6.blake248.vff10', 'policy_layout'],
  ['swiftness/recursive.stone6.keccak160.vff1000', 'policy_layout'],
  ['swiftness/recursive_with_poseidon.stone5.keccak160.vff', 'policy_layout'],
  ['swiftness/recursive_with_poseidon.stone6.blake248.vff10', 'policy_layout'],
  ['swiftness/recursive_with_poseidon.stone6.keccak160.vff1000', 'policy_layout'],
  ['stone-cli/recursive.fibonacci_builtins.stone5.keccak160', 'policy_layout'],
  ['swiftness/starknet.stone5.keccak160.vff', 'policy_layout'],
  ['stark-evm-adapter/starknet.bootloader_fib.default-keccak', 'policy_layout'],
  ['stone-cli/starknet.bootloader_v5.default-keccak', 'policy_layout'],
] as const;
/** Cairo 1 programs: another prologue, no safe-call cells. The run is true, the statement unread. */
const RUN_ONLY = [
  'integrity/small.cairo1.stone5.keccak160',
  'integrity/recursive_with_poseidon.cairo1.stone5.keccak160',
  'stone-cli/small.fibonacci_cairo1_stone_v5.512steps',
];
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
/** What the bootloader of both ran: its program, and what that put out. */
const BOOTLOADED = [
  [
    'stark-evm-adapter/starknet.bootloader_fib.default-keccak',
    'stark-evm-adapter/fibonacci_compiled.json',
    [10n, 144n],
  ],
  ['stone-cli/starknet.bootloader_v5.default-keccak', 'stone-cli/bitwise_output.json', [0n]],
] as const;
/** The bootloader's program id in layout starknet, and its configuration. */
const BOOTLOADER = Uint8Array.from(
  Buffer.from('a943dd08c34b95d76a9ee69e9e392d2e518119ede4ae2e3fe0185fa69e40584f', 'hex'),
) as Digest;
const CONFIG = [
  0xd875840ac697dbeedb3d4c8f2a61889bc1d5f1af91e67a7cc7360e8faf35bfn,
  0x58e3ba2823801572d1cb4908bae7ffe408b4cb778f352dc5c52a8e4c2c29fd0n,
];
const ROUND_TRIPS = 56;
/** Proofs whose file holds the transcript of StarkWare's verifier. */
const ANNOTATED = [
  'stone-local/plain.ok.channel_poseidon_keccak160lsb',
  'stone-local/small.ok.tick_ped.poseidon_blake248_vff9_pow30',
  'stone-cli/small.fibonacci_cairo0_stone_v6.512steps',
  'swiftness/recursive.stone6.blake248.vff10',
  'swiftness/recursive_with_poseidon.stone6.keccak160.vff1000',
  'swiftness/starknet.stone5.keccak160.vff',
  'stark-evm-adapter/starknet.bootloader_fib.default-keccak',
];
/** Refusals of the run alone that StarkWare's verifier does not share: layouts, strict reading. */
const STRICTER = ['unsupported_layout', 'trailing_bytes', 'felt_range'];
/** Stone names the siblings of rows of one cell by row, we as the leaves that they are. */
const nodeOf = (line: string, rowsLog: number): string =>
  line.replace(
    /To complete packages, element #(\d+): Data\(/,
    (_, row) => `For node ${2 ** rowsLog + Number(row)}: Hash(`,
  );
const local = ACCEPTED.length + Object.keys(REFUSED).length;
const total = local + UNLISTED.length + RUN_ONLY.length + 2 * BOOTLOADED.length + 2 * ROUND_TRIPS;

if (root === undefined) {
  console.info(`FATTY_VECTORS is not set: ${total} checks of vector files not tried`);
  it('leaves the large vectors to a run with FATTY_VECTORS', () => expect(total).toBe(166));
} else vectors(root);

function vectors(folder: string): void {
  const file = (name: string): string =>
    readFileSync(join(folder, 'stone', `${name}.json`), 'utf8');
  const local = (name: string): string => file(`stone-local/${name}`);

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

    it.each(UNLISTED)('accepts %s where a policy says so, else answers %s', (name, code) => {
      const proof = proofOf(file(name));
      const verdict = verifier.verifyProof(proof, COMMITTEE_POLICY);
      expect(verdict).toMatchObject({ kind: 'reject', code });
      expect(verifier.verifyProof(proof, ANY_POLICY).kind).toBe('accept');
      const { nVerifierFriendlyLayers: layers } = proof.parameters;
      const policy = { ...ANY_POLICY, friendlyLayersMax: 0 };
      if (layers > 0)
        expect(verifier.verifyProof(proof, policy)).toMatchObject({ code: 'policy_friendly' });
      else if (proof.parameters.nQueries >= 16)
        expect(verifier.verifyProof(proof, { ...policy, bitsMin: 96 }).kind).toBe('accept');
    });

    it.each(RUN_ONLY)('reads no statement in %s, but a true run', (name) => {
      const proof = proofOf(file(name));
      const verdict = verifier.verifyProof(proof, ANY_POLICY);
      expect(verdict).toMatchObject({ kind: 'reject', code: 'segments' });
      expect(verifier.verifyRun(proof, ANY_POLICY).kind).toBe('accept');
    });

    it('reproduce StarkWare’s transcripts, line by line', () => {
      let lines = 0;
      for (const name of ANNOTATED) {
        const text = file(name);
        const said = JSON.parse(text).annotations as string[];
        const { publicInput, parameters } = proofOf(text);
        const rowsLog = Math.log2(publicInput.nSteps * 16) + parameters.logNCosets;
        const expected = said
          .filter((line) => /^(P->V|V->P)/.test(line))
          .map((line) => line.replace(/Hash\(0x0+/, 'Hash(0x'))
          .map((line) => nodeOf(line, rowsLog));
        const events: string[] = [];
        const observer = (event: TranscriptEvent) => events.push(annotation(event));
        const isOlder = name.includes('stone5') || name.includes('bootloader');
        const policy = { ...ANY_POLICY, seeds: [isOlder ? 'stone5' : 'stone6'] };
        expect(verifier.verifyRun(proofOf(text), policy, observer).kind).toBe('accept');
        expect(events, name).toEqual(expected);
        lines += expected.length;
      }
      expect(lines).toBeGreaterThan(1000);
    });

    it('are in the table: what we answer, and what StarkWare’s verifier does', () => {
      const rows = vectorRows(folder, verifier);
      expect(rows).toHaveLength(ROUND_TRIPS);
      for (const { file: name, run, stone, isOlderFormat } of rows) {
        const ours = run === 'accept';
        const theirs = stone === 'ACCEPT' || isOlderFormat;
        const isStricter = STRICTER.includes(run);
        expect(ours || isStricter, `${name}: ${run}, Stone: ${stone}`).toBe(theirs || isStricter);
      }
      const path = new URL('../../../../tests/README.md', import.meta.url);
      const page = readFileSync(path, 'utf8');
      const wanted = withTable(page, rows);
      if (process.env.GOLDEN === 'write') writeFileSync(path, wanted);
      expect(readFileSync(path, 'utf8')).toBe(wanted);
    });

    it.each(BOOTLOADED)('say in %s that a bootloader ran a program', (name, inner, output) => {
      const verdict = verifier.verifyProof(proofOf(file(name)), ANY_POLICY);
      if (verdict.kind === 'reject') throw new Error(verdict.code);
      const program = readFileSync(join(folder, 'cairo-programs', inner), 'utf8');
      const parsed = parseProgram(program);
      if (!parsed.ok) throw new Error(parsed.failure.code);
      const { statement } = verdict;
      const outer = {
        programId: BOOTLOADER,
        format: { kind: 'bootloader', config: CONFIG },
      } as const;
      const value = [{ programHash: taskHash(parsed.value), output }];
      expect(extractStatement(outer, statement)).toEqual({ ok: true, value });
      const cut = { ...statement, cells: statement.cells.slice(0, -1) };
      expect(extractStatement(outer, cut)).toMatchObject({ failure: { code: 'outer_output' } });
      const simple = { ...outer, format: { kind: 'bootloader', config: [] } } as const;
      expect(extractStatement(simple, statement).ok).toBe(false);
      const verified = { ...outer, format: { kind: 'verifier' } } as const;
      expect(extractStatement(verified, statement).ok).toBe(false);
      const other = { ...outer, programId: idOfProgram(parsed.value, 'starknet') };
      expect(extractStatement(other, statement)).toMatchObject({
        failure: { code: 'wrong_program' },
      });
    });

    it.each(BOOTLOADED)('lose their truth with any cell of %s changed', (name) => {
      const proof = proofOf(file(name));
      const { publicMemory } = proof.publicInput;
      const size = publicMemory.length;
      for (const i of [0, 1, 5, 727, 729, 738, 747, size - 6, size - 2, size - 1]) {
        const value = (publicMemory[i]?.value ?? 0n) + 1n;
        const changed = withCell(proof, i, { value });
        expect(verifier.verifyRun(changed, ANY_POLICY)).toMatchObject({ code: 'bad_oods' });
      }
      // the same cells, on other pages
      const moved = publicMemory.map((cell) => ({ ...cell, page: 0 }));
      const onePage = withInput(proof, { publicMemory: moved });
      expect(verifier.verifyRun(onePage, ANY_POLICY)).toMatchObject({ code: 'bad_oods' });
      const missing = withCell(proof, 737, { value: 1n });
      expect(verifier.verifyProof(missing, ANY_POLICY).kind).toBe('reject');
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
