// Tests that a machine's failure is not taken for a flaw of the bytes.
import { expect, test, vi } from 'vitest';
import {
  bytes,
  decode,
  encode,
  fromUtf8,
  isMachineFailure,
  mapped,
  type Shape,
  u8,
} from '../src/index.ts';

/** What the engine throws when memory is short. */
const noMemory = (): never => {
  throw new RangeError('Array buffer allocation failed');
};

test('memory that is not there is no flaw of the bytes: decode throws what is not its own refusal', () => {
  const input = encode(u8, 7);
  const short: Shape<number> = { ...u8, readFrom: noMemory };
  expect(() => decode(short, input, 10)).toThrow('allocation failed');
  const bug = (): never => {
    throw new TypeError('undefined is not a function');
  };
  const same = (value: number): number => value;
  expect(() => decode(mapped(u8, bug, same), input, 10)).toThrow(TypeError);
  expect(() => decode(mapped(u8, same, bug), input, 10)).toThrow(TypeError);
  expect(decode(bytes(1), input, 10)).toMatchObject({ failure: { code: 'wrong_shape' } });
});

test('nor is text unreadable because of it', () => {
  const spy = vi.spyOn(TextDecoder.prototype, 'decode').mockImplementation(noMemory);
  expect(() => fromUtf8(Uint8Array.of(97))).toThrow('allocation failed');
  spy.mockRestore();
  expect(fromUtf8(Uint8Array.of(0xff))).toBeUndefined();
});

test('the engine is told from a library that refuses', () => {
  const failures = [
    () => new Uint8Array(2 ** 53),
    () => {
      const dig = (): number => dig() + 1;
      dig();
    },
    () => 'x'.repeat(2 ** 30),
  ];
  for (const run of failures) {
    let thrown: unknown;
    try {
      run();
    } catch (error) {
      thrown = error;
    }
    expect(isMachineFailure(thrown), String(thrown)).toBe(true);
  }
  expect(isMachineFailure(new RangeError('bad point'))).toBe(false);
  expect(isMachineFailure(new Error('allocation failed'))).toBe(false);
});
