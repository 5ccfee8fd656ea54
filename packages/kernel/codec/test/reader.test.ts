// Tests of the strict reader against the oracle.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  array,
  bool,
  bytes,
  decode,
  detail,
  digest,
  encode,
  fixed,
  mapped,
  oneToOne,
  opaque,
  optional,
  peek,
  record,
  type Shape,
  ShapeError,
  text,
  u8,
  u32,
  u53,
  u64,
  uint,
  union,
  viewBytes,
} from '../src/index.ts';
import { pick, type Rng, rngOf } from './random-values.ts';
import { compare, compareAround, type Tally } from './same-answers.ts';

/** Several items go into one value: only the sorted one is canonical. */
const sorted: Shape<readonly number[]> = mapped(
  array(u53, 9),
  (list) => list.toSorted((a, b) => a - b),
  (list) => list,
);
const even: Shape<number> = oneToOne(
  u53,
  (value) => {
    if (value % 2 === 1) throw new ShapeError('an even number', String(value));
    return value;
  },
  (value) => value,
);
const LEAVES = [
  u8,
  uint(23),
  u32,
  u53,
  u64,
  bool,
  bytes(0),
  bytes(300),
  viewBytes(300),
  fixed(3),
  digest,
  text(0),
  text(2),
  text(200),
  detail(5),
  sorted,
  even,
  opaque,
] as readonly Shape<unknown>[];

type Any = { readonly kind: string };

/** A shape made at random, of every way to make one. */
function randomShape(rng: Rng, depth: number): Shape<unknown> {
  const part = (): Shape<unknown> => randomShape(rng, depth - 1);
  const fields = (): Shape<object> =>
    record(Object.fromEntries(['a', 'b', 'c'].slice(0, rng(4)).map((name) => [name, part()])));
  switch (depth === 0 ? 9 : rng(7)) {
    case 0:
      return array(part(), pick(rng, [0, 1, 3, 2 ** 32])) as Shape<unknown>;
    case 1:
      return optional(part());
    case 2:
      return fields() as Shape<unknown>;
    case 3:
      return union<Any>({
        no: [0, record({})],
        one: [3, fields()],
        two: [24, fields()],
      }) as Shape<unknown>;
    case 4:
      return mapped(
        part(),
        (value) => [value],
        ([value]) => value,
      ) as Shape<unknown>;
    case 5: {
      const arms = {
        one: [
          1,
          oneToOne(
            fields(),
            (value) => ({ ...value }),
            (value) => value,
          ),
        ],
      } as const;
      return union<Any>(arms) as Shape<unknown>;
    }
    default:
      return pick(rng, LEAVES);
  }
}

describe('the reader', () => {
  it('answers as the decoder that writes everything again, for shapes and bytes of every kind', () => {
    const tally: Tally = new Map();
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), fc.nat(4), (seed, depth) => {
        const rng = rngOf(seed);
        compareAround(`seed ${seed}, depth ${depth}`, randomShape(rng, depth), rng, tally);
      }),
      { numRuns: 4000 },
    );
    for (const code of ['ok', 'malformed', 'wrong_shape', 'not_canonical']) {
      expect(tally.get(code) ?? 0, code).toBeGreaterThan(500);
    }
  });

  it('says first what is wrong first: malformed, of another shape, not canonical', () => {
    const pair = record({ a: u8, b: sorted });
    const tally: Tally = new Map();
    const cases: readonly (readonly [string, string])[] = [
      ['821805820201', 'not_canonical'],
      ['8218058202ff', 'malformed'],
      ['82180582024100', 'wrong_shape'],
      ['8241008202ff', 'malformed'],
      ['82410082020100', 'malformed'],
      ['8205820201', 'not_canonical'],
      ['8205820102', 'ok'],
    ];
    for (const [hex, code] of cases) {
      const input = Uint8Array.from(Buffer.from(hex, 'hex'));
      compare(hex, pair as Shape<unknown>, input, tally);
      const outcome = decode(pair, input, 99);
      expect(outcome.ok ? 'ok' : outcome.failure.code, hex).toBe(code);
    }
  });

  it('reads the front of what nobody knows', () => {
    const front = { tag: u8, request: u32 };
    const rest = record({ tag: u8, request: u32, more: array(text(9), 9) });
    const whole = encode(rest, { tag: 3, request: 70_000, more: ['x'] });
    expect(peek(front, whole, 99)).toEqual({ ok: true, value: { tag: 3, request: 70_000 } });
    const codes = [
      '83180300f4',
      '8200',
      '81',
      '8103',
      '820341',
      '83031800820100',
      '8203410000',
    ].map((hex) => {
      const outcome = peek(front, Uint8Array.from(Buffer.from(hex, 'hex')), 99);
      return outcome.ok ? 'ok' : outcome.failure.code;
    });
    expect(codes).toEqual([
      'malformed',
      'malformed',
      'malformed',
      'wrong_shape',
      'malformed',
      'ok',
      'malformed',
    ]);
    expect(peek(front, whole, 3)).toMatchObject({ failure: { code: 'too_large' } });
  });
});

describe('an item that somebody else reads', () => {
  const known = record({ session: fixed(32), i: u32, preimage: fixed(32) });
  const carrying = (one: Shape<unknown>) => record({ a: u8, items: array(one, 4), b: u8 });
  const part = { session: new Uint8Array(32).fill(1), i: 70_000, preimage: new Uint8Array(32) };

  it('is written as with its own shape, and read whatever it is', () => {
    const inside = encode(known, part);
    const known3 = { a: 1, items: [part, part, part], b: 2 };
    const carried = { a: 1, items: [inside, inside, inside], b: 2 };
    const written = encode(carrying(known as Shape<unknown>), known3);
    expect(encode(carrying(opaque as Shape<unknown>), carried)).toEqual(written);
    const read = decode(carrying(opaque as Shape<unknown>), written, 1 << 10);
    expect(read).toEqual({ ok: true, value: carried });
  });

  it.each([
    ['', 'nothing'],
    ['1817', 'a long head'],
    ['0000', 'two items'],
    ['61ff', 'text that is no UTF-8'],
    ['f6', 'what the profile has not'],
  ])('bytes %s are none: %s', (hex) => {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
    expect(decode(opaque, bytes, 64).ok).toBe(false);
    expect(opaque.flawOf(bytes)).toMatchObject({ expected: 'canonical bytes' });
  });
});
