// Help in groups, and examples that can be typed.
import { describe, expect, it, vi } from 'vitest';
import { commandsOn } from '../src/every.ts';
import { readLine } from '../src/terminal/arguments.ts';
import { groupsOf } from '../src/terminal/help.ts';
import { fatty, silentIo } from './fatty.ts';

const all = () => commandsOn(silentIo([]), () => undefined);

async function help(...args: string[]): Promise<string> {
  const said = vi.spyOn(console, 'info').mockImplementation(() => undefined);
  await fatty(...args, '--help');
  const text = said.mock.calls.flat().join('\n');
  said.mockRestore();
  return text;
}

describe('help', () => {
  it('has every command in one group', async () => {
    const cli = all();
    const groups = groupsOf(cli);
    expect(groups.map(({ title }) => title)).not.toContain('Others');
    const lines = groups.flatMap(({ body }) => body.split('\n').map((line) => line.trim()));
    const named = lines.map((line) => line.split(' ')[0]);
    expect([...named].sort()).toEqual(cli.commands.map(({ name }) => name).sort());
    const text = await help();
    for (const { title = '', body } of groups) expect(text).toContain(`${title}:\n${body}`);
    expect(text.split('\n').length).toBeLessThan(80);
  });

  it('has examples of every command, each of which can be typed', async () => {
    for (const { name, examples } of all().commands) {
      expect(examples.length, name).toBeGreaterThan(0);
      for (const example of examples) {
        const [, ...words] = String(example).split(' ');
        const cli = all();
        readLine(cli, words);
        expect(cli.matchedCommandName, String(example)).toBe(name);
        expect(() => cli.matchedCommand?.checkRequiredArgs(), String(example)).not.toThrow();
        expect(() => cli.matchedCommand?.checkUnusedArgs(), String(example)).not.toThrow();
      }
      expect(await help(name)).toContain('Examples:\nfatty ');
    }
  });
});
