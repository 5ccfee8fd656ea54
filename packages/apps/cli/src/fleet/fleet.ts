// The demo of a fleet: a cell, coordinators, workers, faults; and what must hold in the end.
import { createCairoVerifier, idOfProgram } from '@fatty/cairo';
import { type Client, connect } from '@fatty/client/node';
import { startCell } from '../cell/cell.ts';
import { untilToldToStop } from '../cell/ending.ts';
import { EXIT, ExitError } from '../terminal/io.ts';
import { type Audited, auditJob } from './audit.ts';
import type { Board, Row } from './board.ts';
import { Hand } from './crew.ts';
import { sleep } from './duty.ts';
import { countsOf, type Fact, factsOf, type Heard, type Story } from './facts.ts';
import {
  FLEET,
  IS_OVER,
  LEAD,
  MASTER,
  type PlannedJob,
  PROGRAMS,
  planJobs,
  QUEUE,
} from './graph.ts';
import type { Role, Told } from './messages.ts';

/** What the demo is told. */
export interface FleetOptions {
  readonly jobs: number;
  /** Of these one stalls, one lies and one is killed. */
  readonly workers: number;
  readonly board: Board;
  /** When it is aborted nobody watches any more. */
  readonly outputFailed: AbortSignal;
}

/** Of the workers these come first. */
const BAD: readonly Role[] = ['staller', 'liar', 'victim'];
/** Of a claim: a proof takes a part of it, also on a busy computer. */
const CLAIM_MS = 15_000;
const MASTER_PERIOD_MS = 12_000;
/** The coordinator is killed when this share of the jobs is done. */
const KILL_SHARE = 0.25;
const LOOK_MS = 250;
/** Many times what it takes: only what hangs is given up. */
const PATIENCE_MS = 600_000;
const TIMEOUT_MS = 120_000;

/** Runs the demo to its end, whatever that is; answers the exit code. */
export async function fleet(options: FleetOptions): Promise<number> {
  const { board, outputFailed } = options;
  const unwatched = new Promise<string>((resolve) => {
    outputFailed.addEventListener('abort', () => resolve('nobody watches'), { once: true });
  });
  const told = Promise.race([untilToldToStop(), unwatched]);
  const cell = await startCell({ logLevel: 'warn', stop: told });
  const pids = cell.replicas.map(({ process: { pid } }) => pid);
  board.event('cell', { kind: 'up', processes: pids.join(' ') });
  const stopped = told.then((why) => {
    throw new ExitError(EXIT.refused, `stopped: ${why}`);
  });
  try {
    await using client = closing(await connect(cell.cellPath, { timeoutMs: TIMEOUT_MS }));
    await using show = new Show(options, cell.cellPath, client.client);
    return await Promise.race([show.run(), stopped]);
  } finally {
    await cell.close();
  }
}

function closing(client: Client): AsyncDisposable & { readonly client: Client } {
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

/** One run of the demo in a cell that is up. */
class Show implements AsyncDisposable {
  readonly #options: FleetOptions;
  readonly #cellPath: string;
  readonly #client: Client;
  readonly #jobs: readonly PlannedJob[];
  readonly #hands: Hand[] = [];
  readonly #heard: Heard[] = [];
  #killed: Hand | undefined;
  #fault: Error | undefined;

  constructor(options: FleetOptions, cellPath: string, client: Client) {
    this.#options = options;
    this.#cellPath = cellPath;
    this.#client = client;
    this.#jobs = planJobs(options.jobs, CLAIM_MS);
  }

  async run(): Promise<number> {
    await this.#prepare();
    this.#start();
    await this.#untilDone();
    const foundMaster = await this.#findMaster();
    const audited = await this.#audit();
    const killedCoordinator = this.#killed;
    const story = {
      hands: this.#hands,
      heard: this.#heard,
      audited,
      killedCoordinator,
      foundMaster,
    };
    return this.#conclude(story);
  }

  async #prepare(): Promise<void> {
    await this.#client.create(FLEET, { node: 'directory' });
    await this.#client.create(QUEUE, { node: 'directory' });
    await this.#client.create(LEAD, { mode: 'guarded' });
    const programId = idOfProgram(PROGRAMS.tick.program, 'plain');
    const periodMs = MASTER_PERIOD_MS;
    await this.#client.machine(MASTER).declare({ programId, t: 0n, s: 1n, periodMs });
  }

  #start(): void {
    this.#hire('coordinator-1', 'coordinator');
    this.#hire('coordinator-2', 'coordinator');
    for (const [i, role] of BAD.entries()) this.#hire(`worker-${i + 1}`, role);
    this.#tellStarted(this.#hands);
  }

  /** Not before the bad ones have something to be bad at: on a busy computer they may be late. */
  #startHonest(): void {
    if (this.#hands.some(({ orders }) => orders.role === 'honest')) return;
    const has = (role: Role, kind: Told['kind']): boolean =>
      this.#heard.some(({ hand, told }) => hand.orders.role === role && told.kind === kind);
    if (!has('staller', 'silent') || !has('victim', 'claimed') || !has('liar', 'up')) return;
    const { workers } = this.#options;
    for (let i = BAD.length; i < workers; i++) this.#hire(`worker-${i + 1}`, 'honest');
    this.#tellStarted(this.#hands.filter(({ orders }) => orders.role === 'honest'));
  }

  #tellStarted(hands: readonly Hand[]): void {
    const processes = hands.map(({ pid }) => pid).join(' ');
    this.#options.board.event('fleet', { kind: 'started', processes });
  }

  #hire(name: string, role: Role): void {
    const { jobs } = this.#options;
    const orders = { role, cellPath: this.#cellPath, jobs, leaseMs: CLAIM_MS };
    const told = (hand: Hand, what: Told): void => this.#hear(hand, what);
    const ended = (hand: Hand, why: string): void => {
      this.#fault ??= new Error(`${hand.name} ended: ${why}`);
    };
    this.#hands.push(new Hand(name, orders, { told, ended }));
  }

  #hear(hand: Hand, told: Told): void {
    this.#heard.push({ hand, told });
    if (told.kind !== 'up') this.#options.board.event(hand.name, told);
    if (told.kind === 'claimed' && hand.orders.role === 'victim') void this.#kill(hand);
  }

  async #kill(hand: Hand): Promise<void> {
    this.#options.board.event(hand.name, { kind: 'kill -9' });
    await hand.kill();
  }

  // ── until all jobs are over ────────────────────────────────────────────────

  async #untilDone(): Promise<void> {
    await this.#until('all jobs are over', async () => {
      const tally: Record<string, number> = {};
      let [over, there] = [0, 0];
      for await (const { status } of this.#client.job(QUEUE).list()) {
        tally[status] = (tally[status] ?? 0) + 1;
        there++;
        if (IS_OVER.has(status)) over++;
      }
      const total = this.#jobs.length;
      this.#options.board.draw(this.#rows(), { ...tally, 'not declared': total - there });
      this.#startHonest();
      if (over >= KILL_SHARE * total) this.#killLeader();
      const isDone = over === total && this.#liarIsDone() && this.#killed !== undefined;
      return isDone ? true : undefined;
    });
  }

  /** Who leads, once it is known as master, too. */
  #killLeader(): void {
    if (this.#killed !== undefined) return;
    const master = this.#heard.findLast(({ told }) => told.kind === 'master')?.hand;
    const leader = this.#heard.findLast(({ told }) => told.kind === 'leads')?.hand;
    if (leader === undefined || leader !== master) return;
    this.#killed = leader;
    void this.#kill(leader);
  }

  #liarIsDone(): boolean {
    const last = this.#heard.findLast(({ hand }) => hand.orders.role === 'liar')?.told;
    return (
      last?.kind === 'believed' || (last?.kind === 'refused' && last.lie.includes('other inputs'))
    );
  }

  async #until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const endMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = await look();
      if (this.#fault !== undefined) throw this.#fault;
      if (found !== undefined) return found;
      if (performance.now() > endMs) throw new Error(`not in ${PATIENCE_MS} ms: ${what}`);
      await sleep(LOOK_MS);
    }
  }

  #rows(): readonly Row[] {
    return this.#hands.map((hand) => {
      const own = this.#heard.filter((one) => one.hand === hand).map(({ told }) => told);
      const done = own.filter((told) => told.kind === 'proved' && told.done).length;
      const { kind = 'starting', ...rest } = own.at(-1) ?? {};
      const where = 'path' in rest ? ` ${rest.path}` : '';
      const doing = hand.alive ? `${kind}${where}` : 'killed';
      return { process: hand.name, role: hand.orders.role, doing, done };
    });
  }

  // ── the end ────────────────────────────────────────────────────────────────

  /** As anybody finds the master: the machine shows its address, and it answers there. */
  async #findMaster(): Promise<boolean> {
    return this.#until('the master is found', async () => {
      const { address } = await this.#client.machine(MASTER).stat();
      const answer = address === '' ? undefined : await ask(address);
      const token = (await this.#client.get(LEAD)).text();
      if (answer === undefined || answer.token !== token) return undefined;
      this.#options.board.event('master', { kind: 'answers', at: address, token });
      return true;
    });
  }

  async #audit(): Promise<readonly Audited[]> {
    const verifier = await createCairoVerifier();
    const audited: Audited[] = [];
    for (const job of this.#jobs) audited.push(await auditJob(this.#client, job, verifier));
    return audited;
  }

  #conclude(story: Story): number {
    const { board } = this.#options;
    const facts = factsOf(story);
    for (const fact of facts) board.say(lineOf(fact), { fact: fact.what, holds: fact.holds });
    const counts = countsOf(story);
    const { refused, ...numbers } = counts;
    const reasons = Object.entries(refused).map(([code, count]) => `${code} ${count}`);
    const seconds = Number(board.seconds.toFixed(1));
    const holds = facts.every((fact) => fact.holds);
    board.say(
      `${numbers.jobs} jobs done, ${numbers.proofs} proofs verified, in ${seconds} s. ` +
        `Claims: ${numbers.claims}, lost ${numbers.claimsLost}, retries ${numbers.retries}. ` +
        `Wrong proofs refused: ${reasons.join(', ')}. Leaders: ${numbers.leaders}.`,
      { ...counts, seconds, holds },
    );
    return holds ? EXIT.done : EXIT.refused;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#hands.map((hand) => hand.kill()));
  }
}

const lineOf = ({ what, holds }: Fact): string => `${holds ? 'holds ' : 'FAILED'}  ${what}`;

/** What the coordinator at this address says of itself; undefined when nobody answers. */
async function ask(address: string): Promise<{ readonly token?: unknown } | undefined> {
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return (await response.json()) as { readonly token?: unknown };
  } catch {
    return undefined;
  }
}
