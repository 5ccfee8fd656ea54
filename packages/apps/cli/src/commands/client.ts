// Connects a command to its cell.
import { type Client, type ConnectOptions, connect } from '@fatty/client/node';
import { loadSigner } from '@fatty/node/settings';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf } from '../terminal/output.ts';
import { Stop } from '../terminal/stop.ts';
import { type TargetFlags, targetOf } from './target.ts';

/** Options of every command that talks to a cell. */
export interface CellFlags extends TargetFlags {
  readonly timeout?: string;
  readonly output?: string;
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
  const open = opener(flags, io);
  const stop = new Stop(io);
  try {
    const client = await open(stop.signal);
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

/** What opens sessions at the cell that the flags name; each is broken off by its signal. */
export function opener(flags: CellFlags, io: Io): (signal: AbortSignal) => Promise<Client> {
  const { source, key, ...target } = targetOf(flags, io);
  const options: ConnectOptions = { ...target, ...timeoutOf(flags), ...signerOf(key) };
  return (signal) => connect(source, { ...options, signal });
}

/** Without a key file every run is a stranger with a fresh key. */
export function signerOf(path: string | undefined): Pick<ConnectOptions, 'signer'> {
  if (path === undefined) return {};
  const signer = loadSigner(path);
  if (signer.ok) return { signer: signer.value };
  const { code, expected, actual } = signer.failure;
  throw new ExitError(EXIT.usage, `${code}: expected ${expected}, got ${actual}`);
}
