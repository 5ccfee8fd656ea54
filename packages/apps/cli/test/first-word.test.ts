// Tests of which commands a line loads.
import type { CAC } from 'cac';
import { expect, it } from 'vitest';
import { makeCli } from '../src/cli.ts';
import { commandsOn } from '../src/every.ts';
import { commandsFor, LOADERS } from '../src/first-word.ts';
import { fatty, silentIo } from './fatty.ts';

const all = commandsOn(silentIo([]), () => undefined);

const shapeOf = (cli: CAC, word: string): unknown => {
  const command = cli.commands.find(({ name }) => name === word);
  return command && [command.rawName, command.options.map(({ rawName }) => rawName)];
};

it.each([...LOADERS.keys()])('%s by itself is what it is among all', async (word) => {
  const one = makeCli(silentIo([]), () => undefined, await commandsFor(word));
  expect(one.commands.length).toBeLessThan(all.commands.length / 2);
  expect(shapeOf(one, word)).toEqual(shapeOf(all, word));
  expect(shapeOf(one, word)).toBeDefined();
});

it.each([undefined, '--help', '-o', 'nothing', 'constructor', 'tour'])(
  'a line that begins with %s has all commands',
  async (word) => {
    const { length } = await commandsFor(word);
    expect(length).toBeGreaterThan(20);
  },
);

it('a name that is no command is compared with all', async () => {
  expect((await fatty('lokc', '/a')).err).toContain('lock');
});
