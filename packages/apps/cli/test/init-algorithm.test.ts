// `fatty init --algorithm`: a new cell for an algorithm of one's own.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXIT } from '../src/terminal/io.ts';
import { fatty, folder } from './fatty.ts';

const dir = folder();
const METHODS = ['open', 'deliver', 'apply', 'snapshot', 'restore', 'root'];
const written = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};
const jsonOf = (...path: string[]): unknown => JSON.parse(readFileSync(join(dir, ...path), 'utf8'));

it('names the algorithm of a module in cell.json, and its place in what replicas read', async () => {
  const methods = METHODS.map((name) => `${name}() {}`).join(' ');
  const module = written('mine.mjs', `export class Mine { ${methods} }`);
  const own = await fatty('init', '--dir', join(dir, 'own'), '--algorithm', module);
  expect(own.code).toBe(EXIT.done);
  expect(jsonOf('own', 'cell.json')).toMatchObject({ algorithm: 'Mine' });
  for (const i of [0, 1, 2, 3]) {
    expect(jsonOf('own', `replica-${i}`, 'config.json')).toMatchObject({ algorithm: module });
  }
  const keys = await Promise.all(
    [0, 1, 2, 3].map((i) => fatty('keygen', '--dir', join(dir, `key-${i}`))),
  );
  const members = keys.flatMap(({ out }, i) => ['--member', `${out.trim()}=r${i}.example`]);
  const line = ['init', '--dir', join(dir, 'apart'), '--algorithm', module, ...members];
  expect((await fatty(...line)).code).toBe(EXIT.done);
  expect(jsonOf('apart', 'cell.json')).toMatchObject({ algorithm: 'Mine' });
});

it('makes no cell for a module without an algorithm', async () => {
  const module = written('none.mjs', 'export const x = 1;');
  for (const more of [[], ['--member', `${'07'.repeat(32)}=r0.example`]]) {
    const at = join(dir, `none-${more.length}`);
    const said = await fatty('init', '--dir', at, '--algorithm', module, ...more);
    expect([said.code, said.err]).toEqual([EXIT.refused, expect.stringContaining('no_algorithm')]);
    expect(existsSync(at)).toBe(false);
  }
});
