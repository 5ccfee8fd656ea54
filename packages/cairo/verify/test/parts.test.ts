// The parts of a verifier one by one: field, domains, hashes, envelope, jobs.
import { ok } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  add,
  batchInverse,
  fromMontgomery,
  inverse,
  mul,
  P,
  pow,
  readUint,
  rootOfUnity,
  sub,
  toBytes32,
  toMontgomery,
} from '../../air/src/felt/felt.ts';
import { PLAIN } from '../../air/src/layouts/plain.ts';
import { Domain, reverseBits } from '../../air/src/stark/domain.ts';
import { loadHashes } from '../../air/src/stark/hashes.ts';
import {
  COMMITTEE_POLICY,
  createCairoVerifier,
  decodeJob,
  decodeProof,
  encodeJob,
  encodeProof,
  MACHINE_POLICY,
  type Proof,
  parseStoneJson,
  type RenewalJob,
  statementHash,
  writeStoneJson,
} from '../src/index.ts';
import { fixture, leaseChain, shown, withByte } from './fixtures.ts';

const felts = fc.bigInt({ min: 0n, max: P - 1n });

describe('field', () => {
  it('is a field', () => {
    fc.assert(
      fc.property(felts, felts, felts, (a, b, c) => {
        expect(sub(add(a, b), b)).toBe(a);
        expect(mul(a, add(b, c))).toBe(add(mul(a, b), mul(a, c)));
        if (a !== 0n) expect(mul(a, inverse(a))).toBe(1n);
        expect(fromMontgomery(toMontgomery(a))).toBe(a);
        expect(readUint(toBytes32(a), 0, 32)).toBe(a);
      }),
    );
    expect(inverse(0n)).toBe(0n);
    expect(pow(5n, P - 1n)).toBe(1n);
    expect(toMontgomery(1n)).toBe(2n ** 256n % P);
  });

  it('inverts in batches', () => {
    const some = fc.array(
      felts.filter((a) => a !== 0n),
      { maxLength: 9 },
    );
    fc.assert(
      fc.property(some, (list) => {
        expect(batchInverse(list)).toEqual(list.map(inverse));
      }),
    );
  });

  it('has roots of unity in bit-reversed domains', () => {
    expect(pow(rootOfUnity(5), 32n)).toBe(1n);
    expect(pow(rootOfUnity(5), 16n)).toBe(P - 1n);
    const domain = new Domain(5);
    for (let i = 0; i < 32; i++) {
      expect(domain.at(i)).toBe(pow(rootOfUnity(5), BigInt(reverseBits(i, 5))));
      expect(mul(domain.at(i), domain.inverseAt(i))).toBe(1n);
      if (i % 2 === 0) expect(add(domain.at(i), domain.at(i + 1))).toBe(0n);
    }
  });
});

describe('hashes', () => {
  it('give the published digests of nothing and of abc', async () => {
    const hashes = await loadHashes();
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    const abc = Buffer.from('abc');
    expect(hex(hashes.keccak256(new Uint8Array(0)))).toBe(
      'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470',
    );
    expect(hex(hashes.blake256(abc))).toBe(
      '508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982',
    );
  });
});

describe('the plain AIR', () => {
  it('has the constraints, mask and columns of the layout, at degree two', () => {
    expect(PLAIN.constraints).toHaveLength(47);
    expect(PLAIN.mask).toHaveLength(49);
    expect(new Set(PLAIN.constraints.map(({ name }) => name)).size).toBe(47);
    expect(new Set(PLAIN.mask.map(({ column }) => column)).size).toBe(8);
    const degrees: number[] = [];
    const used = new Set<number>();
    for (const node of PLAIN.nodes) {
      if (node.op === 'add' || node.op === 'sub' || node.op === 'mul') {
        expect(Math.max(node.left, node.right)).toBeLessThan(degrees.length);
        const [left = 0, right = 0] = [degrees[node.left], degrees[node.right]];
        degrees.push(node.op === 'mul' ? left + right : Math.max(left, right));
        used.add(node.left).add(node.right);
      } else degrees.push(node.op === 'cell' ? 1 : 0);
    }
    const roots = PLAIN.constraints.map(({ root }) => root);
    expect(Math.max(...roots.map((root) => degrees[root] ?? 99))).toBe(2);
    for (const [id, node] of PLAIN.nodes.entries())
      if (node.op === 'cell') expect(used.has(id) || roots.includes(id)).toBe(true);
  });
});

describe('forms of a proof', () => {
  const names = ['statement-cells', 'blake256', 'weak-q1-pow0', 'lease-chain/3'];

  it('come back the same from JSON and from the envelope', () => {
    for (const proof of names.map((name) => fixture(`${name}.json`))) {
      expect(shown(parseStoneJson(writeStoneJson(proof)))).toEqual(shown(ok(proof)));
      expect(shown(decodeProof(encodeProof(proof)))).toEqual(shown(ok(proof)));
    }
  });

  it('come back the same whatever they hold', () => {
    const name = fc.stringMatching(/^[a-z_0-9]{1,20}$/);
    const u16 = fc.nat(0xffff);
    const u32 = fc.nat(0xffffffff);
    const address = fc.nat(2 ** 40);
    const sorted = <T extends { name: string }>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
      fc
        .uniqueArray(one, { selector: (item) => item.name, maxLength: 6 })
        .map((list) => list.sort((a, b) => (a.name < b.name ? -1 : 1)));
    const proofs: fc.Arbitrary<Proof> = fc.record({
      parameters: fc.record({
        channelHash: name,
        commitmentHash: name,
        pageHash: name,
        powHash: name,
        friStepList: fc.array(u16, { maxLength: 8 }),
        lastLayerDegreeBound: u32,
        logNCosets: u16,
        nQueries: u16,
        powBits: u16,
        nVerifierFriendlyLayers: u32,
        verifierFriendlyHash: name,
        verifierFriendlyChannel: fc.boolean(),
      }),
      publicInput: fc.record({
        layout: name,
        nSteps: u32,
        rcMin: u32,
        rcMax: u32,
        segments: sorted(fc.record({ name, beginAddr: address, stopPtr: address })),
        dynamicParams: sorted(fc.record({ name, value: u32 })),
        publicMemory: fc.array(fc.record({ address, value: felts, page: u32 }), { maxLength: 9 }),
      }),
      proofBytes: fc.uint8Array({ maxLength: 300 }),
    });
    fc.assert(
      fc.property(proofs, (proof) => {
        expect(shown(parseStoneJson(writeStoneJson(proof)))).toEqual(shown(ok(proof)));
        expect(shown(decodeProof(encodeProof(proof)))).toEqual(shown(ok(proof)));
      }),
    );
  });

  it('refuse junk without throwing', () => {
    fc.assert(fc.property(fc.json(), (text) => !parseStoneJson(text).ok));
    fc.assert(fc.property(fc.string(), (text) => !parseStoneJson(text).ok));
    const junk = fc.uint8Array({ maxLength: 64 });
    fc.assert(fc.property(junk, (bytes) => !decodeProof(bytes).ok));
  });
});

describe('a renewal job', () => {
  const job: RenewalJob = {
    proofs: leaseChain().map(encodeProof),
    policy: MACHINE_POLICY,
    programId: undefined,
    binding: 0n,
    extra: 0,
  };

  it('comes back the same and is verified by a verifier', async () => {
    const verifier = await createCairoVerifier();
    const bytes = encodeJob(job);
    const decoded = decodeJob(bytes);
    expect(decoded.ok && Buffer.from(encodeJob(decoded.value)).equals(bytes)).toBe(true);
    expect(verifier.runJob(bytes)).toEqual({ kind: 'accept' });
    const masked = [encodeProof(fixture('statement-cells.json'))];
    const old = { ...job, proofs: masked, binding: undefined };
    expect(verifier.runJob(encodeJob(old))).toMatchObject({ code: 'policy_collision' });
    const lower = { ...old, policy: COMMITTEE_POLICY };
    expect(verifier.runJob(encodeJob(lower))).toEqual({ kind: 'accept' });
    expect(verifier.runJob(bytes.subarray(1))).toMatchObject({ kind: 'reject' });
  });

  it('is refused when its last proof is untrue', async () => {
    const verifier = await createCairoVerifier();
    const [proof] = leaseChain().slice(-1);
    if (proof === undefined) throw new Error('no proof');
    const proofs = [...job.proofs.slice(0, -1), encodeProof(withByte(proof, 20_000, 4))];
    expect(verifier.runJob(encodeJob({ ...job, proofs }))).toMatchObject({ code: 'bad_merkle' });
  });

  it('is identified by its statements, not by its bytes', async () => {
    const verifier = await createCairoVerifier();
    const hashes = leaseChain().map((proof) => {
      const verdict = verifier.verifyProof(proof, COMMITTEE_POLICY);
      return verdict.kind === 'accept'
        ? Buffer.from(statementHash(verdict.statement)).toString('hex')
        : '';
    });
    expect(new Set(hashes).size).toBe(5);
    const [first] = leaseChain();
    const twice = [first, first].map((proof) => {
      const verdict = proof && verifier.verifyProof(proof, COMMITTEE_POLICY);
      return verdict?.kind === 'accept'
        ? Buffer.from(statementHash(verdict.statement)).toString('hex')
        : '';
    });
    expect(twice).toEqual([hashes[0], hashes[0]]);
  });

  it('is answered by number in a worker thread', async () => {
    const posted: unknown[] = [];
    let receive: ((request: unknown) => void) | undefined;
    vi.doMock('node:worker_threads', () => ({
      parentPort: {
        on: (_: string, listener: (request: unknown) => void) => {
          receive = listener;
        },
        postMessage: (reply: unknown) => posted.push(reply),
      },
    }));
    await import('../src/worker.ts');
    vi.doUnmock('node:worker_threads');
    receive?.({ id: 7, job: encodeJob(job) });
    receive?.({ id: 8, job: new Uint8Array(3) });
    await vi.waitFor(() => expect(posted).toHaveLength(2));
    expect(posted[0]).toEqual({ id: 7, verdict: { kind: 'accept' } });
    expect(posted[1]).toMatchObject({ id: 8, verdict: { kind: 'reject' } });
  });
});
