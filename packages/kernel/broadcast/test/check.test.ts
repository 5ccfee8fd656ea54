// Tests of static validity.
import {
  array,
  asCellId,
  asDigest,
  asSignature,
  bytes,
  ed25519,
  encode,
  ok,
  opaque,
  record,
  standIn,
  u32,
} from '@fatty/codec';
import type { Outcome, Unsigned, Validation } from '@fatty/interface';
import { BLOCK_WEIGHT_MAX, type SignedBatch, signedBatchShape } from '@fatty/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Block,
  type Body,
  type Checked,
  CLIENT_KEYS_MAX,
  checkAgainstParent,
  checkBlock,
  checkEvidence,
  contradiction,
  type Evidence,
  evidenceShape,
  type Header,
  headerDigest,
  type Ref,
  selfContradiction,
  signBlock,
  signedBlockShape,
  UNSIGNED_MAX,
  UNSIGNED_WEIGHT_MAX,
  virtualRef,
} from '../src/index.ts';
import { Cell, EMPTY, message, openUnsigned, WEIGHT } from './signed.ts';

const cell = new Cell();
const check = (bytes: Uint8Array): Checked => checkBlock(bytes, cell.rules);
const virtual = (author: number): Ref => virtualRef(cell.cellId, author);
const ref = (round: number, author: number): Ref => ({
  round,
  author,
  digest: asDigest(new Uint8Array(32).fill(16 * round + author)),
});

function accepted(bytes: Uint8Array): Block {
  const checked = check(bytes);
  if (checked.kind !== 'accept') return expect.fail(JSON.stringify(checked));
  return checked.block;
}

describe('a valid block', () => {
  const batches = [cell.batch(1, 4), cell.batch(1, 5), cell.batch(2, 0)];

  it('is accepted with everything opened', () => {
    const bytes = cell.bytes(2, {}, { batches });
    const block = accepted(bytes);
    expect(block.ref).toEqual({ round: 1, author: 2, digest: headerDigest(block.signed.header) });
    expect(block.bytes).toBe(bytes);
    expect(block.batches.map(({ batch }) => batch.seq)).toEqual([4, 5, 0]);
    expect(block.batches.map(({ signed }) => signed)).toEqual(batches);
  });

  it('is what signBlock makes', () => {
    const received = accepted(cell.bytes(2, {}, { batches }));
    const content = { batches: received.batches, unsigned: [], evidence: [] };
    const made = signBlock(cell.header(2), content, cell.signer(2));
    expect(accepted(made.bytes)).toEqual(made);
    expect(made).toEqual(received);
  });

  it('may skip rounds, if the others make a quorum', () => {
    const parents = [virtual(0), ref(4, 1), ref(4, 2), ref(4, 3)];
    expect(check(cell.bytes(0, { round: 5, parents })).kind).toBe('accept');
  });

  it('is judged by real signatures too', () => {
    const real = new Cell(ed25519());
    const bytes = real.bytes(1, {}, { batches: [real.batch(1, 1)] });
    expect(checkBlock(bytes, real.rules).kind).toBe('accept');
    expect(checkBlock(bytes, cell.rules).kind).toBe('reject');
  });

  it('is refused with any bit of it changed, blaming nobody it cannot', () => {
    const bytes = cell.bytes(1, {}, { batches: [cell.batch(1, 1)] });
    const flip = (at: number, bit: number): void => {
      const changed = Uint8Array.from(bytes);
      changed[at % bytes.length] = (changed[at % bytes.length] as number) ^ (1 << bit);
      const checked = check(changed);
      expect(checked.kind).not.toBe('accept');
      if (checked.kind === 'reject')
        expect([checked.author, checked.evidence]).toEqual([undefined, undefined]);
    };
    fc.assert(fc.property(fc.nat(), fc.integer({ min: 0, max: 7 }), flip), { numRuns: 500 });
  });
});

/** Header flaws: signed, so they can be shown to others. */
const HEADER_FLAWS: Record<string, Partial<Header>> = {
  round_zero: { round: 0 },
  own_parent_missing: { parents: [] },
  own_parent_round: { parents: [ref(1, 0), virtual(1), virtual(2)] },
  parent_round: { round: 3, parents: [ref(2, 0), ref(2, 1), ref(1, 2), ref(2, 3)] },
  parent_order: { parents: [virtual(0), virtual(2), virtual(1), virtual(3)] },
  parent_unknown: { parents: [virtual(0), virtual(1), virtual(2), virtual(4)] },
  parent_not_virtual: { parents: [virtual(0), virtual(1), ref(0, 2)] },
  too_few_parents: { round: 5, parents: [ref(3, 0), ref(4, 1), ref(4, 2)] },
};

describe('a header that is invalid by itself', () => {
  it.each(Object.entries(HEADER_FLAWS))('%s: refused, with evidence', (code, change) => {
    const checked = check(cell.bytes(0, change));
    expect(checked).toMatchObject({ kind: 'reject', code, author: 0 });
    const { evidence } = checked as { evidence: Evidence };
    expect(checkEvidence(evidence, cell.rules)).toEqual({ kind: 'accept' });
  });

  it.each([
    [
      'another author first',
      { parents: [virtual(1), virtual(2), virtual(3)] },
      'own_parent_missing',
    ],
    [
      'an author twice',
      { parents: [virtual(0), virtual(1), virtual(1), virtual(2)] },
      'parent_order',
    ],
    ['itself twice', { parents: [virtual(0), virtual(0), virtual(1), virtual(2)] }, 'parent_order'],
    ['q − 1 parents', { parents: [virtual(0), virtual(1)] }, 'too_few_parents'],
  ] as const)('counts distinct authors: %s', (_, change, code) => {
    expect(check(cell.bytes(0, change))).toMatchObject({ kind: 'reject', code });
  });
});

describe('bytes that nobody can be blamed for', () => {
  it.each<[string, Uint8Array]>([
    ['too_large', new Uint8Array(20_000)],
    ['malformed', new Uint8Array(10).fill(255)],
    ['wrong_shape', Uint8Array.of(0x80)],
    ['wrong_cell', cell.bytes(0, { cellId: asCellId(new Uint8Array(32)) })],
    ['unknown_author', encode(signedBlockShape, cell.sign(0, cell.header(0, { author: 4 })))],
    ['bad_signature', encode(signedBlockShape, cell.sign(1, cell.header(0)))],
    [
      'body_mismatch',
      encode(signedBlockShape, { ...cell.sign(0, cell.header(0)), body: Uint8Array.of(0x80) }),
    ],
  ])('%s', (code, bytes) => {
    const blameless = { author: undefined, evidence: undefined };
    expect(check(bytes)).toMatchObject({ kind: 'reject', code, ...blameless });
  });

  it('refuses a second encoding of the same header', () => {
    const good = cell.sign(0, cell.header(0));
    // Epoch 0 as a two-byte integer: the same header, not canonical.
    const at = 1 + 2 + 32;
    const header = Uint8Array.from([
      ...good.header.slice(0, at),
      0x18,
      0,
      ...good.header.slice(at + 1),
    ]);
    const bytes = encode(signedBlockShape, { ...good, header });
    expect(check(bytes)).toMatchObject({ kind: 'reject', code: 'not_canonical' });
  });

  it('ignores another epoch', () => {
    expect(check(cell.bytes(0, { epoch: 1 }))).toMatchObject({
      kind: 'ignore',
      code: 'other_epoch',
    });
  });
});

const messages = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, about) => message(about));
/** `count` batches of as many clients. */
const strangers = (count: number, of: Cell): SignedBatch[] =>
  Array.from({ length: count }, (_, i) => {
    const client = of.scheme.signer(new Uint8Array(32).fill(i + 100));
    return of.batch(i, 1, { client: client.publicKey }, client);
  });
/** Room for many small batches. */
const wide = new Cell(standIn(), { blockOpsMax: 512, blockBytesMax: 1 << 20 });

describe('work that a block may cost (R11)', () => {
  const checkWide = (body: Partial<Body>): Checked =>
    checkBlock(wide.bytes(0, {}, body), wide.rules);

  it('is bounded by the weight of unsigned messages', () => {
    const two = { unsigned: messages(2) };
    const weighing = (weight: number): Checked => {
      const open = (bytes: Uint8Array): Outcome<Unsigned> => {
        const opened = openUnsigned(bytes);
        return opened.ok ? ok({ ...opened.value, weight }) : opened;
      };
      return checkBlock(wide.bytes(0, {}, two), { ...wide.rules, openUnsigned: open });
    };
    expect(UNSIGNED_MAX * WEIGHT).toBe(UNSIGNED_WEIGHT_MAX);
    expect(weighing(UNSIGNED_WEIGHT_MAX / 2).kind).toBe('accept');
    const refused = { kind: 'reject', code: 'too_heavy', author: 0 };
    expect(weighing(UNSIGNED_WEIGHT_MAX / 2 + 1)).toMatchObject(refused);
    expect(weighing(UNSIGNED_WEIGHT_MAX + 1)).toMatchObject(refused);
  });

  it('is bounded by the number of unsigned messages', () => {
    const most = checkWide({ unsigned: messages(UNSIGNED_MAX) });
    expect(most.kind).toBe('accept');
    if (most.kind !== 'accept') return;
    expect(most.block.unsigned.map(({ bytes: one }) => one)).toEqual(messages(UNSIGNED_MAX));
    // No encoder of ours writes one more: the bytes are put together by hand.
    const over = messages(UNSIGNED_MAX + 1);
    const loose = record<Body>({
      batches: array(signedBatchShape, 0),
      unsigned: array(opaque, over.length),
      statements: array(bytes(0), 0),
      evidence: array(evidenceShape, 0),
      coinShare: array(bytes(0), 0),
    });
    const signed = wide.sign(0, wide.header(0), {}, encode(loose, { ...EMPTY, unsigned: over }));
    const refused = checkBlock(encode(signedBlockShape, signed), wide.rules);
    expect(refused).toMatchObject({ kind: 'reject', code: 'wrong_shape', author: 0 });
  });

  it('is bounded by the number of client keys, not of batches', () => {
    const most = strangers(CLIENT_KEYS_MAX, wide);
    expect(checkWide({ batches: most }).kind).toBe('accept');
    const oneMore = strangers(CLIENT_KEYS_MAX + 1, wide);
    expect(checkWide({ batches: oneMore })).toMatchObject({ code: 'too_many_keys', author: 0 });
    const many = Array.from({ length: 200 }, (_, seq) => wide.batch(1, seq));
    expect(checkWide({ batches: many }).kind).toBe('accept');
  });

  it('is known before any key is admitted or signature checked', () => {
    const admit = (): never => expect.fail('no key may be admitted');
    const scheme = { ...wide.scheme, admit };
    const bytes = wide.bytes(0, {}, { batches: strangers(CLIENT_KEYS_MAX + 1, wide) });
    expect(checkBlock(bytes, { ...wide.rules, scheme })).toMatchObject({ code: 'too_many_keys' });
  });
});

const ops = (count: number): Uint8Array[] => Array.from({ length: count }, () => Uint8Array.of(1));
const twoHeaders = (author: number): Evidence =>
  contradiction(accepted(cell.bytes(author)), accepted(cell.bytes(author, { ts: 2_000 })));

describe('a bad body', () => {
  it('carries unsigned messages of an algorithm that has none', () => {
    const { openUnsigned: _, ...rules } = cell.rules;
    expect(checkBlock(cell.bytes(0, {}, { unsigned: [message(1)] }), rules)).toMatchObject({
      kind: 'reject',
      code: 'unexpected_field',
      author: 0,
    });
  });

  it.each<[string, Uint8Array]>([
    ['unexpected_field', cell.bytes(0, {}, { coinShare: [Uint8Array.of(1)] })],
    ['sealed_batches', cell.bytes(0, { seal: true }, { batches: [cell.batch(1, 1)] })],
    ['unsigned_unsorted', cell.bytes(0, {}, { unsigned: [message(2), message(1)] })],
    ['unsigned_unsorted', cell.bytes(0, {}, { unsigned: [message(1), message(1, 2)] })],
    ['wrong_shape', cell.bytes(0, {}, { unsigned: [message(1), encode(u32, 7)] })],
    ['too_large', cell.bytes(0, {}, { unsigned: [encode(bytes(200), new Uint8Array(127))] })],
    ['evidence_unsorted', cell.bytes(0, {}, { evidence: [twoHeaders(2), twoHeaders(1)] })],
    ['evidence_unsorted', cell.bytes(0, {}, { evidence: [twoHeaders(1), twoHeaders(1)] })],
    [
      'header_valid',
      cell.bytes(0, {}, { evidence: [selfContradiction(cell.sign(1, cell.header(1)))] }),
    ],
    ['too_many_ops', cell.bytes(0, {}, { batches: [cell.batch(1, 1, { ops: ops(5) })] })],
    ['empty_batch', cell.bytes(0, {}, { batches: [cell.batch(1, 1, { ops: [] })] })],
    [
      'op_too_large',
      cell.bytes(0, {}, { batches: [cell.batch(1, 1, { ops: [new Uint8Array(101)] })] }),
    ],
    [
      'too_many_block_ops',
      cell.bytes(0, {}, { batches: [1, 2].map((seq) => cell.batch(1, seq, { ops: ops(4) })) }),
    ],
    ['batches_unsorted', cell.bytes(0, {}, { batches: [cell.batch(2, 1), cell.batch(1, 2)] })],
    ['batches_unsorted', cell.bytes(0, {}, { batches: [cell.batch(1, 2), cell.batch(1, 2)] })],
    [
      'bad_batch_signature',
      cell.bytes(
        0,
        {},
        { batches: [{ ...cell.batch(1, 1), sig: asSignature(new Uint8Array(64)) }] },
      ),
    ],
    [
      'wrong_shape',
      encode(signedBlockShape, cell.sign(0, cell.header(0), EMPTY, Uint8Array.of(0x80))),
    ],
  ])('%s: shuns its author, without evidence', (code, bytes) => {
    expect(check(bytes)).toMatchObject({ kind: 'reject', code, author: 0, evidence: undefined });
  });

  it('bad_key: a client key that is not admitted', () => {
    const bytes = cell.bytes(0, {}, { batches: [cell.batch(1, 1)] });
    const admit = ed25519().admit;
    const scheme = { ...cell.scheme, admit: () => admit(new Uint8Array(32)) };
    expect(checkBlock(bytes, { ...cell.rules, scheme })).toMatchObject({
      code: 'bad_key',
      author: 0,
    });
  });
});

describe('the algorithm’s gate (R11a)', () => {
  const answering = (answer: Validation): Checked => {
    const batches = [1, 2, 3].map((seq) => cell.batch(1, seq));
    return checkBlock(cell.bytes(3, {}, { batches }), { ...cell.rules, validate: () => answer });
  };
  const no = { code: 'no_way', expected: 'a way', actual: 'none' };

  it('decides about the block', () => {
    expect(answering({ kind: 'reject', ...no })).toMatchObject({
      kind: 'reject',
      ...no,
      author: 3,
    });
    expect(answering({ kind: 'ignore', ...no })).toEqual({ kind: 'ignore', ...no });
  });

  it('is asked about each op with its source, and its asks come out', () => {
    const sources: unknown[] = [];
    const job = Uint8Array.of(9);
    const batches = [cell.batch(1, 1, { ops: ops(2) }), cell.batch(1, 2)];
    const checked = checkBlock(cell.bytes(3, {}, { batches }), {
      ...cell.rules,
      validate: ({ seq, index, author }) => {
        sources.push([seq, index, author]);
        return seq === 2 ? { kind: 'ask', job } : { kind: 'accept' };
      },
    });
    expect(checked).toMatchObject({ kind: 'accept', asks: [{ kind: 'ask', job }] });
    const key = cell.committee.members[3];
    expect(sources).toEqual([
      [1, 0, key],
      [1, 1, key],
      [2, 0, key],
    ]);
  });

  it('too_heavy: what the ops weigh together is bounded, an op without a weight weighs 1', () => {
    const [most, third] = [{ kind: 'accept', weight: BLOCK_WEIGHT_MAX - 2 }, { kind: 'accept' }];
    const weighing = (...answers: Validation[]): Checked => {
      const batches = answers.map((_, seq) => cell.batch(1, seq));
      const validate = ({ seq }: { seq: number }): Validation => answers[seq] as Validation;
      return checkBlock(cell.bytes(3, {}, { batches }), { ...cell.rules, validate });
    };
    const [heavy, light] = [most as Validation, third as Validation];
    expect(weighing(heavy, light, light).kind).toBe('accept');
    const over = { kind: 'reject', code: 'too_heavy', author: 3 };
    expect(weighing(heavy, light, light, light)).toMatchObject(over);
    const ask: Validation = { kind: 'ask', job: Uint8Array.of(1), weight: 3 };
    expect(weighing(heavy, ask)).toMatchObject(over);
  });

  it('too_many_proofs: three asks in a block of two', () => {
    const ask: Validation = { kind: 'ask', job: Uint8Array.of(1) };
    expect(answering(ask)).toMatchObject({ kind: 'reject', code: 'too_many_proofs', author: 3 });
  });
});

describe('checkAgainstParent (R10, R11)', () => {
  const parent = accepted(cell.bytes(0, { seal: true, ts: 1_500 }));
  const child = (change: Partial<Header>): Block => accepted(cell.bytes(0, change));
  it('accepts equal time and a kept seal', () => {
    expect(checkAgainstParent(child({ seal: true }), parent)).toEqual({ kind: 'accept' });
  });
  it('ts_backwards', () => {
    const verdict = checkAgainstParent(child({ seal: true, ts: 1_499 }), parent);
    expect(verdict).toMatchObject({ kind: 'reject', code: 'ts_backwards' });
  });
  it('seal_cleared', () => {
    expect(checkAgainstParent(child({}), parent)).toMatchObject({ code: 'seal_cleared' });
  });
});
