// Worlds of many nets on all cores.
import { spawn } from 'node:child_process';
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

/** What `fatty net` prints as JSON, as far as it is read again. */
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

/** So many worlds at a time: a process takes a second to start. */
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
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Runs `fatty net` in a process of its own. @throws ExitError when that says nothing */
export function inProcess({ net, seed, runs }: Share): Promise<ShareReport> {
  const args = [MAIN, 'net', net, '--seed', `${seed}`, '--runs', `${runs}`, '-o', 'json'];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const said: Buffer[] = [];
    const complaints: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => void said.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => void complaints.push(chunk));
    child.once('error', reject);
    child.once('close', () => {
      try {
        resolve(JSON.parse(Buffer.concat(said).toString()) as ShareReport);
      } catch {
        const why = Buffer.concat(complaints).toString().trim();
        reject(new ExitError(EXIT.refused, `${net}, seed ${seed}: ${why || 'said nothing'}`));
      }
    });
  });
}

/** Runs every share, on as many processes as there are cores; none begins after one has failed. */
export async function runShares(
  shares: readonly Share[],
  run: RunShare = inProcess,
): Promise<readonly (Share & ShareReport)[]> {
  const waiting = [...shares];
  const done: (Share & ShareReport)[] = [];
  const work = async (): Promise<void> => {
    for (let share = waiting.shift(); share !== undefined; share = waiting.shift()) {
      const report = await run(share);
      done.push({ ...share, ...report });
      if (report.plan !== undefined) waiting.length = 0;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return done;
}
