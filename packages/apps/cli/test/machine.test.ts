// Tests of `fatty machine`.
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/terminal/io.ts';
import { fatty } from './fatty.ts';

const TILL = fileURLToPath(new URL('../../../cairo/prove/machines/till.casm', import.meta.url));
const NO_CELL = ['--cell', '/does/not/exist.json'];

describe('fatty machine', () => {
  it.each([
    ['an action', ['eat', '/m']],
    ['a program', ['declare', '/m']],
    ['one program', ['run', '/m', TILL, TILL]],
    ['a readable program', ['declare', '/m', '/does/not/exist.casm']],
    ['a window that fits', ['declare', '/m', TILL, '--inbox', '32']],
    ['outputs that fit', ['declare', '/m', TILL, '--outputs', '31']],
    ['a known way to treat neglect', ['declare', '/m', TILL, '--inbox', '4', '--neglect', 'x']],
    ['a known binding', ['declare', '/m', TILL, '--binding', 'loose']],
    ['a number for a state', ['declare', '/m', TILL, '--s', 'high']],
    ['milliseconds', ['declare', '/m', TILL, '--period', 'long']],
    ['entries', ['post', '/m']],
    ['entries that are numbers', ['post', '/m', 'five']],
    ['transitions', ['run', '/m', TILL, '--max', 'many']],
    ['inputs', ['run', '/m', TILL, '--input', '{"by": true}']],
    ['a known format', ['stat', '/m', '-o', 'xml']],
  ])('demands %s: exit 2, and says why', async (_, line) => {
    const { code, err } = await fatty('machine', ...line, ...NO_CELL);
    expect(code).toBe(EXIT.usage);
    expect(err).toMatch(/expected|unreadable/);
    expect(err).not.toContain('cell file');
  });

  it.each([
    ['declare', '/m', TILL, '--inbox', '4', '--neglect', 'refused', '--s', '0xff'],
    ['post', '/m', '0x5', '7', '--await', '100'],
    ['post', '/m', '--text', 'five'],
    ['stat', '/m'],
    ['run', '/m', TILL, '--every', '500', '--max', '3', '--no-wait'],
  ])('%s %s needs nothing but a cell', async (...line) => {
    const { code, err } = await fatty('machine', ...line, ...NO_CELL);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain('no cell file');
  });
});
