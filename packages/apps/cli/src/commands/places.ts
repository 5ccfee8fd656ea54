// Where members are by their own word, pages of state among it.
import { equalBytes } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import {
  type Cell,
  contactsOf,
  newestAddresses,
  parseCell,
  type SignedAddresses,
} from '@fatty/protocol';

/** cell.json of the largest committee is half of it. */
const CELL_FILE_BYTES_MAX = 1_048_576;
/** Who is asked at once, at most. */
const ASKED_MAX = 32;

/**
 * The cell.json of a founding has hints alone, which name no page. So whoever is known is asked, unless all members
 * have signed where they are. Each answer is checked by its signatures; who does not answer in `waitMs` is passed over.
 */
export async function placesOf(cell: Cell, waitMs: number): Promise<readonly SignedAddresses[]> {
  const isKnown = cell.committee.members.every((key) =>
    cell.addresses.some((one) => equalBytes(one.key, key)),
  );
  if (isKnown) return cell.addresses;
  const asked = contactsOf(cell).slice(0, ASKED_MAX);
  const told = await Promise.all(asked.map(({ client }) => toldAt(client, cell, waitMs)));
  return told.reduce(newestAddresses, cell.addresses);
}

/** Nothing where nobody answers with this cell. */
async function toldAt(
  client: string,
  { cellId }: Cell,
  waitMs: number,
): Promise<readonly SignedAddresses[]> {
  try {
    const url = new URL('/cell.json', client.replace(/^ws/, 'http'));
    const told = parseCell(await textAt(url, waitMs), nodeScheme());
    return told.ok && equalBytes(told.value.cellId, cellId) ? told.value.addresses : [];
  } catch {
    return [];
  }
}

/** @throws Error when nobody answers in time, or the text is longer than any cell.json */
async function textAt(url: URL, waitMs: number): Promise<string> {
  const { body } = await fetch(url, { signal: AbortSignal.timeout(waitMs) });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > CELL_FILE_BYTES_MAX) throw new Error(`over ${CELL_FILE_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
