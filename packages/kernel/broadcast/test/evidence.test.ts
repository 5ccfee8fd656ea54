// Tests of evidence: who can be convicted, and who never can.
import { decode } from '@fatty/codec';
import { golden } from '@fatty/codec/golden';
import { describe, expect, it } from 'vitest';
import {
  type Block,
  bodyShape,
  checkBlock,
  checkEvidence,
  contradiction,
  Dag,
  evidenceAuthor,
  evidenceShape,
  headerShape,
  type Ref,
  refKey,
  sameRef,
  selfContradiction,
  signedBlockShape,
  virtualRef,
} from '../src/index.ts';
import { Cell } from './signed.ts';

const cell = new Cell();

function block(author: number, change: Parameters<Cell['header']>[1] = {}): Block {
  const checked = checkBlock(cell.bytes(author, change), cell.rules);
  return checked.kind === 'accept' ? checked.block : expect.fail(checked.code);
}

const one = block(1);
const two = block(1, { ts: 1_501 });

/** A block of author 1 on its virtual block or `own`; what the others are called plays no part. */
function later(round: number, own: Ref = virtualRef(cell.cellId, 1)): Block {
  const others = [0, 2, 3].map((author) => ({ round: round - 1, author, digest: one.ref.digest }));
  return block(1, { round, parents: [own, ...others] });
}

describe('evidence', () => {
  it('convicts an author of two blocks in one slot, written one way', () => {
    const evidence = contradiction(one, two);
    expect(contradiction(two, one)).toEqual(evidence);
    expect(checkEvidence(evidence, cell.rules)).toEqual({ kind: 'accept' });
    expect(evidenceAuthor(evidence)).toBe(1);
  });

  it('names nobody who kept to the rules', () => {
    const valid = selfContradiction(one.signed);
    const others = contradiction(one, block(2));
    const good = contradiction(one, two);
    const codes = [valid, others, { a: good.b, b: good.a }].map((evidence) => {
      const verdict = checkEvidence(evidence, cell.rules);
      return verdict.kind === 'accept' ? 'accept' : verdict.code;
    });
    expect(codes).toEqual(['header_valid', 'different_slots', 'evidence_order']);
  });

  it('convicts an author of a block that leaves out an own slot which is filled, written one way', () => {
    const skipping = later(7);
    const evidence = contradiction(one, skipping);
    expect(contradiction(skipping, one)).toEqual(evidence);
    expect(evidence.a.header).toEqual(one.signed.header);
    expect(checkEvidence(evidence, cell.rules)).toEqual({ kind: 'accept' });
    expect(evidenceAuthor(evidence)).toBe(1);
    const swapped = { a: evidence.b, b: evidence.a };
    expect(checkEvidence(swapped, cell.rules)).toMatchObject({ code: 'evidence_order' });
  });

  it('names nobody who left rounds out and stayed on its chain', () => {
    const far = later(7, one.ref);
    const farther = later(20, far.ref);
    for (const [a, b] of [
      [one, far],
      [far, farther],
      [one, farther],
    ] as const) {
      const both = contradiction(a, b);
      for (const evidence of [both, { a: both.b, b: both.a }]) {
        expect(checkEvidence(evidence, cell.rules)).toMatchObject({ code: 'different_slots' });
      }
    }
  });

  it('has one encoding for a header that is invalid by itself', () => {
    const bad = selfContradiction(cell.sign(1, cell.header(1, { round: 0 })));
    expect(checkEvidence(bad, cell.rules)).toEqual({ kind: 'accept' });
    const sig = Uint8Array.from(bad.b.sig) as typeof bad.b.sig;
    sig[0] = (sig[0] as number) ^ 1;
    const twice = { a: bad.a, b: { ...bad.b, sig } };
    expect(checkEvidence(twice, cell.rules)).toMatchObject({ code: 'evidence_order' });
  });

  it('needs both signatures', () => {
    const good = contradiction(one, two);
    const { sig } = cell.sign(2, cell.header(1));
    for (const forged of [
      { a: { ...good.a, sig }, b: good.b },
      { a: good.a, b: { ...good.b, sig } },
    ]) {
      expect(checkEvidence(forged, cell.rules)).toMatchObject({ code: 'bad_signature' });
    }
  });

  it('comes out of the DAG with the second block of a slot, which is kept (R13)', () => {
    const dag = new Dag(cell.committee, cell.cellId);
    expect(dag.insert(one)).toEqual({ added: true, delivered: [] });
    expect(dag.insert(one)).toEqual({ added: false, delivered: [] });
    expect(dag.insert(two).evidence).toEqual(contradiction(one, two));
    expect(dag.primary(1, 1)).toBe(one);
    expect(dag.slotBlocks(1, 1)).toEqual([one, two]);
    expect(dag.get(two.ref)).toBe(two);
    expect(dag.atRound(1)).toEqual([one, two]);
  });
});

describe('refs', () => {
  it('name the virtual blocks of round 0, one per author and cell', () => {
    const dag = new Dag(cell.committee, cell.cellId);
    expect(dag.virtual).toEqual([0, 1, 2, 3].map((author) => virtualRef(cell.cellId, author)));
    expect(new Set(dag.virtual.map(refKey)).size).toBe(4);
    expect(dag.missingParents(one)).toEqual([]);
    const later = block(0, { round: 2, parents: [0, 1, 2].map((author) => block(author).ref) });
    expect(dag.missingParents(later)).toEqual(later.header.parents);
    expect(() => dag.insert(later)).toThrow('R12');
  });

  it('are equal when round, author and digest are', () => {
    const ref: Ref = { ...one.ref };
    expect(sameRef(ref, one.ref)).toBe(true);
    expect(sameRef(ref, two.ref)).toBe(false);
    expect(sameRef(ref, { ...ref, round: 2 })).toBe(false);
    expect(sameRef(ref, { ...ref, author: 2 })).toBe(false);
  });
});

describe('bytes', () => {
  const signed = cell.sign(1, cell.header(1), { batches: [cell.batch(1, 2)] });
  const directory = new URL('./golden/', import.meta.url);
  const body = decode(bodyShape, signed.body, 10_000);
  if (!body.ok) throw new Error(body.failure.code);

  it.each([
    ['header', () => golden(directory, 'header', headerShape, one.header)],
    ['body', () => golden(directory, 'body', bodyShape, body.value)],
    ['signed-block', () => golden(directory, 'signed-block', signedBlockShape, signed)],
    ['evidence', () => golden(directory, 'evidence', evidenceShape, contradiction(one, two))],
    ['skip', () => golden(directory, 'evidence-skip', evidenceShape, contradiction(one, later(7)))],
  ])('of %s stay as they are', (_, hold) => {
    expect(hold).not.toThrow();
  });
});
