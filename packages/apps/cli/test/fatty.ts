// Test helper: runs `fatty` in this process.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { runCli } from '../src/cli.ts';
import type { Io } from '../src/terminal/io.ts';

/** What a command line did. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Nothing to read, and nobody to write to. */
export function silentIo(line: readonly string[]): Io {
  return {
    out: () => undefined,
    err: () => undefined,
    env: {},
    argv: ['node', 'fatty', ...line],
    readInput: () => Promise.resolve(new Uint8Array()),
    outputFailed: new AbortController().signal,
    isTerminal: false,
  };
}

/** Runs `fatty` in this process, with no environment and nothing on standard input. */
export async function fatty(...args: string[]): Promise<Said> {
  let out = '';
  let err = '';
  const io: Io = {
    ...silentIo(args),
    out: (text) => {
      out += typeof text === 'string' ? text : new TextDecoder().decode(text);
    },
    err: (text) => {
      err += text;
    },
  };
  return { code: await runCli(io), out, err };
}

/** A folder for the tests of a file, removed after the last one. */
export function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'fatty-cli-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
