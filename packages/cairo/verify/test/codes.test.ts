// Every code of a refused proof, with a proof that is refused by it.
import { attempt, Channel, Domain, PLAIN } from '@fatty/cairo-air';
import type { Outcome } from '@fatty/interface';
import { beforeAll, describe, expect, it } from 'vitest';
import { GENERATOR, mul, P, rootOfUnity } from '../../air/src/felt/felt.ts';
import { composition, evaluateNodes } from '../../air/src/layouts/evaluate.ts';
import { publicMemoryProduct } from '../../air/src/stark/public-input.ts';
import {
  ANY_POLICY,
  bindingCell,
  type CairoVerifier,
  COMMITTEE_POLICY,
  checkRenewal,
  collisionBits,
  createCairoVerifier,
  decodeProof,
  encodeProof,
  extractStatement,
  idOfProgram,
  MACHINE_POLICY,
  type OuterProgram,
  type Policy,
  PROOF_CODES,
  type Proof,
  parseProgram,
  parseStoneJson,
  type RenewalJob,
  type VerifyOptions,
  writeStoneJson,
} from '../src/index.ts';
import { deepQuotient } from '../src/stark/deep.ts';
import { checkFri } from '../src/stark/fri.ts';
import { Transcript } from '../src/stark/transcript.ts';
import { byteTree } from '../src/stark/tree-hash.ts';
import { readStatement } from '../src/statement/statement.ts';
import {
  fixture,
  fixtureText,
  leaseChain,
  leaseTick,
  NO_POLICY,
  withByte,
  withCell,
  withInput,
  withParameters,
} from './fixtures.ts';

let verifier: CairoVerifier;
const seen = new Set<string>();
beforeAll(async () => {
  verifier = await createCairoVerifier();
});

function saw(code: string | undefined, wanted: string): void {
  expect(code).toBe(wanted);
  if (code !== undefined) seen.add(code);
}

const failureOf = (outcome: Outcome<unknown>): string => (outcome.ok ? 'ok' : outcome.failure.code);

const good = fixture('lease-chain/0.json');
const goodText = writeStoneJson(good);
/** Layout small, and a Poseidon channel. */
const small = fixture('small-tick-pedersen.json');
const friendly = fixture('poseidon-channel.json');

function refused(
  wanted: string,
  proof: Proof,
  policy: Policy = COMMITTEE_POLICY,
  options: VerifyOptions = {},
): void {
  const verdict = verifier.verifyProof(proof, policy, options);
  saw(verdict.kind === 'reject' ? verdict.code : 'accept', wanted);
}

function unreadable(wanted: string, change: (text: string) => string): void {
  const changed = change(goodText);
  expect(changed).not.toBe(goodText);
  saw(failureOf(parseStoneJson(changed)), wanted);
}

function notRenewed(wanted: string, change: Partial<RenewalJob>): void {
  const proofs = leaseChain().map(encodeProof);
  const job = {
    proofs,
    policy: MACHINE_POLICY,
    programId: undefined,
    binding: undefined,
    extra: 0,
  };
  expect(checkRenewal(job).ok).toBe(true);
  saw(failureOf(checkRenewal({ ...job, ...change })), wanted);
}

describe('parse', () => {
  it('refuses JSON that is not the one form', () => {
    unreadable('malformed', (text) => `${text}x`);
    unreadable('malformed', (text) => text.slice(0, -1));
    unreadable('malformed', () => '['.repeat(10_000));
    unreadable('malformed', (text) => text.replace('"plain"', '"pla\tin"'));
    unreadable('malformed', (text) => text.replace('"n_steps":128', '"n_steps":0128'));
    unreadable('duplicate_key', (text) => text.replace('"rc_min"', '"rc_max":1,"rc_min"'));
    unreadable('duplicate_key', (text) => text.replace('"rc_min"', '"rc\\u005fmax":1,"rc_min"'));
    unreadable('unknown_key', (text) => text.replace('"rc_min"', '"extra":1,"rc_min"'));
    unreadable('wrong_shape', (text) => text.replace('"n_steps":128', '"n_steps":"128"'));
    unreadable('wrong_shape', (text) =>
      text
        .replace('"public_memory"', '"private_memory"')
        .replace('private_memory":[', 'public_memory":{},"dynamic_params":[')
        .replace('"dynamic_params":null,', ''),
    );
    unreadable('wrong_shape', () => '[]');
    unreadable('bad_number', (text) => text.replace('"n_steps":128', '"n_steps":1.28e2'));
    unreadable('bad_number', (text) => text.replace('"n_steps":128', '"n_steps":-128'));
    unreadable('bad_number', (text) => text.replace('"address":1,', '"address":1125899906842624,'));
    for (const value of ['a', '0x', '0x0g', `0x${'a'.repeat(65)}`])
      unreadable('bad_hex', (text) => text.replace('"0xa"', `"${value}"`));
    unreadable('bad_hex', (text) => text.replace(/"proof_hex":"0x./, '"proof_hex":"0x'));
    unreadable('bad_field', (text) => text.replace('PrimeField0', 'PrimeField1'));
    unreadable('felt_range', (text) => text.replace('"0x0"', `"0x${P.toString(16)}"`));
    unreadable('too_large', (text) => text + ' '.repeat(8_388_608));
  });

  it('reads Stone’s other keys, and its defaults for absent hashes', () => {
    const more = goodText.replace('{', '{"annotations":["é\\n"],"version":{"a":[1e3,null]},');
    expect(parseStoneJson(more)).toEqual({ ok: true, value: good });
    const bare = goodText.replace(/"(channel|commitment|pow)_hash":"[a-z0-9_]+",/g, '');
    expect(parseStoneJson(bare)).toMatchObject({
      value: {
        parameters: { channelHash: 'keccak256', commitmentHash: 'keccak256_masked160_msb' },
      },
    });
  });

  it('refuses envelopes that are not canonical, too large, or have values above p', () => {
    const bytes = encodeProof(good);
    const code = (input: Uint8Array): string => failureOf(decodeProof(input));
    saw(code(Uint8Array.from([...bytes, 0])), 'malformed');
    saw(code(new Uint8Array(400_000)), 'too_large');
    saw(code(encodeProof(withCell(good, 0, { value: P }))), 'wrong_shape');
    // rc_min 32763 as a 4-byte head where 2 bytes would do
    const at = Buffer.from(bytes).indexOf(Buffer.from([0x19, 0x7f, 0xfb]));
    const longer = [...bytes.slice(0, at), 0x1a, 0, 0, ...bytes.slice(at + 1)];
    saw(code(Uint8Array.from(longer)), 'not_canonical');
  });

  it('refuses counts and configurations it could not check', () => {
    for (const change of [
      { nSteps: 127 },
      { nSteps: 0 },
      { nSteps: 2 ** 25 },
      { nSteps: 2 },
      { publicMemory: [] },
      { rcMin: 9, rcMax: 8 },
      { rcMax: 2 ** 16 },
      { dynamicParams: [{ name: 'a', value: 1 }] },
    ])
      refused('bad_counts', withInput(good, change));
    for (const change of [
      { friStepList: [] },
      { friStepList: [0] },
      { friStepList: [1, 2, 2] },
      { friStepList: [0, 5] },
      { friStepList: [0, 3, 1] },
      { friStepList: [0, 0, 3, 2] },
      { lastLayerDegreeBound: 63 },
      { lastLayerDegreeBound: 2048, friStepList: [0] },
      { nQueries: 0 },
      { nQueries: 513 },
      { logNCosets: 0 },
      { logNCosets: 7 },
      { powBits: 65 },
    ])
      refused('bad_counts', withParameters(good, change));
    refused('unsupported_layout', withInput(good, { layout: 'dynamic' }));
    for (const layout of ['small', 'starknet'])
      refused('bad_counts', withInput(good, { layout }), ANY_POLICY);
    for (const change of [
      { channelHash: 'poseidon3' },
      { commitmentHash: 'poseidon3' },
      { commitmentHash: 'keccak256_masked128_msb' },
      { commitmentHash: 'pedersen_masked160_msb' },
      { powHash: 'blake256' },
      { pageHash: 'pedersen' },
      { nVerifierFriendlyLayers: 1 },
      { verifierFriendlyChannel: true },
    ])
      refused('unsupported_hash', withParameters(good, change));
    refused('felt_range', withCell(good, -1, { value: P }));
    refused('too_large', { ...good, proofBytes: new Uint8Array(262_145) });
  });

  it('refuses bytes too few and too many', () => {
    const { proofBytes } = good;
    refused('truncated', { ...good, proofBytes: proofBytes.subarray(0, -32) });
    refused('trailing_bytes', { ...good, proofBytes: Uint8Array.from([...proofBytes, 0]) });
    refused('felt_range', withByte(good, 96, 0xff));
  });

  it('refuses programs of another field or without the prologue', () => {
    const text = fixtureText('lease-tick.json');
    const code = (changed: string): string => failureOf(parseProgram(changed));
    expect(code(text)).toBe('ok');
    saw(code(text.replace('"prime": "0x8', '"prime": "0x9')), 'bad_field');
    saw(code(text.replace('0x10780017fff7fff', '0x10780017fff7ffe')), 'prologue');
    saw(code(text.replace('"0x4"', '"0x5"')), 'prologue');
    saw(code(text.replace('"__main__.main":', '"__main__.other":')), 'wrong_shape');
    saw(code(text.replace('"builtins": []', '"builtins": [1]')), 'wrong_shape');
  });
});

describe('policy', () => {
  it('refuses what it does not allow', () => {
    const weak = fixture('weak-q1-pow0.json');
    refused('policy_bits', weak);
    refused('policy_queries', weak, { ...COMMITTEE_POLICY, bitsMin: 4 });
    refused('policy_collision', fixture('statement-cells.json'), MACHINE_POLICY);
    refused('policy_layout', good, { ...COMMITTEE_POLICY, layouts: ['small'] });
    refused('policy_hash', good, { ...COMMITTEE_POLICY, commitmentHashes: ['blake256'] });
    refused('policy_hash', good, { ...COMMITTEE_POLICY, channelHashes: ['blake256'] });
    refused('policy_steps', good, { ...COMMITTEE_POLICY, nStepsMin: 256 });
    refused('policy_steps', good, { ...COMMITTEE_POLICY, nStepsMax: 64 });
    refused('policy_size', good, { ...COMMITTEE_POLICY, proofBytesMax: 1000 });
    refused('policy_seed', good, { ...COMMITTEE_POLICY, seeds: ['stone7'] });
    const layers = { nVerifierFriendlyLayers: 1, verifierFriendlyHash: 'poseidon3' };
    const policy = { ...ANY_POLICY, friendlyLayersMax: 0 };
    refused('policy_friendly', withParameters(friendly, layers), policy);
  });

  it('has no other layout, channel or seed unless it names them', () => {
    for (const policy of [COMMITTEE_POLICY, MACHINE_POLICY]) {
      refused('policy_layout', small, policy);
      refused('policy_hash', friendly, policy);
      const job = { policy, programId: undefined, binding: undefined, extra: 0 };
      for (const [proof, code] of [
        [small, 'policy_layout'],
        [friendly, 'policy_hash'],
      ] as const) {
        const renewal = checkRenewal({ ...job, proofs: [encodeProof(proof)] });
        saw(failureOf(renewal), code);
      }
    }
  });

  it('counts at most 32 bits of work, and half of what a mask keeps', () => {
    refused('policy_bits', withParameters(good, { nQueries: 15, powBits: 64 }));
    const names = ['keccak256', 'blake256_masked248_lsb', 'keccak256_masked160_msb'];
    expect(names.map(collisionBits)).toEqual([128, 124, 80]);
  });
});

describe('statement', () => {
  const segment = (name: string, beginAddr: number, stopPtr: number) => ({
    name,
    beginAddr,
    stopPtr,
  });
  const execution = segment('execution', 33, 108);
  const program = segment('program', 1, 5);

  it('refuses an output that no outer program puts out', () => {
    const statement = { ...readStatement(small.publicInput), cells: [7n] };
    const outer = { programId: statement.programId, format: { kind: 'verifier' } } as const;
    const format = { kind: 'bootloader', config: [8n] } as const;
    const code = (one: OuterProgram) => failureOf(extractStatement(one, statement));
    saw(code(outer), 'outer_output');
    saw(code({ ...outer, format }), 'outer_config');
  });

  it('refuses other segments, pages and programs', () => {
    for (const segments of [
      [execution],
      [execution, segment('output', 50, 51)],
      [execution, program, segment('z', 1, 2)],
      [execution, segment('program', 2, 5)],
      [execution, segment('program', 1, 6)],
      [segment('execution', 33, 32), program],
    ])
      refused('segments', withInput(good, { segments }));
    refused('pages', withCell(good, -1, { page: 1 }));
    refused('pages', withCell(good, -1, { page: 2 }));
    refused('pages', withCell(good, 0, { page: 1 }));
    refused('program_cells', withCell(good, 0, { address: 2 }));
    refused('program_cells', withCell(good, 29, { address: 31 }));
    for (const beginAddr of [3, 8, 41])
      refused(
        'program_cells',
        withInput(good, { segments: [segment('execution', beginAddr, 108), program] }),
      );
    for (const i of [0, 2, 4, 5]) refused('prologue', withCell(good, i, { value: 7n }));
    refused('prologue', withCell(good, 1, { value: 33n }));
    refused('builtin_cells', withCell(good, 1, { value: 7n }));
  });

  it('refuses other frame cells', () => {
    refused('safe_call', withCell(good, 30, { value: 12345n }));
    refused('safe_call', withCell(good, 30, { address: 30 }));
    refused('safe_call', withCell(good, 31, { value: 7n }));
    refused('safe_call', withInput(good, { segments: [segment('execution', 32, 108), program] }));
    const { publicMemory: cells } = good.publicInput;
    const [last] = cells.slice(-1);
    if (last === undefined) throw new Error('no cells');
    refused('statement_cells', withInput(good, { publicMemory: [...cells, last] }));
    refused('statement_cells', withCell(good, -1, { address: 39 }));
    const extra = Array.from({ length: 33 }, (_, i) => ({ ...last, address: 41 + i }));
    refused('statement_cells', withInput(good, { publicMemory: [...cells, ...extra] }));
    refused('builtin_cells', withCell(small, 52, { value: 7n }), ANY_POLICY);
  });

  it('refuses what is no lease, or another one', () => {
    const lease = { extra: 0 };
    const { publicMemory: cells } = good.publicInput;
    const fewer = withInput(good, { publicMemory: cells.slice(0, -1) });
    refused('lease_cells', fewer, COMMITTEE_POLICY, { lease });
    refused('lease_cells', good, COMMITTEE_POLICY, { lease: { extra: 1 } });
    refused('lease_time', withCell(good, -2, { value: 0n }), COMMITTEE_POLICY, { lease });
    refused('lease_time', withCell(good, -2, { value: 2n ** 64n }), COMMITTEE_POLICY, { lease });
    const other = idOfProgram({ ...leaseTick(), words: [1n] }, 'plain');
    refused('wrong_program', good, COMMITTEE_POLICY, { programId: other });
    refused('wrong_binding', good, COMMITTEE_POLICY, { lease: { extra: 0, binding: 1n } });
    const [a, b, c] = leaseChain().map(encodeProof);
    if (a === undefined || b === undefined || c === undefined) throw new Error('no proofs');
    notRenewed('broken_chain', { proofs: [a, c] });
    notRenewed('broken_chain', { proofs: [b, a] });
    notRenewed('broken_chain', { proofs: [a, a] });
    const [, second] = leaseChain();
    if (second === undefined) throw new Error('no proofs');
    const otherState = encodeProof(withCell(second, 34, { value: 5n }));
    notRenewed('broken_chain', { proofs: [a, otherState] });
    notRenewed('wrong_program', { programId: other });
    notRenewed('wrong_binding', { binding: 5n });
    notRenewed('lease_cells', { extra: 2 });
    notRenewed('bad_counts', { proofs: [] });
    notRenewed('bad_counts', { extra: 33 });
    notRenewed('malformed', { proofs: [new Uint8Array(9)] });
  });

  it('binds a renewal to cell, path, lessee and nonce', () => {
    const bytes = (fill: number) => new Uint8Array(32).fill(fill) as never;
    const at = { commit: 7, index: 1 };
    const cells = [
      bindingCell(bytes(1), '/m', bytes(2), at),
      bindingCell(bytes(3), '/m', bytes(2), at),
      bindingCell(bytes(1), '/n', bytes(2), at),
      bindingCell(bytes(1), '/m', bytes(3), at),
      bindingCell(bytes(1), '/m', bytes(2), { commit: 8, index: 1 }),
      bindingCell(bytes(1), '/m', bytes(2), { commit: 7, index: 2 }),
    ];
    expect(new Set(cells).size).toBe(6);
    expect(cells.every((cell) => cell < P)).toBe(true);
  });
});

describe('stark', () => {
  it('refuses untrue proofs', () => {
    refused('bad_oods', withCell(good, -1, { value: 3n }));
    refused('bad_oods', withByte(good, 10, 1));
    refused('bad_pow', withByte(good, 1800, 1));
    refused('bad_merkle', withByte(good, good.proofBytes.length - 1, 1));
    refused('bad_merkle', withByte(fixture('weak-q1-pow0.json'), 1800, 1), NO_POLICY);
  });

  it('refuses a folded value that is not on the last layer', () => {
    const hash = (bytes: Uint8Array): Uint8Array => bytes.slice(0, 32);
    const tree = byteTree(hash);
    const channel = new Channel(hash, new Uint8Array(32));
    const transcript = new Transcript(new Uint8Array(0), channel, undefined);
    const polynomial = { layers: [], lastLayer: [3n, 2n] };
    const x = new Domain(3).at(5);
    const check = (value: bigint) =>
      attempt(() => checkFri(transcript, tree, polynomial, 3, new Map([[5, value]])));
    expect(check((3n + 2n * x) % P).ok).toBe(true);
    saw(failureOf(check(4n)), 'bad_fri');
  });

  it('refuses challenges that would divide by zero', () => {
    const zeros = PLAIN.mask.map(() => 0n);
    const names = PLAIN.nodes.flatMap((node) => (node.op === 'parameter' ? [node.name] : []));
    const nodes = evaluateNodes(PLAIN, zeros, new Map(names.map((name) => [name, 0n])));
    const onTrace = attempt(() => composition(PLAIN, 11, nodes, rootOfUnity(11), 5n));
    saw(failureOf(onTrace), 'bad_point');
    const z = mul(GENERATOR, new Domain(15).at(77));
    const values = [...zeros, 0n, 0n];
    const deep = { layout: PLAIN, rowsLog: 11, domainLog: 15, z, alpha: 5n, values };
    const onQuery = attempt(() => deepQuotient(deep, [77], [Array.from({ length: 10 }, () => 0n)]));
    saw(failureOf(onQuery), 'bad_point');
    const cell = good.publicInput.publicMemory[1];
    const hit = BigInt(cell?.address ?? 0) + 9n * (cell?.value ?? 0n);
    const drawn = new Map(Object.entries({ memory_z: hit, memory_alpha: 9n }));
    const onCell = attempt(() => publicMemoryProduct(good.publicInput, drawn, 256));
    saw(failureOf(onCell), 'bad_point');
  });
});

it('has tried every code of the reference', () => {
  expect(Object.keys(PROOF_CODES).filter((code) => !seen.has(code))).toEqual([]);
});
