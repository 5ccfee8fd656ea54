// The program of a process that runs one share of worlds after another, for whoever started it.
import { NAMED_NETS } from './named-nets.ts';
import type { Share, ShareReport } from './net-pool.ts';
import { measureNet, prepareProcess } from './net-share.ts';

prepareProcess();

function reportOf({ net: name, seed, runs }: Share): ShareReport {
  const net = NAMED_NETS[name];
  if (net === undefined) throw new RangeError(`no net ${name}`);
  const { report, cpuMs } = measureNet(net, seed, runs);
  const { reached, simulatedMs, failure } = report;
  const told = { runs: report.runs, reached, simulatedMs, cpuMs };
  return failure ? { ...told, violations: failure.violations, plan: failure.plan } : told;
}

process.on('message', (share: Share) => void process.send?.(reportOf(share)));
