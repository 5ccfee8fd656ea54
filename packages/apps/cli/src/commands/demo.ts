// `fatty demo`: shows that end by themselves.
import { Board } from '../fleet/board.ts';
import { fleet } from '../fleet/fleet.ts';
import { EXIT, ExitError, wholeNumber } from '../terminal/io.ts';
import { formatOf } from '../terminal/output.ts';
import { type Register, withFormat } from './command.ts';

interface DemoFlags {
  readonly jobs?: string;
  readonly workers?: string;
  readonly protocol?: string;
  readonly output?: string;
}

/** One that stalls, one that lies, one that is killed, and one that works. */
const WORKERS_MIN = 4;
const WORKERS_MAX = 32;
/** So many leave the faults something to happen to. */
const JOBS_MIN = 8;
const JOBS_MAX = 200;

/** demo fleet, demo liar. */
export const registerDemo: Register = ({ cli, io, run }) => {
  withFormat(
    cli.command(
      'demo <what>',
      'fleet: a cell, coordinators and workers with every fault; checks all of it. liar: one lie, told to Raft, Paxos and Fatty in the simulator',
    ),
  )
    .option('--jobs <n>', `fleet: ${JOBS_MIN} to ${JOBS_MAX}, default 40`)
    .option(
      '--workers <n>',
      `fleet: ${WORKERS_MIN} to ${WORKERS_MAX}, default 6; three of them are bad`,
    )
    .option('--protocol <name>', 'liar: raft, paxos or fatty; default: one after the other')
    .action(
      run(async (what: string, flags: DemoFlags) => {
        if (what === 'liar') {
          const { demoLiar } = await import('./demo-liar.ts');
          return demoLiar(flags.protocol, formatOf(flags.output), io);
        }
        const jobs = wholeNumber('--jobs', flags.jobs ?? 40, { min: JOBS_MIN, max: JOBS_MAX });
        const range = { min: WORKERS_MIN, max: WORKERS_MAX };
        const workers = wholeNumber('--workers', flags.workers ?? 6, range);
        const board = new Board(io, formatOf(flags.output), process.stdout.isTTY === true);
        if (what === 'fleet') return fleet({ jobs, workers, board, outputFailed: io.outputFailed });
        throw new ExitError(EXIT.usage, `demo: expected fleet or liar, got ${what}`);
      }),
    );
};
