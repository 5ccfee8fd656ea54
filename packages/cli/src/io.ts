import { isFattyError } from '@fatty/client';

/** Where a command reads and writes; tests bring their own. */
export interface Io {
  readonly out: (text: string | Uint8Array) => void;
  readonly err: (text: string) => void;
  readonly env: NodeJS.ProcessEnv;
  readonly argv: readonly string[];
  readonly readInput: () => Promise<Uint8Array>;
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

/** Ends a command with a message and an exit code. */
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

/** The exit code of whatever a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ExitError) return error.exitCode;
  if (error instanceof Error && error.name === 'CACError') return EXIT.usage;
  if (!isFattyError(error)) return EXIT.refused;
  if (error.code === 'unreachable' || error.code === 'not_authenticated') return EXIT.unreachable;
  if (error.code === 'cell_unreadable' || error.code === 'bad_cell_file') return EXIT.usage;
  return error.outcome === 'unknown' || error.code === 'timeout' ? EXIT.unknown : EXIT.refused;
}

export function processIo(): Io {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    env: process.env,
    argv: process.argv,
    readInput: readAll,
  };
}

async function readAll(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
