// The jobs of the fleet: a small graph, and what each of them must come to.
import { readFileSync } from 'node:fs';
import { INBOX_START, inboxChain, type JobStatus } from '@fatty/api';
import {
  type Assembled,
  assemble,
  idOfProgram,
  LEASE_CELLS,
  type Run,
  runProgram,
} from '@fatty/cairo';
import type { DeclareJobOptions } from '@fatty/client/node';

/** Where the fleet stands in its cell. */
export const FLEET = '/fleet';
/** The queue. */
export const QUEUE: string = `${FLEET}/jobs`;
/** The lock whose holder coordinates, and under whose generation it declares. */
export const LEAD: string = `${FLEET}/lead`;
/** The machine that the coordinator takes by proof, and at which it publishes its address. */
export const MASTER: string = `${FLEET}/master`;

/** Statuses of a job that has ended. */
export const IS_OVER: ReadonlySet<string> = new Set<JobStatus>([
  'done',
  'given_up',
  'expired',
  'cancelled',
  'input_lost',
]);

/** A program of the fleet, and the form of its statement. */
export interface FleetProgram {
  readonly program: Assembled;
  /** Inputs that one proof takes in. */
  readonly window: number;
  readonly outputs: number;
}

const T_TO = 4;
const S_TO = 5;
const STEPS_MAX = 4_096;

function load(name: string, window: number, outputs: number): FleetProgram {
  const file = import.meta.resolve(`@fatty/cairo/machines/${name}.casm`);
  const program = assemble(readFileSync(new URL(file), 'utf8'));
  if (program.ok) return { program: program.value, window, outputs };
  throw new Error(`${name}.casm: ${program.failure.code}`);
}

/** `tick` counts and squares, `till` sums its inputs. */
export const PROGRAMS: Readonly<Record<'tick' | 'till', FleetProgram>> = {
  tick: load('tick', 0, 0),
  till: load('till', 4, 2),
};

/** One proof's part of a job: n steps from (t, s), with the next inputs. */
export interface Part {
  readonly binding: bigint;
  readonly t: bigint;
  readonly s: bigint;
  readonly n: bigint;
  /** Hash chain of the inputs that earlier parts took in. */
  readonly in: bigint;
  /** At most a window of them. */
  readonly entries: readonly bigint[];
}

/** The cells in which a part takes its inputs in, and the chain behind them. */
function intakeOf({ window }: FleetProgram, { in: chain, entries }: Part) {
  if (window === 0) return { cells: [], chain };
  const next = entries.reduce(inboxChain, chain);
  const empty = Array.from({ length: window - entries.length }, () => 0n);
  return { cells: [next, ...entries, ...empty], chain: next };
}

/** Runs one part. @throws Error with the code of `runProgram` */
export function runPart(one: FleetProgram, part: Part): Run {
  const { cells } = intakeOf(one, part);
  const outcome = runProgram(one.program, {
    inputs: [part.binding, part.t, part.s, part.n, undefined, undefined, ...cells],
    statementCells: LEASE_CELLS + cells.length + one.outputs,
    stepsMax: STEPS_MAX,
    provable: true,
  });
  if (outcome.ok) return outcome.value;
  throw new Error(`the program does not run: ${outcome.failure.code}`);
}

/** What a job ends with. */
export interface JobResult {
  readonly s: bigint;
  readonly outputs: readonly bigint[];
}

/** A job of the graph. */
export interface PlannedJob {
  readonly name: string;
  readonly path: string;
  readonly kind: keyof typeof PROGRAMS;
  /** What it is declared with; the fence is its coordinator's. */
  readonly terms: DeclareJobOptions & Required<Pick<DeclareJobOptions, 's' | 'steps' | 'span'>>;
  /** Its inputs as numbers. */
  readonly values: readonly bigint[];
  /** By running its program here, without cell, worker or proof. */
  readonly result: JobResult;
}

/** Runs a job's program directly, from its first state to its last. */
function runDirectly(
  one: FleetProgram,
  { s: start, steps, span }: Pick<PlannedJob['terms'], 's' | 'steps' | 'span'>,
  values: readonly bigint[],
): JobResult {
  let [t, s, taken, chain] = [0n, start, 0, INBOX_START];
  let outputs: readonly bigint[] = [];
  while (t < steps) {
    const n = steps - t < span ? steps - t : span;
    const entries = values.slice(taken, taken + one.window);
    const part = { binding: 0n, t, s, n, in: chain, entries };
    const { cells } = runPart(one, part);
    t = cells[T_TO] ?? 0n;
    s = cells[S_TO] ?? 0n;
    taken += entries.length;
    chain = intakeOf(one, part).chain;
    outputs = one.outputs === 0 ? [] : cells.slice(-one.outputs);
  }
  return { s, outputs };
}

/** Of so many jobs this share has no inputs. */
const LEAVES = 0.4;
/** Different workers that may fail a job: more than there are bad ones. */
const GIVE_UP_AFTER = 8;

/**
 * A graph of `count` jobs. The first ones run `tick` from states of their own; each later one sums
 * the results of two before it and a number, and every fourth takes two proofs. The same for the
 * same count.
 */
export function planJobs(count: number, leaseMs: number): readonly PlannedJob[] {
  const leaves = Math.ceil(LEAVES * count);
  const jobs: PlannedJob[] = [];
  for (let i = 0; i < count; i++)
    jobs.push(i < leaves ? leaf(i, leaseMs) : inner(i, jobs, leaseMs));
  return jobs;
}

const nameOf = (i: number): string => `job-${String(i).padStart(3, '0')}`;

function planned(
  i: number,
  kind: PlannedJob['kind'],
  terms: Omit<PlannedJob['terms'], 'programId'>,
  values: readonly bigint[],
): PlannedJob {
  const one = PROGRAMS[kind];
  const { window, outputs } = one;
  const name = nameOf(i);
  const programId = idOfProgram(one.program, 'plain');
  const all = { ...terms, programId, window, outputs, giveUpAfter: GIVE_UP_AFTER };
  const result = runDirectly(one, terms, values);
  return { name, path: `${QUEUE}/${name}`, kind, terms: all, values, result };
}

function leaf(i: number, leaseMs: number): PlannedJob {
  const steps = i % 4 === 3 ? 20n : 10n;
  return planned(i, 'tick', { s: BigInt(i + 1), steps, span: 10n, leaseMs }, []);
}

function inner(i: number, before: readonly PlannedJob[], leaseMs: number): PlannedJob {
  const sources = [Math.floor(i / 2), Math.floor(i / 3)].flatMap((at) => before[at] ?? []);
  const own = Array.from({ length: i % 4 === 3 ? 4 : 1 }, (_, k) => BigInt(100 * i + k + 1));
  const inputs = [...sources.map(({ path }) => ({ path })), ...own];
  const values = [...sources.map(({ result }) => result.s), ...own];
  const steps = values.length > PROGRAMS.till.window ? 2n : 1n;
  return planned(i, 'till', { s: 0n, steps, span: 1n, inputs, leaseMs }, values);
}
