// `fatty elect`: leads while a command runs, or says who leads.
import type { Client, Lock } from '@fatty/client';
import { Election, type Leader } from '@fatty/client/recipes';
import { fromUtf8 } from '@fatty/codec';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { type Format, formatOf, json, printable, type Row } from '../terminal/output.ts';
import type { Stop } from '../terminal/stop.ts';
import { type CellFlags, milliseconds, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';
import { checkCommand, whileHeld } from './lock.ts';

interface ElectFlags extends CellFlags {
  readonly leader?: boolean;
  readonly observe?: boolean;
  readonly count?: string;
  readonly wait?: string;
  readonly lockDelay?: string;
  readonly '--'?: readonly string[];
}

function rowOf(path: string, leader: Leader | undefined): Row {
  if (leader === undefined) return { path, leader: null };
  const { key, generation, content } = leader;
  const text = content && fromUtf8(content);
  const said = text === undefined ? { hex: content } : { text };
  return { path, leader: key, generation, ...(content === undefined ? {} : said) };
}

function say(row: Row, format: Format, io: Io): void {
  const text = json(row);
  if (format === 'json') return io.out(`${text}\n`);
  const { leader, generation, text: said, hex } = JSON.parse(text) as Record<string, string | null>;
  const words = leader === null ? ['nobody'] : [leader, generation, said ?? hex ?? '-'];
  io.out(`${printable(words.join('  '))}\n`);
}

/** Prints who leads; exit 1 when nobody does. */
export async function showLeader(
  client: Client,
  path: string,
  format: Format,
  io: Io,
): Promise<number> {
  const leader = await new Election(client, path).leader();
  say(rowOf(path, leader), format, io);
  return leader === undefined ? EXIT.refused : EXIT.done;
}

/** Prints each leader, until told to end or until there were so many lines. */
export async function observe(
  client: Client,
  path: string,
  { format, most, signal }: { format: Format; most: number; signal: AbortSignal },
  io: Io,
): Promise<number> {
  let said = 0;
  try {
    for await (const leader of new Election(client, path).observe({ signal })) {
      say(rowOf(path, leader), format, io);
      said += 1;
      if (said >= most) break;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return EXIT.done;
}

async function look(path: string, flags: ElectFlags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  const most = countOf(flags.count);
  return withClient(flags, io, (client, stop) => {
    if (flags.observe !== true) return showLeader(client, path, format, io);
    const controller = new AbortController();
    void stop.takeOverOnce().then(() => controller.abort());
    return observe(client, path, { format, most, signal: controller.signal }, io);
  });
}

function countOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new ExitError(EXIT.usage, `--count: expected a whole number from 1, got ${text}`);
}

async function elect(
  path: string,
  content: string | undefined,
  flags: ElectFlags,
  io: Io,
): Promise<number> {
  if (flags.leader === true || flags.observe === true) return look(path, flags, io);
  checkCommand(flags);
  const terms = {
    ...(flags.wait === undefined ? {} : { maxWaitMs: milliseconds('--wait', flags.wait) }),
    ...(flags.lockDelay === undefined
      ? {}
      : { lockDelayMs: milliseconds('--lock-delay', flags.lockDelay) }),
  };
  return withClient(flags, io, (client: Client, stop: Stop) => {
    const campaign = async (): Promise<Lock> =>
      (await new Election(client, path).campaign(content ?? '', terms)).lock;
    return whileHeld(campaign, flags, io, stop);
  });
}

/** elect. */
export const registerElect: Register = ({ cli, io, run }) => {
  withCell(
    cli.command(
      'elect <path> [content]',
      'Lead while a command runs, and tell others who leads: fatty elect PATH ME -- cmd',
    ),
  )
    .option('--leader', 'print who leads now; exit 1 when nobody does')
    .option('--observe', 'print each leader, as they change')
    .option('--count <n>', 'with --observe: end after so many lines')
    .option('--wait <ms>', 'longest wait, as the cell counts it; default: for ever')
    .option('--lock-delay <ms>', 'pause before others may lead if we fail')
    .action(
      run((path: string, content: string | undefined, flags: ElectFlags) =>
        elect(path, content, flags, io),
      ),
    );
};
