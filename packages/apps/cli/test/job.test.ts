// Tests of `fatty job`.
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/terminal/io.ts';
import { fatty } from './fatty.ts';

const TILL = fileURLToPath(new URL('../../../cairo/prove/machines/till.casm', import.meta.url));
const NO_CELL = ['--cell', '/does/not/exist.json'];

describe('fatty job', () => {
  it.each([
    ['an action', ['eat', '/j']],
    ['a program', ['declare', '/j']],
    ['one program', ['declare', '/j', TILL, TILL]],
    ['a readable program', ['declare', '/j', '/does/not/exist.casm']],
    ['programs', ['run', '/j']],
    ['a window that fits', ['declare', '/j', TILL, '--window', '32']],
    ['outputs that fit', ['declare', '/j', TILL, '--outputs', '31']],
    ['a number for a state', ['declare', '/j', TILL, '--s', 'high']],
    ['a number for steps', ['declare', '/j', TILL, '--steps', 'many']],
    ['inputs', ['declare', '/j', TILL, '--input', 'five']],
    ['milliseconds', ['declare', '/j', TILL, '--lease', 'long']],
    ['a priority that fits', ['declare', '/j', TILL, '--priority', '256']],
    ['a known format', ['stat', '/j', '-o', 'xml']],
  ])('demands %s: exit 2, and says why', async (_, line) => {
    const { code, err } = await fatty('job', ...line, ...NO_CELL);
    expect(code).toBe(EXIT.usage);
    expect(err).toMatch(/expected|unreadable/);
    expect(err).not.toContain('cell file');
  });

  it.each([
    ['declare', '/j', TILL, '--window', '4', '--input', '5,/fleet/a:1'],
    ['list', '/fleet'],
    ['stat', '/j'],
    ['claim', '/fleet'],
    ['run', '/fleet', TILL, '--no-wait'],
    ['result', '/j', '--to', '/tmp'],
    ['cancel', '/j'],
  ])('%s %s needs nothing but a cell', async (...line) => {
    const { code, err } = await fatty('job', ...line, ...NO_CELL);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain('no cell file');
  });
});
