// Tests of how the command line is read.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CAC } from 'cac';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandsOn } from '../src/every.ts';
import { readLine } from '../src/terminal/arguments.ts';
import { EXIT, ExitError } from '../src/terminal/io.ts';
import { fatty, folder, silentIo } from './fatty.ts';

const dir = folder();
const TICK = fileURLToPath(new URL('../../../cairo/prove/machines/tick.casm', import.meta.url));

function read(...line: string[]): CAC {
  const cli = commandsOn(silentIo(line), () => undefined);
  readLine(cli, line);
  return cli;
}

/** Every option with a value, as `[command, --name, its key]`. */
const VALUED = read().commands.flatMap((command) =>
  command.options
    .filter((option) => option.required === true)
    .map(({ name, rawName }) => {
      const long = /--[a-z-]+/.exec(rawName)?.[0] ?? '';
      return [command.name, long, name] as const;
    }),
);

describe('options with a value', () => {
  it('are many', () => expect(VALUED.length).toBeGreaterThan(50));

  it.each(['007', '7', '0x10', '12.10', '1e3', '9'.repeat(64), 'true', ' ', 'a=b', '__proto__'])(
    'keep %j as it was typed',
    (text) => {
      for (const [command, long, name] of VALUED) {
        expect(read(command, long, text).options[name], `${command} ${long}`).toBe(text);
        expect(read(command, `${long}=${text}`).options[name], `${command} ${long}=`).toBe(text);
      }
    },
  );

  it('are refused without one, and the last of several counts', () => {
    for (const [command, long, name] of VALUED) {
      for (const line of [[long], [long, ''], [`${long}=`], [long, '--nonsense']]) {
        expect(() => read(command, ...line), `${command} ${line.join(' ')}`).toThrow(ExitError);
      }
      expect(read(command, long, 'a', long, 'b').options[name]).toBe('b');
    }
  });

  it('end at the dashes, and leave the words between as they are', () => {
    const line = ['lock', '/7', '--wait', '5', '--', 'x', '--wait', '6', '--', '-o'];
    const { args, options } = read(...line);
    expect(args).toEqual(['/7']);
    expect(options).toMatchObject({ wait: '5', '--': ['x', '--wait', '6', '--', '-o'] });
    expect(read('put', '/n', '007').args).toEqual(['/n', '007']);
    expect(read('machine', 'run', '/m', 'f', '--no-wait').options.wait).toBe(false);
    expect(read('ls', '-o', 'json').options.output).toBe('json');
  });

  it.each([
    ['get', '/a', '--timeout', ''],
    ['get', '/a', '--timeout', ' '],
    ['get', '/a', '--nonsense.deep', '5'],
    ['cairo', 'run', TICK, '--input', '5'],
    ['cairo', 'run', TICK, '--cells', ' '],
    ['init', '--dir', ''],
    ['lock', '/a', '--', ''],
  ])('%j is wrong usage', async (...line) => {
    const { code, err } = await fatty(...line, ...(line[0] === 'get' ? ['--cell', TICK] : []));
    expect([code, err]).toEqual([EXIT.usage, expect.stringMatching(/^fatty: ./)]);
  });
});

describe('files whose names look like numbers', () => {
  const before = process.cwd();
  beforeEach(() => process.chdir(dir));
  afterEach(() => process.chdir(before));

  it('are files, and not what the process has open under that number', async () => {
    expect((await fatty('init', '--dir', '007')).code).toBe(EXIT.done);
    expect(existsSync(join(dir, '007', 'cell.json'))).toBe(true);
    expect((await fatty('cairo', 'asm', TICK, '--out', '1')).code).toBe(EXIT.done);
    expect(existsSync(join(dir, '1'))).toBe(true);
    expect((await fatty('cairo', 'disasm', '1', '--out', '8')).code).toBe(EXIT.done);
    expect(existsSync(join(dir, '8'))).toBe(true);
    const key = await fatty('ls', '--key', '12', '--cell', '007/cell.json');
    expect([key.code, key.err]).toEqual([EXIT.usage, expect.stringMatching(/bad_key_file.*'?12/)]);
    writeFileSync('3', '{"binding": 1, "tFrom": 0, "sFrom": 3, "n": 10}');
    expect((await fatty('cairo', 'run', TICK, '--input', '3')).code).toBe(EXIT.done);
  });
});
