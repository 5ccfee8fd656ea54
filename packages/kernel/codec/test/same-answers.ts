// Test helper: compares the reader with the oracle on one byte string, and round one value.
import { isDeepStrictEqual } from 'node:util';
import { decode, encode, type Shape, ShapeError } from '../src/index.ts';
import { plainOf } from './by-hand.ts';
import { naiveDecode } from './naive-decode.ts';
import { miswritten, mutated, noise, RandomSource, type Rng } from './random-values.ts';

/** What `decode` answered, and how often. */
export type Tally = Map<string, number>;

/** Whether each byte string of a value is a part of the input, front to back. */
function shared(value: unknown, input: Uint8Array): readonly boolean[] {
  if (value instanceof Uint8Array) return [value.buffer === input.buffer];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((part) => shared(part, input));
}

/** @throws Error when the two decoders differ on these bytes, or the value is not theirs. */
export function compare(
  name: string,
  shape: Shape<unknown>,
  input: Uint8Array,
  tally: Tally,
): void {
  const own = decode(shape, input, 1 << 20);
  const naive = naiveDecode(shape, input, 1 << 20);
  const code = own.ok ? 'ok' : own.failure.code;
  tally.set(code, (tally.get(code) ?? 0) + 1);
  const isSame =
    isDeepStrictEqual(own, naive) &&
    (!own.ok ||
      !naive.ok ||
      (Buffer.compare(encode(shape, own.value), input) === 0 &&
        isDeepStrictEqual(shared(own.value, input), shared(naive.value, input))));
  if (isSame) return;
  const told = [own, naive].map((one) => (one.ok ? 'accepted' : JSON.stringify(one.failure)));
  throw new Error(`${name}: ${told.join(' / ')} for ${Buffer.from(input).toString('hex')}`);
}

/** One value of the shape, written and then spoiled in many ways; false when none can be made up. */
export function compareAround(
  name: string,
  shape: Shape<unknown>,
  rng: Rng,
  tally: Tally,
): boolean {
  compare(name, shape, noise(rng), tally);
  let bytes: Uint8Array;
  try {
    bytes = encode(shape, shape.readFrom(new RandomSource(rng)));
  } catch (error) {
    if (error instanceof ShapeError) return false;
    throw error;
  }
  compare(name, shape, bytes, tally);
  const item = plainOf(bytes);
  for (let k = 0; k < 6; k++) {
    const once = miswritten(rng, item);
    compare(name, shape, once, tally);
    if (k === 0) compare(name, shape, mutated(rng, once), tally);
    compare(name, shape, mutated(rng, bytes), tally);
  }
  return true;
}
