// Copies of a replica's folder, and folders out of copies.
import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encode, fail, ok } from '@fatty/codec';
import type { Failure, Outcome } from '@fatty/interface';
import { signerMarkShape } from '@fatty/replica';
import { isMissing, nodeFiles, openFrames, openLog, openMark, StorageError } from '@fatty/storage';
import { FOUNDING_FILE, loadCell } from './init.ts';

/** What a backup holds. */
export interface Backup {
  readonly dir: string;
  readonly frames: number;
  readonly records: number;
  readonly bytes: number;
}

/** How often a copy is begun anew because the replica moved on meanwhile. */
const TRIES = 5;
const SEGMENT = /^\d{6,}\.log$/;
const FRAME = /^\d{16}\.frame$/;
/**
 * No log has an own block this high, and no cell comes to this epoch: whoever has this mark signs nothing (R26), in
 * whatever epoch the cell is by now. The key may have signed in any that is later than the backup.
 */
const NEVER = 2 ** 32 - 1;

/** Names in a folder that fit, ascending; none when it is missing. */
async function namesIn(folder: string, fitting: RegExp): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => fitting.test(name)).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const file = await open(to, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function copyAll(from: string, to: string, names: readonly string[]): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of names) await copyDurably(join(from, name), join(to, name));
  await nodeFiles.syncFolder(to);
}

/**
 * Frames first, then the log: a frame says nothing that does not follow from the log before it. The log
 * behind a frame is there as long as the frame is (R28). False: the replica moved on too far meanwhile.
 */
async function copyOnce(dir: string, out: string): Promise<boolean> {
  const [frames, log] = [join(dir, 'frames'), join(dir, 'log')];
  for (const part of ['frames', 'log']) await rm(join(out, part), { recursive: true, force: true });
  const copied = await namesIn(frames, FRAME);
  await copyAll(frames, join(out, 'frames'), copied);
  await copyAll(log, join(out, 'log'), await namesIn(log, SEGMENT));
  const left = await namesIn(frames, FRAME);
  return copied.length === 0 ? left.length === 0 : left.some((name) => copied.includes(name));
}

/** The state that a founded cell began with. */
async function copyBeside(cellPath: string, out: string): Promise<void> {
  const from = join(dirname(cellPath), FOUNDING_FILE);
  if (existsSync(from)) await copyDurably(from, join(out, FOUNDING_FILE));
}

/** Reads all of a copy; a tail that was torn, or cut by the copying, goes. Rejects with `log_corrupt`. */
async function readThrough(dir: string): Promise<Backup> {
  const log = await openLog(join(dir, 'log'));
  let [records, bytes] = [0, 0];
  try {
    for await (const { body } of log.replay()) {
      records += 1;
      bytes += body.length;
    }
  } finally {
    await log.close();
  }
  const frames = await openFrames(join(dir, 'frames'));
  const found = await frames.read();
  return { dir, frames: found.length, records, bytes };
}

function failureOf(error: unknown, dir: string): Failure {
  if (error instanceof StorageError) return error;
  const expected = `folders to read and write, ${dir} among them`;
  return { code: 'folder_unusable', expected, actual: (error as Error).message };
}

/**
 * Copies what a replica needs to be again what it was, into a new folder: the newest frames, the log that
 * follows, and cell.json. The replica may be at work. Neither its key nor its signer mark is copied, so
 * nobody can sign with a backup. Codes: `not_a_replica`, `exists`, `moved_on` (try again), `log_corrupt`,
 * `folder_unusable`, and those of `loadCell`.
 */
export async function backUp(dir: string, cellPath: string, out: string): Promise<Outcome<Backup>> {
  if (!existsSync(join(dir, 'log'))) return fail('not_a_replica', `a log in ${dir}`, 'none');
  if (existsSync(out)) return fail('exists', 'a folder that is not there yet', out);
  const cell = loadCell(cellPath);
  if (!cell.ok) return cell;
  const made = await copyWhole(dir, cellPath, out).catch(
    (error: unknown): Outcome<Backup> => ({ ok: false, failure: failureOf(error, out) }),
  );
  // Half a copy would stand in the way of the next try.
  if (!made.ok) await rm(out, { recursive: true, force: true }).catch(() => undefined);
  return made;
}

async function copyWhole(dir: string, cellPath: string, out: string): Promise<Outcome<Backup>> {
  for (let tries = 1; ; tries++) {
    const isLast = tries >= TRIES;
    const isWhole = await copyOnce(dir, out).catch((error: unknown) => {
      // A segment went, or a frame.
      if (isMissing(error)) return false;
      throw error;
    });
    if (!isWhole) {
      if (!isLast) continue;
      return fail('moved_on', 'a replica that is less busy', `${TRIES} copies, each too late`);
    }
    const read = await readThrough(out).catch((error: unknown) => error as Error);
    if (!(read instanceof Error)) {
      await copyDurably(cellPath, join(out, 'cell.json'));
      await copyBeside(cellPath, out);
      await nodeFiles.syncFolder(out);
      return ok(read);
    }
    // A group that was written while it was copied looks like damage.
    if (isLast) throw read;
  }
}

/**
 * Makes a replica's folder out of a backup. What comes of it follows, serves and answers, and never signs anything
 * (R26): its key has signed what no backup knows. `dir` may hold key.pem and config.json, and
 * no log. Codes: `not_a_backup`, `exists`, `log_corrupt`, `folder_unusable`.
 */
export async function restoreBackup(backup: string, dir: string): Promise<Outcome<Backup>> {
  for (const part of ['log', 'cell.json']) {
    const path = join(backup, part);
    if (!existsSync(path)) return fail('not_a_backup', path, 'nothing');
  }
  const cell = loadCell(join(backup, 'cell.json'));
  if (!cell.ok) return cell;
  for (const part of ['log', 'frames', 'signer']) {
    if (existsSync(join(dir, part))) return fail('exists', `no ${part} in ${dir}`, 'one');
  }
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    // The mark comes first: a folder without it could be taken for one that may sign.
    const mark = await openMark(join(dir, 'signer'));
    const never = { epoch: NEVER, round: NEVER, durable: NEVER, commitIndex: 0 };
    await mark.write(encode(signerMarkShape, never));
    await mark.close();
    for (const [part, fitting] of [
      ['frames', FRAME],
      ['log', SEGMENT],
    ] as const) {
      await copyAll(
        join(backup, part),
        join(dir, part),
        await namesIn(join(backup, part), fitting),
      );
    }
    const cellPath = join(dirname(join(dir, '.')), 'cell.json');
    if (!existsSync(cellPath)) {
      await copyBeside(join(backup, 'cell.json'), dirname(cellPath));
      await copyDurably(join(backup, 'cell.json'), cellPath);
    }
    return ok(await readThrough(dir));
  } catch (error) {
    return { ok: false, failure: failureOf(error, dir) };
  }
}

/** The folders of the replicas in a folder: itself, or those of a whole cell. */
export async function replicasIn(dir: string): Promise<readonly string[]> {
  if (existsSync(join(dir, 'log'))) return [dir];
  const isFolder = await stat(dir).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return [];
  return readdirSync(dir)
    .filter((name) => /^replica-\d+$/.test(name) && existsSync(join(dir, name, 'log')))
    .sort()
    .map((name) => join(dir, name));
}
