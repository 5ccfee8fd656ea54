// `fatty status`: is the cell well; and waiting until it is.
import type { Client } from '@fatty/client';
import { toHex } from '@fatty/codec';
import { faultsMax } from '@fatty/protocol';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf, json, type Row, show } from '../terminal/output.ts';
import { type CellFlags, milliseconds, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';
import { look, ownWord } from './today.ts';

/**
 * `healthy`: every replica answers, is close behind the first, and has lied to nobody. `degraded`: a quorum does.
 * `no_quorum`: too few answer to commit anything.
 */
export type Health = 'healthy' | 'degraded' | 'no_quorum';

/** One replica by its own account, as far as the verdict goes. */
export interface ReplicaSeen {
  readonly replica: number;
  /** Undefined: it does not answer. */
  readonly commit: number | undefined;
  readonly convicted: boolean;
}

/** A replica that is more behind than this is one that catches up, commits. */
const BEHIND_MAX = 64;

/** What so many answers come to in a cell of this size. */
export function healthOf(seen: readonly ReplicaSeen[], quorumSize: number): Health {
  const first = Math.max(0, ...seen.map(({ commit = 0 }) => commit));
  const answering = seen.filter(({ commit, convicted }) => commit !== undefined && !convicted);
  if (answering.length < quorumSize) return 'no_quorum';
  const isClose = ({ commit = 0 }: ReplicaSeen): boolean => first - commit <= BEHIND_MAX;
  return answering.length === seen.length && answering.every(isClose) ? 'healthy' : 'degraded';
}

/** How long somebody who does not answer is waited for, ms. */
const ANSWER_MS_MAX = 2_000;
const POLL_MS = 250;

/** How a cell is: the verdict, and what it is made of. */
export interface Report {
  readonly health: Health;
  readonly row: Row;
}

/** Asks every replica how it is. */
export async function report(client: Client): Promise<Report> {
  const { cell, members, quorum: needed } = await look(client, ANSWER_MS_MAX / 2);
  const own = await Promise.all(members.map((one) => ownWord(client, one, ANSWER_MS_MAX)));
  const seen = members.map(({ number, convicted }): ReplicaSeen => {
    return { replica: number, commit: own[number]?.commit, convicted };
  });
  const most = own.reduce((best, one) => ((one?.commit ?? 0) > (best?.commit ?? 0) ? one : best));
  const health = healthOf(seen, needed);
  const row = {
    health,
    cell: toHex(cell.cellId),
    epoch: cell.committee.epoch,
    answering: seen.filter(({ commit }) => commit !== undefined).length,
    replicas: members.length,
    quorum: needed,
    faultsMax: faultsMax(cell.committee),
    commit: most?.commit,
    behind: seen.map(({ commit }) => (commit === undefined ? null : (most?.commit ?? 0) - commit)),
    convicted: members.flatMap(({ number, convicted }) => (convicted ? [number] : [])),
    sessions: most?.sessions,
    nodes: most?.nodes,
    holds: most?.holds,
    machines: most?.machines,
  };
  return { health, row };
}

const GOALS: Readonly<Record<string, readonly Health[]>> = {
  healthy: ['healthy'],
  quorum: ['healthy', 'degraded'],
};

interface Flags extends CellFlags {
  readonly for?: string;
}

const WAIT_MS = 30_000;

/** Exit 1 when there is no quorum, or when `--for` has not come true in time. */
async function status(flags: Flags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  const goal = flags.for === undefined ? GOALS.quorum : GOALS[flags.for];
  if (goal === undefined || !Object.hasOwn(GOALS, flags.for ?? 'quorum')) {
    const expected = Object.keys(GOALS).join(' or ');
    throw new ExitError(EXIT.usage, `--for: expected ${expected}, got ${flags.for}`);
  }
  const waitMs = flags.timeout === undefined ? WAIT_MS : milliseconds('--timeout', flags.timeout);
  const untilMs = flags.for === undefined ? 0 : performance.now() + waitMs;
  return withClient(flags, io, async (client) => {
    for (;;) {
      const { health, row } = await report(client);
      const isSo = goal.includes(health);
      if (isSo || performance.now() >= untilMs) {
        if (format === 'json') io.out(`${json(row)}\n`);
        else show(io, format, row);
        return isSo ? EXIT.done : EXIT.refused;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  });
}

/** status. */
export const registerStatus: Register = ({ cli, io, run }) => {
  withCell(cli.command('status', 'Say whether the cell is well: exit 1 when it has no quorum'))
    .option('--for <state>', 'wait until it is healthy, or has a quorum; exit 1 after --timeout')
    .action(run((flags: Flags) => status(flags, io)));
};
