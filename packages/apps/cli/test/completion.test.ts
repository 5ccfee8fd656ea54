// Tests of completions, and of what is suggested for what was mistyped.
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandsOn } from '../src/every.ts';
import { EXIT } from '../src/terminal/io.ts';
import { similar } from '../src/terminal/similar.ts';
import { fatty, silentIo } from './fatty.ts';

const NAMES = commandsOn(silentIo([]), () => undefined).commands.map(({ name }) => name);

/** What bash offers for the last of these words. */
async function completed(...words: string[]): Promise<readonly string[]> {
  const script = (await fatty('completion', 'bash')).out;
  const line = ['fatty', ...words].map((word) => `'${word}'`).join(' ');
  const ask = `COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _fatty; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', `${script}\n${ask}`], { encoding: 'utf8' })
    .trim()
    .split('\n');
}

describe('completion', () => {
  it('of bash offers commands, options of the command, and values of an option', async () => {
    expect(await completed('ge')).toEqual(['get']);
    expect(new Set(await completed(''))).toEqual(new Set(NAMES));
    expect(await completed('put', '/a', '--gu')).toEqual(['--guarded']);
    expect(await completed('ls', '-o', 'j')).toEqual(['json']);
    expect(await completed('get', '/a', '--level', '')).toHaveLength(3);
    expect(await completed('chart', 'a', '--as', 'sv')).toEqual(['svg']);
    expect(await completed('machine', 'run', '--no-w')).toEqual(['--no-wait']);
  });

  it.each(['bash', 'zsh', 'fish'])('of %s knows every command', async (shell) => {
    const { code, out } = await fatty('completion', shell);
    expect(code).toBe(EXIT.done);
    for (const name of NAMES) expect(out).toMatch(new RegExp(`\\b${name}\\b`));
  });

  it('is for three shells', async () => {
    const { code, err } = await fatty('completion', 'tcsh');
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining('bash, zsh, fish')]);
  });
});

describe('what was mistyped', () => {
  it.each([
    [['gte', '/a'], 'no command gte. Did you mean get?'],
    [['memebrs'], 'Did you mean members?'],
    [['sessions'], 'Did you mean session?'],
    [['mach'], 'Did you mean machine?'],
    [['get', '/a', '--levle', 'x'], 'no option --levle. Did you mean --level?'],
    [['lock', '/a', '--lock-dely=5'], 'Did you mean --lock-delay?'],
    [['get', '/a', '--frobnicate'], '"--help" behind the command'],
  ])('%j: %s', async (line, said) => {
    const { code, err } = await fatty(...line);
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining(said)]);
  });

  it('has no suggestion that is far away', async () => {
    expect((await fatty('frobnicate')).err).toBe(
      'fatty: no command frobnicate. "fatty --help" lists what there is.\n',
    );
    expect(similar('zz', NAMES)).toEqual([]);
  });

  it('is found with one slip in any word of five letters or more', () => {
    const long = NAMES.filter((name) => name.length >= 5);
    fc.assert(
      fc.property(fc.constantFrom(...long), fc.nat(), fc.nat(3), (name, place, what) => {
        const at = 1 + (place % (name.length - 2));
        const [head, letter, next] = [name.slice(0, at), name[at], name[at + 1]];
        const rest = name.slice(at + 2);
        const typed = [
          `${head}${next}${rest}`,
          `${head}q${next}${rest}`,
          `${head}${next}${letter}${rest}`,
          `${head}${letter}${letter}${next}${rest}`,
        ][what];
        if (typed === undefined || NAMES.includes(typed)) return;
        expect(similar(typed, NAMES)).toContain(name);
      }),
    );
  });
});
