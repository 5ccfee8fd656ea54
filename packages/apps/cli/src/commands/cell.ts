// `fatty init`, `keygen`, `up`, `node`.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { asPublicKey, fromHex, toHex } from '@fatty/codec';
import type { Failure, PublicKey } from '@fatty/interface';
import { foundCell, initCell, makeKey, type NamedMember } from '@fatty/node/settings';
import { type AlgorithmModule, moduleOf, type RunningCell, startCell } from '../cell/cell.ts';
import { untilToldToStop } from '../cell/ending.ts';
import { REPLICA_MAIN } from '../cell/process.ts';
import { EXIT, ExitError, type Io, wholeNumber } from '../terminal/io.ts';
import { asCalled, formatOf, show } from '../terminal/output.ts';
import { signalExit } from '../terminal/stop.ts';
import { type Register, withFormat } from './command.ts';
import { DEFAULT_DIR } from './target.ts';

interface InitFlags {
  readonly dir?: string;
  readonly replicas?: string | number;
  readonly host?: string;
  readonly advertise?: string;
  readonly freePorts?: boolean;
  readonly insecure?: boolean;
  readonly tls?: boolean;
  readonly member?: string;
  readonly algorithm?: string;
  readonly admin?: string;
  readonly output?: string;
}

interface UpFlags extends InitFlags {
  readonly record?: string;
  readonly logLevel?: string;
  readonly console?: boolean;
}

/** `KEY=HOST[:PEERPORT[:CLIENTPORT]]`, IPv6 addresses in brackets. */
const MEMBER = /^([0-9a-f]{64})=(\[[0-9a-f:.]+\]|[^:/\s[\]@?#]+)(?::(\d{1,5}))?(?::(\d{1,5}))?$/i;

function memberOf(text: string): NamedMember {
  const [, hex = '', host = '', peer, client] = MEMBER.exec(text) ?? [];
  const key = fromHex(hex.toLowerCase());
  if (key?.length !== 32) {
    const expected = 'KEY=HOST[:PEERPORT[:CLIENTPORT]], KEY as "fatty keygen" prints it';
    throw new ExitError(EXIT.usage, `--member: expected ${expected}, got ${text}`);
  }
  const port = (digits: string | undefined): number | undefined =>
    digits === undefined ? undefined : wholeNumber('--member', digits, { min: 1, max: 65_535 });
  const [peerPort, clientPort] = [port(peer), port(client)];
  return {
    key: asPublicKey(key),
    host,
    ...(peerPort === undefined ? {} : { peerPort }),
    ...(clientPort === undefined ? {} : { clientPort }),
  };
}

/** Every `--member X` and `--member=X`, and those with commas between. */
function membersOf(argv: readonly string[]): readonly NamedMember[] {
  const words = argv.flatMap((word, i) => {
    if (word === '--member') return [argv[i + 1] ?? ''];
    return word.startsWith('--member=') ? [word.slice('--member='.length)] : [];
  });
  return words
    .flatMap((word) => word.split(','))
    .filter((word) => word !== '')
    .map(memberOf);
}

/** The module of `--algorithm`, to be spread into what makes a cell. */
async function algorithmOf({ algorithm }: InitFlags): Promise<{ algorithm?: AlgorithmModule }> {
  if (algorithm === undefined) return {};
  const module = await moduleOf(algorithm);
  if (!module.ok) throw refusal(module.failure);
  return { algorithm: module.value };
}

/** The key of `--admin`, to be spread into what makes a cell. */
function adminOf({ admin }: InitFlags): { admin?: PublicKey } {
  if (admin === undefined) return {};
  const key = fromHex(String(admin).toLowerCase());
  if (key?.length === 32) return { admin: asPublicKey(key) };
  throw new ExitError(EXIT.usage, `--admin: expected a client key, 64 hex digits, got ${admin}`);
}

/** A cell of keys that others keep. */
async function found(flags: InitFlags, io: Io): Promise<number> {
  const dir = flags.dir ?? DEFAULT_DIR;
  const members = membersOf(io.argv);
  const { algorithm } = await algorithmOf(flags);
  const named = algorithm === undefined ? {} : { algorithm: algorithm.name };
  const cell = foundCell({ dir, members, tls: flags.tls === true, ...named, ...adminOf(flags) });
  if (!cell.ok) throw refusal(cell.failure);
  const { cellId } = cell.value;
  show(io, formatOf(flags.output), { dir, cellId: toHex(cellId), replicas: members.length });
  return EXIT.done;
}

function keygen(flags: InitFlags, io: Io): number {
  const dir = flags.dir ?? join(DEFAULT_DIR, 'replica');
  const key = makeKey(dir);
  if (!key.ok) throw refusal(key.failure);
  if (formatOf(flags.output) === 'json') show(io, 'json', { dir, key: toHex(key.value) });
  else io.out(`${toHex(key.value)}\n`);
  return EXIT.done;
}

const refusal = ({ code, expected, actual }: Failure): ExitError =>
  new ExitError(EXIT.refused, `${code}: expected ${expected}, got ${actual}`);

async function init(flags: InitFlags, io: Io): Promise<number> {
  if (flags.member !== undefined) return found(flags, io);
  const dir = flags.dir ?? DEFAULT_DIR;
  const replicas = wholeNumber('--replicas', flags.replicas ?? 4, { min: 1 });
  const tls = flags.tls === true;
  const host = flags.host === undefined ? {} : { host: flags.host };
  const advertise = flags.advertise === undefined ? {} : { advertise: flags.advertise };
  const freePorts = flags.freePorts === true;
  const insecure = flags.insecure === true;
  const algorithm = await algorithmOf(flags);
  const options = { dir, replicas, freePorts, insecure, tls, ...host, ...advertise };
  const cell = initCell({ ...options, ...algorithm, ...adminOf(flags) });
  if (!cell.ok) throw refusal(cell.failure);
  const { cellId } = cell.value;
  show(io, formatOf(flags.output), { dir, cellId: toHex(cellId), replicas });
  return EXIT.done;
}

async function up(flags: UpFlags, io: Io): Promise<number> {
  const dir = flags.dir ?? DEFAULT_DIR;
  const record = flags.record === undefined ? undefined : resolve(flags.record);
  if (record !== undefined) mkdirSync(record, { recursive: true });
  const stop = untilToldToStop();
  const cell = await startCell({
    dir,
    replicas: wholeNumber('--replicas', flags.replicas ?? 4, { min: 1 }),
    stop,
    onReplay: (records) => tellReplay(records, io),
    ...(record === undefined ? {} : { record }),
    ...(flags.logLevel === undefined ? {} : { logLevel: flags.logLevel }),
    ...(flags.algorithm === undefined ? {} : { algorithm: flags.algorithm }),
    ...(flags.console === true && { env: { ...process.env, FATTY_CONSOLE: 'true' } }),
  });
  announce(cell, flags, io);
  tellLosses(cell, stop, io);
  const why = await stop;
  if (flags.output !== 'json') io.err(`fatty: ${why}, stopping\n`);
  await cell.close();
  if (record !== undefined) io.err(`fatty: draw the run with: fatty chart ${record}/*.jsonl\n`);
  return EXIT.done;
}

/** A replica that ends before it is told to is told of; the others go on without it. */
function tellLosses(cell: RunningCell, stop: Promise<unknown>, io: Io): void {
  let isStopping = false;
  void stop.then(() => {
    isStopping = true;
  });
  for (const { index, dir, process } of cell.replicas) {
    void process.exited.then(({ code, signal }) => {
      if (isStopping) return;
      const how = signal ?? `exit ${code}`;
      io.err(
        `fatty: replica ${index} ended (${how}), the others go on; its log is ${join(dir, 'replica.log')}, and "up" after Ctrl-C starts it again\n`,
      );
    });
  }
}

/** A replay of fewer records is over before anybody could read about it. */
const RECORDS_TOLD_MIN = 1_000;

/** `replaying logs: replica 0 12000 records, replica 3 9000 records` */
function tellReplay(records: readonly (number | undefined)[], io: Io): void {
  const parts = [...records].flatMap((count = 0, i) =>
    count < RECORDS_TOLD_MIN ? [] : [`replica ${i} ${count} records`],
  );
  if (parts.length > 0) io.err(`fatty: replaying logs: ${parts.join(', ')}\n`);
}

function announce(cell: RunningCell, flags: UpFlags, io: Io): void {
  const rows = cell.replicas.map(({ index, process: { pid } }) => {
    const key = cell.cell.committee.members[index];
    const at = cell.cell.addresses.find(
      (one) => key !== undefined && toHex(one.key) === toHex(key),
    );
    const out = cell.out.find((one) => one.index === index);
    const gone = { replica: index, pid: undefined, client: undefined, http: undefined };
    if (out !== undefined) return { ...gone, out: out.why };
    return { replica: index, pid, client: at?.client, http: at?.http };
  });
  for (const { index, why } of cell.out)
    io.err(`fatty: replica ${index} is out: ${why.replace(/^replica \d+ /, '')}\n`);
  show(io, formatOf(flags.output), rows);
  if (flags.output === 'json') return;
  const isOwn = cell.cell.algorithm !== undefined;
  const tries = isOwn ? ['op submit HEX', 'op query'] : ['put /hello world', 'get /hello'];
  const lines = tries.map((words) => `  fatty ${words} --cell ${cell.cellPath}\n`).join('');
  const console = flags.console === true ? `  fatty console --cell ${cell.cellPath}\n` : '';
  io.out(asCalled(`\nThe cell is up. In another terminal:\n${lines}${console}`, io.env));
  io.out(`Ctrl-C stops it; its data stays in ${cell.dir}.\n`);
}

/** One replica in the foreground, with this command's arguments as its own. */
function node(io: Io): Promise<number> {
  const at = io.argv.indexOf('node', 2);
  const child = spawn(process.execPath, [REPLICA_MAIN, ...io.argv.slice(at + 1)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  // On a terminal SIGHUP says that the terminal is gone; elsewhere it asks to read the settings
  // again.
  const isReload = !process.stdin.isTTY;
  if (isReload) process.on('SIGHUP', () => child.kill('SIGHUP'));
  void untilToldToStop(isReload ? ['SIGHUP'] : []).then(() => child.kill('SIGTERM'));
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code, signal) => done(code ?? signalExit(signal ?? 'SIGKILL')));
  });
}

/** init, up, node. */
export const registerCell: Register = ({ cli, io, run }) => {
  withFormat(cli.command('init', 'Make keys and cell.json of a new cell'))
    .option('--dir <dir>', `where; default ./${DEFAULT_DIR}`)
    .option('--replicas <n>', '4 tolerate one liar, 7 two, 10 three; default 4')
    .option('--host <address>', 'address to bind; default 127.0.0.1')
    .option('--advertise <host>', 'where members are reached; needed with --host 0.0.0.0')
    .option(
      '--member <key=host>',
      'a member that has its key: KEY=HOST[:PEERPORT[:CLIENTPORT]]; for each',
    )
    .option('--tls', 'write wss:// addresses: every replica has tlsCert and tlsKey')
    .option('--insecure', 'speak plain ws also beyond loopback')
    .option('--free-ports', 'take free ports at every start')
    .option('--algorithm <module>', 'name this algorithm (.js) as what replicas host')
    .option('--admin <key>', 'client key of its first administrator; default: the cell is open')
    .action(run((flags: InitFlags) => init(flags, io)));
  withFormat(cli.command('keygen', 'Make the key of one replica here; prints the public key'))
    .option('--dir <dir>', `folder of the replica; default ./${DEFAULT_DIR}/replica`)
    .action(run(async (flags: InitFlags) => keygen(flags, io)));
  withFormat(cli.command('up', 'Run a whole cell on this machine, one process per replica'))
    .option('--dir <dir>', `where it lives; made if missing; default ./${DEFAULT_DIR}`)
    .option('--replicas <n>', 'of a new cell; default 4')
    .option('--algorithm <module>', 'host this algorithm (.js) in place of the lock service')
    .option('--record <dir>', 'write traces for "fatty chart" there')
    .option('--log-level <level>', 'what replicas write to replica-i/replica.log')
    .option('--console', 'every replica serves the web console: see "fatty console"')
    .action(run((flags: UpFlags) => up(flags, io)));
  cli
    .command(
      'node',
      'Run one replica: fatty node --dir DIR/replica-i (all its options pass through)',
    )
    .allowUnknownOptions()
    .action(run(() => node(io)));
};
