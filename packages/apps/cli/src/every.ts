// Every command of `fatty`, at once: for help, completion, and whoever looks for a name.
import type { CAC } from 'cac';
import { makeCli } from './cli.ts';
import { registerAcl } from './commands/acl.ts';
import { registerBackup } from './commands/backup.ts';
import { registerBench } from './commands/bench.ts';
import { registerCairo } from './commands/cairo.ts';
import { registerCell } from './commands/cell.ts';
import { registerCert } from './commands/cert.ts';
import { registerChart } from './commands/chart.ts';
import type { Register } from './commands/command.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerConsole } from './commands/console.ts';
import { registerContext } from './commands/context.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerElect } from './commands/elect.ts';
import { registerEvidence } from './commands/evidence.ts';
import { registerExplain } from './commands/explain.ts';
import { registerFiles } from './commands/files.ts';
import { registerJob } from './commands/job.ts';
import { registerKey } from './commands/key.ts';
import { registerLock } from './commands/lock.ts';
import { registerMachine } from './commands/machine.ts';
import { registerMember } from './commands/member.ts';
import { registerNet } from './commands/net.ts';
import { registerOp } from './commands/op.ts';
import { registerProof } from './commands/proof.ts';
import { registerSession } from './commands/session.ts';
import { registerStatus } from './commands/status.ts';
import { registerTop } from './commands/top.ts';
import { registerTour } from './commands/tour.ts';
import { registerTxn } from './commands/txn.ts';
import { registerWait } from './commands/wait.ts';
import { registerWatch } from './commands/watch.ts';
import type { Io } from './terminal/io.ts';

/** In the order of a list of them. */
export const EVERY: readonly Register[] = [
  registerCell,
  registerBackup,
  registerMember,
  registerFiles,
  registerAcl,
  registerKey,
  registerTxn,
  registerLock,
  registerElect,
  registerMachine,
  registerJob,
  registerOp,
  registerSession,
  registerCert,
  registerProof,
  registerCairo,
  registerChart,
  registerNet,
  registerExplain,
  registerTour,
  registerDemo,
  registerStatus,
  registerTop,
  registerEvidence,
  registerConsole,
  registerDoctor,
  registerBench,
  registerWait,
  registerWatch,
  registerContext,
  registerCompletion,
];

/** Every command, each of which tells `started` what it comes to. */
export function commandsOn(io: Io, started: (done: Promise<number>) => void): CAC {
  return makeCli(io, started, EVERY);
}
