// A chaos run: a cell, clients, a schedule, and the judge.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCell } from '@fatty/cli';
import { connect } from '@fatty/client/node';
import { type Call, judge, readHistory } from '@fatty/judge';
import { SeededRng } from '@fatty/testnet';
import { ClientProcess } from './client-process.ts';
import { type Kill, ownPorts, perform, type Stage } from './faults.ts';
import { FOLDER, LOG } from './lanes.ts';
import { readAll } from './last-look.ts';
import { Places } from './places.ts';
import { FaultProxy, viaProxy } from './proxy.ts';
import { type ChaosReport, epochsIn, pausesAfter, tally } from './report.ts';
import { killsOf, type Spell, scheduleOf } from './schedule.ts';
import { HistoryWriter, machineMs } from './writer.ts';

const LIAR_MAIN = fileURLToPath(new URL('../../../apps/cli/dist/liar.js', import.meta.url));
/** How long a client may take to finish what it has begun, ms. */
const END_MS_MAX = 120_000;
/** How long a replica may show no progress at its start, ms. */
const READY_MS_MAX = 120_000;
/** Folder of the histories of a run. */
const HISTORIES = 'histories';
const CLIENTS = 3;
const REPLICAS = 4;

/** What is to happen. */
export interface ChaosOptions {
  readonly seed: number;
  /** Bad spells begin for so long, ms. Not with `kills`. */
  readonly forMs?: number;
  /** Instead: so many times SIGKILL of one replica, each when the one before is in step again. */
  readonly kills?: number;
  /** With `kills`: the victim of every so many never comes back, and another member takes its place. */
  readonly replaceEvery?: number;
  /** One replica lies from the start. Default false. */
  readonly liar?: boolean;
  /** Aborted: no further spell begins; what was heard by then is judged. */
  readonly signal?: AbortSignal;
  /** Told of every spell before it begins. */
  readonly onSpell?: (spell: Spell, count: number) => void;
}

/**
 * Runs a cell of four processes with three client processes through a schedule, and judges what the clients heard.
 * When it has failed, `dir` holds histories and logs; else it is gone.
 * @throws Error when the cell cannot be started
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const dir = mkdtempSync(join(tmpdir(), 'fatty-chaos-'));
  mkdirSync(join(dir, HISTORIES));
  const proxy = await FaultProxy.listen();
  try {
    const report = await runBehind(proxy, dir, options);
    if (report.failures.length === 0) rmSync(dir, { recursive: true, force: true });
    return report;
  } finally {
    await proxy.close();
  }
}

async function runBehind(
  proxy: FaultProxy,
  dir: string,
  options: ChaosOptions,
): Promise<ChaosReport> {
  const cell = await startCell({
    dir: join(dir, 'cell'),
    logLevel: 'warn',
    env: viaProxy(proxy),
    readyMsMax: READY_MS_MAX,
  });
  const rng = new SeededRng(options.seed);
  const clients: ClientProcess[] = [];
  try {
    const liar = options.liar ? rng.below(REPLICAS) : undefined;
    if (liar !== undefined) await cell.replicas[liar]?.restart({ main: LIAR_MAIN });
    await makeFolders(cell.cellPath);
    for (let i = 0; i < CLIENTS; i++) {
      clients.push(newClient(cell.cellPath, dir, proxy, `client-${i}`, rng.nextUint32()));
    }
    const places = new Places(cell);
    return await runOn({ cell, places, proxy, clients }, dir, liar, options);
  } finally {
    await Promise.all(clients.map((one) => one.end(0)));
    await cell.close();
  }
}

function newClient(
  cell: string,
  dir: string,
  proxy: FaultProxy,
  name: string,
  seed: number,
): ClientProcess {
  const env = viaProxy(proxy, name);
  return new ClientProcess({ name, seed, cell, dir: join(dir, HISTORIES), env });
}

async function runOn(
  stage: Stage,
  dir: string,
  liar: number | undefined,
  options: ChaosOptions,
): Promise<ChaosReport> {
  const { cell, proxy, clients } = stage;
  await ownPorts(stage);
  await Promise.all(clients.map((one) => one.ready()));
  const links = await untilLinked(proxy);
  const beganMs = machineMs();
  const { kills, spells, broken } = await performAll(stage, liar, options);
  const tookMs = machineMs() - beganMs;
  const exits = await Promise.all(clients.map((one) => one.end(END_MS_MAX)));
  const ended = clients.map(({ name }, i) => ({ name, exit: exits[i] ?? null }));
  const heard = clients.flatMap(({ history }) => callsIn(history));
  const last = await lastLook(cell.cellPath, join(dir, HISTORIES, 'last-look.jsonl'), heard);
  const calls = [...heard, ...last.calls];
  return tally({
    seed: options.seed,
    dir,
    tookMs,
    spells,
    kills,
    liar,
    pausesMs: pausesAfter(heard, kills),
    epochs: epochsIn(heard, kills),
    calls,
    ended,
    judged: judge(calls),
    links,
    broken: [...broken, ...last.broken],
  });
}

/** Everything that was acknowledged is looked for; what cannot be read is a failure. */
async function lastLook(
  cellPath: string,
  history: string,
  heard: readonly Call[],
): Promise<{ readonly calls: readonly Call[]; readonly broken: readonly string[] }> {
  try {
    await readAll(cellPath, new HistoryWriter(history, 'last-look'), heard);
    const calls = callsIn(history);
    const unread = calls.filter(({ outcome }) => outcome.kind === 'unknown');
    return { calls, broken: unread.map(({ path }) => `${path} cannot be read when all is quiet`) };
  } catch (error) {
    return { calls: [], broken: [`nothing can be read when all is quiet: ${String(error)}`] };
  }
}

/** Every replica with every other, and every client with all. */
const LINKS = (REPLICAS * (REPLICAS - 1)) / 2 + CLIENTS * REPLICAS;

/** Waits until all links are up, through the proxy. Answers how many. */
async function untilLinked(proxy: FaultProxy): Promise<number> {
  for (;;) {
    const links = new Set(proxy.links.map((link) => link.split('>').sort().join('>')));
    if (links.size >= LINKS) return links.size;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function makeFolders(cellPath: string): Promise<void> {
  const client = await connect(cellPath, { timeoutMs: 120_000 });
  for (const path of [FOLDER, LOG]) await client.create(path, { node: 'directory' });
  await client.close();
}

function callsIn(history: string): readonly Call[] {
  const { calls, unreadable } = readHistory(readFileSync(history, 'utf8'));
  const [first] = unreadable;
  if (first !== undefined) throw new Error(`${history}:${first.line}: ${first.code}`);
  return calls;
}

/** What was done to a cell. `broken`: why it went no further. */
interface Performed {
  readonly kills: readonly Kill[];
  readonly spells: readonly Spell[];
  readonly broken: readonly string[];
}

/** Spell after spell. What each drew is done as drawn; how long it takes is the machine's affair. */
async function performAll(
  stage: Stage,
  liar: number | undefined,
  { seed, forMs = 0, kills, replaceEvery, signal, onSpell }: ChaosOptions,
): Promise<Performed> {
  const size = { replicas: REPLICAS, clients: CLIENTS, liar };
  const schedule =
    kills === undefined
      ? scheduleOf(seed, size)
      : killsOf(seed, kills, { replicas: REPLICAS, replaceEvery });
  const endMs = kills === undefined ? machineMs() + forMs : Number.POSITIVE_INFINITY;
  const done: Kill[] = [];
  const spells: Spell[] = [];
  for (const spell of schedule) {
    await new Promise((resolve) => setTimeout(resolve, spell.afterMs));
    if (machineMs() >= endMs || signal?.aborted) break;
    spells.push(spell);
    onSpell?.(spell, spells.length);
    try {
      done.push(...(await perform(stage, spell)));
    } catch (error) {
      stage.proxy.heal();
      return { kills: done, spells, broken: [`${spell.kind} ${spell.victim}: ${String(error)}`] };
    }
  }
  return { kills: done, spells, broken: [] };
}
