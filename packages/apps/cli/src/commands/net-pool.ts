// Worlds of many nets on all cores.
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Counterexample } from '@fatty/testnet';
import { EXIT, ExitError } from '../terminal/io.ts';

/** Some worlds of one net, by seed. */
export interface Share {
  readonly net: string;
  readonly seed: number;
  readonly runs: number;
}

/** What came of a share; the failure is shrunk. */
export interface ShareReport {
  readonly runs: number;
  readonly reached: Readonly<Record<string, number>>;
  readonly simulatedMs: number;
  readonly cpuMs: number;
  readonly violations?: Counterexample['violations'];
  readonly plan?: Counterexample['plan'];
}

/** Runs one share; tests bring their own. */
export type RunShare = (share: Share) => Promise<ShareReport>;

/** So many worlds at a time: few enough that all cores end alike. */
const SHARE_RUNS = 50;

/** The worlds of all nets in shares, all nets alike, no seed twice. */
export function sharesOf(nets: readonly string[], worlds: number, seed: number): readonly Share[] {
  return nets.flatMap((net, at) => {
    const mine = Math.floor(worlds / nets.length) + (at < worlds % nets.length ? 1 : 0);
    return Array.from({ length: Math.ceil(mine / SHARE_RUNS) }, (_, i) => ({
      net,
      seed: seed + i,
      runs: Math.min(SHARE_RUNS, mine - i * SHARE_RUNS),
    }));
  });
}

/** src and dist are equally deep, so both find the built one. */
const WORKER = fileURLToPath(new URL('../../dist/commands/net-worker.js', import.meta.url));

/**
 * There is a worker for each core: a compiler and a collector of their own threads would take CPU from the others,
 * a fifteenth of it.
 */
const ONE_THREAD = ['--single-threaded', '--min-semi-space-size=64', '--max-semi-space-size=64'];

/**
 * A process that runs shares one after another. A new one for each share would load and compile the same code
 * again: of 50 worlds that takes a third of the CPU.
 */
class Worker {
  readonly #process: ChildProcess = fork(WORKER, {
    execArgv: ONE_THREAD,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  readonly #complaints: Buffer[] = [];

  constructor() {
    this.#process.stderr?.on('data', (chunk: Buffer) => void this.#complaints.push(chunk));
  }

  /** @throws ExitError when the process ends without a word */
  run(share: Share): Promise<ShareReport> {
    const worker = this.#process;
    return new Promise((resolve, reject) => {
      const gone = (error?: unknown): void => {
        const said = Buffer.concat(this.#complaints).toString().trim();
        const why = error instanceof Error ? error.message : said || 'said nothing';
        reject(new ExitError(EXIT.refused, `${share.net}, seed ${share.seed}: ${why}`));
      };
      const onClose = (): void => gone();
      worker.once('error', gone);
      worker.once('close', onClose);
      worker.once('message', (report) => {
        worker.off('error', gone);
        worker.off('close', onClose);
        resolve(report as ShareReport);
      });
      worker.send(share, (error) => error && gone(error));
    });
  }

  end(): void {
    if (this.#process.connected) this.#process.disconnect();
  }
}

/** Runs every share, on as many processes as there are cores; none begins after one has failed. */
export async function runShares(
  shares: readonly Share[],
  run?: RunShare,
): Promise<readonly (Share & ShareReport)[]> {
  const waiting = [...shares];
  const done: (Share & ShareReport)[] = [];
  const work = async (): Promise<void> => {
    const worker = run === undefined ? new Worker() : { run, end: () => undefined };
    try {
      for (let share = waiting.shift(); share !== undefined; share = waiting.shift()) {
        const report = await worker.run(share);
        done.push({ ...share, ...report });
        if (report.plan !== undefined) waiting.length = 0;
      }
    } finally {
      worker.end();
    }
  };
  const workers = Math.min(availableParallelism(), shares.length);
  await Promise.all(Array.from({ length: workers }, work));
  return done;
}
