// Tests of contexts, and of what asks and waits: against files, and against a cell of real processes.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '@fatty/codec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../src/cli.ts';
import { healthOf, type ReplicaSeen } from '../src/commands/status.ts';
import { type RunningCell, startCell } from '../src/index.ts';
import { EXIT } from '../src/terminal/io.ts';
import { folder, type Said, silentIo } from './fatty.ts';

const dir = folder();
const file = join(dir, 'home', 'contexts.json');
const cellFile = join(dir, 'cell.json');
writeFileSync(cellFile, '{}');

/** `fatty` for a user who keeps contexts. */
async function fatty(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Said> {
  let [out, err] = ['', ''];
  const code = await runCli({
    ...silentIo(args),
    env: { FATTY_CONTEXTS: file, ...env },
    readInput: () => Promise.resolve(new TextEncoder().encode('from standard input')),
    out: (text) => {
      out += typeof text === 'string' ? text : new TextDecoder().decode(text);
    },
    err: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}

const json = (said: Said): unknown => JSON.parse(said.out);
const jsonLines = ({ out }: Said): readonly unknown[] =>
  out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

describe('contexts', () => {
  it('are set, used, listed, cleared and removed', async () => {
    expect(jsonLines(await fatty({}, 'context', '-o', 'json'))).toEqual([]);
    const key = join(dir, 'me.pem');
    const set = await fatty({}, 'context', 'set', 'prod', '--cell', cellFile, '--key', key);
    expect(set).toMatchObject({ code: EXIT.done, out: '', err: '' });
    const url = 'wss://a.example:7420,wss://b.example:7420';
    const id = '00'.repeat(32);
    await fatty({}, 'context', 'set', 'far', '--cell', url, '--cell-id', id);
    expect((await fatty({}, 'context', 'use', 'prod')).code).toBe(EXIT.done);
    expect(jsonLines(await fatty({}, 'context', 'ls', '-o', 'json'))).toEqual([
      { name: 'far', current: false, cell: url, cellId: id, insecure: false },
      { name: 'prod', current: true, cell: cellFile, key, insecure: false },
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await fatty({}, 'context', 'clear');
    expect(JSON.parse(readFileSync(file, 'utf8'))).not.toHaveProperty('current');
    await fatty({}, 'context', 'use', 'far');
    await fatty({}, 'context', 'rm', 'far');
    expect(jsonLines(await fatty({}, 'context', '-o', 'json'))).toEqual([
      { name: 'prod', current: false, cell: cellFile, key, insecure: false },
    ]);
  });

  it.each([
    [['context', 'use', 'nowhere'], 'no context nowhere: there are prod'],
    [['context', 'rm', 'constructor'], 'no context constructor'],
    [['context', 'set', 'x y', '--cell', cellFile], 'expected a name of letters'],
    [['context', 'set', '__proto__', '--cell', cellFile], 'expected a name of letters'],
    [['context', 'set', 'x'], 'expected --cell'],
    [['context', 'set', 'x', '--cell', 'wss://a'], 'URLs need --cell-id'],
    [['context', 'set', 'x', '--cell', '/does/not/exist'], 'no cell file'],
    [['context', 'eat', 'prod'], 'expected ls, set, use, clear or rm'],
    [['get', '/a', '--context', 'prod', '--cell', cellFile], 'got both'],
    [['get', '/a', '--context', 'nowhere'], 'no context nowhere'],
    [['wait', '/a', '--cell', cellFile], '--for: expected exists'],
    [['wait', '/a', '--for', 'toString', '--cell', cellFile], '--for: expected exists'],
    [['status', '--for', 'constructor', '--cell', cellFile], '--for: expected healthy or quorum'],
  ])('%j is refused in a sentence', async (line, said) => {
    const { code, err } = await fatty({}, ...line);
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining(said)]);
  });

  it.each(['', '[]', '{"contexts":[1]}', '{"contexts":{"a":{}}}', '{"contexts":{},"current":1}'])(
    'in a file that holds %j are refused, and nothing is written over it',
    async (text) => {
      const broken = join(dir, 'broken.json');
      writeFileSync(broken, text);
      const line = ['context', 'set', 'x', '--cell', cellFile];
      const { code, err } = await fatty({ FATTY_CONTEXTS: broken }, ...line);
      expect([code, err]).toEqual([EXIT.usage, expect.stringContaining('mend or remove it')]);
      expect(readFileSync(broken, 'utf8')).toBe(text);
    },
  );
});

describe('health', () => {
  const seen = (...commits: readonly (number | undefined)[]): readonly ReplicaSeen[] =>
    commits.map((commit, replica) => ({ replica, commit, convicted: false }));

  it('is what a quorum of honest answers makes it', () => {
    expect(healthOf(seen(9, 9, 9, 8), 3)).toBe('healthy');
    expect(healthOf(seen(9, undefined, 9, 8), 3)).toBe('degraded');
    expect(healthOf(seen(900, 900, 900, 8), 3)).toBe('degraded');
    expect(healthOf(seen(9, undefined, undefined, 8), 3)).toBe('no_quorum');
    const liar = { replica: 3, commit: 9, convicted: true };
    expect(healthOf([...seen(9, 9, 9), liar], 3)).toBe('degraded');
    expect(healthOf([...seen(9, undefined, 9), liar], 3)).toBe('no_quorum');
  });
});

describe('a cell of real processes', () => {
  let cell: RunningCell;

  beforeAll(async () => {
    cell = await startCell({ logLevel: 'warn' });
  });
  afterAll(() => cell.close());

  it('is reached by context, by URLs and by environment; is waited for, and tells how it is', async () => {
    const cellId = toHex(cell.cell.cellId);
    const urls = cell.cell.addresses.map(({ client }) => client).join(',');
    await fatty({}, 'context', 'set', 'here', '--cell', cell.cellPath);
    await fatty({}, 'context', 'set', 'wire', '--cell', urls, '--cell-id', cellId);
    await fatty({}, 'context', 'use', 'here');
    const healthy = await fatty({}, 'status', '--for', 'healthy', '--timeout', '120000');
    expect(healthy).toMatchObject({ code: EXIT.done, err: '' });
    expect(healthy.out).toContain('health     healthy');

    expect((await fatty({}, 'put', '/a', 'typed')).code).toBe(EXIT.done);
    expect((await fatty({}, 'get', '/a', '--context', 'wire')).out).toBe('typed');
    const note = join(dir, 'note.txt');
    writeFileSync(note, 'from a file');
    await fatty({ FATTY_CONTEXT: 'wire' }, 'put', '/a', '--file', note);
    expect((await fatty({ FATTY_CELL: cell.cellPath }, 'get', '/a')).out).toBe('from a file');
    const written = await fatty({}, 'put', '/a', '--file', '-', '-o', 'json');
    expect(json(written)).toEqual({ path: '/a', bytes: 19 });
    const far = ['--cell', urls, '--cell-id', cellId];
    expect((await fatty({}, 'get', '/a', ...far)).out).toBe('from standard input');
    expect(
      (await fatty({}, 'get', '/a', '--cell', urls, '--cell-id', '00'.repeat(32))).err,
    ).toMatch(/^fatty: wrong_cell_id.*\nfatty: See that address/);

    const waiting = fatty({}, 'wait', '/b', '--for', 'value=now', '--timeout', '120000');
    await fatty({}, 'put', '/b', 'now');
    expect((await waiting).code).toBe(EXIT.done);
    const line = await fatty({}, 'wait', '/b', '--for', 'free', '-o', 'json');
    expect(json(line)).toMatchObject({ path: '/b', for: 'free', isSo: true });
    const late = await fatty({}, 'wait', '/b', '--for', 'absent', '--timeout', '1500');
    expect([late.code, late.err]).toEqual([EXIT.refused, expect.stringContaining('is not absent')]);
    expect(json(await fatty({}, 'rm', '/b', '-o', 'json'))).toEqual({ path: '/b', removed: true });

    const names = jsonLines(await fatty({}, 'ls', '-o', 'json'));
    expect(names).toContainEqual({ name: 'a', kind: 'file' });
    expect(jsonLines(await fatty({}, 'members', '-o', 'json'))).toHaveLength(4);

    await cell.replicas[3]?.kill();
    const hurt = await fatty({}, 'status', '-o', 'json');
    expect(hurt.code).toBe(EXIT.done);
    expect(json(hurt)).toMatchObject({ health: 'degraded', answering: 3, replicas: 4, quorum: 3 });
    const state = 'active';
    expect(jsonLines(await fatty({}, 'members', '-o', 'json'))).toMatchObject([
      { replica: 0, state },
      { replica: 1, state },
      { replica: 2, state },
      { replica: 3, answers: false },
    ]);
    await cell.replicas[2]?.kill();
    const dead = await fatty({}, 'status', '-o', 'json');
    expect([dead.code, json(dead)]).toMatchObject([EXIT.refused, { health: 'no_quorum' }]);
  });
});
