// Tests of nets from modules.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LIES } from '@fatty/testnet';
import mermaid from 'mermaid';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { NAMED_NETS } from '../src/commands/named-nets.ts';
import { LIE_NAMES, NET_NAMES } from '../src/commands/net.ts';
import { EXIT } from '../src/terminal/io.ts';
import { fatty, folder } from './fatty.ts';

const dir = folder();
const own = (name: string): string => fileURLToPath(new URL(`./nets/${name}`, import.meta.url));
const home = process.cwd();
// A world that fails is written where one is.
beforeAll(() => process.chdir(dir));
afterAll(() => process.chdir(home));
const chartPath = (): string => join(dir, 'out.mmd');

test('the help names every net and every lie, though it loads none of them', () => {
  expect(NET_NAMES).toEqual(Object.keys(NAMED_NETS));
  expect(LIE_NAMES).toEqual(LIES);
});

describe('a net of somebody else', () => {
  it('runs, and its first world is drawn', async () => {
    const flags = ['--seed', '1', '--runs', '2', '--chart', chartPath(), '-o', 'json'];
    const { code, out } = await fatty('net', own('mine.mjs'), ...flags);
    expect(JSON.parse(out)).toMatchObject({ net: 'mine', verdict: 'holds', chart: chartPath() });
    expect(code).toBe(EXIT.done);
    const drawn = readFileSync(chartPath(), 'utf8');
    expect(drawn).toContain('mine, seed 1');
    expect(drawn).not.toContain('BROKEN');
    expect(drawn).toMatch(/commit \d+, leader/);
    await expect(mermaid.parse(drawn)).resolves.toBeTruthy();
  });

  it('that breaks is drawn shrunk, with the mark', async () => {
    const flags = ['--seed', '1', '--runs', '2', '--chart', chartPath(), '-o', 'json'];
    const { code, out } = await fatty('net', own('broken.mjs'), ...flags);
    const report = JSON.parse(out) as { verdict: string; plan: { ops: unknown[] } };
    expect(report.verdict).toBe('broken');
    expect(code).toBe(EXIT.refused);
    const drawn = readFileSync(chartPath(), 'utf8');
    expect(drawn).toContain('broken, seed 1, shrunk');
    expect(drawn).toMatch(
      /rect .*\n.*BROKEN mine at r1: expected no op#59; at all, got #35;1\n +end/,
    );
    await expect(mermaid.parse(drawn)).resolves.toBeTruthy();
  });

  it('that breaks says which rule, keeps the shrunk world, and who explains it', async () => {
    const net = own('broken.mjs');
    const { code, err, out } = await fatty('net', net, '--seed', '1', '--runs', '2', '-o', 'json');
    expect(code).toBe(EXIT.refused);
    expect(err).toContain('broken broke mine: expected no op; at all, got #1');
    expect(err).toContain('fatty: mine: A rule of this net.');
    const [, file = '', again = ''] =
      /is in (\S+\.json); (fatty explain .*) tells why/u.exec(err) ?? [];
    expect(readdirSync(dir)).toContain(file);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      net: 'broken',
      plan: (JSON.parse(out) as { plan: object }).plan,
    });
    const told = await fatty(...again.split(' ').slice(1));
    expect(told.out).toContain('mine is broken at r1');
  });

  it('that throws says what, where and in which net, and does not hold', async () => {
    const said = await fatty('net', own('throwing.mjs'), '--seed', '1', '--runs', '2');
    expect(said.code).toBe(EXIT.refused);
    expect(said.err).toContain('a world of mine, seed 1, threw: my own mistake');
    expect(said.err).toMatch(/at .*throwing\.mjs:\d+/u);
  });

  it.each([
    ['none.mjs', 'no net in', 'it exports answer'],
    ['several.mjs', 'several nets', 'broken, mine'],
    ['flawed.mjs', 'export flawed', 'size.replicas'],
    ['flawed.mjs', 'machine: a function', 'act: a function'],
    ['gone.mjs', 'cannot be imported', 'gone.mjs'],
    ['gone.ts', 'cannot be imported', 'compile it'],
  ])('%s: %s', async (name, ...words) => {
    const { code, err } = await fatty('net', own(name));
    expect(code).toBe(EXIT.usage);
    for (const word of words) expect(err).toContain(word);
  });

  it('is told apart from the name of one that there is not', async () => {
    const { code, err } = await fatty('net', 'nobody');
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining('no net nobody; there are')]);
  });

  it('is not run for a chart that nobody can write', async () => {
    const flags = ['--chart', join(dir, 'no', 'folder.mmd')];
    const { code, err } = await fatty('net', own('mine.mjs'), ...flags);
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining('unwritable')]);
  });
});
