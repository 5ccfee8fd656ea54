// `fatty context`: names for cells.
import { resolve } from 'node:path';
import {
  type Context,
  type Contexts,
  contextOf,
  readContexts,
  writeContexts,
} from '../terminal/contexts.ts';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf, type Row, show } from '../terminal/output.ts';
import { type Register, withFormat } from './command.ts';
import { sourceOf } from './target.ts';

interface Flags {
  readonly cell?: string;
  readonly cellId?: string;
  readonly key?: string;
  readonly insecure?: boolean;
  readonly output?: string;
}

const NAME = /^[\w.-]{1,64}$/;

function named(action: string, name: string | undefined): string {
  if (name !== undefined && NAME.test(name) && name !== '__proto__') return name;
  const expected = 'a name of letters, digits, dots, dashes and underscores';
  throw new ExitError(EXIT.usage, `context ${action}: expected ${expected}, got ${name ?? 'none'}`);
}

function rowOf(name: string, { cell, cellId, key, insecure }: Context, { current }: Contexts): Row {
  return { name, current: name === current, cell, cellId, key, insecure: insecure === true };
}

function list(contexts: Contexts, flags: Flags, io: Io): void {
  const format = formatOf(flags.output);
  const rows = Object.entries(contexts.contexts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => rowOf(name, one, contexts));
  if (rows.length > 0 || format === 'json') show(io, format, rows);
}

/** Paths are kept whole: a context is used from other folders. */
function made({ cell, cellId, key, insecure }: Flags): Context {
  if (cell === undefined) {
    throw new ExitError(EXIT.usage, 'context set: expected --cell FILE or URLs, got nothing');
  }
  const isFile = typeof sourceOf(cell, cellId) === 'string' && !/^\w+:\/\//.test(cell);
  return {
    cell: isFile ? resolve(cell) : cell,
    ...(cellId === undefined ? {} : { cellId }),
    ...(key === undefined ? {} : { key: resolve(key) }),
    ...(insecure === true ? { insecure } : {}),
  };
}

function without(contexts: Contexts, name: string): Contexts {
  contextOf(name, contexts);
  const kept = Object.entries(contexts.contexts).filter(([one]) => one !== name);
  const { current } = contexts;
  const still = current === undefined || current === name ? {} : { current };
  return { ...still, contexts: Object.fromEntries(kept) };
}

function change(action: string, name: string | undefined, flags: Flags, io: Io): Contexts {
  const contexts = readContexts(io);
  if (action === 'clear') return { contexts: contexts.contexts };
  const known = named(action, name);
  if (action === 'rm') return without(contexts, known);
  if (action === 'set') {
    return { ...contexts, contexts: { ...contexts.contexts, [known]: made(flags) } };
  }
  if (action !== 'use') {
    throw new ExitError(EXIT.usage, `context: expected ls, set, use, clear or rm, got ${action}`);
  }
  contextOf(known, contexts);
  return { ...contexts, current: known };
}

/** context [ACTION] [NAME]. */
export const registerContext: Register = ({ cli, io, run }) => {
  withFormat(
    cli.command(
      'context [action] [name]',
      'Names for cells: ls, set NAME --cell FILE, use NAME, clear (use none), rm NAME',
    ),
  )
    .option('--cell <file>', 'set: cell.json, or URLs of replicas with commas between')
    .option('--cell-id <hex>', 'set: which cell to believe; needed with URLs')
    .option('--key <file>', 'set: the client key to use there')
    .option('--insecure', 'set: take plain ws beyond this machine there')
    .action(
      run(async (action: string | undefined, name: string | undefined, flags: Flags) => {
        formatOf(flags.output);
        if (action === undefined || action === 'ls') list(readContexts(io), flags, io);
        else {
          const contexts = change(action, name, flags, io);
          writeContexts(contexts, io);
          if (formatOf(flags.output) === 'json') list(contexts, flags, io);
        }
        return EXIT.done;
      }),
    );
};
