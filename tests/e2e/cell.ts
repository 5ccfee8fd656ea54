// Test helper: cells of real processes, and what is tidied up after them.
import { type CellOptions, type RunningCell, startCell } from '@fatty/cli';
import { type Client, type ConnectOptions, connect, isFattyError } from '@fatty/client/node';
import { afterEach, expect } from 'vitest';

/** What GET /status of a replica answers; the part these tests look at. */
export interface Status {
  readonly replica: number;
  readonly epoch: number;
  readonly round: number;
  readonly highestRound: number;
  readonly horizon: number;
  readonly commitIndex: number;
  readonly syncing: boolean;
  readonly peersUp: readonly number[];
  readonly clients: number;
  readonly frameCommit: number;
  readonly fetching?: { readonly commit: number };
  readonly observer?: { readonly code: string };
  readonly halted?: { readonly code: string };
}

const open: (() => Promise<unknown>)[] = [];

const cells: RunningCell[] = [];

/** What to know when a test has failed: a cell that hangs says where. */
async function report(cell: RunningCell): Promise<string> {
  const lines = cell.replicas.map(async ({ index, alive }) => {
    const status = alive ? await fetchText(cell, index, '/status').catch(String) : 'not running';
    return `replica ${index}: ${status.replace(/\s+/g, ' ')}`;
  });
  return (await Promise.all(lines)).join('\n');
}

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  for (const cell of cells) process.stderr.write(`${await report(cell)}\n`);
});

/** Remembers how to end something that a test started. */
export function tidyUp(close: () => Promise<unknown>): void {
  open.push(close);
}

/** For afterAll: ends everything, last things first, also after a failure. */
export async function endEverything(): Promise<void> {
  const failures: unknown[] = [];
  for (const close of open.splice(0).reverse()) {
    await close().catch((error: unknown) => failures.push(error));
  }
  expect(failures).toEqual([]);
}

/** A cell of four processes in a throw-away folder. */
export async function newCell(options: CellOptions = {}): Promise<RunningCell> {
  const cell = await startCell({ logLevel: 'warn', ...options });
  cells.push(cell);
  tidyUp(async () => {
    cells.splice(cells.indexOf(cell), 1);
    await cell.close();
  });
  return cell;
}

export async function newClient(cell: RunningCell, options: ConnectOptions = {}): Promise<Client> {
  const client = await connect(cell.cellPath, { timeoutMs: 120_000, ...options });
  tidyUp(() => client.close());
  return client;
}

/** One replica of a cell. */
export function member(cell: RunningCell, index: number): RunningCell['replicas'][number] {
  const found = cell.replicas[index];
  if (found === undefined) throw new Error(`no replica ${index}`);
  return found;
}

export function addressOf(
  cell: RunningCell,
  index: number,
): { readonly peer: string; readonly client: string; readonly http: string } {
  const key = cell.cell.committee.members[index];
  const found = cell.cell.addresses.find((at) => key?.every((byte, i) => byte === at.key[i]));
  if (found === undefined) throw new Error(`replica ${index} has no address`);
  return found;
}

export async function fetchText(cell: RunningCell, index: number, path: string): Promise<string> {
  const response = await fetch(`${addressOf(cell, index).http}${path}`);
  return response.text();
}

/** What the replica itself says of itself. */
export async function statusOf(cell: RunningCell, index: number): Promise<Status> {
  return JSON.parse(await fetchText(cell, index, '/status')) as Status;
}

/** The sum of a metric over its labels; 0 while it has no value. */
export async function metricOf(cell: RunningCell, index: number, name: string): Promise<number> {
  const lines = (await fetchText(cell, index, '/metrics')).split('\n');
  return lines
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** Asks again until there is an answer; the time-out of the test is the limit. */
export async function until<T>(probe: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Waits until the replica has applied, by its own account, what `others` have by theirs now. */
export async function caughtUp(
  cell: RunningCell,
  index: number,
  others: readonly number[],
): Promise<Status> {
  const theirs = await Promise.all(others.map((other) => statusOf(cell, other)));
  const goal = Math.max(...theirs.map(({ commitIndex }) => commitIndex));
  return until(async () => {
    const own = await statusOf(cell, index);
    return own.commitIndex >= goal && !own.syncing ? own : undefined;
  });
}

/** Whether a process exists. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The code of the error that `work` ends with; undefined when it succeeds. */
export async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (isFattyError(error)) return error.code;
    throw error;
  }
}

/** Clients that write one new file after the other and remember what was acknowledged. */
export class Traffic {
  readonly acked: string[] = [];
  readonly #folder: string;
  readonly #lanes: Promise<void>[] = [];
  readonly #ending: AbortController = new AbortController();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** `lanes` writes of each client are in flight at any time. */
  static async start(clients: readonly Client[], folder: string, lanes = 2): Promise<Traffic> {
    const traffic = new Traffic(folder);
    await clients[0]?.create(folder, { node: 'directory' });
    for (const [c, client] of clients.entries()) {
      for (let lane = 0; lane < lanes; lane++) {
        traffic.#lanes.push(traffic.#run(client, `${c}-${lane}`));
      }
    }
    return traffic;
  }

  async #run(client: Client, lane: string): Promise<void> {
    for (let i = 0; !this.#ending.signal.aborted; i++) {
      const name = `${lane}-${i}`;
      await client.create(`${this.#folder}/${name}`, { content: name });
      this.acked.push(name);
    }
  }

  /** Resolves when so many more writes are acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.acked.length + count;
    const failed = Promise.all(this.#lanes);
    await Promise.race([until(async () => this.acked.length >= goal), failed]);
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#lanes);
  }

  /** Every acknowledged write is there, and nothing that nobody wrote; `besides`: what others put there. */
  async expectAllThere(reader: Client, besides: readonly string[] = []): Promise<void> {
    const entries = await reader.ls(this.#folder, { level: 'linearizable' });
    expect(new Set(entries.map(({ name }) => name))).toEqual(new Set([...this.acked, ...besides]));
  }
}
