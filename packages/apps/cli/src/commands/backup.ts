// `fatty backup`, `restore`.
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { toHex } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import type { Backup } from '@fatty/node';
import { EXIT, ExitError, type Io, wholeNumber } from '../terminal/io.ts';
import { formatOf, show } from '../terminal/output.ts';
import { type Register, withFormat } from './command.ts';

interface Flags {
  readonly out?: string;
  readonly cell?: string;
  readonly output?: string;
}

interface RestoreFlags extends Flags {
  readonly newCell?: boolean;
  readonly replicas?: string | number;
  readonly freePorts?: boolean;
  readonly host?: string;
  readonly advertise?: string;
  readonly algorithm?: string;
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

/** A new cell out of a backup. */
async function found(from: string, dir: string, flags: RestoreFlags, io: Io): Promise<number> {
  const { foundOn } = await replicaTools();
  const made = await foundOn(from, {
    dir: resolve(dir),
    replicas: wholeNumber('--replicas', flags.replicas ?? 4, { min: 1 }),
    freePorts: flags.freePorts === true,
    ...(flags.host === undefined ? {} : { host: flags.host }),
    ...(flags.advertise === undefined ? {} : { advertise: flags.advertise }),
    ...(flags.algorithm === undefined ? {} : { algorithm: resolve(flags.algorithm) }),
  });
  if (!made.ok) throw refusal(made.failure);
  const { cell, backup: used, commit, sessionsEnded, bytes } = made.value;
  const cellId = toHex(cell.cellId);
  const row = { dir, cellId, backup: used, commit, firstCommit: (cell.founding?.commit ?? 0) + 1 };
  show(io, formatOf(flags.output), { ...row, sessionsEnded, bytes });
  io.err(
    `A new cell with new members and a new id. It has what the old one had at commit ${commit}, and nothing that ` +
      'was acknowledged later. All sessions have ended, and all locks with them; every generation that it grants is ' +
      'above all that the old cell ever granted.\n' +
      'Before you start it: end every member of the old cell for good, and take its keys away. As long as a quorum of ' +
      'them can come back, two cells grant the same locks. Make one new cell only: two of one backup grant the same ' +
      `generations. Clients need the new cell.json. Start it with "fatty up --dir ${dir}".\n`,
  );
  return EXIT.done;
}

async function restore(from: string, dir: string, flags: RestoreFlags, io: Io): Promise<number> {
  if (flags.newCell) return found(from, dir, flags, io);
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
  withFormat(cli.command('restore <backup> <dir>', "Make a replica's folder out of a backup"))
    .option('--new-cell', 'when a quorum is lost for good: a whole new cell, in a new folder')
    .option('--replicas <n>', 'of the new cell; default 4')
    .option('--free-ports', 'of the new cell: take free ports at every start')
    .option('--host <address>', 'of the new cell: address to bind; default 127.0.0.1')
    .option('--advertise <host>', 'of the new cell: where members are reached')
    .option('--algorithm <module>', 'what the old cell hosted, where it was no lock service')
    .action(run((from: string, dir: string, flags: RestoreFlags) => restore(from, dir, flags, io)));
};
