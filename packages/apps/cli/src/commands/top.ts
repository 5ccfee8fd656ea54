// `fatty top`: the cell and its replicas, live.
import type { Client } from '@fatty/client';
import { EXIT, type Io, wholeNumber } from '../terminal/io.ts';
import { type Format, fields, formatOf, json, type Row, table } from '../terminal/output.ts';
import { type CellFlags, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';
import { healthOf } from './status.ts';
import { look, type MemberToday, ownWord, todayOf } from './today.ts';

interface TopFlags extends CellFlags {
  readonly once?: boolean;
  readonly every?: string;
  readonly count?: string;
}

/** How long somebody who does not answer is waited for, ms. */
const ANSWER_MS_MAX = 1_000;
const EVERY_MS = 1_000;

type Own = Awaited<ReturnType<Client['replicaStatus']>>;

/** One look at all members of today. By committee index. */
export interface Look {
  readonly atMs: number;
  readonly members: readonly MemberToday[];
  readonly quorum: number;
  /** Undefined: it does not answer. */
  readonly own: readonly (Own | undefined)[];
  /** How long each took to answer, ms. */
  readonly tookMs: readonly number[];
}

/** Asks everybody at once. Who has not answered in a second is shown as silent. */
export async function lookAt(client: Client): Promise<Look> {
  const tookMs: number[] = [];
  const today = await look(client, 0, ANSWER_MS_MAX).catch(() => todayOf(client));
  const { members, quorum } = today;
  const own = await Promise.all(
    members.map(async (one) => {
      const beganMs = performance.now();
      const status = await ownWord(client, one, ANSWER_MS_MAX);
      tookMs[one.number] = Math.round(performance.now() - beganMs);
      return status;
    }),
  );
  return { atMs: performance.now(), members, quorum, own, tookMs };
}

/** Commits a second between two looks; undefined where there is none before. */
function paceOf(
  now: Look,
  before: Look | undefined,
  { number, key }: MemberToday,
): number | undefined {
  // In another epoch it may have had another number.
  const then = before?.members.find((one) => one.key === key);
  const [is, was] = [now.own[number]?.commit, then && before?.own[then.number]?.commit];
  if (is === undefined || was === undefined || before === undefined) return undefined;
  return Math.round((1000 * (is - was)) / Math.max(1, now.atMs - before.atMs));
}

/** What a look comes to: of the cell, and of each replica. */
export function rowsOf(
  now: Look,
  before: Look | undefined,
): { readonly cell: Row; readonly replicas: readonly Row[] } {
  const most = Math.max(0, ...now.own.map((one) => one?.commit ?? 0));
  const seen = now.members.map(({ number, convicted }) => {
    return { replica: number, commit: now.own[number]?.commit, convicted };
  });
  const replicas = now.members.map((member): Row => {
    const { number, convicted } = member;
    const one = now.own[number];
    return {
      replica: number,
      answers: one !== undefined,
      ms: one === undefined ? undefined : now.tookMs[number],
      commit: one?.commit,
      behind: one && most - one.commit,
      commitsPerS: paceOf(now, before, member),
      sessions: one?.sessions,
      nodes: one?.nodes,
      holds: one?.holds,
      waits: one?.waits,
      machines: one?.machines,
      convicted,
    };
  });
  const first = now.own.find((one) => one?.commit === most);
  const answering = seen.filter(({ commit }) => commit !== undefined).length;
  const cell: Row = {
    health: healthOf(seen, now.quorum),
    epoch: first?.epoch,
    commit: most,
    answering: `${answering} of ${seen.length}`,
  };
  return { cell, replicas };
}

/** Moves the cursor home and clears what is behind it. */
const CLEAR = '\u001b[H\u001b[J';

/** What of the terminal counts here. */
export interface Screenful {
  readonly format: Format;
  /** Clears the screen before each. */
  readonly clears: boolean;
}

/** Prints one look. */
export function draw(
  { cell, replicas }: ReturnType<typeof rowsOf>,
  { format, clears }: Screenful,
  io: Io,
): void {
  if (format === 'json') return io.out(`${json({ ...cell, replicas })}\n`);
  io.out(`${clears ? CLEAR : ''}${fields(cell)}\n${table(replicas)}`);
}

async function top(flags: TopFlags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  const everyMs = wholeNumber('--every', flags.every ?? EVERY_MS, { min: 100, max: 3_600_000 });
  const most = flags.once === true ? 1 : mostOf(flags.count);
  return withClient(flags, io, async (client, stop) => {
    let isOver = false;
    let wake = (): void => undefined;
    void stop.takeOverOnce().then(() => {
      isOver = true;
      wake();
    });
    await look(client, ANSWER_MS_MAX, ANSWER_MS_MAX).catch(() => undefined);
    const clears = most > 1 && process.stdout.isTTY === true;
    let before: Look | undefined;
    for (let said = 1; !isOver; said++) {
      const now = await lookAt(client);
      draw(rowsOf(now, before), { format, clears }, io);
      before = now;
      if (said >= most || isOver) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, everyMs);
      });
    }
    return EXIT.done;
  });
}

const mostOf = (text: string | undefined): number =>
  text === undefined ? Number.POSITIVE_INFINITY : wholeNumber('--count', text, { min: 1 });

/** top. */
export const registerTop: Register = ({ cli, io, run }) => {
  withCell(cli.command('top', 'Show the cell and its replicas, each by its own account, live'))
    .option('--once', 'one look, and no more')
    .option('--every <ms>', 'how often to look; default 1000')
    .option('--count <n>', 'end after so many looks')
    .action(run((flags: TopFlags) => top(flags, io)));
};
