// Which cell a command is for, and who asks.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Context, contextOf, readContexts } from '../terminal/contexts.ts';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';

/** What says which cell, and who. */
export interface TargetFlags {
  readonly cell?: string;
  readonly cellId?: string;
  readonly context?: string;
  readonly key?: string;
  readonly insecure?: boolean;
}

/** A cell to connect to, and as whom. */
export interface Target {
  /** As `connect` takes it. */
  readonly source: string | readonly string[];
  readonly cellId?: string;
  /** Path of a key. */
  readonly key?: string;
  readonly insecure: boolean;
}

/** Where `fatty init` and `fatty up` put a cell unless told. */
export const DEFAULT_DIR = 'fatty-cell';

/** What is there without a word: a cell.json here. */
function cellHere(): string {
  const candidates = ['cell.json', join(DEFAULT_DIR, 'cell.json')];
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new ExitError(
    EXIT.usage,
    `no cell file at ${candidates.join(' or ')}; start a cell with "fatty up", give --cell FILE, or name one with "fatty context"`,
  );
}

/** What was said last counts: a flag, then the environment, then the context in use, then the folder. */
function chosen(flags: TargetFlags, io: Io): Context {
  const { env } = io;
  if (flags.cell !== undefined && flags.context !== undefined) {
    throw new ExitError(EXIT.usage, 'expected --cell or --context, got both');
  }
  const byHand = flags.cell ?? (flags.context === undefined ? env.FATTY_CELL : undefined);
  if (byHand !== undefined) {
    const cellId = flags.cellId ?? env.FATTY_CELL_ID;
    return { cell: byHand, ...(cellId === undefined ? {} : { cellId }) };
  }
  const contexts = readContexts(io);
  const name = flags.context ?? env.FATTY_CONTEXT ?? contexts.current;
  return name === undefined ? { cell: cellHere() } : contextOf(name, contexts);
}

const URLS = /^(wss?|https?):\/\//;

/** Whether a cell comes from a file here, which somebody trusts, and not from whoever answers. */
export function isPath(source: Target['source']): source is string {
  return typeof source === 'string' && !URLS.test(source);
}

/** `wss://a:7420,wss://b:7420`, or the path of a file, which must be there. */
export function sourceOf(cell: string, cellId: string | undefined): string | readonly string[] {
  if (!URLS.test(cell)) {
    if (existsSync(cell)) return cell;
    throw new ExitError(
      EXIT.usage,
      `no cell file at ${cell}; start a cell with "fatty up" or give --cell FILE`,
    );
  }
  if (cellId === undefined) {
    throw new ExitError(EXIT.usage, '--cell: URLs need --cell-id, which says what cell to believe');
  }
  const urls = cell.split(',').filter((url) => url !== '');
  const [only] = urls;
  return urls.length === 1 && only !== undefined ? only : urls;
}

/** @throws ExitError, exit code 2, when nothing says which cell */
export function targetOf(flags: TargetFlags, io: Io): Target {
  const context = chosen(flags, io);
  const { cell, cellId } = context;
  const key = flags.key ?? io.env.FATTY_KEY ?? context.key;
  const isInsecure = flags.insecure === true || io.env.FATTY_INSECURE === 'true';
  return {
    source: sourceOf(cell, cellId),
    ...(cellId === undefined ? {} : { cellId }),
    ...(key === undefined ? {} : { key }),
    insecure: isInsecure || context.insecure === true,
  };
}
