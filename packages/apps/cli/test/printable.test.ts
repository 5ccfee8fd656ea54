// Tests of text that others chose.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/terminal/io.ts';
import { fields, json, printable, table } from '../src/terminal/output.ts';
import { fatty, folder } from './fatty.ts';

const dir = folder();

describe('what others chose', () => {
  const name = 'a\u001b]0;owned\u0007\u009b2J\u202egpj.exe\u2028b\ud800\u{e0041}\n';
  const raw = /[\p{Cc}\u202e\u2028]/u;

  it('never steers the terminal: tables, fields, JSON and errors', async () => {
    for (const text of [
      table([{ name, of: { name } }]),
      fields({ name, of: [name] }),
      json({ name }),
    ]) {
      expect(
        text
          .trim()
          .split('\n')
          .filter((line) => raw.test(line)),
      ).toEqual([]);
      expect(text).toContain('a\\u001b]0;owned\\u0007\\u009b2J\\u202egpj');
    }
    expect(JSON.parse(json([{ name }], 2))).toEqual([{ name }]);
    expect(printable('grün 漢字 👍🏽 e\u0301')).toBe('grün 漢字 👍🏽 e\u0301');
    expect((await fatty('\u001b[31m')).err).not.toContain('\u001b');
    const said = await fatty('get', '/a', '--cell', '/no\u001b[2J');
    expect(said.err).toContain('/no\\u001b[2J');
  });

  it('plain links beyond this machine are refused before anything is dialled', async () => {
    const there = join(dir, 'beyond');
    const made = await fatty(
      'init',
      '--dir',
      there,
      '--host',
      '0.0.0.0',
      '--advertise',
      '192.0.2.1',
      '--insecure',
    );
    expect([made.err, made.code]).toEqual(['', EXIT.done]);
    const cell = join(there, 'cell.json');
    const refused = await fatty('get', '/a', '--cell', cell);
    expect([refused.code, refused.err]).toEqual([
      EXIT.usage,
      expect.stringMatching(/plain_refused: .*wss.*--insecure/),
    ]);
    const tried = await fatty('get', '/a', '--cell', cell, '--insecure', '--timeout', '1000');
    expect(tried.code).toBe(EXIT.unreachable);
  });
});
