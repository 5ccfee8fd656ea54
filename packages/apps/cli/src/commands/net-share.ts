// Worlds of one net, run and measured.
import { setFlagsFromString } from 'node:v8';
import { nodeScheme } from '@fatty/codec/node';
import { type AnyNet, type NetReport, runNet, useRealScheme } from '@fatty/testnet';

/** What one world leaves warm, the next one runs: compiling early is worth it. */
const COMPILE_EARLY = ['--always-sparkplug', '--no-lazy-feedback-allocation'];

/** Makes this process run worlds as fast as it can. */
export function prepareProcess(): void {
  // The platform's hash and signatures: the same answers, sooner.
  useRealScheme(nodeScheme());
  for (const flag of COMPILE_EARLY) setFlagsFromString(flag);
}

/** A report, and the CPU of this process that it took. */
export interface Measured {
  readonly report: NetReport;
  readonly cpuMs: number;
}

/** Runs so many worlds; `onFailure` is told of the first that fails, before shrinking begins. */
export function measureNet(
  net: AnyNet,
  seed: number,
  runs: number,
  onFailure?: () => void,
): Measured {
  const before = process.cpuUsage();
  const report = runNet(net, { seed, runs, ...(onFailure && { onFailure }) });
  const { user, system } = process.cpuUsage(before);
  return { report, cpuMs: Math.round((user + system) / 1e3) };
}
