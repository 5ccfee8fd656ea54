// Tests of what is told of values that cannot be written.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  array,
  bool,
  bytes,
  decode,
  detail,
  encode,
  type Flaw,
  fixed,
  mapped,
  optional,
  record,
  type Shape,
  ShapeError,
  text,
  u8,
  u53,
  u64,
  union,
} from '../src/index.ts';

type Arm =
  | { readonly kind: 'none' }
  | { readonly kind: 'pair'; readonly left: number; readonly right: string };

const arm: Shape<Arm> = union<Arm>({
  none: [0, record({})],
  pair: [1, record({ left: u53, right: text(8) })],
});
const even: Shape<number> = mapped(
  u8,
  (value) => {
    if (value % 2 === 1) throw new ShapeError('an even number', String(value));
    return value;
  },
  (value) => value,
);
const sample = record<{ arms: readonly Arm[]; maybe: number | undefined; blob: Uint8Array }>({
  arms: array(arm, 3),
  maybe: optional(u8),
  blob: bytes(4),
});

const blob = new Uint8Array(4);
const good = { arms: [], maybe: undefined, blob };

describe('flawOf', () => {
  it.each<[string, Shape<never>, unknown, Partial<Flaw>]>([
    [
      'a fraction',
      u53 as never,
      1.5,
      { expected: 'a whole number', actual: '1.5', isBound: false },
    ],
    ['no number', u8 as never, Number.NaN, { actual: 'NaN', isBound: false }],
    ['digits', u8 as never, '7', { actual: '"7"', isBound: false }],
    ['below 0', u8 as never, -1, { expected: 'integer 0..255', isBound: true }],
    ['beyond', u8 as never, 256, { isBound: true }],
    ['beyond safe', u53 as never, 2 ** 53, { isBound: true }],
    ['a number for a bigint', u64 as never, 5, { expected: 'a bigint', isBound: false }],
    ['a bigint too large', u64 as never, 2n ** 64n, { isBound: true }],
    ['a huge bigint', u64 as never, 1n << 100_000n, { actual: 'a larger number' }],
    ['truth by another name', bool as never, 1, { expected: 'true or false', isBound: false }],
    ['text for bytes', bytes(4) as never, 'abcd', { expected: 'bytes', isBound: false }],
    ['too many bytes', bytes(4) as never, new Uint8Array(5), { isBound: true }],
    ['too few bytes', fixed(4) as never, new Uint8Array(3), { actual: '3 bytes' }],
    ['half a character', text(8) as never, '\ud800', { isBound: false }],
    ['a byte order mark', text(8) as never, '\uFEFFa', { isBound: false }],
    ['a long text', text(2) as never, 'abc', { isBound: true }],
    ['no text', detail(8) as never, 7, { expected: 'text' }],
    ['null for nothing', optional(u8) as never, null, { actual: 'null' }],
    ['no array', array(u8, 2) as never, 'ab', { expected: 'an array' }],
    ['too many items', array(u8, 2) as never, [1, 2, 3], { isBound: false }],
    ['what a conversion refuses', even as never, 3, { expected: 'an even number' }],
    ['what a conversion cannot take', even as never, {}, { isBound: false }],
    ['no object', sample as never, null, { expected: 'an object', actual: 'null' }],
    ['a kind there is not', arm as never, { kind: 'toString' }, { at: 'kind' }],
    ['a field missing', sample as never, { arms: [], blob }, undefined as never],
    [
      'its place',
      sample as never,
      { ...good, arms: [{ kind: 'none' }, { kind: 'pair', left: 'x', right: '' }] },
      { at: 'arms[1].left' },
    ],
    [
      'a hole',
      sample as never,
      { ...good, arms: Array(1) },
      { at: 'arms[0]', actual: 'undefined' },
    ],
  ])('finds %s', (_, shape, value, expected) => {
    const found = shape.flawOf(value);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toMatchObject(expected);
  });

  it('names what is of the wrong kind before what is out of bounds', () => {
    const found = sample.flawOf({ arms: [], maybe: 256, blob: null });
    expect(found).toMatchObject({ at: 'blob', isBound: false });
  });

  it('means: what has no flaw is written, and comes back', () => {
    const likely = fc.record({
      arms: fc.oneof(
        fc.anything(),
        fc.array(
          fc.oneof(
            fc.anything(),
            fc.record({
              kind: fc.constantFrom('none', 'pair', 'x'),
              left: fc.nat(),
              right: fc.string(),
            }),
          ),
          { maxLength: 4 },
        ),
      ),
      maybe: fc.oneof(fc.anything(), fc.nat(300)),
      blob: fc.oneof(fc.anything(), fc.uint8Array({ maxLength: 5 })),
    });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), likely), (value) => {
        if (sample.flawOf(value) !== undefined) return;
        const written = encode(sample, value as never);
        expect(decode(sample, written, 1024).ok).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
