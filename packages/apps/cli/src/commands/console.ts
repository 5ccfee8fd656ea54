// `fatty console`: where the web console of a replica is, on this machine.
import { spawn } from 'node:child_process';
import { toHex } from '@fatty/codec';
import type { Cell } from '@fatty/protocol';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf, show } from '../terminal/output.ts';
import { type CellFlags, milliseconds, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';
import { placesOf } from './places.ts';
import { look } from './today.ts';

/** A replica whose HTTP port has the console. */
export interface Served {
  readonly replica: number;
  readonly url: string;
}

interface Flags extends CellFlags {
  readonly open?: boolean;
}

const ANSWER_MS_MAX = 2_000;

/** The console behind an HTTP address; undefined: there is none. */
async function consoleAt(http: string, waitMs: number): Promise<string | undefined> {
  try {
    const url = new URL('/console/', http);
    const answer = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(waitMs) });
    return answer.ok ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/** In order of the committee. */
export async function consolesOf(
  { addresses, committee }: Pick<Cell, 'addresses' | 'committee'>,
  waitMs: number,
): Promise<readonly Served[]> {
  const found = await Promise.all(
    committee.members.map(async (key, replica): Promise<Served[]> => {
      const at = addresses.find((one) => toHex(one.key) === toHex(key));
      const url = at && (await consoleAt(at.http, waitMs));
      return url === undefined ? [] : [{ replica, url }];
    }),
  );
  return found.flat();
}

/** How a platform opens a page. */
function opener(platform: NodeJS.Platform): string {
  return platform === 'darwin' ? 'open' : 'xdg-open';
}

/** Hands the page to the desktop; says so where there is none. */
async function open(url: string, io: Io): Promise<void> {
  const child = spawn(opener(process.platform), [url], { stdio: 'ignore', detached: true });
  await new Promise<void>((done) => {
    child.once('spawn', done);
    child.once('error', (error) => {
      io.err(`fatty: cannot open a browser here: ${error.message}\n`);
      done();
    });
  });
  child.unref();
}

/** Exit 1 when no replica on this machine serves one. */
async function consoles(flags: Flags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  const waitMs =
    flags.timeout === undefined ? ANSWER_MS_MAX : milliseconds('--timeout', flags.timeout);
  return withClient(flags, io, async (client) => {
    const { cell } = await look(client, waitMs / 2);
    const addresses = await placesOf(cell, waitMs);
    const served = await consolesOf({ ...cell, addresses }, waitMs);
    const [first] = served;
    if (first === undefined) {
      const advice =
        'start one with --console ("fatty up --console", "fatty node --console"), on this machine: HTTP is on loopback alone';
      throw new ExitError(EXIT.refused, `no replica serves the console here; ${advice}`);
    }
    show(
      io,
      format,
      served.map((one) => ({ ...one })),
    );
    if (flags.open === true) await open(first.url, io);
    return EXIT.done;
  });
}

/** console. */
export const registerConsole: Register = ({ cli, io, run }) => {
  withCell(cli.command('console', 'Say where the web console of the cell is, on this machine'))
    .option('--open', 'open the first one in a browser')
    .action(run((flags: Flags) => consoles(flags, io)));
};
