// Tests of a replica that halts.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dag } from '@fatty/broadcast';
import { encode } from '@fatty/codec';
import { ownerShape, RECORD_BLOCK, RECORD_OWNER } from '@fatty/replica';
import { openLog } from '@fatty/storage';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contradiction } from '../../../kernel/replica/test/forge.ts';
import { initCell } from '../src/index.ts';
import { loadSigner } from '../src/keys.ts';

let root: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fatty-halt-'));
});
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

/** A cell whose replica 0 has a log in which more than f of the others contradict themselves. */
async function deceivedReplica(): Promise<string> {
  const dir = join(root, 'cell');
  const made = initCell({ dir, replicas: 4, freePorts: true });
  if (!made.ok) throw new Error(made.failure.code);
  const { cellId, committee } = made.value;
  const signers = committee.members.map((_, i) => {
    const signer = loadSigner(join(dir, `replica-${i}`, 'key.pem'));
    if (!signer.ok) throw new Error(signer.failure.code);
    return signer.value;
  });
  const { virtual } = new Dag(committee, cellId);
  const blocks = contradiction({ committee, cellId, signers }, virtual, committee.genesisTs);
  const log = await openLog(join(dir, 'replica-0', 'log'));
  const owner = encode(ownerShape, { cellId, epoch: committee.epoch, author: 0 });
  await log.append([
    { type: RECORD_OWNER, body: owner },
    ...blocks.map(({ bytes }) => ({ type: RECORD_BLOCK, body: bytes })),
  ]);
  await log.close();
  return join(dir, 'replica-0');
}

interface Ready {
  readonly addresses: { readonly http: string };
}

describe('a replica that finds two certified blocks in one slot (R18)', () => {
  it('says so in its log and its health, stays to be asked, and ends when told to', async () => {
    const dir = await deceivedReplica();
    const main = new URL('../dist/main.js', import.meta.url).pathname;
    const started = spawn(process.execPath, [main, '--dir', dir], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    child = started;
    let said = '';
    started.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const ended = new Promise((resolve) => started.once('exit', resolve));
    const { addresses } = await new Promise<Ready>((resolve) =>
      started.once('message', (message) => resolve(message as Ready)),
    );
    const get = async (path: string): Promise<string> => {
      const response = await fetch(`${addresses.http}${path}`);
      return `${response.status} ${await response.text()}`;
    };
    // A restart finds the same in the log: nothing for whoever watches /livez to do.
    expect(await get('/livez')).toBe('200 [+] process: answers\nok\n');
    expect(await get('/readyz')).toMatch(/^503 \[-\] ordering: contradiction/);
    expect(await get('/status')).toContain('two in round 1');
    started.kill('SIGTERM');
    expect(await ended).toBe(0);
    const lines = said.split('\n').filter((line) => line.includes('ordering has stopped'));
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { level: 60, replica: 0, failure: { code: 'contradiction' } },
    ]);
  });
});
