// Real processes: a gateway that lies about what it proves, one test per lie.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RunningCell } from '@fatty/cli';
import { Client, isFattyError } from '@fatty/client/node';
import { nodeScheme } from '@fatty/codec/node';
import type { Failure, Position, SessionId } from '@fatty/interface';
import { dial } from '@fatty/network';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOf, endEverything, member, newCell, newClient, tidyUp, until } from './cell.ts';

const FALSE_WITNESS = fileURLToPath(
  new URL('../../packages/apps/cli/dist/false-witness.js', import.meta.url),
);
const FATTY = fileURLToPath(new URL('../../packages/apps/cli/bin/fatty.js', import.meta.url));
const LIAR = 2;

const run = promisify(execFile);
/** What the command prints. */
async function fatty(...args: string[]): Promise<string> {
  return (await run(process.execPath, [FATTY, ...args])).stdout;
}

const scheme = nodeScheme();

describe('a gateway that proves falsely', () => {
  let cell: RunningCell;
  let writer: Client;
  let session: SessionId;
  let old: Position | undefined;
  let suspicions: Failure[] = [];
  /** Aborted at the first suspicion. */
  let doubt = new AbortController();
  const told: string[] = [];
  /** Has a link to the liar, and to nobody else. */
  let reader: Client;

  beforeAll(async () => {
    cell = await newCell();
    await member(cell, LIAR).restart({ main: FALSE_WITNESS });
    member(cell, LIAR).process.onMessage((message) => {
      const { lie } = message as { readonly lie?: string };
      if (lie !== undefined) told.push(lie);
    });
    writer = await newClient(cell);
    for (const name of ['wrong-value', 'old-value', 'wrong-absence', 'stranger-holds', 'true']) {
      await writer.put(`/${name}`, 'one');
    }
    for (const directory of ['/trimmed-listing', '/short-page']) {
      for (const name of ['a', 'b', 'c']) {
        await writer.put(`${directory}/${name}`, name, { parents: true });
      }
    }
    session = writer.session.session as SessionId;
    old = (await writer.stat('/old-value')).contentGen;
    const { client } = addressOf(cell, LIAR);
    const addresses = cell.cell.addresses.filter((one) => one.client === client);
    reader = new Client({
      cell: { ...cell.cell, addresses },
      signer: scheme.signer(new Uint8Array(32).fill(42)),
      scheme,
      dial,
      timeoutMs: 120_000,
      onSuspect(_, failure) {
        suspicions.push(failure);
        doubt.abort();
      },
    });
    tidyUp(() => reader.close());
  }, 240_000);
  afterAll(endEverything);

  /** The liar alone is asked: its answer is either believed, which ends the call, or suspected. */
  async function caught(
    lie: string,
    ask: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<readonly string[]> {
    [suspicions, doubt] = [[], new AbortController()];
    const said = await ask(doubt.signal).then(
      (value) => `believed ${JSON.stringify(value)}`,
      (error: unknown) => (isFattyError(error) ? error.code : String(error)),
    );
    expect(said).toBe('aborted');
    // The liar's own word comes another way, and may be later.
    await until(() => Promise.resolve(told.includes(lie)));
    return suspicions.map(({ code }) => code);
  }

  it('is believed where it says the truth: one replica is enough', async () => {
    const file = await reader.get('/true', { level: 'certified' });
    expect(file.text()).toBe('one');
  });

  it('is a file to keep: fatty get --proof, fatty cert get and verify', async () => {
    const [first, second] = ['file.cert', 'list.cert'].map((name) => join(cell.dir, name));
    const at = ['--cell', cell.cellPath];
    await fatty('get', '/true', '--proof', '--out', `${first}`, ...at);
    await fatty('cert', 'get', '/', '--list', '--out', `${second}`, ...at);
    expect(await fatty('cert', 'verify', `${first}`, ...at)).toContain('certified');
    expect(await fatty('cert', 'verify', `${second}`, ...at)).toContain('wrong-value');
  });

  it('a wrong value is caught', async () => {
    const codes = await caught('wrong-value', (signal) =>
      reader.get('/wrong-value', { proof: true, signal }),
    );
    expect(codes).toEqual(['bad_proof']);
  });

  it('a value older than asked for is caught', async () => {
    const path = '/old-value';
    const before = await reader.get(path, { proof: true, minPosition: old });
    expect(before.text()).toBe('one');
    await writer.put(path, 'two');
    const { contentGen } = await writer.stat(path);
    const ask = (signal: AbortSignal) =>
      reader.get(path, { proof: true, minPosition: contentGen, signal });
    expect(await caught('old-value', ask)).toEqual(['stale_answer']);
  });

  it('a wrong absence is caught', async () => {
    const ask = (signal: AbortSignal) =>
      reader.prove({ kind: 'node', path: '/wrong-absence' }, { signal });
    expect(await caught('wrong-absence', ask)).not.toContain('stale_answer');
  });

  it('a trimmed listing is caught, at its beginning and at its end', async () => {
    const list = (path: string) => (signal: AbortSignal) =>
      reader.ls(path, { level: 'certified', signal });
    expect(await caught('trimmed-listing', list('/trimmed-listing'))).toEqual(['bad_proof']);
    expect(await caught('short-page', list('/short-page'))).toEqual(['bad_proof']);
  });

  it('a forged holder of a lock is caught', async () => {
    const ask = (signal: AbortSignal) =>
      reader.prove({ kind: 'claim', path: '/stranger-holds', session }, { signal });
    await caught('stranger-holds', ask);
  });

  it('a forged receipt is caught', async () => {
    await caught('forged-receipt', (signal) =>
      reader.prove({ kind: 'receipts', session, seq: 0 }, { signal }),
    );
  });
}, 240_000);
