// Golden bytes of ids, bindings, hashes, envelopes, policies and jobs, each worked out twice.
import { asCellId, asDigest, asPublicKey, encode } from '@fatty/codec';
import { golden } from '@fatty/codec/golden';
import { describe, expect, it } from 'vitest';
import {
  feltByHand,
  hashByHand,
  pin,
  reducedByHand,
  sha256ByHand,
} from '../../../kernel/codec/test/by-hand.ts';
import { type Plain, reference } from '../../../kernel/codec/test/reference.ts';
import {
  bindingCell,
  decodeJob,
  encodeJob,
  encodeProof,
  idOfProgram,
  type Policy,
  type Proof,
  policyShape,
  programId,
  proofShape,
  statementHash,
} from '../src/index.ts';
import { fixture, leaseTick } from './fixtures.ts';

const GOLDEN = new URL('./golden/', import.meta.url);
const fill = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const WIDE = 2n ** 251n + 17n * 2n ** 192n;

describe('what a prover outside has to rebuild', () => {
  it('the id of a program: layout, builtins, words', () => {
    const program = leaseTick();
    const id = idOfProgram(program, 'plain');
    pin(GOLDEN, 'program-id-lease-tick', id);
    const byHand = reference(['plain', [], program.words.map(feltByHand)]);
    expect(id).toEqual(hashByHand('cairo-program', byHand));

    const key = { layout: 'small', builtins: ['output', 'pedersen'], words: [0n, 1n, WIDE] };
    pin(GOLDEN, 'program-id-builtins', programId(key));
    const small = reference(['small', ['output', 'pedersen'], key.words.map(feltByHand)]);
    expect(programId(key)).toEqual(hashByHand('cairo-program', small));
  });

  it.each([
    ['/machines/tick', 0xab, 5_000_000_000, 7],
    ['/zürich ✓', 0xff, 1, 300],
  ])('the binding cell of %s', (path, byte, commit, index) => {
    const [cell, lessee] = [asCellId(fill(byte)), asPublicKey(fill(2))];
    const binding = bindingCell(cell, path, lessee, { commit, index });
    pin(GOLDEN, `binding-${index}`, feltByHand(binding));
    const byHand = reference([cell, path, lessee, commit, index]);
    expect(binding).toBe(reducedByHand(hashByHand('cairo-binding', byHand)));
  });
});

it('a statement is named by layout, program and cells', () => {
  const cells = [0n, 1n, 2n ** 64n, WIDE];
  const said = { layout: 'plain', programId: asDigest(fill(9)), cells };
  const id = statementHash({ ...said, builtins: ['ignored'], program: [1n] });
  pin(GOLDEN, 'statement-hash', id);
  const byHand = reference(['plain', fill(9), cells.map(feltByHand)]);
  expect(id).toEqual(hashByHand('cairo-statement', byHand));
});

const policy: Policy = {
  layouts: ['plain', 'small'],
  channelHashes: ['keccak256'],
  commitmentHashes: ['keccak256_masked248_lsb', 'blake256'],
  bitsMin: 96,
  collisionBitsMin: 124,
  nQueriesMin: 16,
  nStepsMin: 24,
  nStepsMax: 2 ** 20,
  proofBytesMax: 262_144,
  seeds: ['stone6', 'stone5'],
  friendlyLayersMax: 300,
};
const POLICY: Plain = [
  ['plain', 'small'],
  ['keccak256'],
  ['keccak256_masked248_lsb', 'blake256'],
  96,
  124,
  16,
  24,
  2 ** 20,
  262_144,
  ['stone6', 'stone5'],
  300,
];

/** Small, and true of nothing: every field has a value of its own. */
const proof: Proof = {
  parameters: {
    channelHash: 'poseidon3',
    commitmentHash: 'keccak256_masked160_lsb',
    pageHash: 'pedersen',
    powHash: 'keccak256',
    friStepList: [0, 3, 300],
    lastLayerDegreeBound: 64,
    logNCosets: 4,
    nQueries: 18,
    powBits: 24,
    nVerifierFriendlyLayers: 9_999,
    verifierFriendlyHash: 'poseidon3',
    verifierFriendlyChannel: true,
  },
  publicInput: {
    layout: 'dynamic',
    nSteps: 70_000,
    rcMin: 32_763,
    rcMax: 32_773,
    segments: [
      { name: 'execution', beginAddr: 30, stopPtr: 2 ** 40 },
      { name: 'program', beginAddr: 1, stopPtr: 5 },
    ],
    dynamicParams: [{ name: 'x', value: 70_001 }],
    publicMemory: [
      { address: 1, value: WIDE, page: 0 },
      { address: 2 ** 33, value: 7n, page: 2 },
    ],
  },
  proofBytes: Uint8Array.from({ length: 40 }, (_, i) => i),
};

/** In Stone's order of fields; `values`: of the public memory. */
const envelope = ({ parameters: p, publicInput: i, proofBytes }: Proof): Plain => [
  [
    p.channelHash,
    p.commitmentHash,
    p.pageHash,
    p.powHash,
    p.friStepList,
    p.lastLayerDegreeBound,
    p.logNCosets,
    p.nQueries,
    p.powBits,
    p.nVerifierFriendlyLayers,
    p.verifierFriendlyHash,
    p.verifierFriendlyChannel ? 1 : 0,
  ],
  [
    i.layout,
    i.nSteps,
    i.rcMin,
    i.rcMax,
    i.segments.map((one) => [one.name, one.beginAddr, one.stopPtr]),
    i.dynamicParams.map((one) => [one.name, one.value]),
    i.publicMemory.map((one) => [one.address, feltByHand(one.value), one.page]),
  ],
  proofBytes,
];

describe('what travels', () => {
  it('an envelope', () => {
    golden(GOLDEN, 'envelope', proofShape, proof);
    expect(encodeProof(proof)).toEqual(reference(envelope(proof)));
  });

  it('an envelope of a proof as Stone made it', () => {
    const real = fixture('lease-chain/0.json');
    const checksum = sha256ByHand(encodeProof(real));
    pin(GOLDEN, 'envelope-lease-chain-0-sha256', checksum);
    expect(checksum).toEqual(sha256ByHand(reference(envelope(real))));
  });

  it('a policy', () => {
    golden(GOLDEN, 'policy', policyShape, policy);
    expect(encode(policyShape, policy)).toEqual(reference(POLICY));
  });

  it('a job, with and without what may be left open', () => {
    const proofs = [encodeProof(proof), Uint8Array.of(1, 2)];
    const bound = { proofs, policy, programId: asDigest(fill(9)), binding: WIDE, extra: 32 };
    const open = { proofs, policy, programId: undefined, binding: undefined, extra: 0 };
    pin(GOLDEN, 'job-bound', encodeJob(bound));
    pin(GOLDEN, 'job-open', encodeJob(open));
    const byHand = reference([proofs, POLICY, [fill(9)], [feltByHand(WIDE)], 32]);
    expect(encodeJob(bound)).toEqual(byHand);
    expect(encodeJob(open)).toEqual(reference([proofs, POLICY, [], [], 0]));
    expect(decodeJob(byHand)).toEqual({ ok: true, value: bound });
  });
});
