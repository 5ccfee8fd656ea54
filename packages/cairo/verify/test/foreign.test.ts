// Proofs in another hand, and in layouts that are none of ours.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  ANY_POLICY,
  type CairoVerifier,
  createCairoVerifier,
  inspectStoneJson,
  type Proof,
  parseStoneJson,
  strengthOf,
  writeStoneJson,
} from '../src/index.ts';
import { fixture, shown, withParameters } from './fixtures.ts';

/** Files that others wrote: other layouts than ours, and the same proof in another hand. */
type Json = Record<string, unknown>;

let verifier: CairoVerifier;

beforeAll(async () => {
  verifier = await createCairoVerifier();
});

const good = fixture('lease-chain/0.json');

/** A proof's file with some of its parts changed. */
function fileWith(
  change: (file: Json, input: Json, parameters: Json) => void,
  proof = good,
): string {
  const file = JSON.parse(writeStoneJson(proof)) as Json;
  change(file, file.public_input as Json, file.proof_parameters as Json);
  return JSON.stringify(file);
}

const failureOf = (outcome: ReturnType<typeof parseStoneJson>): string =>
  outcome.ok ? 'ok' : outcome.failure.code;

const many = (count: number, value: unknown): Json =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`name_${i}`, value]));

/** What a file of another layout may hold, and what a file of ours with that is called. */
const FOREIGN: readonly (readonly [string, (file: Json, input: Json, parameters: Json) => void])[] =
  [
    ['ok', () => undefined],
    [
      'wrong_shape',
      (_, input) => Object.assign(input, { dynamic_params: { ['n'.repeat(66)]: 1 } }),
    ],
    ['wrong_shape', (_, input) => Object.assign(input, { dynamic_params: many(600, 1) })],
    ['wrong_shape', (_, input) => Object.assign(input, { dynamic_params: { on: true } })],
    ['bad_number', (_, input) => Object.assign(input, { dynamic_params: { big: 2 ** 40 } })],
    [
      'wrong_shape',
      (_, input) =>
        Object.assign(input, { memory_segments: many(40, { begin_addr: 1, stop_ptr: 2 }) }),
    ],
    ['unknown_key', (_, input) => Object.assign(input, { memory_segments: many(2, { at: 1 }) })],
    ['unknown_key', (_, input) => Object.assign(input, { chips: [1] })],
    ['unknown_key', (file) => Object.assign(file, { claim: {} })],
    ['unknown_key', (_, __, parameters) => Object.assign(parameters, { trace_length: 4 })],
    ['bad_field', (_, __, parameters) => Object.assign(parameters, { field: 'PrimeField3' })],
    ['bad_field', (_, __, parameters) => Object.assign(parameters, { use_extension_field: true })],
    ['wrong_shape', (file) => delete file.proof_parameters],
    ['bad_number', (_, input) => Object.assign(input, { n_steps: 2 ** 33 })],
    ['bad_number', (_, input) => Object.assign(input, { public_memory: [cell(2 ** 51, '0x1')] })],
    ['bad_hex', (_, input) => Object.assign(input, { public_memory: [cell(1, 'one')] })],
    ['wrong_shape', (file) => Object.assign(file, { proof_hex: `0x${'00'.repeat(1_048_577)}` })],
  ];

const cell = (address: number, value: string): Json => ({ address, value, page: 0 });

describe('a layout that is none of ours', () => {
  const names = [
    'dynamic',
    'dex',
    'dex_with_bitwise',
    'perpetual_with_bitwise',
    'starknet_with_keccak',
    'recursive_large_output',
    'all_solidity',
    'all_cairo',
    'Plain',
    'l'.repeat(200),
  ];

  it.each(names)('%s is what is said first, whatever else the file holds', (layout) => {
    for (const [own, change] of FOREIGN) {
      const text = fileWith((file, input, parameters) => {
        change(file, input, parameters);
        input.layout = layout;
      });
      const read = parseStoneJson(text);
      const verdict = read.ok ? verifier.verifyRun(read.value, ANY_POLICY) : read.failure;
      const seen = inspectStoneJson(text);
      const wanted = { code: 'unsupported_layout', actual: layout.slice(0, 64) };
      expect(verdict, own).toMatchObject(wanted);
      expect(seen, own).toMatchObject({ ok: true, value: { layout, failure: wanted } });
    }
  });

  it('leaves the bounds on our own layouts as they are', () => {
    for (const [own, change] of FOREIGN)
      expect(failureOf(parseStoneJson(fileWith(change)))).toBe(own);
  });

  it('does not make a proof of what is none', () => {
    const foreign = fileWith((_, input) => Object.assign(input, { layout: 'dynamic' }));
    const both = (text: string): string[] => {
      const seen = inspectStoneJson(text);
      return [failureOf(parseStoneJson(text)), seen.ok ? 'ok' : seen.failure.code];
    };
    const twice = ['malformed', 'duplicate_key', 'too_large', 'wrong_shape', 'wrong_shape'];
    const texts = [
      foreign.slice(0, -1),
      foreign.replace('"n_steps"', '"rc_min":1,"n_steps"'),
      foreign + ' '.repeat(8_388_608),
      foreign.replace('"layout":"dynamic",', ''),
      foreign.replace('"layout":"dynamic"', '"layout":["dynamic"]'),
    ];
    for (const [i, text] of texts.entries()) expect(both(text)).toEqual([twice[i], twice[i]]);
  });

  it('is inspected as far as it can be read', () => {
    const params = { ['memory_units_row_ratio'.repeat(3)]: 16 };
    const text = fileWith((_, input) =>
      Object.assign(input, { layout: 'dynamic', dynamic_params: params }),
    );
    expect(inspectStoneJson(text)).toMatchObject({
      value: {
        nSteps: 128,
        bits: 96,
        collisionBits: 128,
        parameters: good.parameters,
        publicCells: good.publicInput.publicMemory.length,
        pages: 1,
        proofBytes: good.proofBytes.length,
        envelopeBytes: undefined,
      },
    });
    const bare = JSON.stringify({ public_input: { layout: 'dynamic' } });
    expect(inspectStoneJson(bare)).toMatchObject({
      value: { layout: 'dynamic', nSteps: undefined, parameters: undefined, proofBytes: undefined },
    });
  });
});

/** The same JSON with its keys in another order, at every level; arrays keep theirs. */
function shuffled(value: unknown, seed: number): unknown {
  if (Array.isArray(value)) return value.map((one) => shuffled(one, seed));
  if (typeof value !== 'object' || value === null) return value;
  const rank = (key: string): number => (key.length * 31 + key.charCodeAt(0) * seed) % 97;
  const keys = Object.keys(value).sort((a, b) => rank(a) - rank(b));
  return Object.fromEntries(keys.map((key) => [key, shuffled((value as Json)[key], seed)]));
}

describe('the same proof in another hand', () => {
  const names = ['lease-chain/0', 'blake256', 'poseidon-channel', 'small-tick-pedersen'];
  const hand = fc.record({
    name: fc.constantFrom(...names),
    seed: fc.integer({ min: 1, max: 96 }),
    isUpper: fc.boolean(),
    zeros: fc.integer({ min: 0, max: 70 }),
    isAnnotated: fc.boolean(),
    absent: fc.constantFrom('null', 'missing'),
  });

  /** Parameters that have Stone's default need not be there. */
  const DEFAULTS: Json = {
    use_extension_field: false,
    channel_hash: 'keccak256',
    commitment_hash: 'keccak256_masked160_msb',
    n_verifier_friendly_commitment_layers: 0,
    verifier_friendly_channel_updates: false,
  };

  it('is the same proof', () => {
    fc.assert(
      fc.property(hand, ({ name, seed, isUpper, zeros, isAnnotated, absent }) => {
        const proof = fixture(`${name}.json`);
        const letters = (digits: string): string => (isUpper ? digits.toUpperCase() : digits);
        const text = fileWith((file, input, parameters) => {
          file.proof_hex = `0x${letters((file.proof_hex as string).slice(2))}`;
          for (const one of input.public_memory as Json[])
            one.value = `0x${'0'.repeat(zeros)}${letters((one.value as string).slice(2))}`;
          for (const [key, value] of Object.entries(DEFAULTS)) {
            if (parameters[key] !== value) continue;
            if (absent === 'null') parameters[key] = null;
            else delete parameters[key];
          }
          if (isAnnotated) Object.assign(file, { annotations: ['V->P'], version: {} });
        }, proof);
        const other = JSON.stringify(shuffled(JSON.parse(text), seed));
        expect(shown(parseStoneJson(other))).toEqual(shown({ ok: true, value: proof }));
      }),
      { numRuns: 40 },
    );
  });

  it('names a hash for its work only with the Poseidon channel, whose default is blake256', () => {
    const powHashOf = (proof: Proof, pow: string | null | undefined): string => {
      const text = fileWith((_, __, parameters) => {
        if (pow === undefined) delete parameters.pow_hash;
        else parameters.pow_hash = pow;
      }, proof);
      const read = parseStoneJson(text);
      return read.ok ? read.value.parameters.powHash : read.failure.code;
    };
    const [keccak, blake] = [good, fixture('blake256.json')];
    const poseidon = fixture('poseidon-channel.json');
    expect(powHashOf(poseidon, undefined)).toBe('blake256');
    expect(powHashOf(poseidon, null)).toBe('blake256');
    expect(powHashOf(poseidon, 'keccak256')).toBe('keccak256');
    for (const pow of [undefined, null, 'keccak256', 'blake256']) {
      expect(powHashOf(keccak, pow)).toBe('keccak256');
      expect(powHashOf(blake, pow)).toBe('blake256');
    }
  });
});

describe('the figures of a proof', () => {
  const figures = (nQueries: number, logNCosets: number, powBits: number, nSteps = 128) =>
    strengthOf(withParameters(good, { nQueries, logNCosets, powBits }).parameters, nSteps);

  it('are three, by hand', () => {
    // a query proves half of what it costs the attacker, less a trifle, and work counts once
    expect(figures(20, 4, 16)).toEqual({
      bits: 96,
      attackBits: 96,
      provenBits: 55,
      collisionBits: 128,
    });
    expect(figures(80, 1, 16).provenBits).toBe(55);
    expect(figures(27, 3, 16)).toMatchObject({ attackBits: 97, provenBits: 56 });
    expect(figures(1, 4, 0)).toMatchObject({ attackBits: 4, provenBits: 1 });
    expect(figures(20, 4, 40)).toMatchObject({ bits: 112, attackBits: 112 });
    // the field bounds what queries can add
    const most = figures(512, 6, 32, 2 ** 20);
    expect(most).toMatchObject({ bits: 3104, attackBits: 251 });
    expect(most.provenBits).toBeGreaterThan(150);
    expect(most.provenBits).toBeLessThan(251);
  });

  it('never prove more than an attack costs, and grow with the queries', () => {
    const counts = fc.tuple(
      fc.integer({ min: 1, max: 511 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 4, max: 24 }),
    );
    fc.assert(
      fc.property(counts, ([queries, log, work, steps]) => {
        const { bits, attackBits, provenBits } = figures(queries, log, work, 2 ** steps);
        expect(attackBits).toBeLessThanOrEqual(bits);
        expect(provenBits).toBeLessThanOrEqual(attackBits);
        expect(provenBits).toBeLessThanOrEqual((queries * log) / 2 + work);
        const more = figures(queries + 1, log, work, 2 ** steps);
        expect(more.provenBits).toBeGreaterThanOrEqual(provenBits);
      }),
    );
  });
});
