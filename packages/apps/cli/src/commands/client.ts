// Connects a command to its cell.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, type ConnectOptions, connect } from '@fatty/client/node';
import { loadSigner } from '@fatty/node';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf } from '../terminal/output.ts';
import { Stop } from '../terminal/stop.ts';

/** Options of every command that talks to a cell. */
export interface CellFlags {
  readonly cell?: string;
  readonly key?: string;
  readonly timeout?: string;
  readonly output?: string;
  readonly insecure?: boolean;
}

/** Where `fatty init` and `fatty up` put a cell unless told. */
export const DEFAULT_DIR = 'fatty-cell';

/** `--cell`, then FATTY_CELL, then ./cell.json, then ./fatty-cell/cell.json. */
export function cellPath(flags: CellFlags, io: Io): string {
  const named = flags.cell ?? io.env.FATTY_CELL;
  const candidates = named === undefined ? ['cell.json', join(DEFAULT_DIR, 'cell.json')] : [named];
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new ExitError(
    EXIT.usage,
    `no cell file at ${candidates.join(' or ')}; start a cell with "fatty up" or give --cell FILE`,
  );
}

/** `--timeout` as an option of the SDK; empty when it was not given. */
export function timeoutOf(flags: CellFlags): { readonly timeoutMs?: number } {
  if (flags.timeout === undefined) return {};
  return { timeoutMs: milliseconds('--timeout', flags.timeout) };
}

/** A non-negative whole number of ms; exit code 2 for anything else. */
export function milliseconds(name: string, value: string): number {
  const ms = value.trim() === '' ? Number.NaN : Number(value);
  if (Number.isSafeInteger(ms) && ms >= 0) return ms;
  throw new ExitError(EXIT.usage, `${name}: expected milliseconds, got ${value}`);
}

/**
 * Connects, runs, and closes whatever happens, so that nothing lingers at the cell: also when this
 * process is told to end, which breaks `work` off unless it has taken over from `stop`.
 */
export async function withClient<T>(
  flags: CellFlags,
  io: Io,
  work: (client: Client, stop: Stop) => Promise<T>,
): Promise<T> {
  formatOf(flags.output);
  const path = cellPath(flags, io);
  const key = flags.key ?? io.env.FATTY_KEY;
  const insecure = flags.insecure === true || io.env.FATTY_INSECURE === 'true';
  const options: ConnectOptions = { ...timeoutOf(flags), ...signerOf(key), insecure };
  const stop = new Stop(io);
  try {
    const client = await connect(path, { ...options, signal: stop.signal });
    try {
      return await Promise.race([work(client, stop), stop.broken]);
    } finally {
      await client.close();
    }
  } catch (error) {
    stop.signal.throwIfAborted();
    throw error;
  } finally {
    stop.close();
  }
}

/** Without a key file every run is a stranger with a fresh key. */
function signerOf(path: string | undefined): Pick<ConnectOptions, 'signer'> {
  if (path === undefined) return {};
  const signer = loadSigner(path);
  if (signer.ok) return { signer: signer.value };
  const { code, expected, actual } = signer.failure;
  throw new ExitError(EXIT.usage, `${code}: expected ${expected}, got ${actual}`);
}
