// Where a cell comes from: a file, a URL, or any of its replicas.

import { concatBytes, equalBytes, fromHex, type SignatureScheme } from '@fatty/codec';
import { type Cell, newestAddresses, parseCell } from '@fatty/protocol';
import { clientError, FattyError, isFattyError } from './error.ts';

/** Reads text that came from anywhere. */
export interface Reader {
  readonly scheme: SignatureScheme;
  /** The text of cell.json at `source` (see {@link boundedText}). */
  read(source: string, signal: AbortSignal): Promise<string>;
  /** Whether reading `source` needs no trust in a stranger. */
  trusted(source: string): boolean;
}

/** How and for how long to read, and what to believe. */
export interface ReadTerms {
  readonly cellId: string | Uint8Array | undefined;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/** cell.json of the largest committee is half of it. */
const CELL_FILE_BYTES_MAX = 1_048_576;

/** @throws Error when it is longer than any cell.json */
export async function boundedText(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let bytes: Uint8Array = new Uint8Array();
  for await (const chunk of chunks) {
    bytes = concatBytes(bytes, chunk);
    if (bytes.length > CELL_FILE_BYTES_MAX) throw new Error(`over ${CELL_FILE_BYTES_MAX} bytes`);
  }
  return new TextDecoder().decode(bytes);
}

/** Where a replica's client port shows cell.json; any other address is taken as it is. */
function documentUrl(source: string): string {
  if (!/^wss?:\/\//.test(source)) return source;
  const url = new URL(source);
  url.pathname = '/cell.json';
  return url.href.replace(/^ws/, 'http');
}

/**
 * The cell at `source`.
 * @throws FattyError codes of `parseCell`, `cell_unreadable` (a file), `unreachable`, `aborted`,
 * `timeout`, `bad_argument`
 */
export async function readCell(reader: Reader, source: string, terms: ReadTerms): Promise<Cell> {
  if (terms.cellId === undefined && !reader.trusted(source)) {
    throw clientError('bad_argument', 'cellId, to trust what is downloaded', 'none');
  }
  const text = await readText(reader, source, terms);
  const cell = parseCell(text, reader.scheme);
  if (!cell.ok) throw new FattyError(cell.failure, { outcome: 'not_applied', retryable: false });
  checkCellId(cell.value, terms.cellId);
  if (reader.trusted(source)) return cell.value;
  // What no member has signed is the word of whoever answered.
  const { cellId, committee, addresses } = cell.value;
  return { cellId, committee, addresses };
}

async function readText(reader: Reader, source: string, terms: ReadTerms): Promise<string> {
  const { signal, timeoutMs } = terms;
  const deadline = AbortSignal.timeout(Math.min(timeoutMs, TIMER_MS_MAX));
  const either = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  try {
    either.throwIfAborted();
    return await reader.read(documentUrl(source), either);
  } catch (cause) {
    if (signal?.aborted) {
      throw clientError('aborted', 'a live signal', 'an aborted one', { cause: signal.reason });
    }
    if (reader.trusted(source)) throw unreadable(source, cause);
    if (deadline.aborted) throw clientError('timeout', `cell.json at ${source}`, 'no end of it');
    throw clientError('unreachable', `cell.json at ${source}`, String(cause), { cause });
  }
}

/** A file of this machine: the same code as of the node's own reading. */
function unreadable(path: string, cause: unknown): FattyError {
  const failure = { code: 'cell_unreadable', expected: `readable ${path}`, actual: String(cause) };
  return new FattyError(failure, { outcome: 'not_applied', retryable: false, cause });
}

/** setTimeout's longest delay. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** @throws FattyError `wrong_cell_id` */
export function checkCellId(cell: Cell, wanted: string | Uint8Array | undefined): void {
  if (wanted === undefined) return;
  const bytes = typeof wanted === 'string' ? fromHex(wanted) : wanted;
  if (bytes !== undefined && equalBytes(bytes, cell.cellId)) return;
  const failure = { code: 'wrong_cell_id', expected: String(wanted), actual: 'another cell' };
  throw new FattyError(failure, { outcome: 'not_applied', retryable: false });
}

/**
 * The cell as these replicas tell it: `cellId` says what to believe, and addresses are signed by
 * their members, so a liar can only leave some out. Hence all are asked, until every member has an
 * address. @throws the error of {@link readCell} that says most, when nobody could be believed
 */
export async function readCellFromAny(
  reader: Reader,
  sources: readonly string[],
  terms: ReadTerms,
): Promise<Cell> {
  const enough = new AbortController();
  const { signal } = terms;
  const either = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
  let cell: Cell | undefined;
  let failure: unknown;
  const ask = async (source: string): Promise<void> => {
    try {
      const found = await readCell(reader, source, { ...terms, signal: either });
      cell = cell === undefined ? found : withNewer(cell, found);
      if (isComplete(cell)) enough.abort();
    } catch (error) {
      // A lie says more than silence.
      if (failure === undefined || isFattyError(failure, 'unreachable')) failure = error;
    }
  };
  await Promise.all(sources.map(ask));
  if (cell !== undefined) return cell;
  throw failure ?? clientError('bad_argument', 'at least one URL', 'none');
}

const isComplete = ({ addresses, committee }: Cell): boolean =>
  addresses.length === committee.members.length;

const withNewer = (cell: Cell, other: Cell): Cell => ({
  ...cell,
  addresses: newestAddresses(cell.addresses, other.addresses),
});
