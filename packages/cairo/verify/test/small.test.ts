// The layouts with builtins: curve, hashes, constants, and proofs that verify.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { CURVE_BETA, CURVE_GENERATOR, doublings } from '../../air/src/curve/curve.ts';
import {
  bitPoints,
  PEDERSEN_SHIFT,
  pedersen,
  pedersenChain,
} from '../../air/src/curve/pedersen.ts';
import { poseidon, poseidonMany } from '../../air/src/curve/poseidon.ts';
import { add, mul, P, pow, rootOfUnity, toBytes32 } from '../../air/src/felt/felt.ts';
import { dilutedFinal } from '../../air/src/layouts/diluted.ts';
import { LAYOUTS } from '../../air/src/layouts/layouts.ts';
import { evaluatePeriodic, interpolate } from '../../air/src/layouts/periodic.ts';
import { keysOf } from '../../air/src/layouts/poseidon-keys.ts';
import { RECURSIVE } from '../../air/src/layouts/recursive.ts';
import { RECURSIVE_WITH_POSEIDON } from '../../air/src/layouts/recursive-with-poseidon.ts';
import { SMALL } from '../../air/src/layouts/small.ts';
import { STARKNET } from '../../air/src/layouts/starknet.ts';
import {
  ANY_POLICY,
  type CairoVerifier,
  COMMITTEE_POLICY,
  createCairoVerifier,
  idOfProgram,
  inspectProof,
  type Proof,
} from '../src/index.ts';
import { friendlyTree } from '../src/stark/tree-hash.ts';
import { fixture, withByte, withCell, withInput, withParameters } from './fixtures.ts';
import { pedersen as naivePedersen } from './naive-pedersen.ts';

const small = fixture('small-tick-pedersen.json');
const friendly = fixture('poseidon-channel.json');
const felts = fc.bigInt({ min: 0n, max: P - 1n });

let verifier: CairoVerifier;
beforeAll(async () => {
  verifier = await createCairoVerifier();
});

const codeOf = (proof: Proof, policy = ANY_POLICY): string => {
  const verdict = verifier.verifyProof(proof, policy);
  return verdict.kind === 'reject' ? verdict.code : 'accept';
};

describe('the AIR', () => {
  it.each([
    [SMALL, 179, 201, 25],
    [RECURSIVE, 93, 133, 10],
    [RECURSIVE_WITH_POSEIDON, 124, 192, 8],
    [STARKNET, 198, 271, 10],
  ] as const)('has the size of its layout, at degree two', (layout, constraints, mask, columns) => {
    expect(layout.constraints).toHaveLength(constraints);
    expect(new Set(layout.constraints.map(({ name }) => name)).size).toBe(constraints);
    expect(layout.mask).toHaveLength(mask);
    expect(new Set(layout.mask.map(({ column }) => column)).size).toBe(columns);
    expect(layout.columnsFirst + layout.columnsSecond).toBe(columns);
    const degrees: number[] = [];
    const used = new Set(layout.constraints.map(({ root }) => root));
    const periodic = new Set(layout.periodicColumns.map(({ name }) => name));
    for (const node of layout.nodes) {
      if (node.op === 'add' || node.op === 'sub' || node.op === 'mul') {
        const [left = 0, right = 0] = [degrees[node.left], degrees[node.right]];
        degrees.push(node.op === 'mul' ? left + right : Math.max(left, right));
        used.add(node.left).add(node.right);
      } else {
        const varies = node.op === 'cell' || (node.op === 'parameter' && periodic.has(node.name));
        degrees.push(varies ? 1 : 0);
      }
    }
    expect(Math.max(...layout.constraints.map(({ root }) => degrees[root] ?? 99))).toBe(2);
    for (const [id, node] of layout.nodes.entries())
      if (node.op === 'cell') expect(used.has(id)).toBe(true);
  });

  it('has every period in its fewest rows, and only known parameters', () => {
    const known = new Set([
      ...RECURSIVE.interactionElements,
      'diluted_final',
      ...STARKNET.segments.map((name) => `${name}_begin`),
      ...STARKNET.periodicColumns.map(({ name }) => name),
      'initial_pc',
      'final_pc',
      'initial_ap',
      'final_ap',
      'rc_min',
      'rc_max',
      'memory_product',
    ]);
    for (const { rowsMin, constraints, nodes } of LAYOUTS.values()) {
      for (const { rows, except } of constraints)
        for (const one of [rows, except])
          if (one?.kind === 'periodic') expect(rowsMin % one.period).toBe(0);
      for (const node of nodes)
        if (node.op === 'parameter') expect(known.has(node.name), node.name).toBe(true);
    }
  });
});

describe('the keys of Poseidon’s partial rounds', () => {
  it('are the same on every permutation', () => {
    const keys = keysOf();
    expect(keys.next).toHaveLength(80);
    fc.assert(
      fc.property(felts, felts, felts, (a, b, c) => {
        expect(keysOf([a, b, c])).toEqual(keys);
      }),
      { numRuns: 5 },
    );
  });
});

describe('diluted numbers', () => {
  it('add up, step by step, to what the constraints compare', () => {
    const diluted = (value: number): bigint => BigInt(`0x${value.toString(2)}`);
    fc.assert(
      fc.property(felts, felts, (z, alpha) => {
        let sum = 1n;
        let last = 0n;
        for (let i = 1; i < 2 ** 16; i++) {
          const next = diluted(i);
          const step = next - last;
          sum = (sum * (1n + z * step) + alpha * step * step) % P;
          last = next;
        }
        expect(dilutedFinal(z, alpha)).toBe(sum);
      }),
      { numRuns: 2 },
    );
  });
});

describe('points and hashes', () => {
  it('are on the curve', () => {
    const points = [PEDERSEN_SHIFT, ...bitPoints().flat(), ...doublings(CURVE_GENERATOR, 251)];
    expect(points).toHaveLength(1 + 504 + 251);
    for (const { x, y } of points)
      expect(mul(y, y)).toBe(add(add(mul(x, mul(x, x)), x), CURVE_BETA));
  });

  it('stand in periodic columns row by row, the last point repeated', () => {
    const [first, second] = bitPoints();
    const rowsLog = 14;
    const at = (name: string, row: number): bigint => {
      const column = SMALL.periodicColumns.find((one) => one.name === name);
      if (column === undefined) throw new Error(name);
      return evaluatePeriodic(column, pow(rootOfUnity(rowsLog), BigInt(row)), rowsLog);
    };
    expect(at('pedersen_point_x', 0)).toBe(first[0]?.x);
    expect(at('pedersen_point_y', 250)).toBe(first[250]?.y);
    for (const row of [251, 252, 255, 512 + 255])
      expect(at('pedersen_point_x', row)).toBe(first[251]?.x);
    expect(at('pedersen_point_y', 256)).toBe(second[0]?.y);
    const doubled = doublings(CURVE_GENERATOR, 251);
    for (const row of [0, 32, 32 * 250, 8192 + 32])
      expect(at('generator_point_x', row)).toBe(doubled[(row % 8192) / 32]?.x);
    expect(at('generator_point_y', 32 * 255)).toBe(doubled[250]?.y);
  });

  it('interpolates', () => {
    fc.assert(
      fc.property(fc.array(felts, { minLength: 8, maxLength: 8 }), (values) => {
        const coefficients = interpolate(values);
        for (const [i, value] of values.entries()) {
          const x = pow(rootOfUnity(3), BigInt(i));
          expect(coefficients.reduceRight((sum, one) => add(mul(sum, x), one), 0n)).toBe(value);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('hash as Pedersen and Poseidon do', () => {
    fc.assert(
      fc.property(felts, felts, (a, b) => {
        expect(pedersen(a, b)).toBe(naivePedersen(a, b));
      }),
      { numRuns: 20 },
    );
    expect(pedersen(P - 1n, P - 2n)).toBe(
      0x229c82cbe0d4a665733b79e2ff119462d0441c97a598ff7c737a9e5589511e8n,
    );
    expect(pedersenChain([])).toBe(pedersen(0n, 0n));
    expect(pedersenChain([5n])).toBe(pedersen(pedersen(0n, 5n), 1n));
    // cairo-lang, poseidon_hash and poseidon_hash_many
    const known = [poseidon(1n, 2n), poseidonMany([1n, 2n, 3n]), poseidonMany([1n, 2n])];
    expect(known).toEqual([
      0x5d44a3decb2b2e0cc71071f7b802f45dd792d064f0fc7316c46514f70f9891an,
      0x2f0d8840bcf3bc629598d8a6cc80cb7c0d9e52d93dab244bbf9cd0dca0ad082n,
      0x371cb6995ea5e7effcd2e174de264b5b407027a75a231a70c2c8d196107f0e7n,
    ]);
    expect(poseidonMany([])).toBe(
      0x2272be0f580fd156823304800919530eaa97430e972d7213ee13f4fbf7a5dbcn,
    );
  });

  it('switch to Poseidon at the right level of a tree', () => {
    const calls: number[] = [];
    const tree = friendlyTree((bytes) => {
      calls.push(bytes.length);
      return new Uint8Array(32);
    }, 3);
    tree.node(new Uint8Array(64), 4);
    tree.leaf([1n, 2n, 3n], 3);
    expect(calls).toEqual([64, 96]);
    tree.node(new Uint8Array(64), 3);
    tree.leaf([1n, 2n, 3n], 2);
    // a row of one cell is its own digest, on every level
    for (const height of [2, 3]) expect(tree.leaf([1n], height)).toEqual(toBytes32(1n));
    expect(calls).toEqual([64, 96]);
    expect(() => tree.node(new Uint8Array(64).fill(255), 1)).toThrow('felt_range');
  });
});

describe('a proof of the small layout', () => {
  it('states its program, its builtins and its output', () => {
    const verdict = verifier.verifyProof(small, ANY_POLICY, { lease: { extra: 0 } });
    expect(verdict).toMatchObject({
      kind: 'accept',
      bits: 96,
      collisionBits: 80,
      statement: { layout: 'small', builtins: ['output', 'pedersen'] },
      lease: { binding: 0x1234abcdn, tFrom: 7n, sFrom: 10n, n: 3n, tTo: 20n },
    });
    const read = inspectProof(small).statement;
    if (read === undefined) throw new Error('no statement');
    const { builtins, program: words, programId } = read;
    const program = { builtins, words, start: 0, end: 4, main: 0 };
    expect(idOfProgram(program, 'small')).toEqual(programId);
    expect(idOfProgram({ ...program, builtins: ['output'] }, 'small')).not.toEqual(programId);
    expect(idOfProgram(program, 'plain')).not.toEqual(programId);
  });

  it('is read for its frame cells when it has no output', () => {
    const plain = fixture('lease-chain/0.json').publicInput;
    const empty = (name: string) => ({ name, beginAddr: 108, stopPtr: 108 });
    const [execution, program] = plain.segments;
    if (execution === undefined || program === undefined) throw new Error('segments');
    const builtins = ['ecdsa', 'execution', 'output', 'pedersen', 'program', 'range_check'];
    const segments = builtins.map(
      (name) => [execution, program].find((one) => one.name === name) ?? empty(name),
    );
    const moved = withInput(small, { ...plain, layout: 'small', nSteps: 512, segments });
    const { statement } = inspectProof(moved);
    expect(statement?.builtins).toEqual([]);
    expect(statement?.cells).toEqual(plain.publicMemory.slice(32).map(({ value }) => value));
    expect(codeOf(moved)).toBe('bad_oods');
  });

  const segments = (name: string, beginAddr: number, stopPtr: number): Proof =>
    withInput(small, {
      segments: small.publicInput.segments.map((one) =>
        one.name === name ? { name, beginAddr, stopPtr } : one,
      ),
    });

  it.each([
    ['no whole use', 'segments', segments('pedersen', 209, 238)],
    ['a stop before the begin', 'segments', segments('pedersen', 209, 206)],
    ['65 hashes in 512 steps', 'segments', segments('pedersen', 209, 209 + 3 * 65)],
    ['65 range checks in 512 steps', 'segments', segments('range_check', 401, 401 + 65)],
    ['two signatures in 512 steps', 'segments', segments('ecdsa', 465, 469)],
    ['an endless output', 'statement_cells', segments('output', 203, 2 ** 49)],
    ['an output elsewhere', 'builtin_cells', segments('output', 204, 210)],
    ['a builtin used and not taken', 'builtin_cells', segments('range_check', 401, 402)],
    ['hashes elsewhere', 'builtin_cells', segments('pedersen', 212, 239)],
    ['five builtins', 'builtin_cells', withCell(small, 1, { value: 5n })],
    ['33 builtins', 'prologue', withCell(small, 1, { value: 33n })],
    ['very many builtins', 'prologue', withCell(small, 1, { value: 2n ** 200n })],
    ['three builtins, two pointers', 'builtin_cells', withCell(small, 1, { value: 3n })],
  ])('is refused with %s', (_, code, proof) => {
    expect(codeOf(proof)).toBe(code);
    const run = verifier.verifyRun(proof, ANY_POLICY);
    expect(run).toMatchObject({ kind: 'reject', code: code === 'segments' ? code : 'bad_oods' });
  });

  it('is refused with other pointers, missing, moved or further cells', () => {
    const { publicMemory: cells } = small.publicInput;
    const at = (address: number): number => cells.findIndex((cell) => cell.address === address);
    for (const address of [53, 54, 201, 202]) {
      expect(codeOf(withCell(small, at(address), { value: 7n }))).toBe('builtin_cells');
      expect(codeOf(withCell(small, at(address), { address: 300 }))).toBe('builtin_cells');
    }
    for (const address of [203, 208])
      expect(codeOf(withCell(small, at(address), { address: 300 }))).toBe('statement_cells');
    const fewer = withInput(small, { publicMemory: cells.slice(0, -1) });
    expect(codeOf(fewer)).toBe('statement_cells');
    const frame = { address: 57, value: 1n, page: 0 };
    const publicMemory = [...cells.slice(0, at(201)), frame, ...cells.slice(at(201))];
    expect(codeOf(withInput(small, { publicMemory }))).toBe('statement_cells');
  });
});

describe('a proof with a Poseidon channel', () => {
  it('is refused in a configuration that could not be checked', () => {
    for (const change of [
      { commitmentHash: 'keccak256' },
      { commitmentHash: 'keccak256_masked160_msb' },
      { powHash: 'poseidon3' },
      { pageHash: 'keccak256' },
      { verifierFriendlyChannel: false },
      { nVerifierFriendlyLayers: 3, verifierFriendlyHash: 'pedersen' },
    ])
      expect(codeOf(withParameters(friendly, change))).toBe('unsupported_hash');
    const layers = { nVerifierFriendlyLayers: 10_000 };
    expect(codeOf(withParameters(friendly, layers))).toBe('bad_counts');
    const [cell] = friendly.publicInput.publicMemory.slice(-1);
    if (cell === undefined) throw new Error('no cells');
    const publicMemory = Array.from({ length: 1025 }, () => cell);
    expect(codeOf(withInput(friendly, { publicMemory, nSteps: 1024 }))).toBe('bad_counts');
  });

  it('is refused for digests at or above p, and nonces of more than 8 bytes', () => {
    expect(codeOf(withByte(friendly, 0, 0xff))).toBe('felt_range');
    expect(codeOf(withByte(friendly, 3840, 1))).toBe('felt_range');
  });
});

describe('one changed byte', () => {
  it.each([
    ['small', small],
    ['Poseidon channel', friendly],
  ])('is refused: %s', (_, proof) => {
    const places: number[] = [];
    verifier.verifyRun(proof, ANY_POLICY, ({ start, end, label }) => {
      if (start === undefined || end === undefined) return;
      const wanted = !label.includes('Decommitment') || places.length % 4 === 0;
      places.push(wanted ? start + (places.length % (end - start)) : -1);
    });
    const tried = places.filter((at) => at >= 0).filter((_, i) => i % 12 === 0);
    expect(tried.length).toBeGreaterThan(20);
    for (const [i, at] of tried.entries())
      expect(codeOf(withByte(proof, at, 1 << (i % 8))), `byte ${at}`).not.toBe('accept');
  });
});

describe('seeds', () => {
  it('are those that the policy names', () => {
    for (const [seeds, wanted] of [
      [['stone6'], 'accept'],
      [['stone5'], 'bad_oods'],
      [['stone5', 'stone6'], 'accept'],
    ] as const)
      for (const proof of [small, friendly, fixture('blake256.json')])
        expect(codeOf(proof, { ...ANY_POLICY, seeds })).toBe(wanted);
    expect(COMMITTEE_POLICY.seeds).toEqual(['stone6']);
  });
});
