// The verifier: transcripts, verdicts, statements and leases.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CairoVerifier,
  COMMITTEE_POLICY,
  categoryOf,
  createCairoVerifier,
  idOfProgram,
  inspectProof,
  MACHINE_POLICY,
  type Proof,
  type TranscriptEvent,
} from '../src/index.ts';
import {
  annotation,
  fixture,
  fixtureText,
  leaseChain,
  leaseTick,
  NO_POLICY,
  withByte,
  withInput,
  withParameters,
} from './fixtures.ts';

let verifier: CairoVerifier;
beforeAll(async () => {
  verifier = await createCairoVerifier();
});

const verify = (proof: Proof, policy = COMMITTEE_POLICY) => verifier.verifyProof(proof, policy);

function eventsOf(proof: Proof): TranscriptEvent[] {
  const events: TranscriptEvent[] = [];
  verifier.verifyProof(proof, NO_POLICY, { observer: (event) => events.push(event) });
  return events;
}

describe('proofs made by StarkWare’s prover', () => {
  it('accepts every hash configuration in the fixtures', () => {
    for (const name of ['statement-cells.json', 'blake256.json', 'lease-chain/0.json'])
      expect(verify(fixture(name)), name).toMatchObject({ kind: 'accept', bits: 96 });
    expect(verify(fixture('weak-q1-pow0.json'), NO_POLICY)).toMatchObject({ bits: 4 });
  });

  it('reproduces the transcript of StarkWare’s verifier, line by line', () => {
    const lines = eventsOf(fixture('statement-cells.json')).map(annotation);
    const expected = fixtureText('statement-cells.transcript.txt').trimEnd().split('\n');
    expect(expected.length).toBe(1217);
    expect(lines).toEqual(expected);
  });

  it('reads five chained leases of one pinned program', () => {
    const programId = idOfProgram(leaseTick(), 'plain');
    let state = { t: 0n, s: 1n };
    for (const proof of leaseChain()) {
      const options = { programId, lease: { extra: 0, binding: 0n } };
      const verdict = verifier.verifyProof(proof, MACHINE_POLICY, options);
      if (verdict.kind === 'reject') throw new Error(verdict.code);
      const { lease } = verdict;
      expect(lease).toMatchObject({ tFrom: state.t, sFrom: state.s, n: 10n, tTo: state.t + 10n });
      state = { t: lease?.tTo ?? 0n, s: lease?.sTo ?? 0n };
    }
    expect(state.t).toBe(50n);
  });

  it('says what a proof claims without checking it', () => {
    const seen = inspectProof(fixture('lease-chain/0.json'));
    expect(seen).toMatchObject({ layout: 'plain', nSteps: 128, bits: 96, collisionBits: 128 });
    expect(seen.statement?.cells).toHaveLength(6);
    expect(inspectProof(withInput(fixture('blake256.json'), { segments: [] }))).toMatchObject({
      statement: undefined,
      failure: { code: 'segments' },
    });
  });
});

describe('changed proofs', () => {
  it('refuses a changed byte in every part of a proof', () => {
    const proof = fixture('statement-cells.json');
    const said = eventsOf(proof).filter((event) => event.from === 'prover');
    const codes = new Set<string>();
    let at = 0;
    for (const [i, { start = 0, end = 0, label }] of said.entries()) {
      expect(start).toBe(at);
      at = end;
      if (label.includes('Decommitment') && i % 5 !== 0) continue;
      const verdict = verify(withByte(proof, start + (i % (end - start)), 1 << (i % 8)));
      if (verdict.kind === 'accept') throw new Error(label);
      codes.add(verdict.code);
    }
    expect(at).toBe(proof.proofBytes.length);
    expect([...codes].sort()).toEqual(['bad_merkle', 'bad_oods', 'bad_pow']);
  });

  it('refuses any one changed byte of a proof without proof of work', () => {
    const proof = fixture('weak-q1-pow0.json');
    const size = proof.proofBytes.length;
    const anywhere = fc.integer({ min: 0, max: size - 1 });
    const change = fc.integer({ min: 1, max: 255 });
    const refuses = (at: number, by: number): void => {
      const verdict = verify(withByte(proof, at, by), NO_POLICY);
      expect(verdict.kind).toBe('reject');
    };
    fc.assert(fc.property(anywhere, change, refuses), { numRuns: 300 });
  });

  it('refuses cut, extended and random bytes', () => {
    const proof = fixture('weak-q1-pow0.json');
    const random = fc.uint8Array({ maxLength: 8000 });
    const refuses = (proofBytes: Uint8Array): void => {
      expect(verify({ ...proof, proofBytes }, NO_POLICY).kind).toBe('reject');
    };
    fc.assert(fc.property(random, refuses), { numRuns: 50 });
    const cut = fc.integer({ min: 0, max: proof.proofBytes.length - 1 });
    fc.assert(
      fc.property(cut, (size) => refuses(proof.proofBytes.slice(0, size))),
      { numRuns: 50 },
    );
    refuses(Uint8Array.from([...proof.proofBytes, 0]));
  });

  it('refuses a proof for other public input or other parameters', () => {
    const proof = fixture('statement-cells.json');
    const { publicInput, parameters } = proof;
    const { rcMin, rcMax, segments } = publicInput;
    const [execution, program] = segments;
    if (execution === undefined || program === undefined) throw new Error('segments');
    const stopped = { ...execution, stopPtr: execution.stopPtr + 1 };
    const changed = [
      withInput(proof, { rcMin: rcMin - 1 }),
      withInput(proof, { rcMax: rcMax + 1 }),
      withInput(proof, { segments: [stopped, program] }),
      withInput(proof, { nSteps: 64 }),
      withParameters(proof, { nQueries: parameters.nQueries + 1 }),
      withParameters(proof, { nQueries: parameters.nQueries - 1 }),
      withParameters(proof, { powBits: 15 }),
      withParameters(proof, { powBits: 17 }),
      withParameters(proof, { logNCosets: 5 }),
      withParameters(proof, { friStepList: [0, 2, 3] }),
      withParameters(proof, { friStepList: [0, 3, 3], lastLayerDegreeBound: 32 }),
      withParameters(proof, { commitmentHash: 'keccak256' }),
      withParameters(proof, { commitmentHash: 'keccak256_masked160_lsb' }),
      withParameters(proof, { channelHash: 'blake256', powHash: 'blake256' }),
    ];
    for (const [i, one] of changed.entries()) {
      const verdict = verify(one, NO_POLICY);
      if (verdict.kind === 'accept') throw new Error(`change ${i} was accepted`);
      expect(categoryOf(verdict.code), `change ${i}`).toMatch(/stark|parse/);
    }
  });

  it('gives one verdict for one input, also after refusals', () => {
    const good = fixture('lease-chain/1.json');
    const bad = withByte(good, 4_000, 1);
    const verdicts = [good, bad, good, bad].map((one) => verify(one));
    expect(verdicts[0]).toEqual(verdicts[2]);
    expect(verdicts[1]).toEqual(verdicts[3]);
    expect(verdicts.map((one) => one.kind)).toEqual(['accept', 'reject', 'accept', 'reject']);
  });

  it('never throws, whatever it is given', () => {
    for (const value of [undefined, null, 7, {}, { parameters: {} }])
      expect(verify(value as unknown as Proof)).toMatchObject({ code: 'malformed' });
  });
});
