// Tests of the signer's mark.
import { expect, it } from 'vitest';
import { reference } from '../../codec/test/reference.ts';
import { decodeMark } from '../src/index.ts';

it('a signer mark (R24) orders by bytes as its fields rise, and is read back', () => {
  const marks = [
    [0, 12, 11, 9],
    [0, 24, 23, 9],
    [0, 256, 255, 70_000],
    [1, 1, 0, 70_000],
  ] as const;
  const written = marks.map((mark) => reference(mark));
  expect([...written].sort(Buffer.compare)).toEqual(written);
  for (const [i, [epoch, round, durable, commitIndex]] of marks.entries()) {
    const read = decodeMark(written[i] ?? new Uint8Array(0));
    expect(read).toEqual({ ok: true, value: { epoch, round, durable, commitIndex } });
  }
});
