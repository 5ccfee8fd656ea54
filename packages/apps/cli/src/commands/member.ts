// `fatty member`, `join`: who the members are, and who they will be.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fromHex, toHex } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import type { MembersShown, ShownChange, Sizes } from '@fatty/node';
import { untilToldToStop } from '../cell/ending.ts';
import { REPLICA_MAIN } from '../cell/process.ts';
import { EXIT, ExitError, type Io, wholeNumber } from '../terminal/io.ts';
import { formatOf, json, show } from '../terminal/output.ts';
import { signalExit } from '../terminal/stop.ts';
import { type Register, withFormat } from './command.ts';
import { DEFAULT_DIR } from './target.ts';

interface MemberFlags {
  readonly dir?: string;
  readonly yes?: boolean;
  readonly output?: string;
}

const refusal = ({ code, expected, actual }: Failure): ExitError =>
  new ExitError(EXIT.refused, `${code}: expected ${expected}, got ${actual}`);

/** The folders of the replicas that this operator has. */
async function foldersOf({ argv }: Io): Promise<readonly string[]> {
  const given = argv.flatMap((word, i) => {
    if (word === '--dir') return [argv[i + 1] ?? ''];
    return word.startsWith('--dir=') ? [word.slice('--dir='.length)] : [];
  });
  const named = given.length > 0 ? given : [DEFAULT_DIR];
  const { replicasIn } = await import('@fatty/node');
  const found = (await Promise.all(named.map(replicasIn))).flat();
  if (found.length > 0) return found;
  throw new ExitError(EXIT.usage, `--dir: expected folders of replicas, got ${named.join(' ')}`);
}

interface Asked {
  readonly dir: string;
  readonly shown: MembersShown | undefined;
  readonly why: string | undefined;
}

async function askAll(folders: readonly string[]): Promise<readonly Asked[]> {
  const { askAdmin } = await import('@fatty/node');
  return Promise.all(
    folders.map(async (dir) => {
      const answer = await askAdmin<MembersShown>(dir, { kind: 'members' });
      if (answer.ok) return { dir, shown: answer.value, why: undefined };
      return { dir, shown: undefined, why: `${answer.failure.code}: ${answer.failure.actual}` };
    }),
  );
}

/** What the replica that is furthest says; the others are told of. */
function newestOf(asked: readonly Asked[], io: Io): MembersShown {
  const all = asked.flatMap(({ shown }) => shown ?? []);
  for (const { dir, why } of asked) if (why !== undefined) io.err(`fatty: ${dir}: ${why}\n`);
  const [newest] = all.toSorted((a, b) => b.epoch - a.epoch || b.commit - a.commit);
  if (newest !== undefined) return newest;
  throw new ExitError(EXIT.unreachable, 'none of these replicas runs');
}

function keyOf(word: string | undefined, name: string): string {
  const key = fromHex((word ?? '').toLowerCase().replace(/@.*$/, ''));
  if (key?.length === 32) return toHex(key);
  throw new ExitError(EXIT.usage, `${name}: expected a key, 64 hex digits, got ${word}`);
}

function changeOf(action: string, keys: readonly string[]): ShownChange {
  const [first, second] = keys;
  if (action === 'add') return { kind: 'add', key: keyOf(first, 'KEY') };
  if (action === 'remove') return { kind: 'remove', old: keyOf(first, 'KEY') };
  if (action === 'renew') return { kind: 'renew' };
  if (action === 'replace') {
    return { kind: 'replace', old: keyOf(first, 'OLD'), key: keyOf(second, 'NEW') };
  }
  const expected = 'list, add KEY, remove KEY, replace OLD NEW or renew';
  throw new ExitError(EXIT.usage, `member: expected ${expected}, got ${action}`);
}

/** How many members there are after a change, and how many of them may fail. */
export function sizesAfter({ members }: Sizes, { kind }: ShownChange): Sizes {
  const grown = kind === 'add' ? 1 : kind === 'remove' ? -1 : 0;
  const after = members + grown;
  const faultsMax = Math.floor((after - 1) / 3);
  return { members: after, faultsMax, quorum: after - faultsMax };
}

const words = ({ members, faultsMax, quorum }: Sizes): string =>
  `${members} members, quorum ${quorum}; ${faultsMax} may lie or fail`;

const changeWords = ({ kind, key, old }: ShownChange): string =>
  [kind, old, kind === 'replace' ? 'by' : '', key].filter((word) => word).join(' ');

/** What will happen, in so many lines. */
function forecast(now: MembersShown, change: ShownChange): string {
  const known = now.motions.find((one) => changeWords(one.change) === changeWords(change));
  const movers = known?.movers.length ?? 0;
  const lines = [
    `change:  ${changeWords(change)}`,
    `now:     epoch ${now.epoch}: ${words(now)}`,
    `then:    epoch ${now.epoch + 1}: ${words(sizesAfter(now, change))}`,
    `agreed:  ${movers} of ${now.quorum} members that have to move it, of ${now.members}`,
  ];
  if (change.key) lines.push('          and the new member has to follow already ("fatty join")');
  if (sizesAfter(now, change).members < 4)
    lines.push('          it waits: with fewer than 4 members nobody could fail');
  return `${lines.join('\n')}\n`;
}

async function isMeant(flags: MemberFlags, io: Io): Promise<boolean> {
  if (flags.yes) return true;
  if (!process.stdin.isTTY) {
    throw new ExitError(EXIT.usage, 'nobody to ask on this terminal: say --yes');
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question('Move it? [y/N] ')).trim());
  } finally {
    terminal.close();
    io.err('');
  }
}

interface Moved {
  readonly dir: string;
  readonly moved: boolean;
  readonly why?: string;
}

async function moveAt(dir: string, change: ShownChange): Promise<Moved> {
  const { askAdmin } = await import('@fatty/node');
  const answer = await askAdmin<unknown>(dir, { kind: 'move', change });
  if (answer.ok) return { dir, moved: true };
  // It has moved the same before.
  if (answer.failure.code === 'nothing_new') return { dir, moved: true };
  return { dir, moved: false, why: `${answer.failure.code}: ${answer.failure.actual}` };
}

async function member(
  action: string,
  keys: readonly string[],
  flags: MemberFlags,
  io: Io,
): Promise<number> {
  const format = formatOf(flags.output);
  const change = action === 'list' ? undefined : changeOf(action, keys);
  const folders = await foldersOf(io);
  const now = newestOf(await askAll(folders), io);
  if (change === undefined) return list(now, format === 'json', io);
  if (format !== 'json') io.err(forecast(now, change));
  if (!(await isMeant(flags, io))) return EXIT.refused;
  const done = await Promise.all(folders.map((dir) => moveAt(dir, change)));
  if (format === 'json') {
    const { members, faultsMax, quorum } = now;
    const sizes = { now: { members, faultsMax, quorum }, after: sizesAfter(now, change) };
    io.out(`${json({ change, epoch: now.epoch, ...sizes, replicas: done })}\n`);
  } else
    show(
      io,
      format,
      done.map((one) => ({ replica: one.dir, moved: one.moved, why: one.why })),
    );
  return done.some(({ moved }) => moved) ? EXIT.done : EXIT.refused;
}

function list(now: MembersShown, isJson: boolean, io: Io): number {
  if (isJson) {
    io.out(`${json({ ...now })}\n`);
    return EXIT.done;
  }
  io.out(`epoch ${now.epoch}, commit ${now.commit}: ${words(now)}; this replica is ${now.state}\n`);
  show(
    io,
    'table',
    now.all.map(({ number, key, peer, isLinked }) => ({
      member: number,
      key,
      peer,
      state: isLinked ? 'linked' : 'not linked',
    })),
  );
  for (const { change, movers, needed, isReady } of now.motions) {
    const ready = isReady === undefined ? '' : isReady ? ', ready' : ', not ready';
    io.out(`moved: ${changeWords(change)}, by ${movers.join(', ')} of ${needed} needed${ready}\n`);
  }
  if (now.plan.length > 0) io.out(`the epoch ends with: ${now.plan.map(changeWords).join('; ')}\n`);
  return EXIT.done;
}

interface JoinFlags {
  readonly cell?: string;
  readonly from?: string;
  readonly dir?: string;
  readonly insecure?: boolean;
  readonly host?: string;
  readonly advertise?: string;
  readonly algorithm?: string;
  readonly freePorts?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly peerPort?: string | number;
  readonly clientPort?: string | number;
  readonly httpPort?: string | number;
  readonly output?: string;
}

const PORTS = { peerPort: 7400, clientPort: 7420, httpPort: 7440 };

function settingsOf(flags: JoinFlags): Readonly<Record<string, unknown>> {
  const { host, advertise, algorithm, freePorts } = flags;
  const files = { tlsCert: flags.tlsCert, tlsKey: flags.tlsKey, tlsCa: flags.tlsCa };
  const tls = Object.entries(files).flatMap(([name, path]) =>
    path === undefined ? [] : [[name, resolve(path)]],
  );
  const ports = Object.entries(PORTS).map(([name, fallback]) => {
    const given = flags[name as keyof typeof PORTS] ?? (freePorts === true ? 0 : fallback);
    return [name, wholeNumber(`--${name}`, given, { max: 65_535 })];
  });
  return {
    ...Object.fromEntries([...ports, ...tls]),
    ...(host !== undefined && { host }),
    ...(advertise !== undefined && { advertise }),
    ...(algorithm !== undefined && { algorithm }),
  };
}

async function join(flags: JoinFlags, io: Io): Promise<number> {
  const dir = flags.dir ?? `${DEFAULT_DIR}/replica`;
  const { isPrepared } = await import('@fatty/node');
  if (!isPrepared(dir)) await prepare(dir, flags, io);
  const child = spawn(process.execPath, [REPLICA_MAIN, '--dir', dir], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  void untilToldToStop().then(() => child.kill('SIGTERM'));
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code, signal) => done(code ?? signalExit(signal ?? 'SIGKILL')));
  });
}

/** The authorities that the new replica will hold the others' certificates against; default: its own certificate. */
function authorityOf({ tlsCa, tlsCert }: JoinFlags): { readonly ca?: string } {
  const path = tlsCa ?? tlsCert;
  try {
    return path === undefined ? {} : { ca: readFileSync(path, 'utf8') };
  } catch (error) {
    throw new ExitError(EXIT.usage, `--tls-ca: ${(error as Error).message}`);
  }
}

async function prepare(dir: string, flags: JoinFlags, io: Io): Promise<void> {
  const { cell, from } = flags;
  if (cell === undefined || from === undefined) {
    throw new ExitError(EXIT.usage, 'join: expected --cell CELL_ID and --from ADDRESS');
  }
  const { prepareJoin } = await import('@fatty/node');
  const insecure = flags.insecure === true;
  const settings = settingsOf(flags);
  const options = { cellId: String(cell), from, dir, insecure, settings, ...authorityOf(flags) };
  const made = await prepareJoin(options);
  if (!made.ok) throw refusal(made.failure);
  const { key, epoch, members } = made.value;
  if (formatOf(flags.output) === 'json') {
    io.out(`${json({ dir, key: toHex(key), epoch, members })}\n`);
    return;
  }
  io.out(`${toHex(key)}\n`);
  io.err(
    `The cell is in epoch ${epoch} and has ${members} members. This key follows it, and is a member when enough of\n` +
      `them have said, where their replicas run:\n  fatty member add ${toHex(key)} --dir DIR\n`,
  );
}

/** member, join. */
export const registerMember: Register = ({ cli, io, run }) => {
  withFormat(
    cli.command('member <action> [...keys]', 'list, add KEY, remove KEY, replace OLD NEW or renew'),
  )
    .option('--dir <dir>', `folder of a replica or of a cell, for each; default ./${DEFAULT_DIR}`)
    .option('-y, --yes', 'do not ask')
    .action(
      run((action: string, keys: readonly string[], flags: MemberFlags) =>
        member(action, keys, flags, io),
      ),
    );
  withFormat(cli.command('join', 'Follow a cell here, to be a member of it'))
    .option('--cell <id>', 'cell id, 64 hex digits: all that has to be believed')
    .option('--from <address>', 'client address of any member: host:port or wss://…')
    .option('--dir <dir>', `folder of the new replica; default ./${DEFAULT_DIR}/replica`)
    .option('--host <address>', 'address to bind; default 127.0.0.1')
    .option('--advertise <host>', 'where members reach it; needed with --host 0.0.0.0')
    .option('--algorithm <module>', 'module (.js) of the algorithm that the cell hosts')
    .option('--free-ports', 'take free ports at every start')
    .option('--tls-cert <file>', 'its certificate (PEM), with --tls-key: for a cell of wss')
    .option('--tls-key <file>', 'private key of the certificate')
    .option(
      '--tls-ca <file>',
      "authorities of the others' certificates; default its own certificate",
    )
    .option('--insecure', 'speak plain ws also beyond loopback')
    .action(run((flags: JoinFlags) => join(flags, io)));
};
