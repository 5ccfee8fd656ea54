// Where commands read and write, and how they end.
import { isFattyError } from '@fatty/client';

/** Where a command reads and writes; tests bring their own. */
export interface Io {
  readonly out: (text: string | Uint8Array) => void;
  readonly err: (text: string) => void;
  readonly env: NodeJS.ProcessEnv;
  readonly argv: readonly string[];
  readonly readInput: () => Promise<Uint8Array>;
  /** Aborted when nobody takes what `out` writes; its reason is the error of the system. */
  readonly outputFailed: AbortSignal;
  /** Somebody looks at what `out` writes. */
  readonly isTerminal: boolean;
}

/** Exit codes of `fatty`, the same for every command. `fatty lock` also passes its child's code on. */
export const EXIT = {
  done: 0,
  /** The cell, a check or a net said no; the code is on stderr (a proof's on stdout). */
  refused: 1,
  /** Wrong usage, or a file that cannot be read. */
  usage: 2,
  /** No believed answer in time: it may or may not have happened. */
  unknown: 3,
  /** Fewer than f+1 replicas can be reached. */
  unreachable: 4,
  /** The lock (or a machine's lease) was lost while the command ran; the child was ended. */
  lost: 5,
} as const;

/** Ends a command with a message and an exit code; without a word when the message is empty. */
export class ExitError extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The whole number that an option was given; exit code 2 for anything else. */
export function wholeNumber(
  name: string,
  value: unknown,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { readonly min?: number; readonly max?: number } = {},
): number {
  const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
  if (Number.isSafeInteger(number) && number >= min && number <= max) return number;
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `${min} to ${max}`;
  throw new ExitError(
    EXIT.usage,
    `${name}: expected a whole number ${range}, got ${String(value)}`,
  );
}

/** Codes of what whoever gave the command has to mend. */
const MISUSE: ReadonlySet<string> = new Set(['cell_unreadable', 'bad_cell_file', 'plain_refused']);

/** The exit code of whatever a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ExitError) return error.exitCode;
  if (error instanceof Error && error.name === 'CACError') return EXIT.usage;
  if (!isFattyError(error)) return EXIT.refused;
  if (error.code === 'unreachable' || error.code === 'not_authenticated') return EXIT.unreachable;
  if (MISUSE.has(error.code)) return EXIT.usage;
  return error.outcome === 'unknown' || error.code === 'timeout' ? EXIT.unknown : EXIT.refused;
}

/** Whoever read our output has left, which is no fault: `fatty … | head`. */
export const isReaderGone = ({ code }: NodeJS.ErrnoException): boolean =>
  code === 'EPIPE' || code === 'ECONNRESET';

/** The input and output of this process. */
export function processIo(): Io {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    env: process.env,
    argv: process.argv,
    readInput: readAll,
    outputFailed: failureOfOutput(),
    isTerminal: process.stdout.isTTY === true,
  };
}

/** Told in one line and never thrown, so that a command first gives back what it holds. */
function failureOfOutput(): AbortSignal {
  const controller = new AbortController();
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (controller.signal.aborted) return;
    controller.abort(error);
    if (isReaderGone(error)) return;
    process.stderr.write(`fatty: cannot write to standard output: ${error.message}\n`);
  });
  // There is nowhere left to complain, and no reason to stop.
  process.stderr.on('error', () => undefined);
  return controller.signal;
}

/** The exit code when all is written: a result that found no room is no success. */
export async function exitCodeAfter(code: number, { outputFailed }: Io): Promise<number> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  if (code !== EXIT.done || !outputFailed.aborted) return code;
  return isReaderGone(outputFailed.reason as NodeJS.ErrnoException) ? code : EXIT.refused;
}

async function readAll(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
