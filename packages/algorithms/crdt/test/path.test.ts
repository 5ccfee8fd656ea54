// Tests of paths.
import { utf8 } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPath, formatPath, PATH_DEPTH_MAX, parsePath } from '../src/index.ts';

const codeOf = (text: string | Uint8Array): string => {
  const read = parsePath(typeof text === 'string' ? utf8(text) : text);
  return read.ok ? 'ok' : read.failure.code;
};

describe('parsePath', () => {
  it('inverts formatPath', () => {
    const segment = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..');
    fc.assert(
      fc.property(fc.array(segment, { maxLength: PATH_DEPTH_MAX }), (segments) => {
        const path = segments.map(utf8);
        expect(checkPath(path)).toEqual({ ok: true, value: path });
        expect(parsePath(formatPath(path))).toEqual({ ok: true, value: path });
      }),
    );
  });

  it('accepts nothing that does not format back', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 0x2e, 0x2f, 0x61, 0xc3, 0xa4, 0xff)), (list) => {
        const bytes = Uint8Array.from([0x2f, ...list]);
        const read = parsePath(bytes);
        if (read.ok) expect(formatPath(read.value)).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['', 'relative'],
    ['a', 'relative'],
    ['//', 'empty segment'],
    ['/a/', 'empty segment'],
    ['/./a', 'dot'],
    ['/a/..', 'dots'],
    ['/a\0', 'zero byte'],
    [`/${'x'.repeat(256)}`, 'long segment'],
    ['/x'.repeat(33), 'deep'],
    [Uint8Array.of(0x2f, 0xff), 'not UTF-8'],
  ] as const)('refuses %j (%s)', (text, _why) => {
    expect(codeOf(text)).toBe('bad_path');
  });

  it('takes the limits', () => {
    expect([codeOf('/'), codeOf(`/${'x'.repeat(255)}`), codeOf('/x'.repeat(32))]).toEqual([
      'ok',
      'ok',
      'ok',
    ]);
    expect(checkPath(Array.from({ length: 33 }, () => utf8('x')))).toMatchObject({ ok: false });
  });
});
