// Tests of the canonical encoding against RFC 8949 and another writer.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../src/golden.ts';
import {
  array,
  bool,
  bytes,
  decode,
  digest,
  encode,
  equalBytes,
  fixed,
  fromHex,
  InvariantError,
  isText,
  optional,
  record,
  type Shape,
  text,
  toHex,
  u8,
  u53,
  u64,
  union,
} from '../src/index.ts';
import { type Plain, reference } from './reference.ts';

const SIZE_MAX = 1 << 20;

type Arm =
  | { readonly kind: 'none' }
  | { readonly kind: 'pair'; readonly left: number; readonly right: string };

interface Sample {
  readonly small: number;
  readonly wide: number;
  readonly huge: bigint;
  readonly flag: boolean;
  readonly name: string;
  readonly blob: Uint8Array;
  readonly list: readonly number[];
  readonly maybe: Uint8Array | undefined;
  readonly arm: Arm;
}

const sample: Shape<Sample> = record<Sample>({
  small: u8,
  wide: u53,
  huge: u64,
  flag: bool,
  name: text(200_000),
  blob: bytes(100_000),
  list: array(u53, 1000),
  maybe: optional(fixed(3)),
  arm: union<Arm>({ none: [0, record({})], pair: [1, record({ left: u8, right: text(9) })] }),
});

/** Integers near every boundary of the head, where encoders go wrong. */
const edge = fc.oneof(
  fc.maxSafeNat(),
  fc
    .tuple(
      fc.constantFrom(0, 24, 2 ** 8, 2 ** 16, 2 ** 32, 2 ** 53 - 1),
      fc.integer({ min: -2, max: 2 }),
    )
    .map(([base, step]) => Math.min(Math.max(base + step, 0), 2 ** 53 - 1)),
);
const lengthEdge = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(0, 1, 15, 16, 22, 23, 24, 31, 32, 63, 64, 65, 85, 86) },
  { weight: 2, arbitrary: fc.constantFrom(254, 255, 256, 257, 21_845, 21_846, 65_535, 65_536) },
);
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.tuple(fc.constantFrom('a', 'é', '€', '𝄞'), lengthEdge).map(([unit, n]) => unit.repeat(n)),
);
const anyBlob = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  lengthEdge.map((n) => new Uint8Array(n).fill(n)),
);
const anySample: fc.Arbitrary<Sample> = fc.record({
  small: fc.nat(255),
  wide: edge,
  huge: fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), edge.map(BigInt)),
  flag: fc.boolean(),
  name: anyText.filter(isText),
  blob: anyBlob,
  list: fc.array(edge, { maxLength: 40 }),
  maybe: fc.option(fc.uint8Array({ minLength: 3, maxLength: 3 }), { nil: undefined }),
  arm: fc.oneof(
    fc.constant<Arm>({ kind: 'none' }),
    fc.record({ kind: fc.constant('pair' as const), left: fc.nat(255), right: fc.constant('x') }),
  ),
});

function plain(value: Sample): Plain {
  return [
    value.small,
    value.wide,
    value.huge,
    value.flag ? 1 : 0,
    value.name,
    value.blob,
    value.list,
    value.maybe === undefined ? [] : [value.maybe],
    value.arm.kind === 'none' ? [0] : [1, value.arm.left, value.arm.right],
  ];
}

/** Random bytes that often start like an item. */
const hostile = fc
  .array(
    fc.oneof(
      fc.nat(255),
      fc.constantFrom(0, 1, 0x18, 0x1b, 0x41, 0x61, 0x62, 0x80, 0x81, 0x82, 0xc3),
    ),
    {
      maxLength: 10,
    },
  )
  .map((list) => Uint8Array.from(list));

const hex = (text: string): Uint8Array => fromHex(text.replaceAll(' ', '')) ?? new Uint8Array();
const codeOf = <T>(shape: Shape<T>, input: Uint8Array): string => {
  const outcome = decode(shape, input, SIZE_MAX);
  return outcome.ok ? 'ok' : outcome.failure.code;
};

describe('encode', () => {
  it('writes RFC 8949 deterministic bytes, as an independent writer does', () => {
    fc.assert(
      fc.property(anySample, (value) => {
        expect(toHex(encode(sample, value))).toBe(toHex(reference(plain(value))));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps to its committed bytes', () => {
    golden(new URL('./golden/', import.meta.url), 'sample', sample, {
      small: 24,
      wide: 2 ** 53 - 1,
      huge: 2n ** 64n - 1n,
      flag: true,
      name: 'zürich',
      blob: Uint8Array.of(0, 255),
      list: [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32],
      maybe: Uint8Array.of(1, 2, 3),
      arm: { kind: 'pair', left: 7, right: 'r' },
    });
  });

  it('owns its memory', () => {
    const big = encode(bytes(100_000), new Uint8Array(50_000));
    const small = encode(u53, 5);
    expect([big.buffer.byteLength, small.buffer.byteLength]).toEqual([50_003, 1]);
  });

  it('refuses what the profile cannot say', () => {
    for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => encode(u53, value)).toThrow(InvariantError);
    }
    for (const value of [-1n, 2n ** 64n]) expect(() => encode(u64, value)).toThrow(InvariantError);
    for (const value of ['\ud800', 'a\udc00b', '\uFEFFa', `${'x'.repeat(70)}\ud800`]) {
      expect(() => encode(text(100), value)).toThrow(InvariantError);
    }
  });

  it('writes -0 as 0', () => {
    expect([...encode(u53, -0)]).toEqual([0]);
  });
});

describe('decode', () => {
  it('inverts encode', () => {
    fc.assert(
      fc.property(anySample, (value) => {
        expect(decode(sample, encode(sample, value), SIZE_MAX)).toEqual({ ok: true, value });
      }),
      { numRuns: 300 },
    );
  });

  it('gives plain bytes that share nothing with the input, Buffer or not', () => {
    const input = Buffer.from(encode(bytes(9), Uint8Array.of(1, 2)));
    const keys = Object.keys(input).length;
    const outcome = decode(bytes(9), input, 9);
    input.fill(0);
    expect(outcome).toEqual({ ok: true, value: Uint8Array.of(1, 2) });
    expect(outcome.ok && outcome.value.constructor).toBe(Uint8Array);
    expect(Object.keys(input).length).toBe(keys);
  });

  it('never throws, and what it accepts re-encodes to itself', () => {
    let accepted = 0;
    const shapes: readonly Shape<unknown>[] = [
      u8,
      u53,
      u64,
      bool,
      text(20),
      bytes(20),
      array(u53, 5),
      optional(u53),
    ] as readonly Shape<unknown>[];
    fc.assert(
      fc.property(hostile, fc.constantFrom(...shapes), (input, shape) => {
        const outcome = decode(shape, input, SIZE_MAX);
        if (!outcome.ok) return;
        accepted++;
        expect(encode(shape, outcome.value)).toEqual(input);
      }),
      { numRuns: 20_000 },
    );
    expect(accepted).toBeGreaterThan(70);
  });

  it('never decodes a changed byte to the same value', () => {
    let accepted = 0;
    fc.assert(
      fc.property(anySample, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, flip) => {
        const input = encode(sample, value);
        const i = at % input.length;
        input[i] = (input[i] as number) ^ flip;
        const outcome = decode(sample, input, SIZE_MAX);
        if (!outcome.ok) return;
        accepted++;
        expect(outcome.value).not.toEqual(value);
        expect(equalBytes(encode(sample, outcome.value), input)).toBe(true);
      }),
      { numRuns: 1000 },
    );
    expect(accepted).toBeGreaterThan(150);
  });

  it.each([
    ['one byte as two', u53, '18 05'],
    ['one byte as three', u53, '19 00 05'],
    ['two bytes as three', u53, '19 00 ff'],
    ['three bytes as five', u53, '1a 00 00 ff ff'],
    ['text length', text(9), '78 01 61'],
    ['bytes length', bytes(9), '58 01 61'],
    ['array length', array(u53, 9), '98 01 00'],
    ['array length in eight bytes', array(u53, 9), '9b 00 00 00 00 00 00 00 01 00'],
    [
      'bytes length in eight bytes, behind text',
      record({ name: text(9), blob: bytes(9) }),
      '82 62 c3a9 5b 00 00 00 00 00 00 00 01 00',
    ],
    ['over-long UTF-8', text(9), '62 c0 80'],
    ['a surrogate in UTF-8', text(9), '63 ed a0 80'],
    ['a surrogate pair in UTF-8', text(9), '66 ed a0 81 ed b0 80'],
    ['a stray continuation byte', text(9), '61 80'],
    ['a truncated sequence', text(9), '62 e2 82'],
    ['beyond U+10FFFF', text(9), '64 f4 90 80 80'],
    ['bad UTF-8 in long text', text(99), `78 46 ${'61'.repeat(69)} ff`],
  ] as readonly (readonly [string, Shape<unknown>, string])[])(
    'refuses a second encoding: %s',
    (_, shape, input) => {
      expect(codeOf(shape, hex(input))).toBe('not_canonical');
    },
  );

  it.each([
    ['nothing', ''],
    ['trailing bytes', '00 00'],
    ['a negative integer', '20'],
    ['a map', 'a0'],
    ['a tag', 'c0 00'],
    ['a float', 'f9 00 00'],
    ['null', 'f6'],
    ['a boolean', 'f5'],
    ['an indefinite array', '9f ff'],
    ['indefinite bytes', '5f ff'],
    ['a reserved length', '1c'],
    ['a cut head', '19 00'],
    ['cut bytes', '43 00'],
    ['an array of 2^64-1', '9b ff ff ff ff ff ff ff ff'],
    ['bytes of 2^64-1', '5b ff ff ff ff ff ff ff ff'],
    ['an array longer than the input', '9a 00 10 00 00 00'],
    ['nesting of 17', `${'81'.repeat(17)}00`],
    ['a byte order mark, short', '63 ef bb bf'],
    ['a byte order mark, long', `78 48 efbbbf ${'61'.repeat(69)}`],
  ])('refuses as malformed: %s', (_, input) => {
    for (const shape of [u53, bytes(9), text(99), array(u53, 9)] as readonly Shape<unknown>[]) {
      expect(codeOf(shape, hex(input))).toBe('malformed');
    }
  });

  it.each([
    ['over-long u53', u53, '1b 00 00 00 00 00 00 00 01'],
    ['over-long u64', u64, '1b 00 00 00 00 ff ff ff ff'],
    ['2^53 as u53', u53, '1b 00 20 00 00 00 00 00 00'],
    ['256 as u8', u8, '19 01 00'],
    ['2 as a boolean', bool, '02'],
    ['three bytes too few', fixed(4), '41 00'],
    ['too many bytes', bytes(1), '42 00 00'],
    ['too much text', text(1), '62 61 61'],
    ['too many items', array(u53, 1), '82 00 00'],
    ['two options', optional(u53), '82 00 00'],
    ['bytes for a digest', digest, '41 00'],
    ['a record too long', record({ a: u8 }), '82 00 00'],
    [
      'an unknown arm',
      union<Arm>({ none: [0, record({})], pair: [1, record({ left: u8, right: text(9) })] }),
      '81 02',
    ],
    [
      'an arm with a field too many',
      union<{ kind: 'none' }>({ none: [0, record({})] }),
      '82 00 00',
    ],
    ['an empty union', union<{ kind: 'none' }>({ none: [0, record({})] }), '80'],
  ] as readonly (readonly [string, Shape<unknown>, string])[])(
    'refuses as wrong shape: %s',
    (_, shape, input) => {
      expect(codeOf(shape, hex(input))).toBe('wrong_shape');
    },
  );

  it('refuses what is too large before it looks', () => {
    const outcome = decode(u53, new Uint8Array(10), 9);
    expect(outcome).toEqual({
      ok: false,
      failure: { code: 'too_large', expected: 'at most 9 bytes', actual: '10 bytes' },
    });
  });

  it('takes nesting of 16', () => {
    let shape: Shape<unknown> = u53;
    for (let i = 0; i < 16; i++) shape = array(shape, 1) as Shape<unknown>;
    expect(codeOf(shape, hex(`${'81'.repeat(16)}00`))).toBe('ok');
  });
});
