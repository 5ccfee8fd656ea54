// `fatty` without a word: how the cell here is, or how to begin.
import { isFattyError } from '@fatty/client';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { asCalled, printable } from '../terminal/output.ts';
import { withClient } from './client.ts';
import { type Report, report } from './status.ts';
import { type Target, targetOf } from './target.ts';

/** Nobody waits long for a greeting. */
const PATIENCE_MS = 3_000;

const BEGIN = `No cell here yet. To begin:
  fatty tour    a throw-away cell, and what it does, faults and all
  fatty up      a cell of four replicas in ./fatty-cell, which stays
  fatty context set NAME --cell FILE    one that is somewhere else
`;

/** What a cell's state lets one do next. */
const NEXT: Readonly<Record<Report['health'], string>> = {
  healthy: `  fatty put /hello world    a small file\n  fatty lock /jobs/nightly -- ./nightly.sh    a lock held while a command runs\n  fatty top    all of it, live\n`,
  degraded: `  fatty top    which replica is missing or behind\n  fatty evidence    whether one has lied\n`,
  no_quorum: `  fatty status --for quorum    waits until enough of them are back\n  fatty doctor --dir DIR    what a replica's host lacks\n`,
};

const placeOf = ({ source }: Target): string =>
  typeof source === 'string' ? source : source.join(', ');

function stateOf({ health, row }: Report): string {
  const said = (name: string): string => JSON.stringify(row[name] ?? 0);
  const answering = `${said('answering')} of ${said('replicas')} replicas answer`;
  const how = `${health.replace('_', ' ')}, ${answering}`;
  if (row.commit === undefined) return `${how}.`;
  const held = `${said('nodes')} nodes, ${said('holds')} locks held, ${said('sessions')} sessions`;
  return `${how}, at commit ${said('commit')}: ${held}.`;
}

/** Undefined: nothing says which cell. @throws ExitError for a file of contexts that cannot be read */
function targetHere(io: Io): Target | undefined {
  try {
    return targetOf({}, io);
  } catch (error) {
    if (error instanceof ExitError && error.message.startsWith('no cell file')) return undefined;
    throw error;
  }
}

/** A cell that answers. */
export function toldOf(place: string, seen: Report): string {
  return `The cell of ${place} is ${stateOf(seen)} To try:\n${NEXT[seen.health]}`;
}

async function cellWords(target: Target, io: Io): Promise<string> {
  const place = printable(placeOf(target));
  try {
    const flags = { timeout: String(PATIENCE_MS) };
    return toldOf(place, await withClient(flags, io, (client) => report(client)));
  } catch (error) {
    if (!isFattyError(error)) throw error;
    const why = `There is a cell at ${place}, and nobody answers (${error.code}).`;
    return `${why}\n  fatty up    starts one that is in ./fatty-cell; --dir DIR one elsewhere\n`;
  }
}

/** Greets whoever says nothing more; the state of a cell is told, never an exit code. */
export async function greet(version: string, io: Io): Promise<number> {
  io.out(
    `Fatty ${version}: locks, leases and small files for machines that do not trust each other.\n\n`,
  );
  const target = targetHere(io);
  const words = target === undefined ? BEGIN : await cellWords(target, io);
  io.out(asCalled(`${words}\n"fatty --help" lists every command.\n`, io.env));
  return EXIT.done;
}
