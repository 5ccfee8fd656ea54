// Tests of backups.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hash, standIn, utf8 } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import { Replica } from '@fatty/replica';
import { openFrames, openLog, openMark } from '@fatty/storage';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backUp, initCell, loadCell, replicasIn, restoreBackup } from '../src/index.ts';

let root: string;
let dir: string;
let cell: string;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'fatty-backup-'));
  initCell({ dir: join(root, 'cell'), replicas: 4, freePorts: true });
  dir = join(root, 'cell', 'replica-0');
  cell = join(root, 'cell', 'cell.json');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (...names: string[]): string => join(root, ...names);
const record = (n: number) => ({ type: 9, body: new Uint8Array(300).fill(n % 256) });

function value<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.failure.code}: ${outcome.failure.actual}`);
  return outcome.value;
}

async function bodiesIn(folder: string): Promise<number[]> {
  const log = await openLog(folder);
  const bodies: number[] = [];
  for await (const { body } of log.replay()) bodies.push(body[0] ?? -1);
  await log.close();
  return bodies;
}

async function written(count: number): Promise<void> {
  const log = await openLog(join(dir, 'log'), { segmentBytesMax: 2_000 });
  for (let n = 0; n < count; n++) await log.append([record(n)]);
  await log.close();
}

describe('a backup', () => {
  it('of a replica at work is a beginning of its log with all that was there, and its frames', async () => {
    const log = await openLog(join(dir, 'log'), { segmentBytesMax: 4_000 });
    const frames = await openFrames(join(dir, 'frames'));
    await frames.write(7, { head: Uint8Array.of(1), payload: new Uint8Array(5_000) });
    for (let n = 0; n < 40; n++) await log.append([record(n)]);
    let isOver = false;
    const busy = (async () => {
      for (let n = 40; !isOver && n < 5_000; n++) await log.append([record(n)]);
    })();
    const made = value(await backUp(dir, cell, at('out')));
    isOver = true;
    await busy;
    await log.close();
    const copied = await bodiesIn(at('out', 'log'));
    expect(copied.length).toBeGreaterThanOrEqual(40);
    expect(copied).toEqual(copied.map((_, n) => n % 256));
    expect(made).toMatchObject({ frames: 1, records: copied.length });
    expect(readdirSync(at('out')).sort()).toEqual(['cell.json', 'frames', 'log']);
  });

  it('of a log with a torn tail ends before it; a damaged one is no backup', async () => {
    await written(5);
    appendFileSync(join(dir, 'log', readdirSync(join(dir, 'log')).sort().at(-1) ?? ''), 'torn');
    expect(value(await backUp(dir, cell, at('torn'))).records).toBe(5);
    const middle = join(dir, 'log', readdirSync(join(dir, 'log')).sort()[0] ?? '');
    rmSync(middle);
    appendFileSync(middle, new Uint8Array(3_000).fill(7));
    expect(await backUp(dir, cell, at('damaged'))).toMatchObject({
      failure: { code: 'log_corrupt' },
    });
    // Nothing half made stands in the way of another try.
    expect(existsSync(at('damaged'))).toBe(false);
  });

  it('is given up when the replica is always ahead of it, and when the folder cannot be made', async () => {
    await written(3);
    // As if the segment went between the look and the copy, every time.
    symlinkSync(at('gone'), join(dir, 'log', '000000.log'));
    expect(await backUp(dir, cell, at('late'))).toMatchObject({ failure: { code: 'moved_on' } });
    expect(existsSync(at('late'))).toBe(false);
    rmSync(join(dir, 'log', '000000.log'));
    expect(await backUp(dir, cell, join(cell, 'below'))).toMatchObject({
      failure: { code: 'folder_unusable' },
    });
    expect((await backUp(dir, cell, at('late'))).ok).toBe(true);
  });

  it('is refused with a code: no replica, a folder that is there, no cell', async () => {
    const codeOf = async (of: string, path: string, out: string): Promise<string | undefined> => {
      const made = await backUp(of, path, at(out));
      return made.ok ? undefined : made.failure.code;
    };
    expect(await codeOf(at('nothing'), cell, 'out')).toBe('not_a_replica');
    await written(1);
    mkdirSync(at('there'));
    expect(await codeOf(dir, cell, 'there')).toBe('exists');
    expect(await codeOf(dir, at('no.json'), 'out')).toBeDefined();
    expect(existsSync(at('out'))).toBe(false);
    expect(await replicasIn(at('cell'))).toEqual([dir]);
    expect([await replicasIn(dir), await replicasIn(at('nowhere'))]).toEqual([[dir], []]);
  });
});

describe('a folder made of a backup', () => {
  it('has what the backup has, and no right to sign', async () => {
    await written(9);
    value(await backUp(dir, cell, at('out')));
    expect(value(await restoreBackup(at('out'), at('new', 'replica-0'))).records).toBe(9);
    expect(await bodiesIn(at('new', 'replica-0', 'log'))).toHaveLength(9);
    expect(existsSync(at('new', 'cell.json'))).toBe(true);
    expect(existsSync(at('new', 'replica-0', 'key.pem'))).toBe(false);
    const mark = await openMark(at('new', 'replica-0', 'signer'));
    const { committee, cellId } = value(loadCell(cell));
    const scheme = standIn();
    const signer = scheme.signer(hash('any', utf8('key')));
    const machine = { applyCommit: () => ({ receipts: [], notices: [], settled: [] }) } as never;
    // Whatever epoch the cell has come to since: the key may have signed in each of them.
    for (const epoch of [0, 1, 700]) {
      const now = { ...committee, epoch };
      const replica = new Replica({ committee: now, cellId, me: 0, signer, scheme, machine });
      replica.restore([], await mark.read());
      replica.step({ kind: 'start', nowMs: committee.genesisTs });
      expect(replica.status().observer?.code).toBe('log_behind_mark');
    }
    await mark.close();
  });

  it('is refused with a code: no backup, a folder that has a log already', async () => {
    await written(1);
    expect(await restoreBackup(at('cell'), at('x'))).toMatchObject({
      failure: { code: 'not_a_backup' },
    });
    value(await backUp(dir, cell, at('out')));
    expect(await restoreBackup(at('out'), dir)).toMatchObject({ failure: { code: 'exists' } });
  });
});
