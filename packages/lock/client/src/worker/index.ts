// The entry of workers: they run a program, prove the runs, and keep a lease.

/// <reference lib="esnext.disposable" preserve="true" />
export { type CommandProverOptions, commandProver } from './command-prover.ts';
export { Pacing, type PacingOptions } from './pacing.ts';
export { type ProverPoolOptions, proverPool } from './prover-pool.ts';
export {
  type JobEvent,
  type JobsEnd,
  type JobWorkerClient,
  type RunJobsOptions,
  runJobs,
  type WorkerJob,
} from './run-jobs.ts';
export { runMachine } from './run-machine.ts';
export type * from './types.ts';
