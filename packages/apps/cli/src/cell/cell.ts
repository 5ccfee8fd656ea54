// A whole cell on this machine.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ok, toHex } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import { importAlgorithm, initCell, loadCell, saveCell, withAddresses } from '@fatty/node/settings';
import { type Cell, type CellParams, quorum, type SignedAddresses } from '@fatty/protocol';
import { type Exit, ReplicaProcess } from './process.ts';

/** A whole cell on this machine, one OS process per replica. Times in ms. */
export interface CellOptions {
  /** Where it lives. Default: a throw-away folder, removed by `close()`. */
  readonly dir?: string;
  /** Replicas of a new cell. Default 4. */
  readonly replicas?: number;
  /** True (default): every port is a free one. False: the ports of config.json. */
  readonly freePorts?: boolean;
  readonly params?: Partial<CellParams>;
  /** Module of the algorithm that replicas host; default: the lock service, or what a cell was made with. */
  readonly algorithm?: string;
  /** Another program than the honest one for all replicas: of test cells. */
  readonly main?: string;
  /** Folder that receives one trace file per replica, `r<i>.jsonl`. */
  readonly record?: string;
  /** Least severe message that replicas log. Default `info`; into DIR/replica-i/replica.log. */
  readonly logLevel?: string;
  /** How long a replica that is not ready may show no progress. Default 30,000. */
  readonly readyMsMax?: number;
  /** Told while logs are replayed, now and then: records so far, by replica; undefined where none. */
  readonly onReplay?: (records: readonly (number | undefined)[]) => void;
  /** When it resolves before the cell is up, the start is given up. */
  readonly stop?: Promise<unknown>;
  readonly env?: NodeJS.ProcessEnv;
}

/** How a replica comes back. */
export interface RestartOptions {
  /** Another program for this replica: a liar, a recorder. */
  readonly main?: string;
  readonly args?: readonly string[];
  /** Before it starts: clear its folder of everything but its key. */
  readonly forget?: boolean;
}

/** One replica of a running cell. */
export interface CellReplica {
  readonly index: number;
  readonly dir: string;
  /** The process at work or the last one. */
  readonly process: ReplicaProcess;
  readonly alive: boolean;
  kill(): Promise<Exit>;
  stop(): Promise<Exit>;
  /** Stops it if need be and starts it again; resolves when it is ready and cell.json is written. */
  restart(options?: RestartOptions): Promise<void>;
}

/** A replica that the cell runs without. */
export interface OutOfCell {
  readonly index: number;
  /** What it said, in one line. */
  readonly why: string;
}

/** A cell that is up. */
export interface RunningCell {
  readonly dir: string;
  /** DIR/cell.json: what clients need. */
  readonly cellPath: string;
  /** As last written: addresses of restarted replicas change. */
  readonly cell: Cell;
  readonly replicas: readonly CellReplica[];
  /** Replicas that could not be started; the others are a quorum. */
  readonly out: readonly OutOfCell[];
  /**
   * One more replica, DIR/replica-i, under a new key. It follows until members let the key in.
   * @throws Error when no replica tells it of the cell, or it does not start
   */
  join(): Promise<CellReplica>;
  /** Stops every replica; removes a throw-away folder. Safe to call twice. */
  close(): Promise<void>;
}

const READY_MS_MAX = 30_000;
/** How often progress is told, ms. */
const REPLAY_TOLD_MS = 1_000;

/**
 * Starts a cell, making it first where there is none. It is up when a quorum is; see `out`.
 * @throws Error with what the replicas said that are missing to a quorum
 */
export async function startCell(options: CellOptions = {}): Promise<RunningCell> {
  const throwAway = options.dir === undefined;
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'fatty-'));
  const cell = await openCell(dir, join(dir, 'cell.json'), options);
  const supervisor = new Supervisor(dir, throwAway, options, cell);
  try {
    const stopped = options.stop?.then(() => Promise.reject(new Error('stopped before it was up')));
    await Promise.race([supervisor.start(), ...(stopped === undefined ? [] : [stopped])]);
    return supervisor;
  } catch (error) {
    await supervisor.close();
    throw error;
  }
}

class Supervisor implements RunningCell {
  readonly dir: string;
  readonly cellPath: string;
  readonly #throwAway: boolean;
  readonly #options: CellOptions;
  readonly #replicas: Member[];
  readonly #replayed: (number | undefined)[] = [];
  #out: readonly OutOfCell[] = [];
  #cell: Cell;
  #closing: Promise<void> | undefined;

  constructor(dir: string, throwAway: boolean, options: CellOptions, cell: Cell) {
    this.dir = dir;
    this.cellPath = join(dir, 'cell.json');
    this.#throwAway = throwAway;
    this.#options = options;
    this.#cell = cell;
    const count = this.#cell.committee.members.length;
    this.#replicas = Array.from({ length: count }, (_, index) => this.#member(index));
  }

  get cell(): Cell {
    return this.#cell;
  }

  get replicas(): readonly CellReplica[] {
    return this.#replicas;
  }

  get out(): readonly OutOfCell[] {
    return this.#out;
  }

  #member(index: number): Member {
    const {
      record,
      logLevel,
      env,
      algorithm,
      main,
      readyMsMax = READY_MS_MAX,
      freePorts = true,
    } = this.#options;
    const ports = freePorts ? ['--peerPort', '0', '--clientPort', '0', '--httpPort', '0'] : [];
    const level = logLevel === undefined ? [] : ['--logLevel', logLevel];
    const own = algorithm === undefined ? [] : ['--algorithm', resolve(algorithm)];
    const trace = record === undefined ? [] : ['--record', join(record, `r${index}.jsonl`)];
    return new Member({
      index,
      dir: join(this.dir, `replica-${index}`),
      args: [...ports, ...level, ...trace, ...own],
      env: env ?? {},
      readyMsMax,
      ...(main && { main }),
      onReplay: (records) => {
        this.#replayed[index] = records;
      },
      publish: (replica) => this.#publish([replica]),
    });
  }

  /** One broken replica keeps no quorum from running. */
  async start(): Promise<void> {
    const telling = this.#tellReplay();
    const processes = this.#replicas.map((replica) => replica.spawn({}));
    const outcomes = await Promise.allSettled(processes.map((one) => one.ready));
    clearInterval(telling);
    this.#out = outcomes.flatMap((outcome, index) =>
      outcome.status === 'fulfilled' ? [] : [{ index, why: lineOf(outcome.reason) }],
    );
    const up = processes.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    if (up.length < quorum(this.#cell.committee)) {
      throw new Error(this.#out.map(({ why }) => why).join('\n'));
    }
    const lost = this.#replicas.filter(({ index }) => this.#out.some((one) => one.index === index));
    await Promise.all(lost.map((replica) => replica.stop()));
    await this.#publish(up);
  }

  #tellReplay(): NodeJS.Timeout {
    let told = '';
    return setInterval(() => {
      const now = this.#replayed.join();
      if (now !== told) this.#options.onReplay?.([...this.#replayed]);
      told = now;
    }, REPLAY_TOLD_MS);
  }

  /** Puts fresh addresses into cell.json and tells everybody that there is something to read. */
  async #publish(processes: readonly ReplicaProcess[]): Promise<void> {
    const fresh = await Promise.all(processes.map((one) => one.ready));
    this.#cell = withAddresses(this.#cell, fresh);
    saveCell(this.cellPath, this.#cell);
    for (const replica of this.#replicas) replica.tell({ kind: 'cell' });
  }

  async join(): Promise<CellReplica> {
    const index = this.#replicas.length;
    const replica = this.#member(index);
    this.#replicas.push(replica);
    const told = await Promise.all(
      this.#replicas.filter(({ alive }) => alive).map(({ process }) => process.ready),
    );
    await prepare(replica.dir, this.#cell.cellId, told);
    const started = replica.spawn({});
    await started.ready;
    await this.#publish([started]);
    return replica;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.end()));
    if (this.#throwAway) rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Makes a folder that follows, as the first of these tells it that is asked and answers. */
async function prepare(
  dir: string,
  id: Uint8Array,
  told: readonly SignedAddresses[],
): Promise<void> {
  const { prepareJoin } = await import('@fatty/node');
  let why = 'nobody runs';
  for (const { client } of told) {
    const made = await prepareJoin({ cellId: toHex(id), from: client, dir });
    if (made.ok) return;
    why = `${made.failure.code}: ${made.failure.actual}`;
  }
  throw new Error(`nobody tells ${dir} of the cell: ${why}`);
}

function lineOf(reason: unknown): string {
  const text = reason instanceof Error ? reason.message : String(reason);
  return text
    .trim()
    .split(/\s*\n\s*/)
    .join(' ');
}

async function openCell(dir: string, path: string, options: CellOptions): Promise<Cell> {
  const cell = existsSync(path) ? loadCell(path) : await makeCell(dir, options);
  if (cell.ok) return cell.value;
  const { code, expected, actual } = cell.failure;
  throw new Error(`${code}: expected ${expected}, got ${actual}`);
}

async function makeCell(dir: string, options: CellOptions): Promise<Outcome<Cell>> {
  const { replicas = 4, params, freePorts = true, algorithm } = options;
  const make = { dir, replicas, freePorts, ...(params === undefined ? {} : { params }) };
  if (algorithm === undefined) return initCell(make);
  const module = await moduleOf(algorithm);
  return module.ok ? initCell({ ...make, algorithm: module.value }) : module;
}

/** A module whose algorithm replicas are to host. */
export interface AlgorithmModule {
  /** Goes into cell.json. */
  readonly name: string;
  /** Absolute; goes into each replica's config.json. */
  readonly path: string;
}

/** What a new cell says of the algorithm in this module. Codes of `importAlgorithm`. */
export async function moduleOf(path: string): Promise<Outcome<AlgorithmModule>> {
  const imported = await importAlgorithm(path);
  return imported.ok ? ok({ name: imported.value.name, path: resolve(path) }) : imported;
}

interface MemberOptions {
  readonly index: number;
  readonly dir: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly readyMsMax: number;
  readonly main?: string;
  onReplay(records: number): void;
  publish(replica: ReplicaProcess): Promise<void>;
}

class Member implements CellReplica {
  readonly index: number;
  readonly dir: string;
  readonly #options: MemberOptions;
  #process: ReplicaProcess | undefined;
  #ended = false;
  /** The ports it had: a replica comes back where clients and peers look for it. */
  #ports: readonly string[] = [];

  constructor(options: MemberOptions) {
    this.index = options.index;
    this.dir = options.dir;
    this.#options = options;
  }

  get process(): ReplicaProcess {
    if (this.#process === undefined) throw new Error(`replica ${this.index} was never started`);
    return this.#process;
  }

  get alive(): boolean {
    return this.#process !== undefined && this.#process.state !== 'exited';
  }

  spawn({ main = this.#options.main, args = [] }: RestartOptions): ReplicaProcess {
    if (this.#ended) throw new Error('the cell is closed');
    const { index, dir, env, readyMsMax, onReplay } = this.#options;
    const program = main === undefined ? {} : { main };
    const all = [...this.#options.args, ...this.#ports, ...args];
    const started = new ReplicaProcess({
      dir,
      index,
      args: all,
      env,
      readyMsMax,
      onReplay,
      ...program,
    });
    this.#process = started;
    started.ready
      .then(({ peer, client, http }) => {
        const port = (url: string): string => new URL(url).port;
        this.#ports = [
          '--peerPort',
          port(peer),
          '--clientPort',
          port(client),
          '--httpPort',
          port(http),
        ];
      })
      .catch(() => undefined);
    return started;
  }

  /** Nobody hears it before the first start. */
  tell(message: { readonly kind: string }): void {
    this.#process?.tell(message);
  }

  kill(): Promise<Exit> {
    return this.process.kill();
  }

  stop(): Promise<Exit> {
    return this.process.stop();
  }

  async restart(options: RestartOptions = {}): Promise<void> {
    if (this.alive) await this.stop();
    if (options.forget) forget(this.dir);
    const started = this.spawn(options);
    await started.ready;
    await this.#options.publish(started);
  }

  /** For the end of the cell: also when it never started. */
  async end(): Promise<void> {
    this.#ended = true;
    if (this.#process !== undefined) await this.#process.stop();
  }
}

/** A lost disk: log, state and signer mark are gone, the key is not. */
function forget(dir: string): void {
  for (const name of ['log', 'state.lmdb', 'signer', 'LOCK']) {
    rmSync(join(dir, name), { recursive: true, force: true });
  }
}
