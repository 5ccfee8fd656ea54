// `fatty backup`, `restore`.
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Failure } from '@fatty/interface';
import type { Backup } from '@fatty/node';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf, show } from '../terminal/output.ts';
import { type Register, withFormat } from './command.ts';

interface Flags {
  readonly out?: string;
  readonly cell?: string;
  readonly output?: string;
}

const refusal = ({ code, expected, actual }: Failure): ExitError =>
  new ExitError(EXIT.refused, `${code}: expected ${expected}, got ${actual}`);

const told = ({ dir, frames, records, bytes }: Backup): string =>
  `${dir}: ${frames} frames, ${records} records of the log, ${bytes} bytes\n`;

/** They bring all of a replica along: for whoever asks for them alone. */
const replicaTools = (): Promise<typeof import('@fatty/node')> => import('@fatty/node');

async function backup(dir: string, flags: Flags, io: Io): Promise<number> {
  if (flags.out === undefined) throw new ExitError(EXIT.usage, '--out: expected a new folder');
  const { backUp, replicasIn } = await replicaTools();
  const found = await replicasIn(dir);
  if (found.length === 0) {
    throw refusal({
      code: 'not_a_replica',
      expected: `a replica's folder at ${dir}`,
      actual: 'none',
    });
  }
  const isCell = found[0] !== dir;
  const made: Backup[] = [];
  for (const replica of found) {
    const cell = flags.cell ?? join(dirname(resolve(replica)), 'cell.json');
    const out = isCell ? join(flags.out, basename(replica)) : flags.out;
    const one = await backUp(replica, cell, out);
    if (!one.ok) throw refusal(one.failure);
    made.push(one.value);
  }
  if (formatOf(flags.output) === 'json')
    show(
      io,
      'json',
      made.map((one) => ({ ...one })),
    );
  else io.out(made.map(told).join(''));
  return EXIT.done;
}

async function restore(from: string, dir: string, flags: Flags, io: Io): Promise<number> {
  const { restoreBackup } = await replicaTools();
  const made = await restoreBackup(from, resolve(dir));
  if (!made.ok) throw refusal(made.failure);
  if (formatOf(flags.output) === 'json') show(io, 'json', { ...made.value });
  else io.out(told(made.value));
  const key = existsSync(join(dir, 'key.pem'))
    ? ''
    : `put the replica's key.pem into ${dir}, then `;
  io.err(
    `It follows, serves and answers, and signs nothing: its key has signed what no backup knows. ${key}` +
      `start it with "fatty node --dir ${dir}". Never give it another folder's signer file.\n`,
  );
  return EXIT.done;
}

/** Backups of replicas. */
export const registerBackup: Register = ({ cli, io, run }) => {
  withFormat(
    cli.command('backup <dir>', "Copy a replica's folder, or a whole cell's, also at work"),
  )
    .option('--out <dir>', 'new folder for the copy; neither key nor right to sign is in it')
    .option('--cell <path>', 'cell.json; default beside the folder')
    .action(run((dir: string, flags: Flags) => backup(dir, flags, io)));
  withFormat(
    cli.command('restore <backup> <dir>', "Make a replica's folder out of a backup"),
  ).action(run((from: string, dir: string, flags: Flags) => restore(from, dir, flags, io)));
};
