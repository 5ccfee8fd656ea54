// `fatty session`, `members`.
import type { Client, SessionStatus } from '@fatty/client';
import { asSessionId, toHex } from '@fatty/codec';
import type { SignedAddresses } from '@fatty/protocol';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { type Format, formatOf, json, type Row, show } from '../terminal/output.ts';
import { type CellFlags, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';
import { idOf } from './ids.ts';
import { statusPage } from './page.ts';
import { placesOf } from './places.ts';
import { look, type MemberToday, ownWord } from './today.ts';

function sessionOf(id: string): ReturnType<typeof asSessionId> {
  const bytes = idOf(id);
  if (bytes !== undefined) return asSessionId(bytes);
  throw new ExitError(EXIT.usage, `session id: expected 64 hex digits, got ${id}`);
}

async function describe(id: string, flags: CellFlags, io: Io): Promise<number> {
  const query = { kind: 'session', id: sessionOf(id) } as const;
  const { value } = await withClient(flags, io, (client) => client.read(query, 'session'));
  show(io, formatOf(flags.output), { session: id, ...value });
  return EXIT.done;
}

/**
 * How often the status is said again when nothing changes, ms: only a write shows whether anybody
 * still reads.
 */
const SAY_MS = 5_000;

function sayStatus(status: SessionStatus, format: Format, io: Io): void {
  const { state, session, deadlineMs, links } = status;
  const provedMs = Math.max(0, Math.round(deadlineMs - performance.now()));
  const row = { state, session: session && toHex(session), provedMs, links };
  io.out(
    format === 'json'
      ? `${json(row)}\n`
      : `${state}  session ${row.session ?? '-'}  proved for ${provedMs} ms  ${links} links\n`,
  );
}

/** Opens a session and reports how it is, until told to end or expired. */
async function watch(flags: CellFlags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  return withClient(flags, io, async (client, stop) => {
    const controller = new AbortController();
    await client.submit([{ kind: 'cancel', seq: Number.MAX_SAFE_INTEGER, index: 0 }]);
    void stop.takeOverOnce().then(() => controller.abort());
    const again = setInterval(() => sayStatus(client.session, format, io), SAY_MS);
    try {
      for await (const status of client.status({ signal: controller.signal })) {
        sayStatus(status, format, io);
        if (status.state === 'expired') return EXIT.lost;
      }
      return EXIT.done;
    } finally {
      clearInterval(again);
    }
  });
}

/** How long somebody who does not answer is waited for, ms. */
const ANSWER_MS_MAX = 2_000;

async function memberRow(
  client: Client,
  addresses: readonly SignedAddresses[],
  one: MemberToday,
): Promise<Row> {
  const { number, key, convicted } = one;
  const at = addresses.find((other) => toHex(other.key) === key);
  const [own, page] = await Promise.all([
    ownWord(client, one, ANSWER_MS_MAX),
    at && statusPage(at.http, ANSWER_MS_MAX),
  ]);
  return {
    replica: number,
    key: key.slice(0, 16),
    address: at?.client,
    answers: own !== undefined,
    // Elsewhere than on its own machine a replica does not show it.
    state: typeof page?.state === 'string' ? page.state : undefined,
    commit: own?.commit,
    sessions: own?.sessions,
    nodes: own?.nodes,
    convicted,
  };
}

async function members(flags: CellFlags, io: Io): Promise<number> {
  const rows = await withClient(flags, io, async (client) => {
    const { cell, members: all } = await look(client, 1_000);
    const addresses = await placesOf(cell, ANSWER_MS_MAX);
    return Promise.all(all.map((one) => memberRow(client, addresses, one)));
  });
  show(io, formatOf(flags.output), rows);
  return EXIT.done;
}

/** session, members. */
export const registerSession: Register = ({ cli, io, run }) => {
  withCell(
    cli.command('session [id]', 'Describe a session; without id, open one and watch it'),
  ).action(
    run((id: string | undefined, flags: CellFlags) =>
      id === undefined ? watch(flags, io) : describe(id, flags, io),
    ),
  );
  withCell(cli.command('members', 'Show the members of today, each by its own account')).action(
    run((flags: CellFlags) => members(flags, io)),
  );
};
