// `fatty get`, `put`, `mkdir`, `ls`, `stat`, `rm`.
import { readFileSync } from 'node:fs';
import { type Party, type Stat, showPosition, splitWritable } from '@fatty/api';
import type { Client, PutOptions, ReadLevel, ReadOptions } from '@fatty/client';
import { fromUtf8 } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf, json, type Row, show } from '../terminal/output.ts';
import { writeProof } from './cert.ts';
import { type CellFlags, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';

const LEVELS: readonly ReadLevel[] = ['delivered', 'committed', 'linearizable', 'certified'];

interface ReadFlags extends CellFlags {
  readonly level?: string;
}

interface GetFlags extends ReadFlags {
  readonly proof?: boolean;
  readonly out?: string;
}

interface PutFlags extends CellFlags {
  /** What stands after `--`: a value that begins with a dash. */
  readonly '--'?: readonly string[];
  readonly parents?: boolean;
  readonly guarded?: boolean;
  readonly generation?: string;
  readonly file?: string;
}

function levelOf({ level }: ReadFlags): { readonly level?: ReadLevel } {
  if (level === undefined) return {};
  const known = LEVELS.find((one) => one === level);
  if (known !== undefined) return { level: known };
  throw new ExitError(EXIT.usage, `--level: expected ${LEVELS.join(', ')}, got ${level}`);
}

/** `commit.index`, as `fatty stat` prints generations; leading zeros as in a fencing token. */
/** `--generation`; exit code 2 for what is none. */
export function generationOf(text: string | undefined): Position | undefined {
  if (text === undefined) return undefined;
  const [, commit, index] = /^0*(\d{1,15})\.0*(\d{1,9})$/.exec(text) ?? [];
  if (commit !== undefined && index !== undefined) {
    return { commit: Number(commit), index: Number(index) };
  }
  throw new ExitError(EXIT.usage, `--generation: expected COMMIT.INDEX, got ${text}`);
}

function statRow(path: string, stat: Stat): Row {
  const { dots, id, createdTs, modifiedTs, ...rest } = stat;
  return {
    path,
    ...rest,
    id: `${id.seq}/${id.index} of ${Buffer.from(id.session).toString('hex').slice(0, 16)}`,
    dots: dots.length,
    created: new Date(createdTs).toISOString(),
    modified: new Date(modifiedTs).toISOString(),
  };
}

/** Who holds or waits; `position`: since when in the order. */
function partyRow({ client, session, mode, position }: Party): Row {
  return { client, session, mode, position };
}

/** A node, and who holds and waits for its lock. */
export async function statOf(
  client: Pick<Client, 'lockState' | 'stat'>,
  path: string,
  options: ReadOptions,
): Promise<Row> {
  const [stat, lock] = await Promise.all([
    client.stat(path, options),
    client.lockState(path, options),
  ]);
  const parties = { holders: lock.holders.map(partyRow), waiters: lock.waiters.map(partyRow) };
  return { ...statRow(path, stat), ...parties };
}

async function get(path: string, flags: GetFlags, io: Io): Promise<number> {
  const { out } = flags;
  if (out !== undefined && flags.proof !== true) {
    throw new ExitError(EXIT.usage, '--out: expected --proof with it');
  }
  const format = formatOf(flags.output);
  return withClient(flags, io, async (client) => {
    const proof = flags.proof === true ? { proof: true } : {};
    const file = await client.get(path, { ...levelOf(flags), ...proof });
    if (out !== undefined && file.proof) writeProof(out, file.proof);
    if (format === 'table') {
      io.out(file.content);
      return EXIT.done;
    }
    const siblings = file.siblings.map(({ content }) => textOrHex(content));
    const generation = showPosition(file.stat.contentGen);
    show(io, format, {
      path,
      ...textOrHex(file.content),
      siblings,
      generation,
      commit: file.commit,
    });
    return EXIT.done;
  });
}

function textOrHex(content: Uint8Array): Row {
  const text = fromUtf8(content);
  return text === undefined ? { hex: Buffer.from(content).toString('hex') } : { text };
}

async function put(
  path: string,
  value: string | undefined,
  flags: PutFlags,
  io: Io,
): Promise<number> {
  const generation = generationOf(flags.generation);
  const content = await contentOf(value ?? flags['--']?.[0], flags, io);
  const options: PutOptions = {
    ...(flags.parents ? { parents: true } : {}),
    ...(flags.guarded ? { mode: 'guarded' } : {}),
    ...(generation === undefined ? {} : { generation }),
  };
  await withClient(flags, io, (client) => client.put(path, content, options));
  done(flags, io, { path, bytes: Buffer.byteLength(content) });
  return EXIT.done;
}

/** Of a write: a line where JSON is wanted, and else nothing, as of `cp`. */
function done(flags: CellFlags, io: Io, row: Row): void {
  if (formatOf(flags.output) === 'json') io.out(`${json(row)}\n`);
}

/** What was typed, or the bytes of `--file`, or of standard input: `-`, or nothing at all. */
async function contentOf(
  value: string | undefined,
  { file }: PutFlags,
  io: Io,
): Promise<string | Uint8Array> {
  if (value !== undefined && file !== undefined)
    throw new ExitError(EXIT.usage, 'put: expected a value or --file, got both');
  if (value !== undefined) return value;
  if (file === undefined || file === '-') return io.readInput();
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ExitError(EXIT.usage, `--file: ${(error as Error).message}`);
  }
}

async function ls(path: string | undefined, flags: ReadFlags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  const entries = await withClient(flags, io, (client) => client.ls(path ?? '/', levelOf(flags)));
  const rows = entries.map(({ name, node }) => ({ name, kind: node }));
  if (rows.length > 0 || format === 'json') show(io, format, rows);
  return EXIT.done;
}

async function rm(
  path: string,
  flags: CellFlags & { readonly recursive?: boolean },
  io: Io,
): Promise<number> {
  const names = splitWritable(path);
  if (!names.ok) {
    const { code, expected, actual } = names.failure;
    throw new ExitError(EXIT.usage, `${code}: expected ${expected}, got ${actual}`);
  }
  const recursive = flags.recursive === true;
  await withClient(flags, io, (client) => client.remove(path, { recursive }));
  done(flags, io, { path, removed: true });
  return EXIT.done;
}

/** get, put, mkdir, ls, stat, rm. */
export const registerFiles: Register = ({ cli, io, run }) => {
  withCell(cli.command('get <path>', 'Print a file'))
    .option('--level <level>', LEVELS.join(', '))
    .option('--proof', 'from one replica, proved by the signatures of a quorum')
    .option('--out <file>', 'with --proof: where the proof goes, for "fatty cert verify"')
    .action(run((path: string, flags: GetFlags) => get(path, flags, io)));
  withCell(
    cli.command(
      'put <path> [value]',
      'Write a file; without value, from standard input; -- before a value that begins with -',
    ),
  )
    .option('--file <file>', 'write what this file holds; - for standard input')
    .option('-p, --parents', 'make the directories above it')
    .option('--guarded', 'a new file takes compare-and-set writes only')
    .option('--generation <commit.index>', 'guarded files: write only over this generation')
    .action(
      run((path: string, value: string | undefined, flags: PutFlags) =>
        put(path, value, flags, io),
      ),
    );
  withCell(cli.command('mkdir <path>', 'Make a directory'))
    .option('-p, --parents', 'make the directories above it')
    .action(
      run(async (path: string, flags: PutFlags) => {
        const parents = flags.parents === true;
        await withClient(flags, io, (client) =>
          client.create(path, { node: 'directory', parents }),
        );
        done(flags, io, { path, kind: 'directory' });
        return EXIT.done;
      }),
    );
  withCell(cli.command('ls [path]', 'List a directory'))
    .option('--level <level>', LEVELS.join(', '))
    .action(run((path: string | undefined, flags: ReadFlags) => ls(path, flags, io)));
  withCell(cli.command('stat <path>', 'Show the metadata of a node'))
    .option('--level <level>', LEVELS.join(', '))
    .action(
      run(async (path: string, flags: ReadFlags) => {
        const row = await withClient(flags, io, (client) => statOf(client, path, levelOf(flags)));
        show(io, formatOf(flags.output), row);
        return EXIT.done;
      }),
    );
  withCell(cli.command('rm <path>', 'Remove a node'))
    .option('-r, --recursive', 'with everything below it')
    .action(run((path: string, flags: CellFlags & { recursive?: boolean }) => rm(path, flags, io)));
};
