// `fatty init --admin`: a new cell with an administrator from the start.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXIT } from '../src/terminal/io.ts';
import { fatty, folder } from './fatty.ts';

const dir = folder();

it('names the key in cell.json, also among members that keep their keys', async () => {
  const key = (i: number): Promise<string> =>
    fatty('keygen', '--dir', join(dir, `key-${i}`)).then(({ out }) => out.trim());
  const [admin = '', ...keys] = await Promise.all([0, 1, 2, 3, 4].map(key));
  const members = keys.flatMap((one, i) => ['--member', `${one}=r${i}.example`]);
  for (const [name, more] of Object.entries({ own: [], apart: members })) {
    const said = await fatty('init', '--dir', join(dir, name), '--admin', admin, ...more);
    expect(said.code).toBe(EXIT.done);
    const text = readFileSync(join(dir, name, 'cell.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({ admin });
  }
});
