// Tests of `fatty` without a word.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestCell } from '@fatty/client/testing';
import { describe, expect, it, vi } from 'vitest';
import { runCli } from '../src/cli.ts';
import { toldOf } from '../src/commands/greeting.ts';
import { report } from '../src/commands/status.ts';
import { EXIT } from '../src/terminal/io.ts';
import { folder, type Said, silentIo } from './fatty.ts';

const dir = folder();

/** On a terminal, in an environment of its own. */
async function greeted(env: NodeJS.ProcessEnv): Promise<Said> {
  let out = '';
  let err = '';
  const io = {
    ...silentIo([]),
    isTerminal: true,
    env,
    out: (text: string | Uint8Array): void => {
      out += String(text);
    },
    err: (text: string): void => {
      err += text;
    },
  };
  return { code: await runCli(io), out, err };
}

describe('fatty without a word', () => {
  it('says how to begin where there is no cell', async () => {
    const { code, out } = await greeted({ FATTY_CONTEXTS: join(dir, 'none.json') });
    expect(code).toBe(EXIT.done);
    expect(out).toContain('No cell here yet');
    for (const command of ['fatty tour', 'fatty up', 'fatty context set', 'fatty --help']) {
      expect(out).toContain(command);
    }
    expect(out.split('\n').length).toBeLessThan(12);
  });

  it('writes commands as whoever called it through npx can type them', async () => {
    const env = { FATTY_CONTEXTS: join(dir, 'none.json'), npm_command: 'exec' };
    const { out } = await greeted(env);
    expect(out).toMatch(/^ {2}npx fatty tour {4}/m);
    expect(out).toContain('"npx fatty --help"');
    expect(out).not.toMatch(/^ +fatty /m);
  });

  it('says that nobody answers, and does not wait for long', async () => {
    const cell = 'ws://127.0.0.1:1';
    const contexts = join(dir, 'contexts.json');
    const cellId = '00'.repeat(32);
    writeFileSync(
      contexts,
      JSON.stringify({ current: 'gone', contexts: { gone: { cell, cellId } } }),
    );
    const { code, out } = await greeted({ FATTY_CONTEXTS: contexts });
    expect(code).toBe(EXIT.done);
    expect(out).toContain(`There is a cell at ${cell}, and nobody answers`);
  });

  it('tells the state of a cell that runs, and what to do about it', async () => {
    await using cell = await startTestCell();
    const client = await cell.connect();
    await client.put('/a', 'x');
    const well = toldOf('here', await report(client));
    expect(well).toMatch(/^The cell of here is healthy, 4 of 4 replicas answer, at commit \d+: /);
    expect(well).toContain('fatty lock');
    cell.crash(3);
    const hurt = toldOf('here', await report(client));
    expect(hurt).toMatch(/is degraded, 3 of 4 replicas answer/);
    expect(hurt).toContain('fatty top');
  });

  it('lists the commands where nobody looks, and asks no cell', async () => {
    const said = vi.spyOn(console, 'info').mockImplementation(() => undefined);
    expect(await runCli(silentIo([]))).toBe(EXIT.done);
    const text = said.mock.calls.flat().join('\n');
    said.mockRestore();
    expect(text).toContain('To look and to try');
  });
});
