// The prover: Stone's bytes, what it refuses, progress and cancellation.
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Constraint, Layout } from '../../air/src/layouts/expression.ts';
import { LAYOUTS } from '../../air/src/layouts/layouts.ts';
import { PLAIN } from '../../air/src/layouts/plain.ts';
import { Rejected } from '../../air/src/proof/rejected.ts';
import { loadHashes, masked } from '../../air/src/stark/hashes.ts';
import { fixture, NO_POLICY, proofOf } from '../../verify/test/fixtures.ts';
import {
  assemble,
  type CairoProver,
  type CairoVerifier,
  COMMITTEE_POLICY,
  createCairoVerifier,
  createProver,
  loadProgram,
  PHASES,
  type Proof,
  type ProofParameters,
  type ProvableRun,
  parseStoneJson,
  proofParameters,
  type Run,
  runProgram,
  writeStoneJson,
} from '../src/index.ts';
import { OutOfMemory } from '../src/kernels/kernels.ts';
import { ReferenceKernels } from '../src/kernels/reference.ts';
import { compileComposition } from '../src/prover/program.ts';
import { proverWith } from '../src/prover/prover.ts';
import { codeOf, expectSame, hex, lease, must, tick } from './runs.ts';

let prover: CairoProver;
let verifier: CairoVerifier;

beforeAll(async () => {
  [prover, verifier] = await Promise.all([createProver(), createCairoVerifier()]);
});

/** The run that a recorded proof is about. */
function runOf({ publicInput }: Proof): Run {
  const run = lease(publicInput.publicMemory.slice(-6).map((cell) => cell.value));
  expect(run.publicInput).toEqual(publicInput);
  return run;
}

/** Our parameters for the strength and the hashes of a recorded proof: FRI's list is our own. */
function chosenAs({ parameters, publicInput }: Proof): ProofParameters {
  const { nQueries, logNCosets, powBits, commitmentHash, channelHash } = parameters;
  const bits = nQueries * logNCosets + powBits;
  const hashes = { commitmentHash, channelHash };
  return proofParameters(publicInput.nSteps, { bits, logNCosets, powBits, ...hashes });
}

describe('equal to Stone, byte for byte, down to the list of FRI steps', () => {
  const folder = process.env.FATTY_VECTORS;
  const recorded = [
    ...(folder === undefined ? [0, 4] : [0, 1, 2, 3, 4]).map((i) => `lease-chain/${i}.json`),
    'statement-cells.json',
    'blake256.json',
    'weak-q1-pow0.json',
  ];
  test.each(recorded)('%s', (name) => {
    const wanted = fixture(name);
    const proof = must(prover.prove(runOf(wanted), chosenAs(wanted)));
    expectSame(proof, wanted);
  });

  const more = [
    'ok.commit_blake2s_all',
    'ok.commit_keccak160lsb',
    'ok.commit_keccak256_full',
    'ok.lc1_q80_pow16',
    'ok.lc2_q40_pow16',
    'ok.lc3_q27_pow16',
    'ok.pow0_q24',
    'ok.statement_cells',
    'weak.q1_pow0',
    'weak.q20_lc1_pow16_36bits',
  ];
  const vector = (name: string): Proof =>
    proofOf(readFileSync(`${folder}/stone/stone-local/plain.${name}.json`, 'utf8'));
  test.runIf(folder !== undefined).each(more)('plain.%s', (name) => {
    const wanted = vector(name);
    expectSame(must(prover.prove(runOf(wanted), chosenAs(wanted))), wanted);
  });

  test.runIf(folder !== undefined)(
    'plain.ok.tick_n800_8192steps, which shows no statement cells',
    () => {
      const wanted = vector('ok.tick_n800_8192steps');
      const path = `${folder}/cairo-programs/lease-tick/program_input.json`;
      const input = JSON.parse(readFileSync(path, 'utf8')) as Record<string, number>;
      const cells = ['lessee', 't_from', 's_from'].map((name) => BigInt(input[name] ?? 0));
      const run = lease([...cells, 800n], 0);
      expectSame(must(prover.prove(run, chosenAs(wanted))), wanted);
    },
    120_000,
  );
});

test.runIf(process.env.FATTY_VECTORS !== undefined)(
  'every compiled program that runs in `plain` is proved, and verifies',
  () => {
    const folder = `${process.env.FATTY_VECTORS}/cairo-programs/stone-cli`;
    const proved = readdirSync(folder).filter((name) => {
      const program = loadProgram(readFileSync(`${folder}/${name}`, 'utf8'));
      const run = program.ok ? runProgram(program.value, { provable: true }) : undefined;
      if (!run?.ok) return false;
      const parameters = proofParameters(run.value.publicInput.nSteps, { logNCosets: 2 });
      const proof = must(prover.prove(run.value, parameters));
      expect(verifier.verifyProof(proof, COMMITTEE_POLICY).kind).toBe('accept');
      return true;
    });
    expect(proved.length).toBe(10);
  },
  60_000,
);

test('the reference kernels make the same proofs, and the verifier takes them', async () => {
  const hashes = await loadHashes();
  const reference = proverWith(
    hashes,
    ({ commitmentHash, channelHash }) =>
      new ReferenceKernels(masked(hashes, commitmentHash), hashes[channelHash]),
  );
  const run = tick(1n);
  for (const logNCosets of [1, 2]) {
    const parameters = proofParameters(run.publicInput.nSteps, { logNCosets, powBits: 4 });
    const proof = must(reference.prove(run, parameters));
    expectSame(must(prover.prove(run, parameters)), proof);
    expect(verifier.verifyProof(proof, NO_POLICY).kind).toBe('accept');
  }
});

test('what is proved is accepted, under any parameters, and survives its JSON', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1n, max: 12n }),
      fc.record({
        bits: fc.integer({ min: 8, max: 60 }),
        logNCosets: fc.integer({ min: 1, max: 4 }),
        powBits: fc.integer({ min: 0, max: 8 }),
        channelHash: fc.constantFrom('keccak256', 'blake256'),
        commitmentHash: fc.constantFrom(
          'keccak256_masked160_lsb',
          'keccak256_masked248_lsb',
          'blake256',
          'blake256_masked160_msb',
        ),
      }),
      (transitions, options) => {
        const run = tick(transitions);
        const proof = must(prover.prove(run, proofParameters(run.publicInput.nSteps, options)));
        const verdict = verifier.verifyProof(proof, NO_POLICY, { lease: { extra: 0 } });
        expect(verdict.kind).toBe('accept');
        const read = parseStoneJson(writeStoneJson(proof));
        expect(read.ok && hex(read.value)).toBe(hex(proof));
      },
    ),
    { numRuns: 6 },
  );
});

test.each([
  ['tick', { tFrom: 1n, sFrom: 2n, n: 3n }, 32],
  ['counter', { tFrom: 5n, sFrom: 3n, n: 4n, by: 1n }, 128],
])('a machine of our own assembly: %s', (name, values, nSteps) => {
  const program = assemble(
    readFileSync(new URL(`../machines/${name}.casm`, import.meta.url), 'utf8'),
  );
  if (!program.ok) throw new Error(program.failure.code);
  const inputs = new Map(Object.entries({ binding: 1n, ...values }));
  const run = runProgram(program.value, { inputs, provable: true });
  if (!run.ok) throw new Error(run.failure.actual);
  expect(run.value.publicInput.nSteps).toBe(nSteps);
  const proof = must(prover.prove(run.value, proofParameters(nSteps, { logNCosets: 1 })));
  expect(verifier.verifyProof(proof, COMMITTEE_POLICY)).toMatchObject({ kind: 'accept', bits: 96 });
});

test('whatever the machine ran can be proved', () => {
  const cell = fc.integer({ min: 1, max: 3 }).map((below) => `[ap - ${below}]`);
  const value = fc.oneof(cell, fc.integer({ min: -9, max: 2 ** 40 }).map(String));
  const line = fc.oneof(
    fc
      .tuple(cell, fc.constantFrom('+', '*'), value)
      .map(([a, op, b]) => `[ap] = ${a} ${op} ${b}; ap++`),
    cell.map((a) => `[ap] = [ap - 1]; ap++\n  jmp rel 4 if ${a} != 0\n  [ap] = 7; ap++`),
    fc.constantFrom('[ap] = [fp - 2]; ap++', 'ap += 2', 'jmp rel 2'),
    fc.constantFrom('call double', '[ap + 1] = [ap - 1]', '[ap - 1] = [ap] * [ap]'),
  );
  let proved = 0;
  const options = { logNCosets: 1, bits: 4, powBits: 0 };
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const body = ['[ap] = 1; ap++', '[ap] = 2; ap++', '[ap] = 3; ap++', ...lines].join('\n  ');
      const source = `main:\n  ${body}\n  ret\ndouble:\n  [ap] = [fp - 3] + [fp - 3]; ap++\n  ret\n`;
      const program = assemble(source);
      if (!program.ok) throw new Error(JSON.stringify(program.failure));
      const run = runProgram(program.value, { provable: true });
      if (!run.ok) return;
      const parameters = proofParameters(run.value.publicInput.nSteps, options);
      const proof = must(prover.prove(run.value, parameters));
      expect(verifier.verifyProof(proof, NO_POLICY).kind).toBe('accept');
      proved++;
    }),
    { numRuns: 25 },
  );
  expect(proved).toBeGreaterThan(5);
});

test('the smallest run, 16 steps', () => {
  const program = assemble('main:\n  ret;\n');
  if (!program.ok) throw new Error(JSON.stringify(program.failure));
  const run = runProgram(program.value, { provable: true });
  if (!run.ok) throw new Error(run.failure.actual);
  const proof = must(prover.prove(run.value, proofParameters(run.value.publicInput.nSteps)));
  expect(proof.publicInput.nSteps).toBe(16);
  expect(verifier.verifyProof(proof, NO_POLICY).kind).toBe('accept');
});

describe('refused before anything is proved', () => {
  const refused = (run: ProvableRun, change: Partial<ProofParameters> = {}): string => {
    const parameters = { ...proofParameters(run.publicInput.nSteps, { bits: 20 }), ...change };
    const seen: string[] = [];
    const onProgress = ({ phase }: { phase: string }): number => seen.push(phase);
    const outcome = prover.prove(run, parameters, { onProgress });
    expect(seen.every((phase) => phase === 'trace')).toBe(true);
    return codeOf(outcome);
  };

  test('a run with one register or one value changed', () => {
    const run = tick(2n);
    fc.assert(
      fc.property(
        fc.nat(run.trace.length - 1),
        fc.constantFrom('ap', 'fp', 'pc'),
        (step, register) => {
          const trace = run.trace.map((entry, i) =>
            i === step ? { ...entry, [register]: entry[register] + 1 } : entry,
          );
          expect(refused({ ...run, trace })).toBe('bad_run');
        },
      ),
      { numRuns: 40 },
    );
    const used = run.memory.filter(({ address }) => address > 40);
    fc.assert(
      fc.property(fc.constantFrom(...used), ({ address }) => {
        const memory = run.memory.map((cell) =>
          cell.address === address ? { address, value: cell.value + 1n } : cell,
        );
        expect(refused({ ...run, memory })).toBe('bad_run');
      }),
      { numRuns: 40 },
    );
  });

  test('and it says which step and rule', () => {
    const run = tick(1n);
    const trace = run.trace.map((entry, i) => (i === 5 ? { ...entry, ap: entry.ap + 1 } : entry));
    const outcome = prover.prove({ ...run, trace }, proofParameters(run.publicInput.nSteps));
    expect(outcome.ok ? '' : outcome.failure.expected).toMatch(/step [45]\b/);
  });

  test('a public cell with another value, and none at all', () => {
    const run = tick(1n);
    const { publicInput } = run;
    const cells = publicInput.publicMemory;
    const changed = cells.map((cell, i) => (i === 9 ? { ...cell, value: 1n } : cell));
    expect(refused({ ...run, publicInput: { ...publicInput, publicMemory: changed } })).toBe(
      'bad_run',
    );
    expect(refused({ ...run, publicInput: { ...publicInput, publicMemory: [] } })).toBe(
      'bad_counts',
    );
  });

  test('other ends, counts and limits than the run has', () => {
    const run = tick(1n);
    const { publicInput } = run;
    const with_ = (change: Partial<Run['publicInput']>): string =>
      refused({ ...run, publicInput: { ...publicInput, ...change } });
    expect(with_({ nSteps: 2 * publicInput.nSteps })).toBe('bad_run');
    expect(with_({ rcMin: publicInput.rcMin + 1 })).toBe('bad_run');
    const segments = publicInput.segments.map((one) => ({ ...one, stopPtr: one.stopPtr + 1 }));
    expect(with_({ segments })).toBe('bad_run');
    expect(with_({ segments: [] })).toBe('segments');
    expect(with_({ rcMin: 0 })).toBe('no_room');
  });

  test('memory with more gaps than there are free cells', () => {
    const run = tick(1n);
    const { publicInput } = run;
    const far = { address: 4000, value: 1n, page: 0 };
    const publicMemory = [...publicInput.publicMemory, far];
    expect(refused({ ...run, publicInput: { ...publicInput, publicMemory } })).toBe('no_room');
  });

  test('parameters that no verifier takes, and layouts that this prover does not know', () => {
    const run = tick(1n);
    expect(refused(run, { friStepList: [0, 1] })).toBe('bad_counts');
    expect(refused(run, { commitmentHash: 'md5' })).toBe('unsupported_hash');
    expect(refused(run, { channelHash: 'poseidon3' })).toBe('unsupported_hash');
    const publicInput = { ...run.publicInput, layout: 'dex' };
    expect(refused({ ...run, publicInput })).toBe('unsupported_layout');
  });
});

test('only a layout that the prover can express is compiled', () => {
  const compiles = (layout: Layout): string => {
    const periodic = new Set(layout.periodicColumns.map(({ name }) => name));
    const names = layout.nodes.flatMap((node) => (node.op === 'parameter' ? [node.name] : []));
    const known = new Map(names.filter((name) => !periodic.has(name)).map((name) => [name, 1n]));
    try {
      return String(compileComposition(layout, known, 2n).groups.length);
    } catch (error) {
      return error instanceof Rejected ? error.failure.code : String(error);
    }
  };
  for (const layout of LAYOUTS.values())
    expect(compiles(layout)).toMatch(layout === PLAIN ? /^\d+$/ : 'unsupported_layout');
  const [first, ...others] = PLAIN.constraints as [Constraint, ...Constraint[]];
  const rows = { kind: 'periodic', period: 16, offset: 0, also: [3] } as const;
  for (const change of [{ rows }, { except: rows }])
    expect(compiles({ ...PLAIN, constraints: [{ ...first, ...change }, ...others] })).toBe(
      'unsupported_layout',
    );
});

test('arguments of other types, and no memory, are failures too', async () => {
  expect(codeOf(prover.prove({} as Run, proofParameters(16)))).toBe('malformed');
  const small = proverWith(await loadHashes(), () => {
    throw new OutOfMemory(1);
  });
  const run = tick(1n);
  expect(codeOf(small.prove(run, proofParameters(run.publicInput.nSteps)))).toBe('no_memory');
});

test('progress goes through the phases in order and says the memory', () => {
  const run = tick(1n);
  const seen: { phase: string; fraction: number; bytesPeak: number }[] = [];
  must(
    prover.prove(run, proofParameters(run.publicInput.nSteps), {
      onProgress: (progress) => seen.push(progress),
    }),
  );
  expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(PHASES);
  for (const [i, now] of seen.entries()) {
    const before = seen[i - 1];
    expect(now.fraction).toBeGreaterThanOrEqual(before?.phase === now.phase ? before.fraction : 0);
    expect(now.fraction).toBeLessThanOrEqual(1);
    expect(now.bytesPeak).toBeGreaterThanOrEqual(before?.bytesPeak ?? 1);
  }
});

test('a signal stops it at its next turn', () => {
  const run = tick(1n);
  const controller = new AbortController();
  let after = 0;
  const outcome = prover.prove(run, proofParameters(run.publicInput.nSteps), {
    signal: controller.signal,
    onProgress: ({ phase }) => {
      if (controller.signal.aborted) after++;
      if (phase === 'composition') controller.abort();
    },
  });
  expect([codeOf(outcome), after]).toEqual(['cancelled', 0]);
});
